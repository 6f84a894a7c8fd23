/**
 * Writing files: only sectors that differ, compressed, in pieces that are small enough to be sent again. After a failure
 * the flash itself says what is missing.
 */
import { deflateSync } from 'node:zlib';
import { dataBody, ROM, ROM_OP, STUB_ERROR, words } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { differingRuns, md5Of, type Run, split } from './difference.ts';
import type { FlashFile } from './flasher.ts';
import { LoaderError } from './link.ts';
import { type LoaderSession, Patience, type Step } from './session.ts';

/**
 * What goes as one zlib stream: larger ones compress hardly better, smaller ones cost round trips; and while the next
 * one is compressed, the line is still busy with the one before.
 */
const PIECE = 0x40000;
/** Longest a chip may take, in ms for each MB (10^6 bytes), as esptool has it; never less than the first number. */
const WRITE_MS = { least: 3000, perMb: 40_000 };
export const MD5_MS = { least: 3000, perMb: 8000 };
/** Packets that arrived damaged are sent again at once this often. */
const RESENDS = 2;
/** How often a file may turn out wrong after all of it was acknowledged. */
const VERIFIES = 3;
/** Answers that say: this packet was not used. */
const NOT_USED: ReadonlySet<number> = new Set([STUB_ERROR.checksum, STUB_ERROR.dataLength]);

export function allowedMs({ least, perMb }: { least: number; perMb: number }, bytes: number): number {
  return least + (perMb * bytes) / 1e6;
}

export interface FileProgress {
  /** `inFlash`: how many bytes of the file are right in the flash now, roughly; grows. Throws to stop. */
  onProgress(inFlash: number): void;
}

export interface FileReport {
  sent: number;
  compressed: number;
}

/** MD5 of a region of the flash. @throws LoaderError */
export async function askMd5(session: LoaderSession, offset: number, length: number): Promise<string> {
  const { body } = await session.link.request(ROM_OP.spiFlashMd5, words(offset, length, 0, 0), {
    timeoutMs: allowedMs(MD5_MS, length),
  });
  if (body.length !== 16) throw new LoaderError('damaged', 'an MD5 has another length');
  return Buffer.from(body).toString('hex');
}

/** Makes the flash hold a file. `whole`: without looking first. @throws TincanError FLASH_WRITE, FLASH_VERIFY, what `onProgress` throws */
export async function writeFile(
  session: LoaderSession,
  file: FlashFile,
  whole: boolean,
  { onProgress }: FileProgress,
): Promise<FileReport> {
  const { data, offset, name } = file;
  const report: FileReport = { sent: 0, compressed: 0 };
  const patience = new Patience();
  let inFlash = 0;
  const step: Step = {
    code: 'FLASH_WRITE',
    doing: 'write the flash',
    where: () => `after ${inFlash} of ${data.length} bytes of ${name}`,
  };
  const missing = (runs: readonly Run[]) => runs.reduce((sum, run) => sum + run.end - run.start, 0);
  const advance = (bytes: number) => {
    inFlash = Math.max(inFlash, Math.min(data.length, Math.round(bytes)));
    onProgress(inFlash);
  };
  let runs: Run[] | undefined = whole ? [{ start: 0, end: data.length }] : undefined;
  for (let rounds = 0; ; ) {
    try {
      runs ??= await differingRuns(data, offset, (at, length) => askMd5(session, at, length));
      if (runs.length === 0) break;
      if (rounds > VERIFIES) throw await wrong(session, file);
      const there = data.length - missing(runs);
      let done = 0;
      advance(there);
      await writeRuns(session, file, runs, {
        part: (bytes) => advance(there + done + bytes),
        piece: (run, compressed) => {
          done += run.end - run.start;
          report.sent += run.end - run.start;
          report.compressed += compressed;
          session.good(patience);
        },
      });
      rounds++;
    } catch (error) {
      await session.recover(error, step, patience);
    }
    // What the flash really holds is asked for again: this is how it is verified, too.
    runs = undefined;
  }
  advance(data.length);
  return report;
}

interface Listener {
  /** So many bytes of this piece are on the board. */
  part(bytes: number): void;
  piece(run: Run, compressed: number): void;
}

async function writeRuns(
  session: LoaderSession,
  file: FlashFile,
  runs: readonly Run[],
  listener: Listener,
): Promise<void> {
  const pieces = runs.flatMap((run) => split(run, PIECE));
  let next: Packed | undefined;
  for (const [i, piece] of pieces.entries()) {
    const packed: Packed = next ?? pack(file.data, piece);
    next = undefined;
    await writePiece(session, file.offset + piece.start, packed, {
      part: (share) => listener.part(share * (piece.end - piece.start)),
      lastSent: () => {
        const following = pieces[i + 1];
        if (following !== undefined) next = pack(file.data, following);
      },
    });
    listener.piece(piece, packed.compressed.length);
  }
}

interface Packed {
  /** Padded to whole words. */
  length: number;
  compressed: Uint8Array;
}

function pack(data: Uint8Array, { start, end }: Run): Packed {
  const padded = new Uint8Array(Math.ceil((end - start) / 4) * 4).fill(0xff);
  padded.set(data.subarray(start, end));
  return { length: padded.length, compressed: deflateSync(padded, { level: 9 }) };
}

async function writePiece(
  session: LoaderSession,
  offset: number,
  { length, compressed }: Packed,
  on: { part(share: number): void; lastSent(): void },
): Promise<void> {
  const size = ROM.stubFlashBlock;
  const blocks = Math.ceil(compressed.length / size);
  // The stub acknowledges a block before it writes it, so the next answer waits for that.
  const timeoutMs = allowedMs(WRITE_MS, length / blocks);
  await session.link.request(ROM_OP.flashDeflBegin, words(length, blocks, size, offset), {
    timeoutMs: allowedMs(WRITE_MS, PIECE),
  });
  for (let block = 0; block < blocks; block++) {
    const body = dataBody(block, compressed.subarray(block * size, (block + 1) * size));
    const last = block === blocks - 1;
    await sendBlock(session, body, timeoutMs, last ? on.lastSent : undefined);
    on.part((block + 1) / blocks);
  }
}

async function sendBlock(
  session: LoaderSession,
  body: Uint8Array,
  timeoutMs: number,
  meanwhile: (() => void) | undefined,
): Promise<void> {
  for (let sent = 0; ; sent++) {
    try {
      await session.link.request(ROM_OP.flashDeflData, body, {
        timeoutMs,
        ...(sent === 0 && meanwhile !== undefined ? { meanwhile } : {}),
      });
      return;
    } catch (error) {
      const unused = error instanceof LoaderError && error.kind === 'refused' && NOT_USED.has(error.code);
      if (!unused || sent >= RESENDS) throw error;
      session.note({ kind: 'resend' });
    }
  }
}

async function wrong(session: LoaderSession, { data, offset, name }: FlashFile): Promise<TincanError> {
  const found = await askMd5(session, offset, data.length);
  return new TincanError('FLASH_VERIFY', `${name} is not in the flash as it was sent.`, {
    exit: 'flash',
    cause: new Error(`MD5 expected ${md5Of(data)}, found ${found} at 0x${offset.toString(16)}`),
    hint: 'Run it again with --baud 115200; if that fails too, the flash or its supply is bad.',
  });
}
