import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openLine, type SerialLine } from '../serial/line.ts';
import { fakeQemu } from '../testing/fake-qemu.ts';
import { type Emulator, type EmulatorEvent, emulatorArgs, startEmulator } from './emulator.ts';
import { findQemu } from './find.ts';

const posix = process.platform !== 'win32';
const close: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of close.splice(0).reverse()) await end();
});

const machine = (env: Record<string, string>) => ({ env, platform: process.platform, home: tmpdir() });

async function start() {
  const fake = fakeQemu();
  const events: EmulatorEvent[] = [];
  const emulator = await startEmulator({
    qemu: { file: fake.file, version: '9.9.9' },
    flash: join(tmpdir(), 'flash, of a board.bin'),
    psram: { mode: 'octal', bytes: 8 << 20 },
    listen: { host: '127.0.0.1', port: 0 },
    onEvent: (event) => events.push(event),
  });
  close.push(() => emulator.close());
  return { fake, emulator, events };
}

async function client(emulator: Emulator): Promise<{ line: SerialLine; text: () => string }> {
  const line = await openLine(emulator.port);
  close.push(() => line.close());
  let all = '';
  line.onData((bytes) => {
    all += Buffer.from(bytes).toString('latin1');
  });
  return { line, text: () => all };
}

test('the command line: one thread for both cores, the network card, the flash with its comma doubled', () => {
  const args = emulatorArgs(
    { flash: '/a, b/flash.bin', psram: { mode: 'octal', bytes: 8 << 20 } },
    1,
    2,
  ).join(' ');
  expect(args).toContain('-machine esp32s3 -m 8M -global driver=ssi_psram,property=is_octal,value=true');
  expect(args).toContain('-accel tcg,thread=single');
  expect(args).toContain('-nic user,model=open_eth -drive file=/a,, b/flash.bin,if=mtd,format=raw');
  expect(args).toContain('-serial tcp:127.0.0.1:1,nodelay=on -qmp tcp:127.0.0.1:2');
});

test.skipIf(!posix)(
  'much at once comes through whole, in pieces that the FIFO of the UART holds',
  async () => {
    const { emulator } = await start();
    const { line, text } = await client(emulator);
    const much = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join('');
    await line.write(Buffer.from(much));
    await expect.poll(text).toContain(much);
  },
);

test.skipIf(!posix)('its UART is a port that carries bytes both ways', async () => {
  const { emulator } = await start();
  const { line, text } = await client(emulator);
  await line.write(Buffer.from('hello\xff', 'latin1'));
  await expect.poll(text).toContain('hello\xff');
});

test.skipIf(!posix)('the reset lines stop it, reset it and let it go on', async () => {
  const { fake, emulator, events } = await start();
  const { line, text } = await client(emulator);
  await line.setLines({ dtr: false, rts: true });
  await expect.poll(() => fake.log().at(-1)).toBe('stop');
  await line.setLines({ dtr: false, rts: false });
  await expect.poll(() => fake.log().slice(1)).toEqual(['qmp_capabilities', 'stop', 'system_reset', 'cont']);
  await expect.poll(text).toContain('ESP-ROM');
  expect(events).toEqual([{ type: 'held' }, { type: 'reset', mode: 'run' }]);
});

test.skipIf(!posix)('a flasher that asks for the ROM loader is noticed, and the board runs on', async () => {
  const { fake, emulator, events } = await start();
  const { line } = await client(emulator);
  await line.setLines({ dtr: false, rts: true });
  await line.setLines({ dtr: true, rts: false });
  await expect.poll(() => events.at(-1)).toEqual({ type: 'reset', mode: 'download' });
  await expect.poll(() => fake.log().at(-1)).toBe('cont');
});

test.skipIf(!posix)('closing ends QEMU', async () => {
  const { emulator } = await start();
  await emulator.close();
  await expect(emulator.ended).resolves.toBeUndefined();
});

test.skipIf(!posix)('its own death is told with the last lines of both', async () => {
  const { emulator } = await start();
  const { line } = await client(emulator);
  await line.write(Buffer.from('die'));
  await expect(emulator.ended).rejects.toMatchObject({
    code: 'QEMU_DIED',
    message: expect.stringContaining('exit status 134'),
    cause: expect.objectContaining({
      message: expect.stringMatching(/fatal: trapped[\s\S]*Guru Meditation/),
    }),
  });
});

test.skipIf(!posix)('a QEMU that refuses its command line says why', async () => {
  vi.stubEnv('FAKE_REFUSES', "Could not open 'flash.bin'");
  await expect(start()).rejects.toMatchObject({
    code: 'QEMU_DIED',
    cause: expect.objectContaining({ message: expect.stringContaining("Could not open 'flash.bin'") }),
  });
});

test.skipIf(!posix)(
  'a port that is taken is an error that says so, and QEMU does not stay behind',
  async () => {
    const { emulator } = await start();
    const port = Number(new URL(emulator.port).port);
    const fake = fakeQemu();
    await expect(
      startEmulator({
        qemu: { file: fake.file, version: '9.9.9' },
        flash: 'f',
        psram: { mode: 'quad', bytes: 1 << 20 },
        listen: { host: '127.0.0.1', port },
      }),
    ).rejects.toMatchObject({
      code: 'LISTEN',
      exitCode: 3,
      message: expect.stringMatching(/^QEMU cannot listen/i),
    });
    const pid = Number(/^pid (\d+)/.exec(fake.log()[0] ?? '')?.[1]);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  },
);

test.skipIf(!posix)('QEMU is found by TINCAN_QEMU, in PATH, and where idf_tools.py puts it', async () => {
  const fake = fakeQemu();
  const folder = fake.file.slice(0, fake.file.lastIndexOf('/'));
  const found = { file: fake.file, version: '9.9.9' };
  expect(await findQemu(machine({ TINCAN_QEMU: fake.file, PATH: '' }))).toEqual(found);
  expect(await findQemu(machine({ PATH: folder }))).toEqual(found);
  vi.stubEnv('FAKE_MACHINES', 'esp32                Espressif ESP32 machine');
  await expect(findQemu(machine({ PATH: folder }))).rejects.toMatchObject({
    code: 'QEMU_MACHINE',
    message: expect.stringContaining('does not know the machine'),
    hint: expect.stringContaining('idf_tools.py install qemu-xtensa'),
  });
});

test('where there is none, it says what to install; a file that is no program is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-'));
  writeFileSync(join(folder, 'not-qemu'), '');
  await expect(
    findQemu({ env: { PATH: '' }, platform: process.platform, home: folder }),
  ).rejects.toMatchObject({
    code: 'QEMU_NONE',
    hint: expect.stringContaining('idf_tools.py install qemu-xtensa'),
  });
  for (const name of ['not-qemu', 'not-there']) {
    await expect(findQemu(machine({ TINCAN_QEMU: join(folder, name) }))).rejects.toMatchObject({
      code: 'QEMU_MACHINE',
      message: expect.stringContaining('does not run'),
    });
  }
});
