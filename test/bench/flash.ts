/**
 * Flashing from command to prompt, side by side with esptool and espflash on the same virtual board: an image of
 * 1.5 MB of which half compresses, over a line of 921,600 baud; the same once more; and with one changed string.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servePty, startVirtualBoard } from '@tincan/boards';
import { findBoard, partitionsOf } from '@tincan/host-cli';
import {
  buildPartitionTable,
  initialOtaData,
  virtualBootloader,
  wrapWasm,
  writeFlasherArgs,
} from '@tincan/shared-protocol';
import { chance } from '../support/chance.ts';
import { helloLoader } from '../support/hello-loader.ts';
import type { Figure } from './main.ts';

const BAUD = 921_600;
const BYTES = 1_500_000;
const STRING_AT = 700_000;
const STEPS = ['first flash', 'the same again', 'one changed string'] as const;

/** Half of it does not compress, as an application with code and sound in it. */
function application(text: string): Uint8Array {
  const random = chance(5);
  const wasm = Uint8Array.from({ length: BYTES }, (_, i) => (i & 0x1000 ? (i >> 4) & 0xff : random(256)));
  wasm.set(Buffer.from(text), STRING_AT);
  return wrapWasm({ wasm, version: '1.0.0' });
}

interface Build {
  folder: string;
  files: { offset: number; file: string; path: string }[];
}

/** Files as `tincan build` makes them. */
function build(folder: string, text: string): Build {
  const table = partitionsOf(findBoard('virtual'));
  const contents = [
    { offset: 0, file: 'bootloader.bin', data: virtualBootloader() },
    { offset: 0x8000, file: 'partition-table.bin', data: buildPartitionTable(table) },
    { offset: 0xf000, file: 'ota_data_initial.bin', data: initialOtaData() },
    { offset: 0x20000, file: 'tincan.bin', data: application(text) },
  ];
  for (const { file, data } of contents) writeFileSync(join(folder, file), data);
  const files = contents.map(({ offset, file }) => ({ offset, file, path: join(folder, file) }));
  const args = { chip: 'esp32s3', mode: 'dio', size: '8MB', freq: '80m', files } as const;
  writeFileSync(join(folder, 'flasher_args.json'), writeFlasherArgs(args));
  return { folder, files };
}

interface Run {
  seconds: number;
  output: string;
}

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const begin = performance.now();
  let output = '';
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString();
      });
    }
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${output.slice(-2000)}`);
  return { seconds: (performance.now() - begin) / 1000, output };
}

interface Tool {
  name: string;
  /** A pty instead of RFC 2217. */
  pty?: boolean;
  flash(port: string, image: Build): Promise<Run>;
}

function tincan(folder: string): Tool {
  return {
    name: 'tincan',
    flash: (port, image) =>
      run(
        process.execPath,
        ['host-cli/dist/tincan.mjs', 'flash', image.folder, '--port', port, '--baud', String(BAUD), '--json'],
        { XDG_CONFIG_HOME: folder },
      ),
  };
}

/** The peers that are here, and the names of those that are not. */
function peers(): { found: Tool[]; absent: string[] } {
  const works = ([program = '', ...args]: string[]) =>
    spawnSync(program, [...args, '--help'], { stdio: 'ignore' }).status === 0;
  const named = process.env.TINCAN_ESPTOOL;
  const esptool = (named ? [[named]] : [['esptool'], ['python3', '-m', 'esptool']]).find(works);
  const espflash = [[process.env.TINCAN_ESPFLASH ?? 'espflash']].find(works);
  const found: Tool[] = [];
  const absent: string[] = [];
  if (esptool === undefined) absent.push('esptool (pip install esptool, or TINCAN_ESPTOOL)');
  else {
    const [program = '', ...first] = esptool;
    found.push({
      name: 'esptool',
      flash: (port, { files }) => {
        const parts = files.flatMap(({ offset, path }) => [`0x${offset.toString(16)}`, path]);
        return run(program, [...first, '--port', port, '--baud', String(BAUD), 'write-flash', ...parts]);
      },
    });
  }
  if (espflash === undefined) absent.push('espflash (cargo install espflash, or TINCAN_ESPFLASH)');
  else {
    const [program = ''] = espflash;
    found.push({
      name: 'espflash',
      pty: true,
      // The application alone: it takes one file at a time.
      flash: (port, { files }) => {
        const app = files.at(-1)!;
        const where = ['--port', port, '--baud', String(BAUD), '--before', 'no-reset', '--after', 'no-reset'];
        const how = ['--chip', 'esp32s3', '--non-interactive', '--skip-update-check'];
        return run(program, ['write-bin', ...where, ...how, `0x${app.offset.toString(16)}`, app.path]);
      },
    });
  }
  return { found, absent };
}

/** Seconds of each step, from command to prompt, on a board that was blank before. */
async function measure(tool: Tool, images: readonly Build[], folder: string): Promise<Run[]> {
  const board = await startVirtualBoard({ pace: true, loader: helloLoader });
  const pty = tool.pty ? await servePty(board.chip, join(folder, 'board.pty')) : undefined;
  try {
    const runs: Run[] = [];
    for (const image of images) runs.push(await tool.flash(pty?.port ?? board.port, image));
    return runs;
  } finally {
    await pty?.close();
    await board.close();
  }
}

/** What the last line of `tincan flash --json` says of the bytes. */
function reportOf({ output }: Run): { compressed: number; seconds: number } {
  const lines = output.trim().split('\n').reverse();
  for (const line of lines) {
    if (!line.startsWith('{')) continue;
    const { report } = JSON.parse(line) as { report?: { compressed: number; seconds: number } };
    if (report !== undefined) return report;
  }
  throw new Error(`tincan flash --json gave no report: ${output.slice(-500)}`);
}

export async function benchFlash(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-bench-'));
  const changed = mkdtempSync(join(tmpdir(), 'tincan-bench-'));
  try {
    const first = build(folder, 'Hello, world.');
    const images = [first, first, build(changed, 'Hello, dear.')];
    const ours = await measure(tincan(folder), images, folder);
    const { compressed, seconds } = reportOf(ours[0]!);
    const limit = BAUD / 10;
    const figures: Figure[] = [
      {
        name: 'flash: 1.5 MB, compressed bytes on the line',
        value: compressed / seconds,
        unit: 'B/s',
        limit: { what: `a line of ${BAUD} baud`, value: limit, ratio: compressed / seconds / limit },
      },
      ...STEPS.map((step, i) => ({ name: `flash: ${step}`, value: ours[i]!.seconds, unit: 's' })),
    ];
    const { found, absent } = peers();
    for (const tool of found) {
      const theirs = await measure(tool, images, folder);
      for (const [i, step] of STEPS.entries()) {
        const value = theirs[i]!.seconds;
        const ratio = ours[i]!.seconds / value;
        figures.push({
          name: `flash: ${step}`,
          value: ours[i]!.seconds,
          unit: 's',
          limit: { what: tool.name, value, ratio },
        });
      }
    }
    for (const name of absent) process.stderr.write(`flash: absent, so not compared: ${name}\n`);
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(changed, { recursive: true });
  }
}
