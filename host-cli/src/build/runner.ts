/** Where a build's programs run: on this machine, or in Espressif's container. */
import { TincanError } from '../errors.ts';
import { idfEnvironment } from './idf-env.ts';
import { findIdf, inPath, installHint, isSupported, type Machine } from './idf-find.ts';
import { capture, follow } from './process.ts';

export interface Runner {
  /** What builds, for people. */
  name: string;
  /** Version of ESP-IDF; undefined where only the container knows. */
  version?: string;
  /** Other tools than before make a build folder useless; these words tell them apart. */
  identity: string;
  /** A file of this machine as the programs see it. */
  path(file: string): string;
  /** Runs one command in `cwd`; resolves with its exit status. */
  run(
    command: readonly string[],
    cwd: string,
    signal: AbortSignal,
    onLine: (line: string) => void,
  ): Promise<number | null>;
}

/** ESP-IDF on this machine. @throws TincanError as `findIdf` and `idfEnvironment` */
export async function nativeRunner(machine: Machine): Promise<Runner> {
  const idf = findIdf(machine);
  // So that the lines look the same whatever the user has set; the log stays readable without a terminal.
  const env = { ...(await idfEnvironment(idf, machine)), NINJA_STATUS: '[%f/%t] ', CLICOLOR: '0' };
  return {
    name: `ESP-IDF ${idf.version} at ${idf.path} (${idf.from})`,
    version: idf.version,
    identity: `${idf.path} ${idf.version}`,
    path: (file) => file,
    run: async ([program = '', ...args], cwd, signal, onLine) => {
      // Resolved here: on Windows a program without its ending is not found.
      const file = inPath(program, { env, platform: machine.platform }) ?? program;
      return follow(file, args, { env, cwd, signal, onLine }).ended;
    },
  };
}

const ENGINES = ['docker', 'podman'] as const;

/** docker, else podman; undefined where there is neither. */
export function findEngine(machine: Machine): { name: (typeof ENGINES)[number]; file: string } | undefined {
  for (const name of ENGINES) {
    const file = inPath(name, machine);
    if (file !== undefined) return { name, file };
  }
  return undefined;
}

/** Environment variables that mean something to the build and are handed into the container. */
const HANDED_ON = ['IDF_COMPONENT_MANAGER', 'EXTRA_COMPONENT_DIRS'];

/**
 * ESP-IDF in a container. `folders` are what it may see and write: the sources too, since the component manager puts
 * what it fetches beside them.
 * @throws TincanError ENGINE_NONE, ENGINE_DOWN, IDF_VERSION
 */
export async function containerRunner(
  machine: Machine,
  image: string,
  folders: readonly string[],
): Promise<Runner> {
  const engine = findEngine(machine);
  if (engine === undefined) {
    throw new TincanError(
      'ENGINE_NONE',
      'Neither docker nor podman was found, so there is no container to build in.',
      {
        hint: `Install one of them. ${installHint(machine.platform)}`,
      },
    );
  }
  const tag = /:v(\d+\.\d+(?:\.\d+)?)$/.exec(image)?.[1];
  if (tag !== undefined && !isSupported(tag)) {
    throw new TincanError(
      'IDF_VERSION',
      `${image} does not build this firmware: it takes ESP-IDF 5.3 to 5.5.`,
      {
        exit: 'usage',
        hint: 'Leave the image out, or name one of these versions, for example espressif/idf:v5.4.2.',
      },
    );
  }
  const there = await capture(engine.file, ['info'], { env: machine.env, timeoutMs: 20_000 });
  if (there.status !== 0) {
    throw new TincanError('ENGINE_DOWN', `${engine.name} is installed but does not answer.`, {
      cause: new Error(there.err.trim().split('\n').at(-1) ?? ''),
      hint: `Start it (${engine.name === 'docker' ? 'Docker Desktop, or `sudo systemctl start docker`' : '`podman machine start`'}), or build with an ESP-IDF of this machine.`,
    });
  }
  const extra = (machine.env.EXTRA_COMPONENT_DIRS ?? '').split(';').filter((folder) => folder !== '');
  const mounts = [...folders, ...extra].flatMap((folder) => mount(folder, machine.platform));
  const fixed = [
    'run',
    '--rm',
    '--init',
    ...user(engine.name, machine.platform),
    ...mounts,
    ...HANDED_ON.filter((name) => machine.env[name] !== undefined).flatMap((name) => [
      '--env',
      `${name}=${(machine.env[name] ?? '')
        .split(';')
        .map((one) => containerPath(one, machine.platform))
        .join(';')}`,
    ]),
    '--env',
    'HOME=/tmp',
    '--env',
    'NINJA_STATUS=[%f/%t] ',
    // The sources belong to another user than the one in the container.
    '--env',
    'IDF_GIT_SAFE_DIR=/opt/esp/idf',
  ];
  return {
    name: `${image} in ${engine.name}`,
    ...(tag === undefined ? {} : { version: tag }),
    identity: `${engine.name} ${image}`,
    path: (file) => containerPath(file, machine.platform),
    run: async (command, cwd, signal, onLine) => {
      const name = `tincan-build-${process.pid}-${Date.now()}`;
      const args = [
        ...fixed,
        '--name',
        name,
        '--workdir',
        containerPath(cwd, machine.platform),
        image,
        ...command,
      ];
      const status = await follow(engine.file, args, { env: machine.env, cwd, signal, onLine }).ended;
      // The client may have gone while the container goes on.
      if (signal.aborted) await capture(engine.file, ['kill', name], { env: machine.env, timeoutMs: 10_000 });
      return status;
    },
  };
}

/** The same path inside as outside, so that what the build writes down holds on both sides; C:\a is /c/a there. */
export function containerPath(file: string, platform: NodeJS.Platform): string {
  if (platform !== 'win32') return file;
  return file.replaceAll('\\', '/').replace(/^([A-Za-z]):/, (_, drive: string) => `/${drive.toLowerCase()}`);
}

function mount(folder: string, platform: NodeJS.Platform): string[] {
  // Not --volume: its colons meet those of Windows paths.
  const target = containerPath(folder, platform);
  return ['--mount', `type=bind,${quoted(`source=${folder}`)},${quoted(`target=${target}`)}`];
}

/** The value is CSV: a comma in a path must not end it. */
function quoted(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The files shall belong to whoever builds. podman maps its root to that user by itself. */
function user(engine: string, platform: NodeJS.Platform): string[] {
  if (engine === 'podman' || platform === 'win32' || process.getuid === undefined) return [];
  return ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`];
}
