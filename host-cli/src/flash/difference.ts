/**
 * Which sectors of a file the flash does not hold, by the chip's own MD5. One MD5 costs a round trip and the reading of
 * its bytes, a sector on the line tens of milliseconds: so blocks of 64 KiB are asked for, and where one differs it is
 * halved until the sectors are known. Where samples say that nothing fits, it stops asking.
 */
import { createHash } from 'node:crypto';
import { ROM } from '@tincan/shared-protocol';

export const SECTOR = ROM.flashSector;
const BLOCK = ROM.flashEraseBlock;
/** Below this a file is simply halved. */
const SAMPLED = 4 * BLOCK;
const SAMPLES = 3;

/** Bytes of a file, from the start of a sector. */
export interface Run {
  /** Within the file. */
  start: number;
  end: number;
}

/** MD5 of a region of the flash, 32 hex digits. */
export type AskMd5 = (offset: number, length: number) => Promise<string>;

export function md5Of(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

/** The runs of sectors that differ, in order; empty if the flash holds the file. `offset`: where the file lies. */
export async function differingRuns(data: Uint8Array, offset: number, ask: AskMd5): Promise<Run[]> {
  const same = async ({ start, end }: Run) =>
    (await ask(offset + start, end - start)) === md5Of(data.subarray(start, end));
  const whole = { start: 0, end: data.length };
  if (await same(whole)) return [];
  if (data.length >= SAMPLED && (await looksForeign(data.length, same))) return [whole];
  const found: Run[] = [];
  const blocks = split(whole, BLOCK);
  for (const [i, block] of blocks.entries()) {
    // The whole differs, so where all others fit it is the last one.
    const known = i === blocks.length - 1 && found.length === 0;
    if (known || !(await same(block))) found.push(...(await halve(block, same)));
  }
  return joined(found);
}

/** Sectors spread over the file, none of which is there: what the flash holds is something else. */
async function looksForeign(length: number, same: (run: Run) => Promise<boolean>): Promise<boolean> {
  for (let i = 1; i <= SAMPLES; i++) {
    const start = Math.floor((length * i) / (SAMPLES + 1) / SECTOR) * SECTOR;
    if (await same({ start, end: Math.min(start + SECTOR, length) })) return false;
  }
  return true;
}

/** The sectors of a run that is known to differ. */
async function halve(run: Run, same: (run: Run) => Promise<boolean>): Promise<Run[]> {
  const sectors = Math.ceil((run.end - run.start) / SECTOR);
  if (sectors <= 1) return [run];
  const middle = run.start + (sectors >> 1) * SECTOR;
  const first = { start: run.start, end: middle };
  const second = { start: middle, end: run.end };
  if (await same(first)) return halve(second, same);
  const left = await halve(first, same);
  return (await same(second)) ? left : [...left, ...(await halve(second, same))];
}

/** Pieces of at most `size` bytes, their borders at its multiples. */
export function split(run: Run, size: number): Run[] {
  const pieces: Run[] = [];
  for (let start = run.start; start < run.end; ) {
    const end = Math.min(run.end, (Math.floor(start / size) + 1) * size);
    pieces.push({ start, end });
    start = end;
  }
  return pieces;
}

function joined(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    if (last?.end === run.start) last.end = run.end;
    else out.push({ ...run });
  }
  return out;
}
