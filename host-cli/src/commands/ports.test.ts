import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock, passTime } from '@tincan/boards';
import { expect, test } from 'vitest';
import { createOutput } from '../output.ts';
import { type PortInfo, rememberName } from '../serial/ports.ts';
import { ports } from './ports.ts';

const native = (path: string, serial: string): PortInfo => ({
  path,
  usb: { vid: '303a', pid: '1001', serial },
  name: 'USB-Serial-JTAG',
});

function world(json: boolean) {
  const stop = new AbortController();
  const said = { out: '', err: '' };
  const write = (to: 'out' | 'err') => ({
    write: (text: string) => {
      said[to] += text;
    },
  });
  const out = createOutput(json, { out: write('out'), err: write('err'), env: {}, now: () => 0 });
  const env = { XDG_CONFIG_HOME: mkdtempSync(join(tmpdir(), 'tincan-')) };
  rememberName({ mac: '24:58:7C:00:00:02', name: 'kitchen' }, env);
  return { stop, said, context: { out, signal: stop.signal, env } };
}

/** A board is unplugged after a second, another one comes in under its name after two. */
async function watched(json: boolean): Promise<string> {
  const { stop, said, context } = world(json);
  const clock = manualClock();
  const find = async () => {
    if (clock.now() > 3000) stop.abort();
    if (clock.now() > 1200 && clock.now() < 1700) throw new Error('busy');
    const there = clock.now() < 1000 ? [native('/dev/ttyACM0', '24587C000001')] : [];
    return { ports: clock.now() >= 2000 ? [native('/dev/ttyACM0', '24587C000002')] : there };
  };
  await passTime(clock, ports(context, { watch: true }, { find, clock }));
  return said.out;
}

test('--watch says what is there, what goes, and what comes, until Ctrl-C', async () => {
  expect(await watched(false)).toBe(
    '  /dev/ttyACM0  USB-Serial-JTAG, 24:58:7c:00:00:01\n' +
      '- /dev/ttyACM0  USB-Serial-JTAG, 24:58:7c:00:00:01\n' +
      '+ /dev/ttyACM0  kitchen, USB-Serial-JTAG, 24:58:7c:00:00:02\n',
  );
});

test('--watch with --json is one line for each', async () => {
  const lines = (await watched(true)).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'there', port: { path: '/dev/ttyACM0', mac: '24:58:7c:00:00:01' } },
    { event: 'disappeared', port: { mac: '24:58:7c:00:00:01' } },
    { event: 'appeared', port: { mac: '24:58:7c:00:00:02', board: 'kitchen' } },
  ]);
});

test('a machine without udevadm says so, and lists what it has', async () => {
  const { said, context } = world(false);
  const find = async () => ({
    ports: [native('/dev/ttyACM0', '24587C000002')],
    note: 'udevadm is missing here.',
  });
  await ports(context, {}, { find });
  expect(said.err).toBe('udevadm is missing here.\n');
  expect(said.out).toBe('/dev/ttyACM0  USB-Serial-JTAG  24:58:7c:00:00:02  kitchen\n');
});
