/**
 * Where ESP-IDF is on this machine, and whether its version is one that the firmware builds with. Places: what
 * `IDF_PATH` names, what Espressif's installers wrote down (eim_idf.json, esp_idf.json), and where its guide and its
 * container put it.
 */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve, sep } from 'node:path';
import { TincanError } from '../errors.ts';
import { readJson } from './files.ts';

export type Env = Record<string, string | undefined>;

export interface Idf {
  /** The folder that `IDF_PATH` names. */
  path: string;
  /** `5.3.1` */
  version: string;
  /** Who said so, for people. */
  from: string;
  /** Where its tools lie, and its Python, as far as its installer wrote them down. */
  toolsPath?: string;
  python?: string;
}

export interface Machine {
  env: Env;
  platform: NodeJS.Platform;
  home: string;
}

export const thisMachine = (env: Env): Machine => ({
  env,
  platform: process.platform,
  home: env.HOME ?? env.USERPROFILE ?? homedir(),
});

/** The image that `--container` takes where none is named. */
export const CONTAINER_IMAGE = 'espressif/idf:v5.3.1';
/** The release to install: the one that the firmware is built with by CI. */
export const IDF_RELEASE = '5.3.1';
/** Minor versions of ESP-IDF 5. Before, SDKs differ too much; 6 has no `json` component and another Mbed TLS. */
const OLDEST = 3;
const NEWEST = 5;

export function isSupported(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 5 && minor !== undefined && minor >= OLDEST && minor <= NEWEST;
}

const SUPPORTED = `5.${OLDEST} to 5.${NEWEST}`;

/** What its own build system takes as its version; undefined where `path` holds no ESP-IDF. */
export function idfVersion(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(join(path, 'tools', 'cmake', 'version.cmake'), 'utf8');
  } catch {
    return undefined;
  }
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`set\\(IDF_VERSION_${part}\\s+(\\d+)\\)`).exec(text)?.[1],
  );
  return parts.includes(undefined) ? undefined : parts.join('.');
}

/** All of ESP-IDF on this machine, the places that were chosen by somebody first. */
export function listIdf(machine: Machine): Idf[] {
  const found = new Map<string, Idf>();
  const add = (path: string, from: string, more: { toolsPath?: string; python?: string } = {}) => {
    const version = idfVersion(path);
    const key = resolve(path);
    if (version !== undefined && !found.has(key)) found.set(key, { path: key, version, from, ...more });
  };
  for (const one of installerEntries(machine)) add(one.path, one.from, one);
  for (const path of defaultPlaces(machine)) add(path, 'default place');
  return [...found.values()];
}

/**
 * The ESP-IDF to build with: the one that IDF_PATH names, else the newest supported one.
 * @throws TincanError IDF_PATH_WRONG, IDF_VERSION, IDF_NONE
 */
export function findIdf(machine: Machine): Idf {
  const named = machine.env.IDF_PATH;
  if (named !== undefined && named !== '') {
    const version = idfVersion(named);
    if (version === undefined) {
      throw new TincanError('IDF_PATH_WRONG', `IDF_PATH names ${named}, where there is no ESP-IDF.`, {
        exit: 'usage',
        hint: `Correct or unset IDF_PATH. ${installHint(machine.platform)}`,
      });
    }
    if (!isSupported(version)) throw unsupported([{ path: named, version, from: 'IDF_PATH' }], machine);
    const known = listIdf(machine).find((one) => one.path === resolve(named));
    return { ...known, path: resolve(named), version, from: 'IDF_PATH' };
  }
  const all = listIdf(machine);
  const [best] = all.filter((one) => isSupported(one.version)).sort(newestFirst);
  if (best !== undefined) return best;
  if (all.length > 0) throw unsupported(all, machine);
  throw new TincanError('IDF_NONE', 'There is no ESP-IDF on this machine that could be found.', {
    hint: installHint(machine.platform),
  });
}

function newestFirst(a: Idf, b: Idf): number {
  return b.version.localeCompare(a.version, 'en', { numeric: true });
}

function unsupported(all: readonly Idf[], machine: Machine): TincanError {
  const what = all.map((one) => `${one.version} (${one.path})`).join(', ');
  return new TincanError(
    'IDF_VERSION',
    `ESP-IDF ${what} does not build this firmware: it takes ${SUPPORTED}.`,
    {
      hint: installHint(machine.platform),
    },
  );
}

/** What to install where there is nothing, in commands. */
export function installHint(platform: NodeJS.Platform): string {
  return `${installCommands(platform)} Or build in a container: \`tincan build --board ID --container\` (docker or podman). Or take a ready image, one per board, from a release of this repository or a run of its workflow "firmware", as soon as there is one.`;
}

function installCommands(platform: NodeJS.Platform): string {
  if (platform === 'win32') {
    return `Install it: \`winget install Espressif.EIM-CLI\`, then \`eim install -i v${IDF_RELEASE} -t esp32s3\`.`;
  }
  const clone = `git clone -b v${IDF_RELEASE} --depth 1 --recursive --shallow-submodules https://github.com/espressif/esp-idf.git ~/esp/esp-idf && ~/esp/esp-idf/install.sh esp32s3`;
  const first =
    platform === 'darwin'
      ? 'brew install cmake ninja dfu-util python3'
      : 'sudo apt install git wget flex bison gperf python3 python3-venv cmake ninja-build ccache libffi-dev libssl-dev dfu-util libusb-1.0-0';
  return `Install it: \`${first}\`, then \`${clone}\`.`;
}

interface InstallerEntry {
  path: string;
  from: string;
  toolsPath?: string;
  python?: string;
}

/** What Espressif's installers wrote down; the version that was selected there comes first. */
function installerEntries({ env, home, platform }: Machine): InstallerEntry[] {
  const files = [
    env.IDF_TOOLS_PATH === undefined ? undefined : join(env.IDF_TOOLS_PATH, 'tools', 'eim_idf.json'),
    join(home, '.espressif', 'tools', 'eim_idf.json'),
    ...(platform === 'win32' ? ['C:\\Espressif\\tools\\eim_idf.json', 'C:\\Espressif\\esp_idf.json'] : []),
    join(home, '.espressif', 'esp_idf.json'),
  ];
  return files.flatMap((file) => (file === undefined ? [] : entriesOf(readJson(file))));
}

function entriesOf(json: unknown): InstallerEntry[] {
  if (!isObject(json) || typeof json.idfInstalled !== 'object' || json.idfInstalled === null) return [];
  // A list in EIM's file, an object by id in that of the installer before it.
  const entries = Object.entries(json.idfInstalled).flatMap(([key, value]) =>
    isObject(value) && typeof value.path === 'string'
      ? [{ id: text(value.id) ?? key, path: value.path, value }]
      : [],
  );
  entries.sort((a, b) => Number(b.id === json.idfSelectedId) - Number(a.id === json.idfSelectedId));
  return entries.map(({ path, value }) => {
    const toolsPath = text(value.idfToolsPath);
    const python = text(value.python);
    return {
      path,
      from: "Espressif's installer",
      ...(toolsPath === undefined ? {} : { toolsPath }),
      ...(python === undefined ? {} : { python }),
    };
  });
}

function defaultPlaces({ home, platform }: Machine): string[] {
  const places = [join(home, 'esp', 'esp-idf'), join(home, 'esp-idf'), '/opt/esp/idf', '/opt/esp-idf'];
  for (const root of [join(home, '.espressif'), join(home, 'esp'), join(home, '.espressif', 'frameworks')]) {
    for (const name of foldersIn(root)) places.push(join(root, name), join(root, name, 'esp-idf'));
  }
  if (platform === 'win32') {
    for (const root of ['C:\\Espressif\\frameworks', 'C:\\esp']) {
      for (const name of foldersIn(root)) places.push(join(root, name), join(root, name, 'esp-idf'));
    }
  }
  return places;
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

/** The file of a program in PATH; undefined where there is none. */
export function inPath(
  program: string,
  { env, platform }: Pick<Machine, 'env' | 'platform'>,
): string | undefined {
  const endings = platform === 'win32' ? (env.PATHEXT ?? '.EXE;.CMD;.BAT').split(';') : [''];
  const path = Object.entries(env).find(([name]) => name.toUpperCase() === 'PATH')?.[1] ?? '';
  for (const folder of path.split(delimiter)) {
    for (const ending of endings) {
      const file = `${folder.replace(/[\\/]$/, '')}${sep}${program}${ending.toLowerCase()}`;
      if (folder !== '' && isProgram(file, platform)) return file;
    }
  }
  return undefined;
}

/** ESP-IDF's tools folder, which is in PATH, has a folder `cmake`. */
function isProgram(file: string, platform: NodeJS.Platform): boolean {
  try {
    if (platform !== 'win32') accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
