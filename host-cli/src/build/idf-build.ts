/**
 * Builds the image of a real board with ESP-IDF: writes what is of that board alone, configures where something has
 * changed that CMake does not see by itself, runs ninja, and puts the results where `tincan flash` looks for them.
 *
 *     build/<board>/           flasher_args.json and what it names, sizes.json, build.log
 *     build/<board>/generated/ board.h, sdkconfig.board, partitions.csv
 *     build/<board>/idf/       the build folder of CMake
 */
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, type WriteStream } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { boardFiles, type ChipBoard } from '@tincan/boards';
import { parseFlasherArgs, writeFlasherArgs } from '@tincan/shared-protocol';
import { interrupted, messageOf, TincanError } from '../errors.ts';
import { checkFiles } from '../flash/check.ts';
import { repositoryPath } from '../root.ts';
import { readJson, replaceFile, writeIfChanged } from './files.ts';
import { firstFault, NinjaProgress, tooBig } from './ninja.ts';
import type { Runner } from './runner.ts';

export interface IdfBuildOptions {
  board: ChipBoard;
  /** Absolute. */
  folder: string;
  version: string;
  /** Settings are encrypted in flash by a key that the chip burns into an eFuse at its first start. */
  encrypted?: boolean;
  runner: Runner;
  signal: AbortSignal;
  /** Environment variables that CMake reads: they make a build another one. */
  env: Record<string, string | undefined>;
  onStage?(stage: 'configuring' | 'compiling'): void;
  onProgress?(done: number, total: number, what: string): void;
}

export interface IdfBuilt {
  files: { name: string; offset: number; bytes: number }[];
  /** SHA-256 of the application's ELF, as `hello` will say it. */
  image: string;
  app: { bytes: number; partition: string };
  elf: string;
  map: string;
  /** The image is the one that was there already. */
  unchanged: boolean;
  seconds: number;
}

/** @throws TincanError BUILD_FAILED, IMAGE_TOO_BIG, INTERRUPTED, and what `checkFiles` refuses */
export async function buildWithIdf(options: IdfBuildOptions): Promise<IdfBuilt> {
  const { board, folder, runner } = options;
  const started = performance.now();
  const generated = join(folder, 'generated');
  const cmake = join(folder, 'idf');
  mkdirSync(cmake, { recursive: true });
  const partitionsPath = runner.path(join(generated, 'partitions.csv')).replaceAll('\\', '/');
  for (const [name, text] of Object.entries(boardFiles(board, { partitionsPath }))) {
    writeIfChanged(join(generated, name), text);
  }
  const log = createWriteStream(join(folder, 'build.log'));
  try {
    log.write(`${runner.name}\n`);
    await configure(options, { generated, cmake, log });
    await compile(options, { cmake, log });
  } finally {
    await new Promise<void>((done) => log.end(done));
  }
  const { files, app, image, unchanged } = collect(board, folder, cmake);
  const project = readJson(join(cmake, 'project_description.json'));
  const elf = join(cmake, String((project as { app_elf?: string } | undefined)?.app_elf ?? 'tincan.elf'));
  return {
    files,
    image,
    app,
    elf,
    map: elf.replace(/\.elf$/, '.map'),
    unchanged,
    seconds: (performance.now() - started) / 1000,
  };
}

interface Stamp {
  /** Which tools made the folder. */
  tools: string;
  /** What the sdkconfig was made from. */
  config: string;
  /** All that CMake was told or read. */
  all: string;
}

/**
 * Runs CMake where it is needed. ESP-IDF keeps an sdkconfig once it is there, and lists of sources are read when CMake
 * runs, so changes to defaults, generated files and names of sources would go unnoticed.
 */
async function configure(
  options: IdfBuildOptions,
  { generated, cmake, log }: { generated: string; cmake: string; log: WriteStream },
): Promise<void> {
  const { runner, version } = options;
  const project = repositoryPath('firmware/esp32s3');
  const inside = (file: string) => runner.path(file).replaceAll('\\', '/');
  const defaults = [
    join(project, 'sdkconfig.defaults'),
    join(generated, 'sdkconfig.board'),
    ...(options.encrypted ? [join(project, 'sdkconfig.encrypted')] : []),
  ];
  const args = [
    'cmake',
    '-G',
    'Ninja',
    '-S',
    inside(project),
    '-B',
    inside(cmake),
    '-DIDF_TARGET=esp32s3',
    '-DESP_PLATFORM=1',
    // Its installer has seen to that; the check wants files which only that installer leaves.
    '-DPYTHON_DEPS_CHECKED=1',
    `-DSDKCONFIG=${inside(join(cmake, 'sdkconfig'))}`,
    `-DSDKCONFIG_DEFAULTS=${defaults.map(inside).join(';')}`,
    `-DTINCAN_GENERATED=${inside(generated)}`,
    `-DTINCAN_VERSION=${version}`,
  ];
  const stampFile = join(cmake, 'tincan-stamp.json');
  const config = digest(defaults.map(textOf));
  const stamp: Stamp = {
    tools: runner.identity,
    config,
    all: digest([
      runner.identity,
      config,
      ...args,
      textOf(join(generated, 'board.h')),
      textOf(join(generated, 'partitions.csv')),
      ...sourceNames(repositoryPath('firmware')),
      String(options.env.EXTRA_COMPONENT_DIRS),
      String(options.env.IDF_COMPONENT_MANAGER),
    ]),
  };
  const before = readJson(stampFile) as Partial<Stamp> | undefined;
  if (before?.all === stamp.all) return;
  // A folder that other tools made, or that was never whole, is not mended but made anew.
  if (before?.tools !== stamp.tools) {
    rmSync(cmake, { recursive: true, force: true });
    mkdirSync(cmake, { recursive: true });
  } else if (before.config !== stamp.config) {
    rmSync(join(cmake, 'sdkconfig'), { force: true });
  }
  rmSync(stampFile, { force: true });
  options.onStage?.('configuring');
  await run(options, args, project, log, () => undefined);
  replaceFile(stampFile, JSON.stringify(stamp));
}

/** Runs ninja. */
async function compile(
  options: IdfBuildOptions,
  { cmake, log }: { cmake: string; log: WriteStream },
): Promise<void> {
  options.onStage?.('compiling');
  const progress = new NinjaProgress();
  await run(options, ['ninja', '-C', options.runner.path(cmake)], cmake, log, (line) => {
    if (progress.see(line)) {
      options.onProgress?.(progress.done, progress.total, line.replace(/^\[\d+\/\d+\] /, ''));
    }
  });
}

async function run(
  options: IdfBuildOptions,
  command: readonly string[],
  cwd: string,
  log: WriteStream,
  onLine: (line: string) => void,
): Promise<void> {
  const lines: string[] = [];
  log.write(`\n$ ${command.map((word) => (/[\s;"]/.test(word) ? JSON.stringify(word) : word)).join(' ')}\n`);
  const status = await options.runner.run(command, cwd, options.signal, (line) => {
    log.write(`${line}\n`);
    lines.push(line);
    onLine(line);
  });
  if (options.signal.aborted) {
    throw interrupted(
      'What was built so far is kept; the same command goes on. The image of before is untouched.',
    );
  }
  if (status !== 0) throw failure(options, lines);
}

function failure({ board, folder }: IdfBuildOptions, lines: readonly string[]): TincanError {
  const big = tooBig(lines);
  if (big !== undefined) {
    return new TincanError(
      'IMAGE_TOO_BIG',
      `The application has ${big.bytes} bytes, more than its partition ${big.partition}.`,
      {
        exit: 'flash',
        hint: `Look for what has grown in ${join(folder, 'sizes.json')} (the last build that fitted).`,
      },
    );
  }
  const offline = lines.some((line) =>
    /component registry|Cannot establish a connection|Failed to resolve/i.test(line),
  );
  return new TincanError('BUILD_FAILED', `The image for ${board.name} could not be built.`, {
    cause: new Error(firstFault(lines).join('\n    ') || 'nothing was said'),
    hint: offline
      ? 'Components come over the network; without one set IDF_COMPONENT_MANAGER=0, and EXTRA_COMPONENT_DIRS to the folders that hold them.'
      : `All of it is in ${join(folder, 'build.log')}.`,
  });
}

/** The results of CMake's folder, copied out under the names that all boards share. The plan comes last. */
function collect(board: ChipBoard, folder: string, cmake: string) {
  let plan: ReturnType<typeof parseFlasherArgs>;
  let parts: { name: string; file: string; offset: number; data: Uint8Array }[];
  try {
    plan = parseFlasherArgs(readFileSync(join(cmake, 'flasher_args.json'), 'utf8'));
    parts = plan.files.map(({ name, file, offset }) => ({
      name: name ?? basename(file, '.bin'),
      file: name === 'app' ? 'tincan.bin' : basename(file),
      offset,
      data: new Uint8Array(readFileSync(join(cmake, file))),
    }));
  } catch (error) {
    throw new TincanError('BUILD_FAILED', `The build of ${board.name} left no whole image.`, {
      cause: new Error(messageOf(error)),
      hint: `Delete ${cmake} and build again; all of it is in ${join(folder, 'build.log')}.`,
    });
  }
  const { app } = checkFiles(
    parts.map(({ file, offset, data }) => ({ name: file, offset, data })),
    { board: board.id, flashBytes: board.flash.bytes },
  );
  if (app === undefined)
    throw new TincanError('BUILD_FAILED', `The build of ${board.name} left no application.`);
  const files = parts.map(({ name, file, offset }) => ({ name, file, offset }));
  const written = [
    ...parts.map((part) => writeIfChanged(join(folder, part.file), part.data)),
    writeIfChanged(join(folder, 'flasher_args.json'), writeFlasherArgs({ ...plan, files })),
  ];
  return {
    image: app.image,
    unchanged: !written.includes(true),
    app: {
      bytes: parts.find((part) => part.offset === app.offset)?.data.length ?? 0,
      partition: app.partition,
    },
    files: parts.map(({ file, offset, data }) => ({ name: file, offset, bytes: data.length })),
  };
}

function digest(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Names of the C files that CMake finds by pattern. */
function sourceNames(firmware: string): string[] {
  return ['core', 'generated', 'peer', 'esp32s3/main', 'esp32s3/components'].flatMap((folder) => {
    try {
      return readdirSync(resolve(firmware, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(c|cmake)$|(^|[\\/])(CMakeLists\.txt|idf_component\.yml)$/.test(name))
        .map((name) => `${folder}/${name}`)
        .sort();
    } catch {
      return [];
    }
  });
}
