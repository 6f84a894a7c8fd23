import { expect, test } from 'vitest';
import {
  dataBody,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  ROM_OP,
  romChecksum,
  romErrorText,
  romOpName,
  SYNC_DATA,
  words,
} from './rom.ts';

test('encodes SYNC as Espressif documents it', () => {
  const frame = encodeRequest(ROM_OP.sync, SYNC_DATA);
  expect(Buffer.from(frame).toString('hex')).toBe(`0008240000000000${'07071220'}${'55'.repeat(32)}`);
});

test('a data packet carries the checksum of the bytes behind its header', () => {
  const frame = encodeRequest(ROM_OP.flashData, dataBody(3, Uint8Array.of(1, 2, 4)));
  expect(decodeRequest(frame)).toEqual({
    op: ROM_OP.flashData,
    checksum: 0xef ^ 7,
    data: Uint8Array.of(3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4),
  });
  expect(romChecksum(new Uint8Array())).toBe(0xef);
});

test('requests and responses are told apart, and a wrong size is no message', () => {
  const response = encodeResponse(ROM_OP.readReg, 0xfffffffe, Uint8Array.of(0, 0, 0, 0));
  expect(decodeResponse(response)).toEqual({
    op: ROM_OP.readReg,
    value: 0xfffffffe,
    data: new Uint8Array(4),
  });
  expect(decodeRequest(response)).toBeUndefined();
  expect(decodeResponse(response.subarray(0, 11))).toBeUndefined();
  expect(decodeResponse(response.subarray(0, 7))).toBeUndefined();
});

test('words are little-endian', () => {
  expect([...words(1, 0xffffffff, -2)]).toEqual([1, 0, 0, 0, 255, 255, 255, 255, 254, 255, 255, 255]);
});

test('names operations and errors', () => {
  expect(romOpName(0x13)).toBe('spiFlashMd5');
  expect(romOpName(0x77)).toBeUndefined();
  expect(romErrorText(0x07)).toBe('the checksum does not match');
  expect(romErrorText(0xc900)).toBe('more data came than was announced');
  expect(romErrorText(0x1234)).toBe('error 1234');
});
