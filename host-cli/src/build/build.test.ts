import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFiles } from '../flash/check.ts';
import { readPlan } from '../flash/plan.ts';
import { createOutput } from '../output.ts';
import { qemuFiles } from '../testing/qemu-image.ts';
import { buildBoard, type ChipBuild } from './index.ts';
import { containerPath, containerRunner, type Runner } from './runner.ts';

const silent = { out: { write: () => 0 }, err: { write: () => 0 }, env: {}, now: () => 0 };
/** Blanks in all paths: one command line that forgets to quote is enough. */
const folder = () => mkdtempSync(join(tmpdir(), 'tincan a build '));

/** What ESP-IDF would leave: an application of the board, its boot loader, table and otadata. */
function leaveImage(cmake: string, content: Uint8Array, project = 'tincan-qemu'): void {
  const [loader, table, otadata, app] = qemuFiles(content.length, project).map((file) => file.data);
  const write = (name: string, data: Uint8Array | string) => {
    mkdirSync(dirname(join(cmake, name)), { recursive: true });
    writeFileSync(join(cmake, name), data);
  };
  write('bootloader/bootloader.bin', loader!);
  write('partition_table/partition-table.bin', table!);
  write('ota_data_initial.bin', otadata!);
  write(`${project}.bin`, app!);
  write('project_description.json', JSON.stringify({ app_elf: `${project}.elf` }));
  write(
    `${project}.map`,
    `\nLinker script and memory map\n\n.iram0.text     0x40374000   0x100\n .text          0x40374000   0x${content.length.toString(16)} esp-idf/tincan/libtincan.a(core.c.obj)\n`,
  );
  write(
    'flasher_args.json',
    JSON.stringify({
      flash_settings: { flash_mode: 'dio', flash_size: '8MB', flash_freq: '80m' },
      flash_files: {
        '0x0': 'bootloader/bootloader.bin',
        '0x20000': `${project}.bin`,
        '0x8000': 'partition_table/partition-table.bin',
        '0xf000': 'ota_data_initial.bin',
      },
      app: { offset: '0x20000', file: `${project}.bin`, encrypted: 'false' },
      extra_esptool_args: { chip: 'esp32s3' },
    }),
  );
}

type Compile = (cmake: string, say: (line: string) => void) => number | null;

const leaves =
  (size: number, project?: string): Compile =>
  (cmake) => {
    leaveImage(cmake, new Uint8Array(size), project);
    return 0;
  };
const fails =
  (...lines: string[]): Compile =>
  (_, say) => {
    for (const line of lines) say(line);
    return 1;
  };

/** Tools that do as they are told by a test: `compile` stands for ninja. */
function tools(compile: Compile, identity = 'idf a') {
  const ran: string[][] = [];
  const runner: Runner = {
    name: 'fake ESP-IDF',
    identity,
    path: (file) => file,
    run: async (command, cwd, _signal, onLine) => {
      ran.push([...command]);
      if (command[0] === 'cmake') {
        writeFileSync(join(command[command.indexOf('-B') + 1]!, 'sdkconfig'), 'made');
        return 0;
      }
      return compile(cwd, onLine);
    },
  };
  return { runner, ran };
}

function build(out: string, runner: Runner, signal = new AbortController().signal): Promise<ChipBuild> {
  const output = createOutput(true, silent);
  return buildBoard({
    board: 'qemu',
    version: '1.2.3',
    out,
    env: {},
    signal,
    output,
    runner,
  }) as Promise<ChipBuild>;
}

test('a build leaves what flash takes, under the names that all boards share', async () => {
  const out = folder();
  const { runner, ran } = tools((cmake, say) => {
    say('[1/2] Building');
    leaveImage(cmake, new Uint8Array(64));
    return 0;
  });
  const built = await build(out, runner);
  const { app, table } = checkFiles(readPlan(out).files, { board: 'qemu', flashBytes: 8 << 20 });
  expect(app).toMatchObject({
    project: 'tincan-qemu',
    version: '1.2.3',
    image: built.image,
    name: 'tincan.bin',
  });
  expect(table?.at(-1)).toMatchObject({ name: 'mic', subtype: 0x40 });
  expect(built).toMatchObject({ unchanged: false, sizes: { components: { tincan: { iram: 64 } } } });
  expect(built.sizes.fill.map((one) => one.name)).toEqual(['bootloader', 'ota_0']);
  const cmake = ran[0]!;
  expect(cmake).toContain(`-DTINCAN_GENERATED=${join(out, 'generated')}`);
  expect(cmake.find((arg) => arg.startsWith('-DSDKCONFIG_DEFAULTS='))).toMatch(
    /sdkconfig\.defaults;.*generated.sdkconfig\.board$/,
  );
  expect(readFileSync(join(out, 'generated', 'sdkconfig.board'), 'utf8')).toContain(
    join(out, 'generated', 'partitions.csv'),
  );
  expect(readFileSync(join(out, 'build.log'), 'utf8')).toContain('[1/2] Building');
});

test('the same command again configures nothing, and says that the image is unchanged', async () => {
  const out = folder();
  const { runner, ran } = tools(leaves(64));
  await build(out, runner);
  const again = await build(out, runner);
  expect(again.unchanged).toBe(true);
  expect(again.before).toBeUndefined();
  expect(ran.map((command) => command[0])).toEqual(['cmake', 'ninja', 'ninja']);
});

test('another image is compared with the last one', async () => {
  const out = folder();
  let size = 64;
  const { runner } = tools((cmake) => {
    leaveImage(cmake, new Uint8Array(size));
    return 0;
  });
  await build(out, runner);
  size = 96;
  const second = await build(out, runner);
  expect(second.before?.components.tincan?.iram).toBe(64);
  expect(second.sizes.components.tincan?.iram).toBe(96);
});

test('changed defaults of the board throw the old sdkconfig away; other tools the whole folder', async () => {
  const out = folder();
  const cmake = join(out, 'idf');
  const image = leaves(64);
  await build(out, tools(image).runner);
  writeFileSync(join(cmake, 'sdkconfig'), 'of before');
  // As if the defaults had been others when it was made.
  const stamp = JSON.parse(readFileSync(join(cmake, 'tincan-stamp.json'), 'utf8'));
  writeFileSync(
    join(cmake, 'tincan-stamp.json'),
    JSON.stringify({ ...stamp, config: 'other', all: 'other' }),
  );
  await build(out, tools(image).runner);
  expect(readFileSync(join(cmake, 'sdkconfig'), 'utf8')).toBe('made');
  writeFileSync(join(cmake, 'object'), 'of the old compiler');
  await build(out, tools(image, 'idf b').runner);
  expect(existsSync(join(cmake, 'object'))).toBe(false);
});

test('a fault of the compiler: its first lines are told, the log is kept, the image of before stays', async () => {
  const out = folder();
  await build(out, tools(leaves(64)).runner);
  const before = readFileSync(join(out, 'flasher_args.json'));
  const { runner } = tools((_, say) => {
    for (const line of ['FAILED: a.obj', "main.c:1:2: error: expected ';'", 'ninja: build stopped'])
      say(line);
    return 1;
  });
  await expect(build(out, runner)).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    cause: expect.objectContaining({ message: expect.stringMatching(/^main\.c:1:2: error/) }),
    hint: expect.stringContaining('build.log'),
  });
  expect(readFileSync(join(out, 'build.log'), 'utf8')).toContain('ninja: build stopped');
  expect(readFileSync(join(out, 'flasher_args.json'))).toEqual(before);
});

test('no network for components: what to set is said', async () => {
  const { runner } = tools(fails('ERROR: Cannot establish a connection to the component registry.'));
  await expect(build(folder(), runner)).rejects.toMatchObject({
    hint: expect.stringContaining('IDF_COMPONENT_MANAGER=0'),
  });
});

test('an application of another board is refused', async () => {
  const { runner } = tools(leaves(64, 'tincan-other'));
  await expect(build(folder(), runner)).rejects.toMatchObject({ code: 'IMAGE_OTHER_BOARD' });
});

test('Ctrl-C ends it with the image of before untouched', async () => {
  const out = folder();
  const stop = new AbortController();
  const { runner } = tools((cmake) => {
    leaveImage(cmake, new Uint8Array(64));
    stop.abort();
    return null;
  });
  await expect(build(out, runner, stop.signal)).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  expect(existsSync(join(out, 'flasher_args.json'))).toBe(false);
});

test('paths of Windows have their place in a container', () => {
  expect(containerPath('C:\\Users\\me\\t c', 'win32')).toBe('/c/Users/me/t c');
  expect(containerPath('/home/me/t c', 'linux')).toBe('/home/me/t c');
});

test.skipIf(process.platform === 'win32')(
  'a container gets the folders, the user and the command',
  async () => {
    const bin = folder();
    const docker = join(bin, 'docker');
    writeFileSync(
      docker,
      `#!/bin/sh\n[ "$1" = info ] && exit \${DOWN:-0}\nfor word; do echo "$word"; done\n`,
    );
    chmodSync(docker, 0o755);
    const machine = (env: Record<string, string>) => ({
      env: { PATH: `${bin}:/usr/bin:/bin`, ...env },
      platform: 'linux' as const,
      home: bin,
    });
    const image = 'espressif/idf:v5.3.1';
    const runner = await containerRunner(machine({ IDF_COMPONENT_MANAGER: '0' }), image, ['/a b', '/c,d']);
    const said: string[] = [];
    const signal = new AbortController().signal;
    expect(await runner.run(['ninja', '-C', '/a b/idf'], bin, signal, (line) => said.push(line))).toBe(0);
    expect(said.slice(-4)).toEqual([image, 'ninja', '-C', '/a b/idf']);
    expect(said).toContain('type=bind,source=/a b,target=/a b');
    expect(said).toContain('type=bind,"source=/c,d","target=/c,d"');
    expect(said).toContain('IDF_COMPONENT_MANAGER=0');
    expect(said).toContain(`${process.getuid?.()}:${process.getgid?.()}`);
    await expect(containerRunner(machine({}), 'espressif/idf:v6.0', [])).rejects.toMatchObject({
      code: 'IDF_VERSION',
    });
    await expect(containerRunner(machine({ DOWN: '1' }), image, [])).rejects.toMatchObject({
      code: 'ENGINE_DOWN',
    });
    rmSync(docker);
    const none = { env: { PATH: bin }, platform: 'linux' as const, home: bin };
    await expect(containerRunner(none, image, [])).rejects.toMatchObject({ code: 'ENGINE_NONE' });
  },
);
