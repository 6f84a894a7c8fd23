import { expect, test } from 'vitest';
import {
  buildOtaData,
  chooseOtaSlot,
  initialOtaData,
  OtaDataError,
  type OtaRecord,
  parseOtaData,
  selectOtaSlot,
  stateAtBoot,
} from './otadata.ts';
import { dice, randomBytes } from './testing.ts';

const record = (sequence: number, state: OtaRecord['state'] = 'valid'): OtaRecord => ({ sequence, state });

test('a new board has two blank sectors, and nothing is chosen', () => {
  const bytes = initialOtaData();
  expect(bytes.length).toBe(0x2000);
  expect(bytes.every((byte) => byte === 0xff)).toBe(true);
  expect(parseOtaData(bytes)).toEqual({ data: [undefined, undefined], blank: true });
  expect(selectOtaSlot([undefined, undefined], 2)).toBeUndefined();
});

test('a record is laid out as ESP-IDF reads it', () => {
  const bytes = buildOtaData([record(1, 'undefined'), undefined]);
  // esp_rom_crc32_le(UINT32_MAX, {1, 0, 0, 0}) is 0x4743989a: what `otatool.py switch_ota_partition --slot 0` writes.
  expect(Buffer.from(bytes.subarray(0, 32)).toString('hex')).toBe(`01000000${'ff'.repeat(24)}9a984347`);
});

test('goes there and back', () => {
  for (const state of ['new', 'pending', 'valid', 'invalid', 'aborted', 'undefined'] as const) {
    const data: [OtaRecord, undefined] = [record(7, state), undefined];
    expect(parseOtaData(buildOtaData(data))).toEqual({ data, blank: false });
  }
});

test('the larger sequence wins, and what was rolled back never boots', () => {
  expect(selectOtaSlot([record(3), record(2)], 2)).toMatchObject({ slot: 0, sector: 0 });
  expect(selectOtaSlot([record(3), record(4)], 2)).toMatchObject({ slot: 1, sector: 1 });
  expect(selectOtaSlot([record(3), record(4, 'aborted')], 2)).toMatchObject({ slot: 0, sector: 0 });
  expect(selectOtaSlot([record(3, 'invalid'), record(4, 'aborted')], 2)).toBeUndefined();
  expect(selectOtaSlot([record(6), undefined], 4)).toMatchObject({ slot: 1 });
  expect(selectOtaSlot([record(6), undefined], 0)).toBeUndefined();
});

test('a broken record does not count', () => {
  const bytes = buildOtaData([record(1), record(2)]);
  bytes[0x1000]! ^= 8;
  expect(parseOtaData(bytes).data).toEqual([record(1), undefined]);
  expect(parseOtaData(bytes.subarray(0, 20)).data).toEqual([undefined, undefined]);
});

test('a new app is pending at its first boot and aborted at the next, unless confirmed', () => {
  expect(stateAtBoot('new')).toBe('pending');
  expect(stateAtBoot('pending')).toBe('aborted');
  expect(stateAtBoot('valid')).toBeUndefined();
  expect(stateAtBoot('undefined')).toBeUndefined();
});

test('choosing a slot writes the other sector, and then that slot boots', () => {
  for (const slots of [1, 2, 3]) {
    let data = parseOtaData(initialOtaData()).data;
    const roll = dice(slots);
    for (let i = 0; i < 50; i++) {
      const slot = roll(slots);
      const before = selectOtaSlot(data, slots);
      const choice = chooseOtaSlot(data, slot, slots);
      expect(choice.sector).not.toBe(before?.sector);
      data = [...data];
      data[choice.sector] = choice.record;
      expect(selectOtaSlot(data, slots)).toEqual({ slot, ...choice });
    }
  }
  expect(() => chooseOtaSlot([undefined, undefined], 2, 2)).toThrow(OtaDataError);
});

test('takes any bytes without an exception', () => {
  const roll = dice(9);
  for (let i = 0; i < 500; i++) selectOtaSlot(parseOtaData(randomBytes(roll, roll(0x1100))).data, roll(17));
});
