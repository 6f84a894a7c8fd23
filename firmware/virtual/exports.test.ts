/** The core as the virtual board runs it: its exports, against a port that only writes down what it is asked. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileCore } from '../index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NOT_FOUND = -1;
const WIFI_UP = 2;
const SERIAL = 1;

let wasm: Uint8Array;
beforeAll(async () => {
  ({ wasm } = await compileCore({
    cacheDir: `${root}/node_modules/.cache/tincan`,
    defines: { TC_FIRMWARE_VERSION: '1.2.3', TC_BOARD_ID: 'virtual', TC_BOARD_ECHO: 1 },
  }));
});

/** Boots the core; settings by their key in storage. */
async function boot(settings: Record<string, string>) {
  const asked: string[] = [];
  let serial = '';
  const bytes = (at: number, length: number) => Buffer.from(memory().buffer, at, length);
  const text = (at: number) => {
    const all = new Uint8Array(memory().buffer, at);
    return Buffer.from(all.subarray(0, all.indexOf(0))).toString();
  };
  const port: Record<string, (...args: number[]) => number> = {
    tc_port_image_hash: (out = 0) => bytes(out, 65).write(`${'ab'.repeat(32)}\0`),
    tc_port_mac: (out = 0) => bytes(out, 6).fill(7).length,
    tc_port_reset_reason: () => 2,
    tc_port_serial_write: (at = 0, length = 0) => {
      serial += bytes(at, length).toString();
      return length;
    },
    tc_port_kv_read: (key = 0, _type = 0, out = 0, capacity = 0) => {
      const value = settings[text(key)];
      if (value === undefined) return NOT_FOUND;
      return bytes(out, capacity).write(value);
    },
  };
  const imports = Object.fromEntries(
    WebAssembly.Module.imports(await WebAssembly.compile(new Uint8Array(wasm))).map(({ name }) => [
      name,
      (...args: number[]) => {
        asked.push(name);
        return port[name]?.(...args) ?? 0;
      },
    ]),
  );
  const { instance } = await WebAssembly.instantiate(new Uint8Array(wasm), { env: imports });
  const memory = () => instance.exports.memory as WebAssembly.Memory;
  const call = (name: string, ...args: number[]) =>
    (instance.exports[name] as (...args: number[]) => number)(...args);
  call('_initialize');
  call('tc_virtual_init', 1000);
  return {
    asked,
    call,
    serial: () => serial,
    post(kind: number, data: string) {
      const buffer = call('tc_virtual_buffer');
      const length = bytes(buffer, call('tc_virtual_buffer_size')).write(data);
      return call('tc_virtual_post', kind, 0, 0, 0, length);
    },
    pcm: () => new Int16Array(memory().buffer, call('tc_virtual_pcm'), 320),
  };
}

describe('the core in WebAssembly', () => {
  it('says hello with what the build put in', async () => {
    const core = await boot({});
    expect(core.call('tc_virtual_step', 1000)).toBeLessThanOrEqual(1000);
    expect(core.serial()).toMatch(/^\x1e\{"jsonrpc":"2.0","method":"hello","params":\{"board":"virtual"/);
    expect(core.serial()).toContain('"firmware":"1.2.3"');
    expect(core.serial()).toContain(`"image":"${'ab'.repeat(32)}","mac":"07:07:07:07:07:07","reset":"pin"`);
    expect(core.serial()).toContain('"state":"unprovisioned"');
  });
  it('takes events from the buffer', async () => {
    const core = await boot({ wifi_ssid: 'home', srv_token: 'ek_1' });
    core.call('tc_virtual_step', 1000);
    expect(core.asked).toContain('tc_port_wifi_join');
    expect(core.post(WIFI_UP, '10.0.0.9')).toBe(0);
    expect(core.post(SERIAL, 'noise')).toBe(0);
    core.call('tc_virtual_step', 1010);
    expect(core.serial()).toContain('"state":"ready","reason":"wifi_up","detail":"10.0.0.9"');
  });
  it('gives silence and takes sound and RTP while there is no session', async () => {
    const core = await boot({});
    core.pcm().fill(1234);
    core.call('tc_virtual_audio_in', 1000);
    core.call('tc_virtual_rtp', 1, 12, 1000);
    core.call('tc_virtual_audio_out');
    expect(new Set(core.pcm())).toEqual(new Set([0]));
    expect(core.asked).not.toContain('tc_port_peer_send_audio');
  });
});
