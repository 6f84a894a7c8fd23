/** The unmodified SDK of Improv, which browsers and Home Assistant use, against the virtual board. */
import { fileURLToPath } from 'node:url';
import type { SerialLine } from '@tincan/host-cli';
import { build } from 'esbuild';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { PASSWORD, SSID, startTestBoard, type TestBoard } from './support/board.ts';

interface Improv {
  initialize(
    timeout?: number,
  ): Promise<{ firmware: string; version: string; name: string; chipFamily: string }>;
  scan(): Promise<{ name: string; rssi: number; secured: boolean }[]>;
  provision(ssid: string, password: string, timeout?: number): Promise<void>;
  requestCurrentState(): Promise<void>;
  requestNetworkState(): Promise<{ online: boolean; supportsWifi: boolean }>;
  setDeviceName(name: string): Promise<string>;
  close(): Promise<void>;
  state?: number;
  nextUrl?: string;
}
type Sdk = { ImprovSerial: new (port: unknown, logger: unknown) => Improv };

const PROVISIONED = 4;
const GUARD_MS = 45_000;
let sdk: Sdk;
let board: TestBoard | undefined;
let improv: Improv | undefined;

beforeAll(async () => {
  // Its modules import each other without extensions, which Node does not resolve.
  const { outputFiles } = await build({
    stdin: {
      contents: "export { ImprovSerial } from 'improv-wifi-serial-sdk/dist/serial.js';",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  sdk = (await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`
  )) as Sdk;
});
afterEach(async () => {
  await improv?.close();
  await board?.close();
  board = improv = undefined;
});

/** A Web Serial port, as far as the SDK looks at one. */
function portOf(line: SerialLine) {
  let stop = () => {};
  return {
    readable: new ReadableStream<Uint8Array>({
      start(controller) {
        stop = line.onData((bytes) => controller.enqueue(bytes));
      },
      cancel: () => stop(),
    }),
    writable: new WritableStream<Uint8Array>({ write: (bytes) => line.write(bytes) }),
  };
}

async function connect(options: Parameters<typeof startTestBoard>[0]): Promise<TestBoard> {
  board = await startTestBoard(options);
  await board.until(({ method }) => method === 'hello' || undefined, 'hello');
  const silent = { log() {}, error() {}, debug() {} };
  improv = new sdk.ImprovSerial(portOf(board.line), silent);
  return board;
}

test('a blank board tells who it is, finds networks, refuses a wrong password, and joins', async () => {
  const { app, wire } = await connect({ settings: null });
  const info = await improv!.initialize(GUARD_MS);
  expect(info).toMatchObject({
    firmware: 'Tincan',
    version: '0.0.0-test',
    chipFamily: 'ESP32-S3',
    name: 'tincan',
  });
  expect(await improv!.scan()).toEqual([{ name: SSID, rssi: -50, secured: true }]);
  await expect(improv!.provision(SSID, 'not the password', GUARD_MS)).rejects.toBe('UNABLE_TO_CONNECT');
  await improv!.provision(SSID, PASSWORD, GUARD_MS);
  expect(improv).toMatchObject({ state: PROVISIONED, nextUrl: undefined });
  expect(await improv!.requestNetworkState()).toMatchObject({ online: true, supportsWifi: true });
  expect(await improv!.setDeviceName('Küche')).toBe('Küche');
  expect(app.stats().proven).toBe(true);
  expect(wire().includes(PASSWORD)).toBe(false);
});

test('a board that runs takes another network beside frames and logs', async () => {
  const { device, state, messages } = await connect({});
  await state('ready');
  expect(await improv!.initialize(GUARD_MS)).toMatchObject({ firmware: 'Tincan' });
  expect(improv).toMatchObject({ state: PROVISIONED });
  const from = messages.length;
  const [hello] = await Promise.all([device.hello(), improv!.provision(SSID, PASSWORD, GUARD_MS)]);
  expect(hello.board).toBe('virtual');
  expect(await state('ready', from)).toMatchObject({ reason: 'wifi_up' });
  expect(device).toMatchObject({ lost: 0, broken: 0 });
  const { frames_broken: broken } = (
    await device.request<{ link: { frames_broken: number } }>('device.stats')
  ).link;
  expect(broken).toBe(0);
});
