import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  buildNvsImage,
  decryptNvs,
  generateNvsKeys,
  type NvsEntry,
  readNvs,
  settingsFromNvs,
} from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { createFlasher } from '../flash/engine.ts';
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
      { namespace: 'tincan', key: 'journal', type: 'blob', value: Uint8Array.of(9) }, // not whole
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

/** A journal as firmware/core/settings_journal.c builds it: an SSID, a volume, and a voice taken back. */
function journal(): Uint8Array {
  const entry = (key: string, type: number, value: Uint8Array) =>
    Buffer.concat([Buffer.from([key.length]), Buffer.from(key), Buffer.from([type, value.length, 0]), value]);
  const body = Buffer.concat([
    Buffer.from([1, 3]),
    entry('wifi_ssid', 0x21, Buffer.from('committed')),
    entry('volume', 1, Buffer.from([33])),
    entry('voice', 0, Buffer.alloc(0)),
  ]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body));
  return Buffer.concat([body, sum]);
}

test('a commit that a power cut left half done is ended first, as the firmware would', () => {
  const before = buildNvsImage(
    [
      { namespace: 'tincan', key: 'wifi_ssid', type: 'string', value: 'old' },
      { namespace: 'tincan', key: 'voice', type: 'string', value: 'cedar' },
      { namespace: 'tincan', key: 'journal', type: 'blob', value: journal() },
    ],
    { size: SIZE },
  );
  const after = editSettings(before, { 'tools.enabled': false });
  expect(settings(after)).toEqual({ 'wifi.ssid': 'committed', 'audio.volume': 33, 'tools.enabled': false });
  expect(readNvs(after).entries.some(({ key }) => key === 'journal')).toBe(false);
});

test('an encrypted partition is edited with its keys, and left alone without them', () => {
  const keys = generateNvsKeys();
  const other: NvsEntry = {
    namespace: 'other',
    key: 'blob',
    type: 'blob',
    value: new Uint8Array(5000).fill(0xff),
  };
  const before = settingsImage({ 'wifi.ssid': 'old' }, SIZE, { entries: [other], keys });
  expect(settings(before)).toEqual({});
  const after = editSettings(before, { 'wifi.ssid': 'new' }, { keys });
  const { entries, problems } = readNvs(decryptNvs(after, keys));
  expect(problems).toEqual([]);
  expect(entries).toContainEqual(other);
  expect(settings(decryptNvs(after, keys))).toEqual({ 'wifi.ssid': 'new' });
  for (const wrong of [undefined, generateNvsKeys()])
    expect(() => editSettings(before, { 'wifi.ssid': 'new' }, { keys: wrong })).toThrow(
      expect.objectContaining({ code: 'NVS_ENCRYPTED', exitCode: 5 }),
    );
  const plain = settingsImage({ 'wifi.ssid': 'old' }, SIZE);
  expect(() => editSettings(plain, {}, { keys })).toThrow(expect.objectContaining({ code: 'NVS_ENCRYPTED' }));
});

test('where a write stopped after erasing, the next run still knows what was there', async () => {
  const { board } = await flashedBoard();
  close.push(() => board.close());
  const env = { XDG_CONFIG_HOME: mkdtempSync(join(tmpdir(), 'tincan-rescue-')) };
  close.push(() => rmSync(env.XDG_CONFIG_HOME, { recursive: true }));
  const other: NvsEntry = { namespace: 'other', key: 'k', type: 'u8', value: 7 };
  board.flash.program(0x9000, buildNvsImage([other], { size: SIZE }));
  const line = await openLine(board.port);
  close.push(() => line.close());
  const half = (on: typeof line, options: { baud?: number }) => {
    const flasher = createFlasher(on, options);
    flasher.write = async () => {
      board.flash.erase(0x9000, 0x1000);
      throw new Error('the power is gone');
    };
    return flasher;
  };
  const values = { 'wifi.ssid': 'home' };
  await expect(provisionOffline({ line, values, env, createFlasher: half })).rejects.toThrow('power');
  const [file] = readdirSync(join(env.XDG_CONFIG_HOME, 'tincan/rescue'));
  expect(statSync(join(env.XDG_CONFIG_HOME, 'tincan/rescue', file!)).mode & 0o777).toBe(0o600);
  await provisionOffline({ line, values, env });
  expect(readNvs(board.flash.read(0x9000, SIZE)).entries).toContainEqual(other);
  expect(settings(board.flash.read(0x9000, SIZE))).toEqual(values);
  expect(readdirSync(join(env.XDG_CONFIG_HOME, 'tincan/rescue'))).toEqual([]);
});
