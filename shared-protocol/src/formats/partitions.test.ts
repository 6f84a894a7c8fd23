import { expect, test } from 'vitest';
import {
  buildPartitionTable,
  checkPartitions,
  findPartition,
  otaSlots,
  type Partition,
  PartitionError,
  parsePartitionCsv,
  parsePartitionTable,
  partitionKind,
} from './partitions.ts';
import { damage, dice, golden, randomBytes } from './testing.ts';

const CSV = Buffer.from(golden('partitions.csv')).toString();
const NVS: Partition = { name: 'nvs', type: 1, subtype: 2, offset: 0x9000, size: 0x6000 };
const APP: Partition = { name: 'factory', type: 0, subtype: 0, offset: 0x10000, size: 0x100000 };

test("equals the table of Espressif's generator", () => {
  expect(buildPartitionTable(parsePartitionCsv(CSV))).toEqual(golden('partitions.bin'));
});

test('reads the table back', () => {
  const { entries, problems } = parsePartitionTable(golden('partitions.bin'), { flashSize: 0x800000 });
  expect(problems).toEqual([]);
  expect(entries).toEqual(parsePartitionCsv(CSV));
  expect(entries.map(partitionKind)).toEqual([
    'data/nvs',
    'data/ota',
    'data/phy',
    'data/nvs_keys',
    'app/ota_0',
    'app/ota_1',
    'data/coredump',
  ]);
  expect(otaSlots(entries).map(({ offset }) => offset)).toEqual([0x20000, 0x320000]);
  expect(findPartition(entries, 'data', 2)?.offset).toBe(0x9000);
  expect(findPartition(entries, 'app', 0)).toBeUndefined();
});

test('fills in offsets, sizes with K and M, flags, and negative sizes', () => {
  const csv =
    '# comment\nnvs, data, nvs, , 24K\nphy,data,phy,,0x1000\nfactory,app,factory,,1M,\nrest,data,fat,,-8M,encrypted:readonly\n';
  expect(parsePartitionCsv(csv)).toEqual([
    { name: 'nvs', type: 1, subtype: 2, offset: 0x9000, size: 0x6000 },
    { name: 'phy', type: 1, subtype: 1, offset: 0xf000, size: 0x1000 },
    { name: 'factory', type: 0, subtype: 0, offset: 0x10000, size: 0x100000 },
    {
      name: 'rest',
      type: 1,
      subtype: 0x81,
      offset: 0x110000,
      size: 0x6f0000,
      encrypted: true,
      readonly: true,
    },
  ]);
});

test.each([
  [
    'x, what, nvs, , 4K',
    'line 1 of the partition table: "what" is no type; use app, data, or a number up to 255',
  ],
  ['x, data, what, , 4K', 'line 1 of the partition table: "what" is no subtype of data'],
  ['x, app, , , 4K', 'line 1 of the partition table: "" is no subtype of app'],
  [
    '\nx, data, nvs, 0x8000, 4K',
    'line 2 of the partition table: "x" begins at 0x8000, but the space before it ends at 0x9000',
  ],
  ['x, data, nvs, 0x9000, ', 'line 1 of the partition table: "" is no size'],
  [
    'x, data, nvs, 0x9000, 4K, secret',
    'line 1 of the partition table: "secret" is no flag; use encrypted or readonly',
  ],
])('says what is wrong with %j', (csv, message) => {
  expect(() => parsePartitionCsv(csv)).toThrow(new PartitionError('csv', message));
});

test('finds overlap, misalignment, a wrong size, and the end of the flash', () => {
  const codes = (entries: Partition[], flash?: number) =>
    checkPartitions(entries, flash).map(({ code }) => code);
  expect(codes([NVS, APP], 0x110000)).toEqual([]);
  expect(codes([NVS, { ...APP, offset: 0xe000 }])).toEqual(['align', 'overlap']);
  expect(codes([NVS, { ...APP, offset: 0x18000 }])).toEqual(['align']);
  expect(codes([NVS, { ...APP, size: 0x100001 }])).toEqual(['align']);
  expect(codes([NVS, APP], 0x100000)).toEqual(['flash']);
  expect(codes([NVS, { ...NVS, offset: 0x20000 }])).toEqual(['name']);
  expect(codes([{ ...NVS, size: 0x2000 }])).toEqual(['size']);
  expect(codes([{ ...NVS, subtype: 0, size: 0x1000 }])).toEqual(['size']);
  expect(codes([{ ...NVS, offset: 0x8000 }])).toEqual(['overlap']);
  expect(codes([{ ...NVS, name: 'seventeen letters' }])).toEqual(['name']);
  expect(() => buildPartitionTable([{ ...APP, offset: 0x18000 }])).toThrow(PartitionError);
});

test('finds a broken table', () => {
  const table = golden('partitions.bin');
  const codes = (bytes: Uint8Array) => parsePartitionTable(bytes).problems.map(({ code }) => code);
  const renamed = table.slice();
  renamed[12]! ^= 1;
  expect(codes(renamed)).toEqual(['md5']);
  const magic = table.slice();
  magic[32] = 0;
  expect(codes(magic)).toEqual(['magic']);
  expect(codes(new Uint8Array(0xc00).fill(0xff))).toEqual(['empty']);
  expect(codes(new Uint8Array(0xc00))).toEqual(['magic']);
  expect(codes(table.subarray(0, 7 * 32))).toEqual(['end']);
  expect(codes(new Uint8Array())).toEqual(['end']);
});

test('a table of the largest size goes there and back; one more does not fit', () => {
  const many = Array.from({ length: 94 }, (_, i) => ({
    name: `p${i}`,
    type: 0x40,
    subtype: i,
    offset: 0x9000 + i * 0x1000,
    size: 0x1000,
  }));
  expect(parsePartitionTable(buildPartitionTable(many))).toEqual({ entries: many, problems: [] });
  const last = { name: 'last', type: 0x40, subtype: 200, offset: 0x90000, size: 0x1000 };
  expect(() => buildPartitionTable([...many, last])).toThrow(
    'a table has room for 94 partitions, here are 95',
  );
});

test('takes any bytes without an exception', () => {
  const roll = dice(21);
  const table = golden('partitions.bin');
  for (let i = 0; i < 2000; i++) {
    parsePartitionTable(i % 2 ? damage(table, roll) : randomBytes(roll, roll(200)), { flashSize: 0x800000 });
  }
  for (let i = 0; i < 2000; i++) {
    try {
      parsePartitionCsv(Buffer.from(damage(golden('partitions.csv'), roll)).toString());
    } catch (error) {
      expect(error).toBeInstanceOf(PartitionError);
    }
  }
});
