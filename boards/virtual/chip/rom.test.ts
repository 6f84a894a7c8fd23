import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import {
  encodeRequest,
  REG,
  REG_VALUE,
  ROM_ERROR,
  ROM_OP,
  STUB_HELLO,
  SYNC_DATA,
  words,
} from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { DEFAULT_MAC } from './chip.ts';
import { FLASH_TIME } from './flash.ts';
import { dataBodyOf, noise, Rig } from './testing.ts';

const OK = [0, 0, 0, 0];
const failed = (code: number) => [1, code, 0, 0];
const status = (answer: { data: Uint8Array }) => [...answer.data.slice(-4)];

test('answers SYNC eight times, with a value that is not the stub’s', () => {
  const rig = Rig.rom();
  rig.send(ROM_OP.sync, SYNC_DATA);
  const answers = rig.answers();
  expect(answers).toHaveLength(8);
  for (const answer of answers) {
    expect(answer.op).toBe(ROM_OP.sync);
    expect(answer.value).not.toBe(0);
    expect([...answer.data]).toEqual(OK);
  }
});

test('knows its chip, its MAC and its flash', () => {
  const rig = Rig.rom();
  const read = (address: number) => rig.command(ROM_OP.readReg, words(address)).value;
  expect(read(REG.chipMagic)).toBe(9);
  const low = read(REG.macLow);
  const high = read(REG.macHigh);
  const mac = [high >>> 8, high & 255, low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255];
  expect(mac).toEqual([...DEFAULT_MAC]);
  expect((read(REG.efuseBlock1Word3) >>> 18) & 7).toBe(2); // v0.2
  const info = rig.command(ROM_OP.getSecurityInfo);
  expect(info.data).toHaveLength(24);
  expect(info.data[12]).toBe(9);

  const spi = (command: number, bits: number, address = 0) => {
    rig.command(ROM_OP.writeReg, words(REG.spiMisoLength, bits - 1, 0xffffffff, 0));
    rig.command(ROM_OP.writeReg, words(REG.spiUser, 0x90000000, 0xffffffff, 0));
    rig.command(ROM_OP.writeReg, words(REG.spiUser2, 0x70000000 | command, 0xffffffff, 0));
    rig.command(ROM_OP.writeReg, words(REG.spiAddr, address, 0xffffffff, 0));
    rig.command(ROM_OP.writeReg, words(REG.spiCmd, REG_VALUE.spiCmdUser, 0xffffffff, 0));
    expect(read(REG.spiCmd) & REG_VALUE.spiCmdUser).toBe(0);
    return read(REG.spiW0);
  };
  expect(spi(0x9f, 24)).toBe(0x1740c8);
  expect(spi(0x5a, 32, 0)).toBe(0x50444653);
});

test('answers what it does not understand eight times, and not as an answer to it', () => {
  const rig = Rig.rom();
  for (const op of [0xd0, 0x99]) {
    rig.send(op, words(0));
    const answers = rig.answers();
    expect(answers).toHaveLength(8);
    expect(answers.every((answer) => answer.op !== op)).toBe(true);
    expect([...answers[0]!.data]).toEqual(failed(ROM_ERROR.invalidMessage));
  }
  rig.sendRaw(Uint8Array.of(0, ROM_OP.readReg, 9, 0, 0, 0, 0, 0)); // the length is wrong
  expect(rig.answers()).toHaveLength(8);
});

test('writes registers under a mask', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.writeReg, words(0x60001000, 0x12345678, 0xffffffff, 0));
  rig.command(ROM_OP.writeReg, words(0x60001000, 0xffffffff, 0x0000ff00, 0));
  expect(rig.command(ROM_OP.readReg, words(0x60001000)).value).toBe(0x1234ff78);
});

test('refuses flash before it knows pins and size', () => {
  const rig = new Rig();
  rig.chip.powerOn();
  rig.chip.pressReset('download');
  const begin = words(0x1000, 4, 0x400, 0, 0);
  expect(status(rig.command(ROM_OP.flashBegin, begin))).toEqual(failed(ROM_ERROR.failed));
  rig.command(ROM_OP.spiAttach, words(0, 0));
  expect(status(rig.command(ROM_OP.flashBegin, begin))).toEqual(failed(ROM_ERROR.failed));
  rig.attach();
  expect(status(rig.command(ROM_OP.flashBegin, begin))).toEqual(OK);
  expect(status(rig.command(ROM_OP.flashBegin, words(0x1000, 4, 0x400, 0x7ff800, 0)))).toEqual(
    failed(ROM_ERROR.failed),
  );
});

test('erases at once, writes blocks where they belong, and gives the MD5 as text', () => {
  const rig = Rig.rom();
  rig.flash.program(0x11000, new Uint8Array(0x1000));
  const bytes = noise(0x800);
  rig.command(ROM_OP.flashBegin, words(0x800, 2, 0x400, 0x11000, 0));
  expect(rig.flash.isBlank(0x11000, 0x1000)).toBe(true);
  expect(status(rig.command(ROM_OP.flashData, dataBodyOf(1, bytes.subarray(0x400))))).toEqual(OK);
  expect(status(rig.command(ROM_OP.flashData, dataBodyOf(0, bytes.subarray(0, 0x400))))).toEqual(OK);
  expect(rig.flash.read(0x11000, 0x800)).toEqual(bytes);
  const answer = rig.command(ROM_OP.spiFlashMd5, words(0x11000, 0x800, 0, 0));
  expect(Buffer.from(answer.data.slice(0, 32)).toString()).toBe(
    createHash('md5').update(bytes).digest('hex'),
  );
  expect(status(answer)).toEqual(OK);
  // READ_FLASH_SLOW: always 64 bytes.
  const slow = rig.command(0x0e, words(0x11000, 16));
  expect(slow.data).toHaveLength(68);
  expect(slow.data.slice(0, 16)).toEqual(bytes.slice(0, 16));
});

test('finds out that flash was not erased', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.flashBegin, words(0x400, 1, 0x400, 0x11000, 0));
  rig.flash.program(0x11000, Uint8Array.of(0));
  expect(status(rig.command(ROM_OP.flashData, dataBodyOf(0, noise(0x400))))).toEqual(
    failed(ROM_ERROR.flashWrite),
  );
});

test('checks checksums, lengths and order', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.flashBegin, words(0x400, 1, 0x400, 0x11000, 0));
  const frame = encodeRequest(ROM_OP.flashData, dataBodyOf(0, noise(0x400)));
  frame[30]! ^= 1;
  rig.takeFrames();
  rig.sendRaw(frame);
  expect([...rig.answers()[0]!.data]).toEqual(failed(ROM_ERROR.checksum));
  expect(rig.flash.isBlank(0x11000, 0x400)).toBe(true);
  expect(status(rig.command(ROM_OP.flashData, dataBodyOf(1, noise(0x400))))).toEqual(
    failed(ROM_ERROR.failed),
  );
  expect(status(rig.command(ROM_OP.flashData, dataBodyOf(0, noise(0x401))))).toEqual(
    failed(ROM_ERROR.failed),
  );
});

test('inflates', () => {
  const rig = Rig.rom();
  const bytes = Buffer.from('tincan '.repeat(1000));
  const stream = deflateSync(bytes);
  const blocks = Math.ceil(stream.length / 32);
  rig.command(ROM_OP.flashDeflBegin, words(0x2000, blocks, 32, 0x11000, 0));
  for (let i = 0; i < blocks; i++) {
    const answer = rig.command(ROM_OP.flashDeflData, dataBodyOf(i, stream.subarray(i * 32, i * 32 + 32)));
    expect(status(answer)).toEqual(OK);
  }
  expect(Buffer.from(rig.flash.read(0x11000, bytes.length)).equals(bytes)).toBe(true);
  rig.command(ROM_OP.flashDeflBegin, words(0x2000, 1, 32, 0x11000, 0));
  expect(status(rig.command(ROM_OP.flashDeflData, dataBodyOf(0, noise(32))))).toEqual(
    failed(ROM_ERROR.deflate),
  );
});

test('an empty stream for a place outside the flash is an error, and no more', () => {
  const rig = Rig.rom();
  expect(status(rig.command(ROM_OP.flashDeflBegin, words(0, 1, 32, 0xfffff000, 0)))).toEqual(OK);
  const empty = deflateSync(Buffer.alloc(0));
  expect(status(rig.command(ROM_OP.flashDeflData, dataBodyOf(0, empty)))).toEqual(
    failed(ROM_ERROR.flashWrite),
  );
});

test('starts a stub that arrived whole, and nothing else', () => {
  const start = (change: (rig: Rig) => void, entry: number, last: Uint8Array = stub) => {
    const rig = Rig.rom();
    rig.command(ROM_OP.memBegin, words(0x1900, 2, 0x1800, 0x40378000));
    rig.command(ROM_OP.memData, dataBodyOf(0, noise(0x1800)));
    rig.command(ROM_OP.memData, dataBodyOf(1, last));
    change(rig);
    rig.takeFrames();
    rig.send(ROM_OP.memEnd, words(0, entry));
    return { frames: rig.takeFrames(), state: rig.chip.state };
  };
  const stub = noise(0x100);
  stub.set(STUB_HELLO, 0x40);
  const good = start(() => {}, 0x40378c94);
  expect(good.frames.map((frame) => frame.length)).toEqual([12, 4]);
  expect(good.frames[1]).toEqual(Uint8Array.from(STUB_HELLO));
  expect(good.state).toBe('stub');
  expect(start(() => {}, 0x40379900)).toMatchObject({ frames: [expect.anything()], state: 'halted' });
  const missing = (rig: Rig) => rig.command(ROM_OP.memBegin, words(0x100, 1, 0x1800, 0x3fcb2bf0));
  expect(start(missing, 0x40378c94).state).toBe('halted');
  // A program that is whole, but somebody else's: it is not answered for.
  expect(start(() => {}, 0x40378c94, noise(0x100))).toMatchObject({
    frames: [expect.anything()],
    state: 'halted',
  });
});

test('an upload that was broken off does not spoil the next one', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.memBegin, words(0x1900, 2, 0x1800, 0x40378000));
  rig.command(ROM_OP.memData, dataBodyOf(0, noise(0x1800)));
  rig.command(ROM_OP.memBegin, words(4, 1, 0x1800, 0x40378000));
  rig.command(ROM_OP.memData, dataBodyOf(0, STUB_HELLO));
  rig.send(ROM_OP.memEnd, words(0, 0x40378000));
  expect(rig.chip.state).toBe('stub');
});

test('Secure Download Mode allows little and says so', () => {
  const rig = Rig.rom({ secureDownload: true });
  for (const op of [ROM_OP.readReg, ROM_OP.memBegin, ROM_OP.spiFlashMd5]) {
    rig.send(op, words(0, 0, 0, 0));
    expect(rig.answers()).toHaveLength(8);
  }
  expect(rig.command(ROM_OP.getSecurityInfo).data[0]).toBe(4);
  expect(status(rig.command(ROM_OP.flashBegin, words(0x400, 1, 0x400, 0, 0)))).toEqual(OK);
});

test('another chip, or flash encryption, can be seen', () => {
  const info = (options: object) => Rig.rom(options).command(ROM_OP.getSecurityInfo).data;
  expect(info({ chipId: 5 })[12]).toBe(5);
  expect(info({ flashEncryption: true })[4]).toBe(1);
});

test('changes its rate after the answer', () => {
  const rig = Rig.rom();
  expect(status(rig.command(ROM_OP.changeBaudrate, words(460_800, 0)))).toEqual(OK);
  rig.takeFrames();
  rig.send(ROM_OP.sync, SYNC_DATA);
  expect(rig.answers()).toHaveLength(0);
  rig.chip.setHostBaud(460_800);
  expect(rig.command(ROM_OP.readReg, words(REG.chipMagic)).value).toBe(9);
});

test('takes the host’s rate from its first SYNC, and keeps it', () => {
  const rig = new Rig();
  rig.chip.powerOn();
  rig.chip.pressReset('download');
  rig.chip.setHostBaud(57_600);
  expect(rig.command(ROM_OP.sync, SYNC_DATA).op).toBe(ROM_OP.sync);
  rig.chip.setHostBaud(115_200);
  rig.takeFrames();
  rig.send(ROM_OP.sync, SYNC_DATA);
  expect(rig.answers()).toHaveLength(0);
});

test('with real timing, FLASH_BEGIN answers when the erase is done', () => {
  const rig = Rig.rom({ timing: 'real' });
  rig.takeFrames();
  rig.send(ROM_OP.flashBegin, words(0x1000, 4, 0x400, 0, 0));
  rig.send(ROM_OP.readReg, words(REG.chipMagic));
  rig.clock.advance(FLASH_TIME.sector - 1);
  expect(rig.answers()).toHaveLength(0);
  rig.clock.advance(1);
  expect(rig.answers().map((answer) => answer.op)).toEqual([ROM_OP.flashBegin, ROM_OP.readReg]);
});

test('FLASH_END with 0 comes back to the loader, with 1 boots the flash', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.flashEnd, words(0));
  expect(rig.chip.state).toBe('rom');
  rig.command(ROM_OP.flashEnd, words(1));
  expect(rig.chip.state).toBe('boot');
});

test('the RTC watchdog resets the chip once it is unlocked and armed', () => {
  const rig = Rig.rom();
  const write = (address: number, value: number) =>
    rig.command(ROM_OP.writeReg, words(address, value, 0xffffffff, 0));
  write(REG.rtcWdtConfig0, 0x80000000); // locked: nothing happens
  write(REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock);
  write(REG.rtcWdtConfig1, 2000);
  write(REG.rtcWdtConfig0, 0xd0000102);
  expect(rig.chip.state).toBe('rom');
  rig.takeText();
  rig.clock.advance(15);
  expect(rig.text).toContain('rst:0x10 (RTCWDT_RTC_RST),boot:0x8');
});
