import { startVirtualBoard } from '@tincan/boards';
import { afterEach, expect, test } from 'vitest';
import { openLine, type SerialLine } from '../serial/line.ts';
import { type HelloAppOptions, helloApp, testFiles } from '../testing/hello-app.ts';
import { createFlasher } from './engine.ts';
import { flashBoard } from './run.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

async function board(options: HelloAppOptions = {}) {
  const virtual = await startVirtualBoard({ loader: helloApp(options).loader });
  close.push(() => virtual.close());
  const line: SerialLine = await openLine(virtual.port);
  close.push(() => line.close());
  return { virtual, line };
}

test('an empty board is flashed, and done is when its hello names the image', async () => {
  const { virtual, line } = await board();
  const stages: string[] = [];
  const progress: number[] = [];
  const result = await flashBoard({
    line,
    files: testFiles(),
    board: 'virtual',
    onStage: ({ stage }) => stages.push(stage),
    onProgress: ({ writtenAll }) => progress.push(writtenAll),
  });
  expect(stages).toEqual(['connecting', 'connected', 'writing', 'resetting', 'running']);
  expect(result.hello).toMatchObject({ firmware: '9.8.7', image: result.app?.image });
  expect(progress.at(-1)).toBe(testFiles().reduce((sum, file) => sum + file.data.length, 0));
  expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  expect(virtual.state).toBe('app');
  expect(result.bootMs).toBeGreaterThan(0);
});

test('a bad image is refused before the board is touched', async () => {
  const { virtual, line } = await board();
  const resets: string[] = [];
  virtual.chip.onEvent((event) => {
    if (event.type === 'reset' && event.mode === 'download') resets.push(event.mode);
  });
  const files = testFiles();
  files[3] = { ...files[3]!, data: files[3]!.data.slice(0, 20_000) };
  await expect(flashBoard({ line, files, board: 'virtual' })).rejects.toMatchObject({ code: 'IMAGE_BROKEN' });
  expect(resets).toEqual([]);
});

test('a flash that is too small is found before anything is written, and the chip does not stay in its loader', async () => {
  const virtual = await startVirtualBoard({ loader: helloApp().loader, flashSize: 2 << 20 });
  close.push(() => virtual.close());
  const line = await openLine(virtual.port);
  close.push(() => line.close());
  await expect(flashBoard({ line, files: testFiles(), board: 'virtual' })).rejects.toMatchObject({
    exitCode: 4,
  });
  expect(virtual.flash.read(0x20000, 4096).every((byte) => byte === 0xff)).toBe(true);
  await expect.poll(() => virtual.state).not.toBe('stub');
});

test('another image in the hello is an error', async () => {
  const { line } = await board({ image: 'ab'.repeat(32) });
  await expect(flashBoard({ line, files: testFiles() })).rejects.toMatchObject({
    code: 'IMAGE_NOT_RUNNING',
    exitCode: 4,
  });
});

test('no hello: the error shows what the board said last', async () => {
  const { line } = await board({ silent: true });
  await expect(flashBoard({ line, files: testFiles(), helloMs: 2000 })).rejects.toMatchObject({
    code: 'BOOT_FAILED',
    cause: expect.objectContaining({ message: expect.stringMatching(/it said last:\n(.|\n)*boot/) }),
  });
});

test('erasing first leaves nothing of before', async () => {
  const { virtual, line } = await board();
  virtual.flash.program(0x9000, new Uint8Array(0x1000));
  const result = await flashBoard({ line, files: testFiles(), eraseAll: true });
  expect(result.hello).toBeDefined();
  expect(virtual.flash.read(0x9000, 0x1000).every((byte) => byte === 0xff)).toBe(true);
});

test('Ctrl-C while it connects: nothing is erased, and the board starts again', async () => {
  const { virtual, line } = await board();
  virtual.flash.program(0x9000, new Uint8Array(0x1000));
  const stop = new AbortController();
  const stages: string[] = [];
  const flashing = flashBoard({
    line,
    files: testFiles(),
    eraseAll: true,
    signal: stop.signal,
    onStage: ({ stage }) => {
      stages.push(stage);
      if (stage === 'connecting') stop.abort();
    },
  });
  await expect(flashing).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  expect(stages).not.toContain('erasing');
  expect(virtual.flash.read(0x9000, 0x1000).every((byte) => byte === 0)).toBe(true);
  await expect.poll(() => virtual.state).not.toMatch(/stub|rom/);
});

test('a chip that fails after it entered its loader does not stay there', async () => {
  const { virtual, line } = await board();
  let resets = 0;
  virtual.chip.onEvent((event) => {
    if (event.type === 'reset' && event.mode !== 'download') resets++;
  });
  const failing: NonNullable<Parameters<typeof flashBoard>[0]['createFlasher']> = (one, options) => {
    const flasher = createFlasher(one, options);
    return Object.assign(Object.create(flasher) as typeof flasher, {
      connect: async () => {
        await flasher.connect();
        throw new Error('the stub did not start');
      },
      reset: () => flasher.reset(),
      release: () => flasher.release(),
    });
  };
  await expect(flashBoard({ line, files: testFiles(), createFlasher: failing })).rejects.toThrow(
    'did not start',
  );
  await expect.poll(() => resets).toBe(1);
  expect(virtual.state).not.toMatch(/stub|rom/);
});

test('the same image again sends nothing, and leaves the otadata that the boot loader wrote', async () => {
  const { virtual, line } = await board();
  await flashBoard({ line, files: testFiles() });
  const otadata = virtual.flash.read(0xf000, 0x2000);
  expect(otadata.some((byte) => byte !== 0xff)).toBe(true);
  const { programs, erases } = virtual.flash.counters;
  const { report, hello } = await flashBoard({ line, files: testFiles() });
  expect(report).toMatchObject({ bytes: 0, wireBytes: 0, kept: 'ota_data_initial.bin', recoveries: [] });
  expect(hello).toBeDefined();
  expect(virtual.flash.counters).toMatchObject({ programs, erases });
  expect(virtual.flash.read(0xf000, 0x2000)).toEqual(otadata);
});

test('BOOT is held: it says so at once, and waits until somebody lets go of it', async () => {
  const { virtual, line } = await board();
  virtual.chip.holdBoot(true);
  const stages: string[] = [];
  const { hello } = await flashBoard({
    line,
    files: testFiles(),
    onStage: ({ stage }) => {
      stages.push(stage);
      if (stage !== 'boot-held') return;
      virtual.chip.holdBoot(false);
      virtual.chip.pressReset();
    },
  });
  expect(hello).toBeDefined();
  expect(stages.slice(-3)).toEqual(['resetting', 'boot-held', 'running']);
});

test('an application of another project is written where that is allowed; its start is not waited for', async () => {
  const { virtual, line } = await board();
  const files = testFiles(undefined, 'blink');
  await expect(flashBoard({ line, files })).rejects.toMatchObject({ code: 'IMAGE_OTHER_BOARD' });
  const result = await flashBoard({ line, files, board: 'virtual', foreign: true });
  expect(result).toMatchObject({ hello: undefined, app: { project: 'blink', foreign: true } });
  expect(virtual.flash.read(0x20000, 1)[0]).toBe(0xe9);
});
