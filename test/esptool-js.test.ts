/** A client that nobody here wrote: Espressif's esptool-js, unmodified, against the virtual board over RFC 2217. */
import { createHash } from 'node:crypto';
import { startVirtualBoard, type VirtualBoardOptions } from '@tincan/boards';
import { openLine } from '@tincan/host-cli';
import { ESPLoader, Transport } from 'esptool-js';
import { afterEach, expect, test, vi } from 'vitest';
import { chance } from './support/chance.ts';
import { webSerial } from './support/web-serial.ts';

const CALL_MS = 120_000;
const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
  vi.restoreAllMocks();
});

const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

function bytes(length: number): Uint8Array {
  const random = chance(3);
  return Uint8Array.from({ length }, (_, i) => (i & 0x400 ? i >> 6 : random(256)));
}

async function board(options: Partial<VirtualBoardOptions> = {}) {
  const virtual = await startVirtualBoard({
    loader: () => Promise.reject(new Error('no application here')),
    ...options,
  });
  close.push(() => virtual.close());
  const line = await openLine(virtual.port);
  close.push(() => line.close());
  // It traces to the console whatever it is told.
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const transport = new Transport(webSerial(line) as unknown as ConstructorParameters<typeof Transport>[0]);
  const loader = new ESPLoader({
    transport,
    baudrate: 921_600,
    romBaudrate: 115_200,
    terminal: { clean() {}, write() {}, writeLine() {} },
  });
  return { virtual, loader };
}

test('finds the chip, its MAC and its flash', { timeout: CALL_MS }, async () => {
  const { loader } = await board();
  expect(await loader.main()).toBe('ESP32-S3 (QFN56) (revision v0.2)');
  expect(await loader.chip.readMac(loader)).toBe('02:54:43:00:00:01');
  expect(await loader.detectFlashSize()).toBe('8MB');
});

test.each([true, false])(
  'writes, verifies, reads and erases; compressed: %s',
  { timeout: CALL_MS },
  async (compress) => {
    const { virtual, loader } = await board();
    await loader.main();
    const data = bytes(100_000);
    await loader.writeFlash({
      fileArray: [{ data, address: 0x20000 }],
      flashMode: 'keep',
      flashFreq: 'keep',
      flashSize: 'keep',
      eraseAll: false,
      compress,
      calculateMD5Hash: md5,
    });
    expect(md5(virtual.flash.read(0x20000, data.length))).toBe(md5(data));
    expect(await loader.flashMd5sum(0x20000, data.length)).toBe(md5(data));
    expect(md5(await loader.readFlash(0x20000, 0x4000))).toBe(md5(data.subarray(0, 0x4000)));
    await loader.eraseFlash();
    expect(virtual.flash.isBlank(0, virtual.flash.size)).toBe(true);
  },
);

test('sees that another chip answers, and that a chip is locked', { timeout: CALL_MS }, async () => {
  await expect((await board({ chipId: 77 })).loader.main()).rejects.toThrow();
  const locked = await board({ secureDownload: true });
  await locked.loader.connect();
  expect(locked.loader.secureDownloadMode).toBe(true);
});
