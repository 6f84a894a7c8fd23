/** Updates of a running board: over the link, from the gateway, refused ones, failed trials, and power cuts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, startGateway, type Update, updateDevice, updateFromUrl } from '@tincan/host-cli';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { appImage, FIRMWARE, startTestBoard, type TestBoard } from './support/board.ts';

let newer: Update;
let folder: string;
let board: TestBoard | undefined;
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined;

const NEW = '0.1.0-test';
const NEWEST = '0.2.0-test';
const OLD = '0.0.0-rc.1';

async function make(version: string): Promise<Update> {
  const data = await appImage(version);
  const image = Buffer.from(data.subarray(32 + 144, 32 + 176)).toString('hex');
  return { name: version, data, version, project: 'tincan-virtual', image };
}

beforeAll(async () => {
  newer = await make(NEW);
});
afterEach(async () => {
  await board?.close();
  await gateway?.close();
  board = gateway = undefined;
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function readyBoard(options: Parameters<typeof startTestBoard>[0] = {}): Promise<TestBoard> {
  board = await startTestBoard(options);
  await board.state('ready');
  return board;
}

test('over the link: the new application starts on trial, joins, and stays over a reset', async () => {
  const { device, board: virtual, until, messages, text } = await readyBoard();
  const stages: string[] = [];
  const hello = await updateDevice(device, newer, { onStage: (stage) => stages.push(stage) });
  expect(hello).toMatchObject({ firmware: NEW, image: newer.image });
  expect(stages).toEqual(['restarting', 'trial']);
  expect(text.join('\n')).toContain('this image has proven itself, and stays');
  const from = messages.length;
  virtual.chip.pressReset();
  const again = await until(({ method, params }) => (method === 'hello' ? params : undefined), 'hello', from);
  expect(again).toMatchObject({ firmware: NEW });
  expect(again).not.toHaveProperty('trial');
});

test('a second update goes into the first slot again, and an image that runs already is not sent', async () => {
  const { device } = await readyBoard();
  await updateDevice(device, newer);
  const bytes: number[] = [];
  await updateDevice(device, newer, { onProgress: (done) => bytes.push(done) });
  expect(bytes).toEqual([]);
  const third = await make(NEWEST);
  expect(await updateDevice(device, third)).toMatchObject({ firmware: NEWEST });
});

test('what would mislead is refused, and the board runs on', async () => {
  const { device } = await readyBoard();
  const { data } = newer;
  const other = { ...newer, project: 'tincan-virtual', data: renamed(data, 'tincan-esp-box-3') };
  await expect(updateDevice(device, other)).rejects.toMatchObject({ code: 'DEVICE_OTA_IMAGE' });
  await expect(updateDevice(device, { ...newer, project: 'tincan-esp-box-3' })).rejects.toMatchObject({
    code: 'IMAGE_OTHER_BOARD',
  });
  const older = await make(OLD);
  await expect(updateDevice(device, older)).rejects.toMatchObject({
    code: 'DEVICE_OTA_DOWNGRADE',
    hint: expect.stringContaining('--downgrade'),
  });
  const broken = Uint8Array.from(data);
  broken[data.length - 40]! ^= 1;
  await expect(updateDevice(device, { ...newer, data: broken })).rejects.toMatchObject({
    code: 'DEVICE_OTA_IMAGE',
    hint: expect.stringContaining('verify'),
  });
  expect(await device.hello()).toMatchObject({ firmware: FIRMWARE });
  expect(await updateDevice(device, older, { downgrade: true })).toMatchObject({ firmware: OLD });
});

/** The same image with another project in its descriptor. */
function renamed(data: Uint8Array, project: string): Uint8Array {
  const out = Uint8Array.from(data);
  out.fill(0, 80, 112).set(new TextEncoder().encode(project), 80);
  return out;
}

describe('from the gateway', () => {
  async function serve(options: Partial<Parameters<typeof startGateway>[0]> = {}): Promise<string> {
    folder = mkdtempSync(join(tmpdir(), 'tincan-ota-'));
    mkdirSync(join(folder, 'virtual'));
    writeFileSync(join(folder, 'virtual', 'tincan.bin'), newer.data);
    gateway = await startGateway({ mode: 'echo', ota: folder, ...options });
    return `${gateway.url}/ota/virtual/tincan.bin`;
  }

  test('over HTTP the device gets it by itself', async () => {
    const url = await serve();
    const { device } = await readyBoard();
    const totals = new Set<number>();
    const hello = await updateFromUrl(device, url, { onProgress: (_, total) => totals.add(total) });
    expect(hello).toMatchObject({ firmware: NEW });
    expect(totals).toContain(newer.data.length);
  });

  test('over HTTPS the pin of its server is taken, and another key refused', async () => {
    const { key, cert, pin } = await makeCertificate();
    const url = await serve({ tls: { key, cert } });
    const { device } = await readyBoard({
      settings: { 'server.url': gateway!.callsUrl, 'server.pin': pin },
    });
    await expect(updateFromUrl(device, url, { pin: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'OTA_FAILED',
      message: expect.stringContaining('certificate'),
    });
    expect(await updateFromUrl(device, url)).toMatchObject({ firmware: NEW });
  });

  test('what is not there is said, and nothing else of the folder is served', async () => {
    const url = await serve();
    writeFileSync(join(folder, 'virtual', 'secret.txt'), 'x');
    const { device } = await readyBoard();
    await expect(updateFromUrl(device, url.replace('virtual', 'other'))).rejects.toMatchObject({
      code: 'OTA_FAILED',
      message: expect.stringContaining('no image'),
    });
    for (const path of ['/ota/virtual/secret.txt', '/ota/../virtual/tincan.bin', '/ota/..%2f/tincan.bin'])
      expect((await fetch(gateway!.url + path)).status, path).toBe(404);
    expect((await fetch(url)).headers.get('content-length')).toBe(String(newer.data.length));
  });
});

test('an image that does not come up in time is given up for the former one', async () => {
  const { device, board: virtual, until, messages } = await readyBoard();
  const { chip } = virtual;
  // It is reset before it has joined: the boot loader counts that as a failure.
  let starts = 0;
  const unwatch = chip.onEvent((event) => {
    if (event.type === 'app' && ++starts === 1) chip.pressReset();
  });
  const from = messages.length;
  await expect(updateDevice(device, newer)).rejects.toMatchObject({ code: 'OTA_ROLLED_BACK' });
  unwatch();
  expect(
    await until(({ method, params }) => (method === 'hello' ? params : undefined), 'hello', from),
  ).toMatchObject({ firmware: FIRMWARE });
});
