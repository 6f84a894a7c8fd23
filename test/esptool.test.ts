/**
 * A client that nobody here wrote: Espressif's esptool, unmodified, against the virtual board over RFC 2217. Each call
 * takes some 20 seconds, nearly all of it pauses in pyserial (0.1 s whenever a time limit changes), so all run at once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ChipEvent,
  NorFlash,
  startVirtualBoard,
  type VirtualBoard,
  type VirtualBoardOptions,
} from '@tincan/boards';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const CALL_MS = 170_000;

/** TINCAN_ESPTOOL, or what is installed; undefined if there is none. */
function findEsptool(): string[] | undefined {
  const named = process.env.TINCAN_ESPTOOL;
  const candidates = named ? [[named]] : [['esptool'], ['python3', '-m', 'esptool']];
  return candidates.find(([program, ...args]) => spawnSync(program!, [...args, 'version']).status === 0);
}

const esptool = findEsptool();
if (!esptool)
  console.log(
    'esptool is not installed (pip install esptool, or name it in TINCAN_ESPTOOL): its tests are skipped',
  );

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-esptool-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `work` with a board, and takes the board away afterwards. */
async function withBoard(
  options: Partial<VirtualBoardOptions>,
  work: (board: VirtualBoard, events: ChipEvent[]) => Promise<void>,
): Promise<void> {
  const board = await startVirtualBoard({
    loader: () => Promise.reject(new Error('no application here')),
    ...options,
  });
  const events: ChipEvent[] = [];
  board.chip.onEvent((event) => {
    if (event.type !== 'flash') events.push(event);
  });
  try {
    await work(board, events);
  } finally {
    await board.close();
  }
}

/** Calls esptool; the answer is its exit status and all that it printed. */
function call(board: VirtualBoard, ...args: string[]): Promise<{ status: number | null; output: string }> {
  const [program, ...first] = esptool!;
  return new Promise((resolve, reject) => {
    const child = spawn(program!, [...first, '--port', board.port, ...args], { cwd: folder });
    let output = '';
    const take = (bytes: Buffer) => {
      output += bytes.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Bytes that do not compress, the same in every run. */
function random(length: number, seed: string): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, length);
}

const kinds = (events: ChipEvent[]) => events.map((event) => event.type);

describe.skipIf(!esptool).concurrent('esptool', () => {
  test('writes 300 KB through its stub at 921,600 baud, and reads the same back', {
    timeout: 2 * CALL_MS,
  }, async () => {
    await withBoard({}, async (board, events) => {
      const image = random(300_000, 'stub');
      const path = file('stub.bin', image);
      const write = await call(board, '--baud', '921600', 'write-flash', '0x10000', path);
      expect(write.output).toContain('Hash of data verified');
      expect(write.status).toBe(0);
      expect(image.equals(board.flash.read(0x10000, image.length))).toBe(true);
      expect(board.flash.isBlank(0, 0x10000)).toBe(true);
      expect(kinds(events)).toEqual(expect.arrayContaining(['rom', 'stub', 'baud']));
      // Afterwards the board is reset into what was flashed.
      expect(events.findLast((event) => event.type === 'reset')).toMatchObject({ mode: 'run' });

      const back = join(folder, 'back.bin');
      const read = await call(board, '--baud', '921600', 'read-flash', '0x10000', String(image.length), back);
      expect(read.status).toBe(0);
      expect(image.equals(readFileSync(back))).toBe(true);
    });
  });

  test.each([
    [
      '300 KB that compress',
      ['--compress'],
      Buffer.concat([random(8192, 'rom'), Buffer.alloc(291_808, 'tincan ')]),
    ],
    ['40 KB as they are', ['--no-compress'], random(40_000, 'plain')],
  ])('writes without a stub: %s', { timeout: CALL_MS }, async (name, options, image) => {
    await withBoard({}, async (board, events) => {
      const path = file(`${name.replaceAll(' ', '-')}.bin`, image);
      const write = await call(
        board,
        '--no-stub',
        '--baud',
        '460800',
        'write-flash',
        ...options,
        '0x20000',
        path,
      );
      expect(write.output).toContain('Hash of data verified');
      expect(write.status).toBe(0);
      expect(image.equals(board.flash.read(0x20000, image.length))).toBe(true);
      expect(kinds(events)).not.toContain('stub');
    });
  });

  test('sees by MD5 whether flash holds a file', { timeout: 2 * CALL_MS }, async () => {
    const flash = NorFlash.inMemory();
    const image = random(50_000, 'verify');
    flash.program(0x30000, image);
    await withBoard({ flash }, async (board) => {
      const path = file('verify.bin', image);
      expect((await call(board, 'verify-flash', '0x30000', path)).status).toBe(0);
      flash.program(0x31000, Uint8Array.of(0, 0, 0, 0));
      expect((await call(board, 'verify-flash', '0x30000', path)).status).not.toBe(0);
    });
  });

  // Newer versions of esptool bring two stubs; others have one, and do not know this variable.
  test.each(['1', '2'])(
    'erases a region, and nothing beside it, by stub %s',
    { timeout: CALL_MS },
    async (stub) => {
      const flash = NorFlash.inMemory();
      flash.program(0x40000, new Uint8Array(0x4000));
      await withBoard({ flash }, async (board) => {
        process.env.ESPTOOL_STUB_VERSION = stub;
        const erase = call(board, 'erase-region', '0x41000', '0x2000');
        delete process.env.ESPTOOL_STUB_VERSION;
        expect((await erase).status).toBe(0);
        expect(flash.isBlank(0x41000, 0x2000)).toBe(true);
        expect(flash.read(0x40fff, 1)).toEqual(Uint8Array.of(0));
        expect(flash.read(0x43000, 1)).toEqual(Uint8Array.of(0));
      });
    },
  );

  test('finds chip, MAC and flash', { timeout: CALL_MS }, async () => {
    await withBoard({ mac: Uint8Array.of(2, 0, 0, 0xab, 0xcd, 0xef) }, async (board) => {
      const { output, status } = await call(board, 'flash-id');
      expect(status).toBe(0);
      expect(output).toMatch(/ESP32-S3 .*revision v0\.2/);
      expect(output).toContain('02:00:00:ab:cd:ef');
      expect(output).toMatch(/flash size: 8MB/);
    });
  });

  test('refuses a chip that is another one than it was told', { timeout: CALL_MS }, async () => {
    await withBoard({ chipId: 5 }, async (board) => {
      const { output, status } = await call(board, '--chip', 'esp32s3', 'chip-id');
      expect(status).not.toBe(0);
      expect(output).toContain('This chip is ESP32-C3');
    });
  });
});
