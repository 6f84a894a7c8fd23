/** Provisioning a running board tells how joining the network ended. */
import { applyAndJoin } from '@tincan/host-cli';
import { afterEach, expect, test } from 'vitest';
import { PASSWORD, SSID, startTestBoard, type TestBoard, TOKEN } from './support/board.ts';

let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  board = undefined;
});

async function blankBoard(): Promise<TestBoard> {
  board = await startTestBoard({ settings: null });
  await board.until(({ method }) => method === 'hello' || undefined, 'hello');
  return board;
}

const network = (password: string) => ({
  'wifi.ssid': SSID,
  'wifi.password': password,
  'server.token': TOKEN,
});

test('a wrong password is reported as that, and the right one afterwards joins', async () => {
  const { device } = await blankBoard();
  const wrong = applyAndJoin(device, network('not the password'));
  await expect(wrong).rejects.toMatchObject({ code: 'WIFI_PASSWORD', exitCode: 5 });
  await expect(wrong).rejects.not.toThrow('not the password');
  const { answer, joined } = await applyAndJoin(device, { 'wifi.password': PASSWORD });
  expect(answer).toMatchObject({ changed: ['wifi.password'], effect: 'wifi' });
  expect(joined).toMatchObject({ state: 'ready', reason: 'wifi_up' });
});

test('a network that is not there is reported as that', async () => {
  const { device } = await blankBoard();
  const elsewhere = { ...network(PASSWORD), 'wifi.ssid': 'elsewhere' };
  await expect(applyAndJoin(device, elsewhere)).rejects.toMatchObject({ code: 'WIFI_NOT_FOUND' });
});

test('nothing is waited for while something is missing, or where the network stays as it is', async () => {
  const { device } = await blankBoard();
  expect(
    (await applyAndJoin(device, { 'wifi.ssid': SSID, 'wifi.password': PASSWORD })).joined,
  ).toBeUndefined();
  expect((await applyAndJoin(device, { 'server.token': TOKEN })).answer.effect).not.toBe('none');
  expect((await applyAndJoin(device, { 'audio.volume': 30 })).joined).toBeUndefined();
});
