import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { serveRaw, startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '@tincan/boards';
import {
  decodeRequest,
  encodeResponse,
  parseImage,
  REG,
  REG_VALUE,
  ROM_CONSOLE,
  ROM_OP,
  SlipDecoder,
  slipEncode,
  words,
} from '@tincan/shared-protocol';
import { afterEach, expect, test, vi } from 'vitest';
import { LineEvents, openLine, type SerialLine } from '../serial/line.ts';
import { helloApp, testFiles } from '../testing/hello-app.ts';
import { lastLines } from './connect.ts';
import { createFlasher } from './engine.ts';
import type { Flasher } from './flasher.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const end of close.splice(0).reverse()) await end();
});

async function board(
  options: Partial<VirtualBoardOptions> = {},
): Promise<{ virtual: VirtualBoard; flasher: Flasher }> {
  const virtual = await startVirtualBoard({ loader: helloApp().loader, ...options });
  close.push(() => virtual.close());
  const line = await openLine(virtual.port);
  close.push(() => line.close());
  return { virtual, flasher: createFlasher(line) };
}

const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

test('connects, and says what chip that is', async () => {
  const { virtual, flasher } = await board();
  expect(await flasher.connect()).toEqual({
    chip: 'ESP32-S3',
    description: 'ESP32-S3 (QFN56) (revision v0.2)',
    revision: 2,
    mac: '02:54:43:00:00:01',
    flashBytes: 8 << 20,
    interface: 'uart',
    baud: 921_600,
    psram: { bytes: 8 << 20, mode: 'octal' },
    packagedFlash: undefined,
    secureBoot: false,
    flashEncryption: false,
  });
  expect(virtual.state).toBe('stub');
  expect(virtual.chip.baud).toBe(921_600);
});

test('after writing the chip is really reset, into the application', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  await flasher.write(testFiles());
  const events: string[] = [];
  virtual.chip.onEvent((event) => events.push(event.type === 'reset' ? `reset ${event.mode}` : event.type));
  await flasher.reset();
  await expect.poll(() => virtual.state).toBe('app');
  expect(events.filter((event) => event !== 'baud' && event !== 'flash')).toEqual(['reset run', 'app']);
});

test('images arrive as they are, with a SHA-256 that is right', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  const files = testFiles();
  const report = await flasher.write(files);
  for (const file of files) {
    expect(md5(virtual.flash.read(file.offset, file.data.length))).toBe(md5(file.data));
  }
  expect(parseImage(virtual.flash.read(0, 4096))).toMatchObject({ hashOk: true, checksumOk: true });
  expect(report.files.map((file) => file.md5)).toEqual(files.map((file) => md5(file.data)));
  expect(report.compressed).toBeLessThan(report.wireBytes);
});

test('what turns out wrong after it was written is written again', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  const app = testFiles()[3]!;
  let spoiled = false;
  const report = await flasher.write([app], {
    onProgress: ({ written, total }) => {
      if (written < total || spoiled) return;
      spoiled = true;
      virtual.flash.program(app.offset + 5000, new Uint8Array(64));
    },
  });
  expect(spoiled).toBe(true);
  expect(report.bytes).toBeGreaterThan(app.data.length);
  expect(md5(virtual.flash.read(app.offset, app.data.length))).toBe(md5(app.data));
});

test('a flash that does not keep what is written is an error', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  const app = testFiles()[3]!;
  virtual.chip.onEvent((event) => {
    // A cell that cannot be set: what is programmed there reads 0.
    const bad = app.offset + 5000;
    const covers = event.type === 'flash' && event.offset <= bad && bad < event.offset + event.length;
    if (covers && virtual.flash.read(bad, 1)[0] !== 0) virtual.flash.program(bad, Uint8Array.of(0));
  });
  await expect(flasher.write([app])).rejects.toMatchObject({
    code: 'FLASH_VERIFY',
    message: 'tincan.bin is not in the flash as it was sent.',
    exitCode: 4,
  });
});

test('nothing is printed, whatever happens', async () => {
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name));
  const { virtual, flasher } = await board();
  await flasher.connect();
  await flasher.write(testFiles().slice(0, 2));
  await virtual.close();
  await expect(flasher.md5(0, 16)).rejects.toThrow();
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
});

test('over USB-Serial-JTAG the watchdogs are stopped', async () => {
  const { line, written } = scriptedRom();
  const flasher = createFlasher(line, { baud: 115_200 });
  expect(await flasher.connect()).toMatchObject({ interface: 'usb-serial-jtag', flashBytes: 8 << 20 });
  const watchdogs = written.filter(
    ([address]) => address >= REG.rtcWdtConfig0 && address <= REG.rtcSwdProtect,
  );
  expect(watchdogs).toEqual([
    [REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock],
    [REG.rtcWdtConfig0, 0],
    [REG.rtcWdtProtect, 0],
    [REG.rtcSwdProtect, REG_VALUE.rtcSwdUnlock],
    [REG.rtcSwdConf, REG_VALUE.rtcSwdAutoFeed],
    [REG.rtcSwdProtect, 0],
  ]);
});

test('reading back checks the MD5 behind the bytes', async () => {
  const { virtual, flasher } = await board();
  const data = new Uint8Array(200_000).map((_, i) => (i * 7) ^ (i >> 8));
  virtual.flash.program(0x100000, data);
  await flasher.connect();
  const seen: number[] = [];
  expect(md5(await flasher.read(0x100000, data.length, (read) => seen.push(read)))).toBe(md5(data));
  expect(seen.at(-1)).toBe(data.length);
  // The next command is not confused by what reading left on the line.
  expect(await flasher.md5(0x100000, data.length)).toBe(md5(data));
});

test('what is there already is not sent again', async () => {
  const { flasher } = await board();
  await flasher.connect();
  await flasher.write(testFiles(), { skipUnchanged: true });
  const again = await flasher.write(testFiles(), { skipUnchanged: true });
  expect(again).toMatchObject({ bytes: 0, wireBytes: 0, lineRatio: 0 });
  expect(again.files.every((file) => file.unchanged)).toBe(true);
});

test('erases a region, and all', async () => {
  const { virtual, flasher } = await board();
  virtual.flash.program(0x10000, new Uint8Array(0x3000));
  await flasher.connect();
  await flasher.eraseRegion(0x11000, 0x1000);
  expect(virtual.flash.read(0x11000, 0x1000).every((byte) => byte === 0xff)).toBe(true);
  expect(virtual.flash.read(0x10000, 0x1000).every((byte) => byte === 0)).toBe(true);
  await flasher.eraseAll();
  expect(virtual.flash.read(0x10000, 0x3000).every((byte) => byte === 0xff)).toBe(true);
});

test('Ctrl-C ends between two packets, and the same command again makes it good', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  const noise = testFiles(
    new Uint8Array(200_000).map(
      (_, i) =>
        createHash('md5')
          .update(`${i >> 4}`)
          .digest()[i & 15]!,
    ),
  );
  const stop = new AbortController();
  const writing = flasher.write(noise, {
    signal: stop.signal,
    onProgress: ({ file, written }) => {
      if (file === 'tincan.bin' && written > 20_000) stop.abort();
    },
  });
  await expect(writing).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  await flasher.reset();
  await expect.poll(() => virtual.state).not.toBe('stub');
  await flasher.connect();
  await flasher.write(noise, { skipUnchanged: true });
  await flasher.reset();
  await expect.poll(() => virtual.state).toBe('app');
});

test('a board without power: nothing came, and which buttons help', async () => {
  const { flasher } = await board({ power: false });
  await expect(flasher.connect()).rejects.toMatchObject({
    code: 'BOARD_SILENT',
    cause: new Error('nothing at all came from it'),
    hint: expect.stringContaining('Hold BOOT'),
    exitCode: 5,
  });
});

test('another chip, and a locked one, are refused', async () => {
  await expect((await board({ chipId: 5 })).flasher.connect()).rejects.toMatchObject({ code: 'CHIP_WRONG' });
  await expect((await board({ chipId: 77 })).flasher.connect()).rejects.toMatchObject({ code: 'CHIP_WRONG' });
  const locked = await board({ secureDownload: true });
  await expect(locked.flasher.connect()).rejects.toMatchObject({ code: 'CHIP_LOCKED', exitCode: 4 });
});

test('the board disappears in the middle: a sentence, not silence', async () => {
  const { virtual, flasher } = await board();
  await flasher.connect();
  await virtual.close();
  await expect(flasher.write(testFiles())).rejects.toMatchObject({ code: 'PORT_LOST', exitCode: 3 });
});

test('a line without DTR and RTS: the loader answers SYNC, and the chip restarts itself afterwards', async () => {
  const { virtual } = await board();
  const front = await serveRaw(virtual.chip);
  close.push(() => front.close());
  const flasher = createFlasher(await rawLine(front.port));
  await flasher.connect();
  await flasher.write(testFiles());
  await flasher.reset();
  await expect.poll(() => virtual.state, { timeout: 5000 }).toBe('app');
});

test('what a board said last is shown without what a terminal would obey', () => {
  expect(lastLines('a\n\x1b[31mred\x1b[0m\r\n\n\x07bell\nlast', 3)).toBe('red\nbell\nlast');
});

/** A serial line that carries bytes and nothing else, as a pty does. */
async function rawLine(port: string): Promise<SerialLine> {
  const { hostname, port: number } = new URL(port.replace('socket:', 'http:'));
  const socket = connect(Number(number), hostname);
  close.push(() => socket.destroy());
  await once(socket, 'connect');
  const events = new LineEvents();
  socket.on('data', (bytes) => events.data(bytes));
  return {
    path: port,
    hasLines: false,
    write: (bytes) => events.guard((done) => socket.write(bytes, done)),
    onData: (listener) => events.onData(listener),
    onClose: (listener) => events.onClose(listener),
    setBaud: async () => undefined,
    setLines: async () => undefined,
    purge: async () => undefined,
    close: async () => void socket.destroy(),
  };
}

/** A ROM and stub behind USB-Serial-JTAG, just enough to connect; keeps the registers that were written. */
function scriptedRom(): { line: SerialLine; written: [number, number][] } {
  const events = new LineEvents();
  const decoder = new SlipDecoder();
  const written: [number, number][] = [];
  let stub = false;
  const reply = (frame: Uint8Array) => queueMicrotask(() => events.data(slipEncode(frame)));
  const registers = new Map<number, number>([
    [REG.romConsole, ROM_CONSOLE.usbSerialJtag],
    [REG.spiW0, 0x1740c8],
  ]);
  const line: SerialLine = {
    path: 'scripted',
    usb: { vid: '303a', pid: '1001' },
    hasLines: true,
    async write(bytes) {
      for (const frame of decoder.push(bytes)) {
        const request = decodeRequest(frame);
        if (request === undefined) continue;
        const { op, data } = request;
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        const status = stub ? [0, 0] : [0, 0, 0, 0];
        const ok = (value = 0, body: number[] = []) =>
          reply(encodeResponse(op, value, Uint8Array.from([...body, ...status])));
        if (op === ROM_OP.sync) for (let i = 0; i < 8; i++) ok(0x20120707);
        else if (op === ROM_OP.getSecurityInfo) ok(0, [...new Uint8Array(12), ...words(9, 0)]);
        else if (op === ROM_OP.readReg) ok(registers.get(view.getUint32(0, true)) ?? 0);
        else if (op === ROM_OP.writeReg) {
          const address = view.getUint32(0, true);
          written.push([address, view.getUint32(4, true)]);
          // A transaction of the SPI controller is over as soon as it was begun.
          if (address !== REG.spiCmd && address !== REG.spiW0)
            registers.set(address, view.getUint32(4, true));
          ok();
        } else {
          ok();
          if (op === ROM_OP.memEnd) {
            stub = true;
            reply(Buffer.from('OHAI'));
          }
        }
      }
    },
    onData: (listener) => events.onData(listener),
    onClose: (listener) => events.onClose(listener),
    setBaud: async () => undefined,
    setLines: async () => undefined,
    purge: async () => undefined,
    close: async () => undefined,
  };
  return { line, written };
}
