/** The environment in which ESP-IDF's tools run: as it is, where it was exported already; else made by idf_tools.py. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TincanError } from '../errors.ts';
import { type Env, type Idf, inPath, type Machine } from './idf-find.ts';
import { capture } from './process.ts';

/** What a build calls by name. */
const PROGRAMS = ['cmake', 'ninja', 'xtensa-esp32s3-elf-gcc'];

/**
 * @throws TincanError IDF_PYTHON, IDF_TOOLS
 */
export async function idfEnvironment(idf: Idf, machine: Machine): Promise<Env> {
  const own: Env = { ...machine.env, IDF_PATH: idf.path };
  const exported = machine.env.IDF_PATH !== undefined && resolve(machine.env.IDF_PATH) === idf.path;
  if (exported && missing(own, machine).length === 0) return own;

  const python = pythonOf(idf, machine);
  if (python === undefined) {
    throw new TincanError('IDF_PYTHON', 'There is no Python for ESP-IDF.', {
      hint: `Install Python 3, then run ${installer(idf, machine)}.`,
    });
  }
  if (idf.toolsPath !== undefined) own.IDF_TOOLS_PATH = idf.toolsPath;
  const said = await capture(
    python,
    [join(idf.path, 'tools', 'idf_tools.py'), 'export', '--format', 'key-value'],
    {
      env: own,
    },
  );
  const env = said.status === 0 ? withExports(own, said.out, machine.platform) : own;
  const lacking = said.status === 0 ? missing(env, machine) : [];
  if (said.status !== 0 || lacking.length > 0) {
    const why = said.status === 0 ? `not found: ${lacking.join(', ')}` : lastLines(said.err || said.out);
    throw new TincanError(
      'IDF_TOOLS',
      `The tools of ESP-IDF ${idf.version} (${idf.path}) are not complete.`,
      {
        cause: new Error(why),
        hint: `Run ${installer(idf, machine)}.`,
      },
    );
  }
  return env;
}

function missing(env: Env, { platform }: Machine): string[] {
  return PROGRAMS.filter((program) => inPath(program, { env, platform }) === undefined);
}

function installer(idf: Idf, { platform }: Machine): string {
  return platform === 'win32'
    ? `"${join(idf.path, 'install.bat')}" esp32s3`
    : `\`"${join(idf.path, 'install.sh')}" esp32s3\``;
}

/** KEY=VALUE lines; a value may name the PATH that was there. */
export function withExports(env: Env, text: string, platform: NodeJS.Platform): Env {
  const made: Env = { ...env };
  // On Windows it may be called Path.
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  for (const line of text.split(/\r?\n/)) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    const old = platform === 'win32' ? /%PATH%/gi : /\$PATH/g;
    made[name === 'PATH' ? pathName : name] = value.replace(old, () => env[pathName] ?? '');
  }
  return made;
}

/** The Python of its virtual environment, or any: idf_tools.py names the right one itself. */
function pythonOf(idf: Idf, machine: Machine): string | undefined {
  if (idf.python !== undefined && existsSync(idf.python)) return idf.python;
  const tools = idf.toolsPath ?? machine.env.IDF_TOOLS_PATH ?? join(machine.home, '.espressif');
  const minor = idf.version.split('.').slice(0, 2).join('.');
  const inside = machine.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  for (const name of list(join(tools, 'python_env'))) {
    const file = join(tools, 'python_env', name, ...inside);
    if (name.startsWith(`idf${minor}_`) && existsSync(file)) return file;
  }
  return inPath('python3', machine) ?? inPath('python', machine);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join('\n    ');
}
