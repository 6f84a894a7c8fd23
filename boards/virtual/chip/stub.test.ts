import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { encodeRequest, REG, ROM_OP, STUB_ERROR, SYNC_DATA, words } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { dataBodyOf, noise, Rig } from './testing.ts';

const md5 = (bytes: Uint8Array) => new Uint8Array(createHash('md5').update(bytes).digest());
/** The status: two bytes, big-endian. */
const status = ({ data }: { data: Uint8Array }) => (data.at(-2)! << 8) | data.at(-1)!;

function writeDeflated(rig: Rig, offset: number, bytes: Uint8Array, block = 0x4000): number[] {
  const stream = deflateSync(bytes, { level: 9 });
  const blocks = Math.ceil(stream.length / block);
  const codes = [status(rig.command(ROM_OP.flashDeflBegin, words(bytes.length, blocks, block, offset, 0)))];
  for (let i = 0; i < blocks; i++)
    codes.push(
      status(rig.command(ROM_OP.flashDeflData, dataBodyOf(i, stream.subarray(i * block, (i + 1) * block)))),
    );
  return codes;
}

test('answers SYNC with value 0: a stub runs already', () => {
  const rig = Rig.stub();
  rig.send(ROM_OP.sync, SYNC_DATA);
  const answers = rig.answers();
  expect(answers).toHaveLength(8);
  expect(answers.every((answer) => answer.value === 0 && status(answer) === 0)).toBe(true);
  expect(rig.command(ROM_OP.readReg, words(REG.chipMagic)).value).toBe(9);
});

test('writes deflated data, and proves it by MD5', () => {
  const rig = Rig.stub();
  rig.flash.program(0x13000, new Uint8Array(0x100));
  const bytes = noise(100_001);
  expect(new Set(writeDeflated(rig, 0x10000, bytes))).toEqual(new Set([0]));
  const answer = rig.command(ROM_OP.spiFlashMd5, words(0x10000, bytes.length, 0, 0));
  expect(answer.data.slice(0, 16)).toEqual(md5(bytes));
  expect(rig.flash.read(0x10000, bytes.length)).toEqual(bytes);
  expect(status(rig.command(ROM_OP.flashDeflEnd, words(1)))).toBe(0);
});

test('erases from the first sector that is not blank, and no sector that it does not write', () => {
  const rig = Rig.stub();
  rig.flash.program(0x12000, Uint8Array.of(0));
  rig.flash.program(0x15000, Uint8Array.of(0));
  const erases = rig.flash.counters.erases;
  writeDeflated(rig, 0x10000, noise(0x5000));
  expect(rig.flash.counters.erases - erases).toBe(3);
  expect(rig.flash.read(0x15000, 1)).toEqual(Uint8Array.of(0));
});

test('writes plain blocks, the last one padded', () => {
  const rig = Rig.stub();
  const bytes = noise(0x4100);
  rig.command(ROM_OP.flashBegin, words(bytes.length, 2, 0x4000, 0x20000, 0));
  rig.command(ROM_OP.flashData, dataBodyOf(0, bytes.subarray(0, 0x4000)));
  const last = new Uint8Array(0x4000);
  last.set(bytes.subarray(0x4000));
  rig.command(ROM_OP.flashData, dataBodyOf(1, last));
  expect(status(rig.command(ROM_OP.flashEnd, words(1)))).toBe(0);
  expect(rig.flash.read(0x20000, bytes.length)).toEqual(bytes);
  expect(rig.flash.isBlank(0x20000 + bytes.length, 0x1000)).toBe(true);
});

test('tells a broken stream in the answer to the next command, once', () => {
  const rig = Rig.stub();
  rig.command(ROM_OP.flashDeflBegin, words(0x1000, 2, 0x4000, 0x20000, 0));
  expect(status(rig.command(ROM_OP.flashDeflData, dataBodyOf(0, noise(100))))).toBe(0);
  expect(status(rig.command(ROM_OP.flashDeflData, dataBodyOf(1, noise(100))))).toBe(STUB_ERROR.inflate);
  expect(status(rig.command(ROM_OP.readReg, words(REG.chipMagic)))).toBe(0);
});

test('names what is wrong', () => {
  const rig = Rig.stub();
  const code = (op: number, data: Uint8Array) => status(rig.command(op, data));
  expect(code(0x77, words(0))).toBe(STUB_ERROR.command);
  expect(code(0xd5, words(0))).toBe(STUB_ERROR.notImplemented);
  expect(code(ROM_OP.readReg, words(0, 0))).toBe(STUB_ERROR.dataLength);
  expect(code(ROM_OP.flashData, dataBodyOf(0, noise(4)))).toBe(STUB_ERROR.notFlashMode);
  expect(code(ROM_OP.flashEnd, words(1))).toBe(STUB_ERROR.notFlashMode);
  expect(code(ROM_OP.eraseRegion, words(0x100, 0x1000))).toBe(STUB_ERROR.dataLength);
  expect(code(ROM_OP.eraseRegion, words(0x7ff000, 0x2000))).toBe(STUB_ERROR.spi);
  expect(code(ROM_OP.flashBegin, words(0x2000, 1, 0x4000, 0x7ff000, 0))).toBe(STUB_ERROR.spi);
  rig.command(ROM_OP.flashBegin, words(0x1000, 1, 0x4000, 0, 0));
  expect(code(ROM_OP.flashEnd, words(1))).toBe(STUB_ERROR.dataLength); // nothing was written
  const frame = encodeRequest(ROM_OP.flashData, dataBodyOf(0, noise(64)));
  frame[40]! ^= 1;
  rig.takeFrames();
  rig.sendRaw(frame);
  expect(status(rig.answers()[0]!)).toBe(STUB_ERROR.checksum);
  expect(rig.flash.isBlank(0, 64)).toBe(true);
});

test('refuses more than was announced', () => {
  const rig = Rig.stub();
  const stream = deflateSync(noise(0x2000));
  rig.command(ROM_OP.flashDeflBegin, words(0x1000, 1, 0x4000, 0x20000, 0));
  rig.command(ROM_OP.flashDeflData, dataBodyOf(0, stream));
  expect(status(rig.command(ROM_OP.flashDeflEnd, words(1)))).toBe(STUB_ERROR.tooMuchData);
  expect(rig.flash.isBlank(0x21000, 0x1000)).toBe(true);
});

test('erases a region, and all', () => {
  const rig = Rig.stub();
  rig.flash.program(0x10000, new Uint8Array(0x3000));
  expect(status(rig.command(ROM_OP.eraseRegion, words(0x11000, 0x1000)))).toBe(0);
  expect(rig.flash.read(0x10fff, 3)).toEqual(Uint8Array.of(0, 0xff, 0xff));
  expect(rig.flash.read(0x12000, 1)).toEqual(Uint8Array.of(0));
  expect(status(rig.command(ROM_OP.eraseFlash))).toBe(0);
  expect(rig.flash.isBlank(0, rig.flash.size)).toBe(true);
});

test('reads flash block by block as the host acknowledges, and ends with the MD5', () => {
  const rig = Rig.stub();
  const bytes = noise(0x2100);
  rig.flash.program(0x30001, bytes);
  rig.send(ROM_OP.readFlash, words(0x30001, bytes.length, 0x1000, 64));
  const [answer, first] = rig.takeFrames();
  expect(answer).toHaveLength(10);
  expect(first).toEqual(bytes.slice(0, 0x1000));
  rig.sendRaw(words(0x1000));
  expect(rig.takeFrames()).toEqual([bytes.slice(0x1000, 0x2000)]);
  rig.sendRaw(words(0x2000));
  expect(rig.takeFrames()).toEqual([bytes.slice(0x2000)]);
  rig.sendRaw(words(0x2100));
  expect(rig.takeFrames()).toEqual([md5(bytes)]);
  expect(status(rig.command(ROM_OP.readReg, words(REG.chipMagic)))).toBe(0);
});

test('a host that gives up reading finds the stub again', () => {
  const rig = Rig.stub();
  rig.send(ROM_OP.readFlash, words(0, 0x1000, 0x1000, 64));
  rig.send(ROM_OP.sync, SYNC_DATA);
  rig.takeFrames();
  expect(rig.command(ROM_OP.sync, SYNC_DATA).op).toBe(ROM_OP.sync);
});

test('FLASH_END with 0 resets into the ROM’s loader', () => {
  const rig = Rig.stub();
  rig.command(ROM_OP.flashBegin, words(0, 0, 0x4000, 0, 0));
  rig.command(ROM_OP.flashEnd, words(0));
  expect(rig.chip.state).toBe('rom');
});

test('a power cut while writing leaves a board that is off, and flash as far as it came', () => {
  const rig = Rig.stub();
  const bytes = noise(0x4000);
  rig.flash.cutPowerAt(10);
  rig.command(ROM_OP.flashBegin, words(bytes.length, 1, 0x4000, 0x20000, 0));
  rig.send(ROM_OP.flashData, dataBodyOf(0, bytes));
  expect(rig.chip.state).toBe('off');
  rig.takeFrames();
  rig.send(ROM_OP.sync, SYNC_DATA);
  expect(rig.takeFrames()).toHaveLength(0);
  rig.chip.powerOn();
  expect(rig.flash.read(0x20000, 0x980)).toEqual(bytes.slice(0, 0x980));
  expect(rig.flash.isBlank(0x20980, 0x1000)).toBe(true);
});
