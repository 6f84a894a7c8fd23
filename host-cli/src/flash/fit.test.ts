import { startVirtualBoard, type VirtualBoardOptions } from '@tincan/boards';
import { afterEach, expect, test } from 'vitest';
import { findBoard } from '../build/board.ts';
import { openLine } from '../serial/line.ts';
import { helloApp, testFiles } from '../testing/hello-app.ts';
import { type BoardMemory, refuseOtherMemory } from './fit.ts';
import type { ChipInfo } from './flasher.ts';
import { flashBoard } from './run.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

const MB = 1 << 20;
const CHIP: ChipInfo = {
  chip: 'ESP32-S3',
  description: 'ESP32-S3 (QFN56) (revision v0.2)',
  revision: 2,
  mac: '02:54:43:00:00:01',
  flashBytes: 8 * MB,
  interface: 'uart',
  baud: 921_600,
  psram: { bytes: 8 * MB, mode: 'octal' },
  packagedFlash: undefined,
  secureBoot: false,
  flashEncryption: false,
};
const BOARD: BoardMemory = {
  id: 'mine',
  flash: { bytes: 8 * MB, mode: 'dio' },
  psram: { mode: 'octal', bytes: 8 * MB },
};

/** Flashes a chip that is so; the answer is the error, and whether anything was written. */
async function refusal(options: Partial<VirtualBoardOptions>) {
  const virtual = await startVirtualBoard({ loader: helloApp().loader, ...options });
  close.push(() => virtual.close());
  const line = await openLine(virtual.port);
  close.push(() => line.close());
  const flashing = flashBoard({
    line,
    files: testFiles(),
    board: 'virtual',
    memory: findBoard('virtual'),
    eraseAll: true,
  });
  const error: unknown = await flashing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { programs, erases } = virtual.flash.counters;
  return { error, operations: programs + erases };
}

test.each([
  ['secure boot', { secureBoot: true }, 'CHIP_SECURE_BOOT', /use another board/],
  ['flash encryption', { flashEncryption: true }, 'CHIP_ENCRYPTED', /over the air/],
  ['Secure Download Mode', { secureDownload: true }, 'CHIP_LOCKED', /use another board/],
  ['another chip', { chipId: 5 }, 'CHIP_WRONG', /right port/],
  ['no PSRAM', { psramMb: 0 }, 'BOARD_PSRAM', /--board/],
  ['a quarter of the PSRAM', { psramMb: 2 }, 'BOARD_PSRAM', /--board/],
  ['half of the flash', { flashSize: 4 * MB }, 'BOARD_FLASH', /--board/],
] as const)('a chip with %s is refused, and nothing is written or erased', async (_, options, code, hint) => {
  const { error, operations } = await refusal(options);
  expect(error).toMatchObject({
    code,
    exitCode: 4,
    cause: expect.any(Error),
    hint: expect.stringMatching(hint),
  });
  expect(operations).toBe(0);
});

test('a board that fits is not refused', () => {
  expect(() => refuseOtherMemory(CHIP, BOARD)).not.toThrow();
  expect(() => refuseOtherMemory(CHIP, { ...BOARD, psram: undefined })).not.toThrow();
  expect(() => refuseOtherMemory({ ...CHIP, flashBytes: 16 * MB }, BOARD)).not.toThrow();
});

test('PSRAM: what is refused, and what cannot be known', () => {
  const quad = { ...BOARD, psram: { mode: 'quad', bytes: 8 * MB } } as const;
  expect(() => refuseOtherMemory(CHIP, quad)).toThrow(
    'The board "mine" has 8 MB of quad PSRAM, but this chip has 8 MB of octal PSRAM.',
  );
  // A part of its own on the board.
  expect(() => refuseOtherMemory({ ...CHIP, psram: undefined }, quad)).not.toThrow();
  // The first chips' eFuses are blank there.
  expect(() => refuseOtherMemory({ ...CHIP, psram: undefined, revision: 0 }, BOARD)).not.toThrow();
});

test('less flash than the board has', () => {
  expect(() => refuseOtherMemory({ ...CHIP, flashBytes: 4 * MB }, BOARD)).toThrow(
    'The board "mine" has 8 MB of flash, this one only 4 MB.',
  );
});
