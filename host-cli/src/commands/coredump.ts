/** `tincan coredump`: what a crash left in the flash, as an ELF file that debuggers read. */
import { writeFileSync } from 'node:fs';
import {
  COREDUMP_HEADER_SIZE,
  type CoredumpHeader,
  coredumpElf,
  DATA_SUBTYPE,
  findPartition,
  parseCoredumpHeader,
} from '@tincan/shared-protocol';
import type { Context } from '../context.ts';
import { interrupted, messageOf, TincanError } from '../errors.ts';
import { refuseExisting } from '../flash/backup.ts';
import { chipName } from '../flash/chip.ts';
import type { Flasher } from '../flash/flasher.ts';
import { bytes } from '../output.ts';
import { type LoaderOptions, readTable, withLoader } from './loader.ts';

/** Fetches the core dump and saves its ELF file; says so where there is none. */
export async function coredump(
  context: Context,
  given: string | undefined,
  options: LoaderOptions,
): Promise<void> {
  const { out, signal } = context;
  if (given !== undefined) refuseExisting(given);
  const bar = out.bar('reading');
  try {
    await withLoader(context, options, async (flasher, chip) => {
      const found = await fetchDump(flasher, signal, (read, total) => {
        out.event({ stage: 'progress', done: read, total });
        bar.update(read, total, `${read}/${total} bytes`);
      });
      bar.end();
      if (found === undefined) {
        out.result(
          { stage: 'done', mac: chip.mac, coredump: null },
          'there is no core dump: nothing has crashed since it was last erased',
        );
        return;
      }
      const { header, elf } = found;
      const file = given ?? `coredump-${chip.mac.replaceAll(':', '')}.elf`;
      save(file, elf);
      out.result(
        { stage: 'done', mac: chip.mac, coredump: { file, bytes: elf.length, ...header } },
        `${file}: ${bytes(elf.length)}, ${header.tasks} tasks of the ${chipName(header.chip)}; its ${header.checksum === 'sha256' ? 'SHA-256' : 'CRC-32'} is right\n` +
          'it holds the memory of the board, secrets too: keep it as such. `tincan erase --partition coredump` makes room for the next',
      );
    });
  } finally {
    bar.end();
  }
}

async function fetchDump(
  flasher: Flasher,
  signal: AbortSignal,
  onProgress: (read: number, total: number) => void,
): Promise<{ header: CoredumpHeader; elf: Uint8Array } | undefined> {
  const partition = findPartition(await readTable(flasher), 'data', DATA_SUBTYPE.coredump);
  if (partition === undefined) {
    throw new TincanError('COREDUMP_PLACE', 'The board has no partition for core dumps.', {
      exit: 'device',
      hint: 'Its firmware was built without one; flash a build of `tincan build`.',
    });
  }
  const { offset, size } = partition;
  try {
    const header = parseCoredumpHeader(await flasher.read(offset, COREDUMP_HEADER_SIZE), size);
    if (header === undefined) return undefined;
    if (signal.aborted) throw interrupted('Nothing was saved.');
    return { header, elf: coredumpElf(await flasher.read(offset, header.length, onProgress), header) };
  } catch (error) {
    if (error instanceof TincanError) throw error;
    throw new TincanError('COREDUMP_BROKEN', 'The core dump in the flash is damaged; nothing was saved.', {
      exit: 'device',
      cause: new Error(messageOf(error)),
      hint: '`tincan backup --partition coredump` saves it as it is; `tincan erase --partition coredump` makes room for the next.',
    });
  }
}

function save(file: string, elf: Uint8Array): void {
  refuseExisting(file);
  try {
    writeFileSync(file, elf, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new TincanError('COREDUMP_FILE', `${file} cannot be written.`, {
      cause: new Error(messageOf(error)),
      hint: 'Name a file in a folder that you may write to.',
    });
  }
}
