import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { idfEnvironment, withExports } from './idf-env.ts';
import { findIdf, idfVersion, inPath, isSupported, listIdf, type Machine } from './idf-find.ts';

const home = () => mkdtempSync(join(tmpdir(), 'tincan home '));

function machine(
  home: string,
  env: Record<string, string> = {},
  platform: NodeJS.Platform = 'linux',
): Machine {
  return { env: { HOME: home, ...env }, platform, home };
}

function write(path: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** A folder that looks like ESP-IDF of this version. */
function idf(path: string, version: string): string {
  const [major, minor, patch] = version.split('.');
  write(
    join(path, 'tools', 'cmake', 'version.cmake'),
    `set(IDF_VERSION_MAJOR ${major})\nset(IDF_VERSION_MINOR ${minor})\nset(IDF_VERSION_PATCH ${patch})\n`,
  );
  return path;
}

const code = (code: string) => expect.objectContaining({ code });

test.each([
  ['5.2.3', false],
  ['5.3.0', true],
  ['5.5.4', true],
  ['5.6.0', false],
  ['6.0.0', false],
  ['4.4.8', false],
])('ESP-IDF %s is supported: %s', (version, good) => {
  expect(isSupported(version)).toBe(good);
});

test('IDF_PATH decides, whatever else is there', () => {
  const at = home();
  idf(join(at, 'esp', 'esp-idf'), '5.5.1');
  const mine = idf(join(at, 'my idf'), '5.4.2');
  expect(findIdf(machine(at, { IDF_PATH: mine }))).toMatchObject({
    path: mine,
    version: '5.4.2',
    from: 'IDF_PATH',
  });
  expect(() => findIdf(machine(at, { IDF_PATH: join(at, 'nothing') }))).toThrow(code('IDF_PATH_WRONG'));
  const old = idf(join(at, 'old'), '5.1.4');
  expect(() => findIdf(machine(at, { IDF_PATH: old }))).toThrow(
    /ESP-IDF 5\.1\.4 \(.*old\) does not build this firmware: it takes 5\.3 to 5\.5\./,
  );
});

test('without it the newest supported one of the usual places is taken', () => {
  const at = home();
  idf(join(at, 'esp', 'esp-idf'), '5.3.2');
  idf(join(at, 'esp', 'v5.4.10', 'esp-idf'), '5.4.10');
  idf(join(at, '.espressif', 'v5.4.9', 'esp-idf'), '5.4.9');
  idf(join(at, '.espressif', 'v6.0', 'esp-idf'), '6.0.0');
  expect(listIdf(machine(at)).filter((one) => one.path.startsWith(at))).toHaveLength(4);
  expect(findIdf(machine(at)).version).toBe('5.4.10');
});

test("what Espressif's installers wrote down is found, with tools and Python", () => {
  const at = home();
  const path = idf(join(at, 'somewhere', 'else'), '5.5.1');
  const entry = { id: 'one', path, python: join(at, 'py'), idfToolsPath: join(at, 'tools') };
  const file = join(at, '.espressif', 'tools', 'eim_idf.json');
  write(
    file,
    JSON.stringify({ idfSelectedId: 'one', idfInstalled: [{ id: 'gone', path: join(at, 'gone') }, entry] }),
  );
  expect(findIdf(machine(at))).toMatchObject({
    path,
    from: "Espressif's installer",
    python: entry.python,
    toolsPath: entry.idfToolsPath,
  });
  write(file, '{ broken');
  write(
    join(at, '.espressif', 'esp_idf.json'),
    JSON.stringify({ idfInstalled: { 'esp-idf-1': { path, python: 'p' } } }),
  );
  expect(findIdf(machine(at)).path).toBe(path);
});

test.each([
  ['linux', /apt install .*git clone -b v5\.3\.1.*install\.sh esp32s3/],
  ['darwin', /brew install .*git clone/],
  ['win32', /winget install Espressif\.EIM-CLI.*eim install/],
] as const)('where there is none, it says what to install on %s', (platform, commands) => {
  const at = home();
  const error = (() => {
    try {
      return findIdf(machine(at, {}, platform));
    } catch (error) {
      return error as { code: string; hint: string };
    }
  })();
  // A machine that has one in a place of the whole system is no place for this test.
  if (!('code' in error)) return;
  expect(error.code).toBe('IDF_NONE');
  expect(error.hint).toMatch(commands);
  expect(error.hint).toMatch(/--container/);
  expect(error.hint).toMatch(/release of this repository/);
});

test('only unsupported ones: said with their versions', () => {
  const at = home();
  idf(join(at, 'esp', 'esp-idf'), '6.0.1');
  expect(() => findIdf(machine(at))).toThrow(/6\.0\.1/);
});

test('a folder without a version is no ESP-IDF', () => {
  const at = home();
  expect(idfVersion(at)).toBeUndefined();
  write(join(at, 'tools', 'cmake', 'version.cmake'), 'set(IDF_VERSION_MAJOR 5)\n');
  expect(idfVersion(at)).toBeUndefined();
});

test('exported variables stand before the PATH that was there', () => {
  const env = withExports(
    { PATH: '/bin', A: '1' },
    'PATH=/t/a:/t/b:$PATH\nESP_IDF_VERSION=5.3\nnoise\n',
    'linux',
  );
  expect(env).toEqual({ PATH: '/t/a:/t/b:/bin', A: '1', ESP_IDF_VERSION: '5.3' });
  expect(withExports({ Path: 'C:\\x' }, 'PATH=C:\\t;%PATH%\r\n', 'win32')).toEqual({ Path: 'C:\\t;C:\\x' });
});

test.skipIf(process.platform === 'win32')(
  'the environment is taken as it is where it was exported, else idf_tools.py makes it',
  async () => {
    const at = home();
    const path = idf(join(at, 'esp idf'), '5.3.1');
    const bin = join(at, 'bin dir');
    for (const name of ['cmake', 'ninja', 'xtensa-esp32s3-elf-gcc'])
      write(join(bin, name), '#!/bin/sh\n', 0o755);
    // Its Python is a shell here: what counts is what is asked and answered.
    const python = write(
      join(at, 'python'),
      `#!/bin/sh\n[ "$2 $3 $4" = "export --format key-value" ] && [ "$IDF_PATH" = "${path}" ] && echo 'PATH=${bin}:$PATH'\n`,
      0o755,
    );
    const found = { path, version: '5.3.1', from: 'test', python };
    const bare = machine(at, { PATH: '/usr/bin:/bin' });
    expect(await idfEnvironment(found, bare)).toMatchObject({ PATH: `${bin}:/usr/bin:/bin`, IDF_PATH: path });
    const exported = machine(at, { PATH: `${bin}:/bin`, IDF_PATH: path });
    expect(await idfEnvironment({ ...found, python: '/nowhere' }, exported)).toMatchObject({
      PATH: `${bin}:/bin`,
    });
    write(
      python,
      '#!/bin/sh\necho "ERROR: tool xtensa-esp-elf has no installed versions." >&2\nexit 1\n',
      0o755,
    );
    await expect(idfEnvironment(found, bare)).rejects.toMatchObject({
      code: 'IDF_TOOLS',
      cause: expect.objectContaining({ message: expect.stringContaining('xtensa-esp-elf') }),
      hint: expect.stringContaining('install.sh" esp32s3'),
    });
  },
);

test.skipIf(process.platform === 'win32')('a folder, or a file that may not be run, is no program', () => {
  const at = home();
  mkdirSync(join(at, 'tools', 'cmake'), { recursive: true });
  write(join(at, 'notes', 'cmake'), '');
  const program = write(join(at, 'bin', 'cmake'), '', 0o755);
  const PATH = ['tools', 'notes', 'bin'].map((name) => join(at, name)).join(':');
  expect(inPath('cmake', { env: { PATH }, platform: 'linux' })).toBe(program);
});

test('a program is found by the endings of its system', () => {
  const at = home();
  write(join(at, 'tool.exe'), '');
  expect(inPath('tool', { env: { Path: at, PATHEXT: '.COM;.EXE' }, platform: 'win32' })).toMatch(
    /tool\.exe$/,
  );
  expect(inPath('tool', { env: { PATH: at }, platform: 'linux' })).toBeUndefined();
});
