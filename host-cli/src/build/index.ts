/** Builds the image of any board: the virtual one by itself, real ones with ESP-IDF. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ChipBoard } from '@tincan/boards';
import { PARTITION_TABLE_OFFSET } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import type { Output } from '../output.ts';
import { repositoryPath } from '../root.ts';
import { findBoard } from './board.ts';
import { readJson, replaceFile } from './files.ts';
import { buildWithIdf, type IdfBuilt } from './idf-build.ts';
import { CONTAINER_IMAGE, type Env, thisMachine } from './idf-find.ts';
import { containerRunner, nativeRunner, type Runner } from './runner.ts';
import { type Fill, parseSizes, readLinkMap, type Sizes } from './sizes.ts';
import { type BuildResult, buildImage } from './virtual.ts';

export interface BuildBoardOptions {
  board: string;
  version: string;
  /** `build/<board>` where left out. */
  out?: string;
  /** Build in a container: true for the usual image, or the name of one. */
  container?: string | boolean;
  /** See `IdfBuildOptions`; refused for the virtual board, which has no eFuse. */
  encrypted?: boolean;
  env: Env;
  signal: AbortSignal;
  output: Output;
  /** What to build with, for tests. */
  runner?: Runner;
}

export interface VirtualBuild extends BuildResult {
  kind: 'virtual';
}

export interface ChipBuild extends IdfBuilt {
  kind: 'esp32s3';
  board: string;
  folder: string;
  version: string;
  /** What built it, for people. */
  with: string;
  sizes: Sizes;
  /** Of the last build with another image. */
  before?: Sizes;
}

/** @throws TincanError BOARD_KIND, and as `buildImage`, `nativeRunner`, `containerRunner` and `buildWithIdf` */
export async function buildBoard(options: BuildBoardOptions): Promise<VirtualBuild | ChipBuild> {
  const board = findBoard(options.board);
  const { version, out } = options;
  if (board.kind === 'virtual') {
    if (options.encrypted)
      throw new TincanError('BOARD_KIND', `${board.name} has no eFuse to keep a key in.`, {
        exit: 'usage',
        hint: 'Leave --encrypted out; it is for real boards.',
      });
    const built = await buildImage({
      board: board.id,
      version,
      cacheDir: join('build', 'cache'),
      ...(out === undefined ? {} : { out }),
    });
    return { kind: 'virtual', ...built };
  }
  return buildChip(board, options);
}

async function buildChip(board: ChipBoard, options: BuildBoardOptions): Promise<ChipBuild> {
  const { output, env, signal, version } = options;
  const folder = options.out ?? join('build', board.id);
  const absolute = resolve(folder);
  mkdirSync(absolute, { recursive: true });
  const runner = options.runner ?? (await chooseRunner(options, absolute));
  output.note(`${board.name}, with ${runner.name}`);
  const bar = output.bar('building');
  let built: IdfBuilt;
  try {
    built = await buildWithIdf({
      board,
      folder: absolute,
      version,
      encrypted: options.encrypted ?? false,
      runner,
      signal,
      env,
      onStage: (stage) =>
        output.busy(stage === 'configuring' ? 'configuring' : 'looking for what has changed'),
      onProgress: (done, total, what) => bar.update(done, total, `${done}/${total} ${what}`),
    });
  } finally {
    bar.end();
  }
  const now: Sizes = {
    image: built.image,
    version,
    components: existsSync(built.map) ? readLinkMap(readFileSync(built.map, 'utf8')) : {},
    fill: fillOf(board, built),
  };
  const file = join(absolute, 'sizes.json');
  const last = parseSizes(readJson(file));
  if (last?.image !== now.image) replaceFile(file, `${JSON.stringify(now, null, 2)}\n`);
  return {
    kind: 'esp32s3',
    board: board.id,
    folder,
    version,
    with: runner.name,
    sizes: now,
    ...(last === undefined || last.image === now.image ? {} : { before: last }),
    ...built,
  };
}

async function chooseRunner({ container, env }: BuildBoardOptions, folder: string): Promise<Runner> {
  const machine = thisMachine(env);
  if (container === undefined || container === false) return nativeRunner(machine);
  const image = container === true ? CONTAINER_IMAGE : container;
  return containerRunner(machine, image, [...new Set([dirname(repositoryPath('package.json')), folder])]);
}

/** How full the boot loader's room and the application's partition are. */
function fillOf(board: ChipBoard, { app, files }: IdfBuilt): Fill[] {
  const slot = board.partitions.find((one) => one.label === app.partition);
  const loader = files.find((one) => one.offset < PARTITION_TABLE_OFFSET);
  return [
    ...(loader === undefined
      ? []
      : [{ name: 'bootloader', bytes: loader.bytes, size: PARTITION_TABLE_OFFSET - loader.offset }]),
    ...(slot === undefined ? [] : [{ name: slot.label, bytes: app.bytes, size: slot.size }]),
  ];
}
