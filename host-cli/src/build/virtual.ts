/**
 * Builds the virtual board's image: the C core as WebAssembly, inside a real ESP32-S3 image, with the files that
 * ESP-IDF would leave beside it. See "The virtual board's image" in ARCHITECTURE.md.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Board, listensWhileSpeaking } from '@tincan/boards';
import { compileCore } from '@tincan/firmware';
import {
  buildPartitionTable,
  DATA_SUBTYPE,
  initialOtaData,
  PARTITION_TABLE_OFFSET,
  PARTITION_TYPE,
  virtualBootloader,
  wrapWasm,
  writeFlasherArgs,
} from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { repositoryPath } from '../root.ts';
import { findBoard, partitionsOf } from './board.ts';
import { replaceFile } from './files.ts';

export interface BuiltFile {
  name: string;
  offset: number;
  bytes: number;
}

export interface BuildResult {
  board: string;
  folder: string;
  version: string;
  /** SHA-256 of the application, as `hello` will say it. */
  image: string;
  files: BuiltFile[];
  /** The WebAssembly alone, in bytes. */
  wasmBytes: number;
  compileSeconds: number;
  cached: boolean;
  warnings: string;
}

export interface BuildOptions {
  board: string;
  /** Where the files go; `build/<board>` where left out. */
  out?: string;
  version: string;
  /** Where compiled cores are kept. */
  cacheDir?: string;
}

/** @throws TincanError BOARD_UNKNOWN, BOARD_KIND, BOARD_INVALID, IMAGE_TOO_BIG, COMPILE_FAILED */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const board = findBoard(options.board);
  if (board.kind !== 'virtual') {
    throw new TincanError('BOARD_KIND', `The ${board.name} is no virtual board.`, { exit: 'usage' });
  }
  const compiled = await compile(options, board);
  const app = wrapWasm({ wasm: compiled.wasm, version: options.version });
  const table = partitionsOf(board);
  const slot = table.find((one) => one.type === PARTITION_TYPE.app);
  const otadata = table.find((one) => one.type === PARTITION_TYPE.data && one.subtype === DATA_SUBTYPE.ota);
  if (slot === undefined || otadata === undefined) {
    throw new TincanError('BOARD_INVALID', `The board "${board.id}" has no place for an application.`);
  }
  if (app.length > slot.size) {
    throw new TincanError(
      'IMAGE_TOO_BIG',
      `The application has ${app.length} bytes, its partition ${slot.size}.`,
      {
        exit: 'flash',
      },
    );
  }
  const parts = [
    { name: 'bootloader', file: 'bootloader.bin', offset: 0, data: virtualBootloader() },
    {
      name: 'partition-table',
      file: 'partition-table.bin',
      offset: PARTITION_TABLE_OFFSET,
      data: buildPartitionTable(table),
    },
    { name: 'otadata', file: 'ota_data_initial.bin', offset: otadata.offset, data: initialOtaData() },
    { name: 'app', file: 'tincan.bin', offset: slot.offset, data: app },
  ];
  const folder = options.out ?? join('build', board.id);
  mkdirSync(folder, { recursive: true });
  for (const part of parts) replaceFile(join(folder, part.file), part.data);
  const args = writeFlasherArgs({
    chip: 'esp32s3',
    mode: 'keep',
    size: 'keep',
    freq: 'keep',
    files: parts.map(({ name, file, offset }) => ({ name, file, offset })),
  });
  // Last, so that a build that was stopped leaves no plan with files of two builds.
  replaceFile(join(folder, 'flasher_args.json'), args);
  return {
    board: board.id,
    folder,
    version: options.version,
    image: Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(compiled.wasm))).toString('hex'),
    files: parts.map(({ file, offset, data }) => ({ name: file, offset, bytes: data.length })),
    wasmBytes: compiled.wasm.length,
    compileSeconds: compiled.seconds,
    cached: compiled.cached,
    warnings: compiled.warnings,
  };
}

async function compile(options: BuildOptions, board: Board) {
  try {
    return await compileCore({
      firmwareDir: repositoryPath('firmware'),
      defines: {
        TC_FIRMWARE_VERSION: options.version,
        TC_BOARD_ID: board.id,
        TC_BOARD_ECHO: listensWhileSpeaking(board) ? 1 : 0,
      },
      ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
    });
  } catch (error) {
    const text = error instanceof Error && 'output' in error ? String(error.output) : messageOf(error);
    throw new TincanError('COMPILE_FAILED', 'The firmware core did not compile.', {
      cause: new Error(text.trim().split('\n').slice(0, 12).join('\n    ')),
      hint: 'The compiler comes from npm (@yowasp/clang): if it is missing, run `npm ci`; else mend the C.',
    });
  }
}
