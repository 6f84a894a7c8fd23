import { type Command, Option } from 'commander';
import { type Common, contextOf, verb, wholeNumber } from './parts.ts';

/** What is in a board's flash: into a file, back from it, away. */
export function addFlashContents(program: Command): void {
  const baud = () =>
    new Option('--baud <rate>', 'speed of the transfer (default: 921600)').argParser(wholeNumber);
  const partition = () => new Option('--partition <name>', 'this partition alone (default: the whole flash)');
  verb(
    program,
    'backup [file]',
    'read the flash into a file, verified; the same command goes on with one that was stopped',
    'tincan backup --partition nvs nvs.bin',
  )
    .addOption(partition())
    .addOption(baud())
    .action(async (file: string | undefined, options: Common & { partition?: string; baud?: number }) =>
      (await import('../commands/backup.ts')).backup(contextOf(options), file, options),
    );
  verb(
    program,
    'restore <file>',
    'write a backup where it came from, verified',
    'tincan restore --partition nvs nvs.bin',
  )
    .addOption(partition())
    .addOption(baud())
    .action(async (file: string, options: Common & { partition?: string; baud?: number }) =>
      (await import('../commands/backup.ts')).restore(contextOf(options), file, options),
    );
  verb(
    program,
    'coredump [file]',
    'save what a crash left in the flash, as an ELF file',
    'tincan coredump crash.elf',
  )
    .addOption(baud())
    .action(async (file: string | undefined, options: Common & { baud?: number }) =>
      (await import('../commands/coredump.ts')).coredump(contextOf(options), file, options),
    );
  verb(
    program,
    'erase',
    'erase the flash, after asking; settings are lost',
    'tincan erase --partition nvs --yes',
  )
    .addOption(partition())
    .option('--yes', 'do not ask; for scripts')
    .addOption(baud())
    .action(async (options: Common & { partition?: string; yes?: boolean; baud?: number }) =>
      (await import('../commands/erase.ts')).erase(contextOf(options), options),
    );
}
