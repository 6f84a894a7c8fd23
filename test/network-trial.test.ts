/**
 * A new network on trial, on the virtual board with the real core: kept once it was joined; after a wrong password or a
 * power cut the former settings are there, in force and in the flash.
 */
import { NorFlash } from '@tincan/boards';
import { fingerprintOf } from '@tincan/host-cli';
import type { CommitAnswer, SettingsAnswer, StateChange } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { PASSWORD, SSID, startTestBoard, type TestBoard } from './support/board.ts';

let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  board = undefined;
});

async function readyBoard(flash?: NorFlash): Promise<TestBoard> {
  board = await startTestBoard(flash ? { flash } : {});
  await board.state('ready');
  return board;
}

async function tryNetwork({ device, messages }: TestBoard, values: object): Promise<number> {
  await device.request('settings.set', { values });
  const from = messages.length;
  const answer = await device.request<CommitAnswer>('settings.commit', { trial: true });
  expect(answer).toMatchObject({ effect: 'wifi', trial: true });
  return from;
}

/** The network, the volume, and whether the password is this one. */
async function held({ device }: TestBoard, password: string) {
  const names = ['wifi.ssid', 'wifi.password', 'audio.volume'];
  const { values } = await device.request<SettingsAnswer>('settings.get', { names });
  const secret = values['wifi.password'] as { salt: string; fingerprint: string };
  return {
    ssid: values['wifi.ssid'],
    volume: values['audio.volume'],
    password: secret.fingerprint === fingerprintOf(secret.salt, password),
  };
}

const copyOf = ({ board: { flash } }: TestBoard) => NorFlash.inMemory(flash.size, flash.read(0, flash.size));
const FORMER = { ssid: SSID, volume: 70, password: true };

test('a wrong password is told, and the former network is joined with the former settings', async () => {
  const first = await readyBoard();
  const before = copyOf(first).read(0, first.board.flash.size);
  const from = await tryNetwork(first, { 'wifi.password': 'not the password', 'audio.volume': 30 });
  const failed = await first.until(
    ({ method, params }) =>
      method === 'state' && params.reason === 'wifi_password'
        ? (params as unknown as StateChange)
        : undefined,
    'the refusal',
    from,
  );
  expect(failed).toMatchObject({ state: 'joining', detail: SSID });
  expect(await first.state('ready', from)).toMatchObject({ reason: 'wifi_up' });
  expect(await held(first, PASSWORD)).toEqual(FORMER);
  expect(Buffer.compare(first.board.flash.read(0, before.length), before)).toBe(0);
  expect(first.wire().includes('not the password')).toBe(false);
});

test('a network that is not there is told, too', async () => {
  const first = await readyBoard();
  const from = await tryNetwork(first, { 'wifi.ssid': 'elsewhere' });
  await first.until(({ params }) => params.reason === 'wifi_not_found' || undefined, 'not found', from);
  await first.state('ready', from);
  expect(await held(first, PASSWORD)).toEqual(FORMER);
});

test('settings that pass are kept over the next start', async () => {
  const first = await readyBoard();
  const from = await tryNetwork(first, {
    'wifi2.ssid': SSID,
    'wifi2.password': PASSWORD,
    'audio.volume': 30,
  });
  await first.state('ready', from);
  const flash = copyOf(first);
  await first.close();
  expect(await held(await readyBoard(flash), PASSWORD)).toEqual({ ...FORMER, volume: 30 });
});

test('a power cut during the trial leaves the former settings', async () => {
  const first = await readyBoard();
  await tryNetwork(first, { 'wifi.ssid': 'elsewhere', 'audio.volume': 30 });
  first.board.chip.powerOff();
  const flash = copyOf(first);
  await first.close();
  expect(await held(await readyBoard(flash), PASSWORD)).toEqual(FORMER);
});
