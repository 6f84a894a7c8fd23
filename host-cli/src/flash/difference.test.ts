import { expect, test } from 'vitest';
import { differingRuns, md5Of, SECTOR, split } from './difference.ts';

const BASE = 0x20000;
const image = (length: number) => new Uint8Array(length).map((_, i) => (i * 31) ^ (i >> 8) ^ (i >> 16));

/** A flash that answers MD5s and counts them. */
function flash(contents: Uint8Array) {
  const asked: number[] = [];
  const ask = async (offset: number, length: number) => {
    asked.push(length);
    return md5Of(contents.subarray(offset - BASE, offset - BASE + length));
  };
  return { asked, ask };
}

test('the same image is one question', async () => {
  const data = image(1_500_000);
  const { asked, ask } = flash(data);
  expect(await differingRuns(data, BASE, ask)).toEqual([]);
  expect(asked).toEqual([1_500_000]);
});

test('one changed string is found as its sector, with few questions and little reading', async () => {
  const data = image(1_500_000);
  const old = data.slice();
  old[700_001]! ^= 1;
  const { asked, ask } = flash(old);
  const sector = Math.floor(700_001 / SECTOR) * SECTOR;
  expect(await differingRuns(data, BASE, ask)).toEqual([{ start: sector, end: sector + SECTOR }]);
  expect(asked.length).toBeLessThan(40);
  expect(asked.reduce((sum, length) => sum + length, 0)).toBeLessThan(3.2e6);
});

test('changes at both ends and at a border of two blocks: the last sector ends with the file', async () => {
  const data = image(300_123);
  const old = data.slice();
  for (const at of [0, 0xffff, 0x10000, 300_122]) old[at]! ^= 0x80;
  const { ask } = flash(old);
  expect(await differingRuns(data, BASE, ask)).toEqual([
    { start: 0, end: 0x1000 },
    { start: 0xf000, end: 0x11000 },
    { start: Math.floor(300_122 / SECTOR) * SECTOR, end: 300_123 },
  ]);
});

test('a flash that holds something else is not searched sector by sector', async () => {
  const data = image(1_500_000);
  const { asked, ask } = flash(new Uint8Array(1_500_000).fill(0xff));
  expect(await differingRuns(data, BASE, ask)).toEqual([{ start: 0, end: data.length }]);
  expect(asked.length).toBe(4);
});

test('a half written image goes on where it ended', async () => {
  const data = image(1_000_000);
  const old = data.slice();
  old.fill(0xff, 600_000);
  const { ask } = flash(old);
  const [run, ...more] = await differingRuns(data, BASE, ask);
  expect(more).toEqual([]);
  expect(run).toEqual({ start: Math.floor(600_000 / SECTOR) * SECTOR, end: data.length });
});

test('pieces have their borders at multiples of their size', () => {
  expect(split({ start: 0x3000, end: 0x21000 }, 0x10000)).toEqual([
    { start: 0x3000, end: 0x10000 },
    { start: 0x10000, end: 0x20000 },
    { start: 0x20000, end: 0x21000 },
  ]);
});
