/**
 * `tincan qemu` from outside: with a program that looks like QEMU, and with the real one and a real image where
 * TINCAN_QEMU (or PATH) and TINCAN_QEMU_BUILD (the folder of `tincan build --board qemu`) name them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fakeQemu } from '@tincan/host-cli/testing/fake-qemu';
import { qemuFiles } from '@tincan/host-cli/testing/qemu-image';
import { writeFlasherArgs } from '@tincan/shared-protocol';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Desk, EXIT, expectError, jsonError, type Running } from './support/cli.ts';

vi.setConfig({ testTimeout: 120_000 });

const desk = new Desk();
afterAll(() => desk.clear());

/** A build of the board qemu where the command looks for it. */
function leaveBuild(): void {
  mkdirSync(desk.path('build/qemu'), { recursive: true });
  const files = qemuFiles();
  for (const { name, data } of files) writeFileSync(desk.path(`build/qemu/${name}`), data);
  writeFileSync(
    desk.path('build/qemu/flasher_args.json'),
    writeFlasherArgs({
      chip: 'esp32s3',
      mode: 'dio',
      size: '8MB',
      freq: '80m',
      files: files.map(({ offset, name }) => ({ offset, file: name })),
    }),
  );
}

async function start(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ child: Running; port: string }> {
  const child = desk.start(['qemu', '--json', ...args], { env });
  const port = await child.line((line) => /"port":"(rfc2217:[^"]+)"/.exec(line)?.[1], 'its port');
  return { child, port };
}

describe.skipIf(process.platform === 'win32')('with a program that looks like QEMU', () => {
  const fake = fakeQemu();
  const env = { TINCAN_QEMU: fake.file };

  test('without an image it says how to build one', async () => {
    expectError(await desk.run(['qemu'], { env }), EXIT.flash, /There is no image at build.qemu/);
    expect((await desk.run(['qemu'], { env })).stderr).toContain('tincan build --board qemu');
  });

  test('without QEMU it says what to install', async () => {
    leaveBuild();
    const nothing = { env: { TINCAN_QEMU: desk.path('nothing') } };
    expect(jsonError(await desk.run(['qemu', '--json'], nothing)).hint).toContain(
      'idf_tools.py install qemu-xtensa',
    );
  });

  test('Ctrl-C ends it in order; the flash file is free again', async () => {
    for (const written of [true, false]) {
      const { child } = await start(env, '--flash', 'my flash.bin');
      child.kill('SIGINT');
      const ended = await child.ended;
      expect(ended).toMatchObject({ status: 0, signal: null });
      expect(ended.json()[0]).toMatchObject({ qemu: '9.9.9', written });
    }
  });

  test('one flash file, one board; one address, one board', async () => {
    const { child, port } = await start(env, '--flash', 'my flash.bin');
    expect(jsonError(await desk.run(['qemu', '--flash', 'my flash.bin', '--json'], { env })).code).toBe(
      'FLASH_BUSY',
    );
    const listen = port.slice('rfc2217://'.length);
    expect(jsonError(await desk.run(['qemu', '--listen', listen, '--json'], { env }))).toMatchObject({
      code: 'LISTEN',
      exitCode: EXIT.port,
    });
    child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ status: 0 });
  });

  test('what is no sound, and what is no address, is refused before anything starts', async () => {
    expectError(await desk.run(['qemu', '--mic', 'nobody.wav'], { env }), EXIT.usage, /nobody\.wav/);
    expectError(await desk.run(['qemu', '--listen', 'here'], { env }), EXIT.usage, /HOST:PORT/);
  });
});

const realImage = process.env.TINCAN_QEMU_BUILD;
if (realImage === undefined)
  console.log('TINCAN_QEMU_BUILD names no build of the board qemu: the tests on a real QEMU are skipped');

describe.skipIf(realImage === undefined)('with QEMU and a real image', () => {
  const env: Record<string, string> = {
    ...(process.env.TINCAN_QEMU === undefined ? {} : { TINCAN_QEMU: process.env.TINCAN_QEMU }),
  };
  const run = (port: string, ...args: string[]) => desk.run([...args, '--port', port], { env });

  test('it says hello, keeps its settings over a restart of QEMU, and over a reset of its lines', async () => {
    const flash = desk.path('real.bin');
    let { child, port } = await start(env, realImage!, '--flash', flash);
    const set = await run(port, 'config', 'set', 'audio.volume=33', 'device.name=emulated');
    expect(set).toMatchObject({ status: 0 });
    child.kill('SIGINT');
    expect(await child.ended).toMatchObject({ status: 0 });
    ({ child, port } = await start(env, realImage!, '--flash', flash));
    expect((await run(port, 'config', 'get', 'audio.volume')).stdout).toContain('33');
    const tail = desk.start(['tail', '--json', '--until', 'hello', '--for', '40', '--port', port], { env });
    await tail.line((line) => (line.includes('emulated') ? true : undefined), 'who is there');
    tail.kill('SIGINT');
    await tail.ended;
    child.kill('SIGINT');
    expect(await child.ended).toMatchObject({ status: 0, signal: null });
  });
});
