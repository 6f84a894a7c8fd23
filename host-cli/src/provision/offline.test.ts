import { buildNvsImage, readNvs, settingsFromNvs } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { openLine } from '../serial/line.ts';
import { flashedBoard } from '../testing/hello-app.ts';
import { editSettings, provisionOffline, settingsImage } from './offline.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

const SIZE = 0x6000;
const settings = (image: Uint8Array) => settingsFromNvs(readNvs(image).entries).values;
const blank = () => new Uint8Array(SIZE).fill(0xff);

test('an image holds the settings that are given, and no others', () => {
  const values = {
    'wifi.ssid': 'home',
    'audio.volume': 40,
    'tools.enabled': false,
    'turn.detection': 'none',
  };
  const image = settingsImage({ ...values, 'session.voice': null }, SIZE);
  expect(image.length).toBe(SIZE);
  expect(settings(image)).toEqual(values);
});

test('editing keeps what is not ours and what is not named, and takes settings back', () => {
  const before = buildNvsImage(
    [
      { namespace: 'nvs.net80211', key: 'sta.ssid', type: 'blob', value: Uint8Array.of(1, 2, 3) },
      { namespace: 'tincan', key: 'wifi_ssid', type: 'string', value: 'old' },
      { namespace: 'tincan', key: 'volume', type: 'u8', value: 12 },
      { namespace: 'tincan', key: 'voice', type: 'string', value: 'cedar' },
      { namespace: 'tincan', key: 'journal', type: 'blob', value: Uint8Array.of(9) },
    ],
    { size: SIZE },
  );
  const copy = before.slice();
  const after = editSettings(before, { 'wifi.ssid': 'new', 'session.voice': null });
  expect(before).toEqual(copy);
  const { entries } = readNvs(after);
  expect(entries.map(({ namespace, key }) => `${namespace}/${key}`).sort()).toEqual([
    'nvs.net80211/sta.ssid',
    'tincan/volume',
    'tincan/wifi_ssid',
  ]);
  expect(settings(after)).toEqual({ 'wifi.ssid': 'new', 'audio.volume': 12 });
});

test('a value that NVS does not take is an error without the value', () => {
  for (const write of [
    () => settingsImage({ 'wifi.password': 'SSSS\0SSSS' }, SIZE),
    () => editSettings(blank(), { 'wifi.password': 'SSSS\0SSSS' }),
  ]) {
    let error: unknown;
    try {
      write();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'NVS_FAILED', exitCode: 5 });
    expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('SSSS');
  }
});

test('settings go into the partition of a board through its loader, and it starts again', async () => {
  const { board } = await flashedBoard();
  close.push(() => board.close());
  board.flash.program(
    0x9000,
    buildNvsImage([{ namespace: 'other', key: 'k', type: 'u8', value: 7 }], { size: SIZE }),
  );
  const line = await openLine(board.port);
  close.push(() => line.close());
  const { partition } = await provisionOffline({ line, values: { 'wifi.ssid': 'home' } });
  expect(partition).toMatchObject({ name: 'nvs', offset: 0x9000, size: SIZE });
  const { entries } = readNvs(board.flash.read(0x9000, SIZE));
  expect(entries).toContainEqual({ namespace: 'other', key: 'k', type: 'u8', value: 7 });
  expect(settings(board.flash.read(0x9000, SIZE))).toEqual({ 'wifi.ssid': 'home' });
  await expect.poll(() => board.state).toBe('app');
});

test('a board without a partition table is told to be flashed first', async () => {
  const { board } = await flashedBoard();
  close.push(() => board.close());
  board.flash.erase(0x8000, 0x1000);
  const line = await openLine(board.port);
  close.push(() => line.close());
  await expect(provisionOffline({ line, values: { 'wifi.ssid': 'home' } })).rejects.toMatchObject({
    code: 'NVS_NONE',
    hint: expect.stringContaining('tincan flash'),
  });
});
