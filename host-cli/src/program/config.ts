import type { Command } from 'commander';
import { type Common, contextOf, verb } from './parts.ts';

/** Settings of a running device. */
export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .description('read and change the settings of a running device')
    .addHelpText('after', '\nExample:\n  $ tincan config list');
  verb(
    config,
    'get <names...>',
    'show settings; secrets as fingerprints',
    'tincan config get audio.volume',
  ).action(async (names: string[], options: Common) =>
    (await import('../commands/config.ts')).configGet(contextOf(options), names),
  );
  verb(config, 'list', 'show all settings', 'tincan config list')
    .option('--describe', 'what settings there are and what they take; needs no device')
    .action(async (options: Common & { describe?: boolean }) =>
      (await import('../commands/config.ts')).configList(contextOf(options), options),
    );
  verb(
    config,
    'set <settings...>',
    'change settings: NAME=VALUE…, or NAME VALUE; a secret by its NAME alone',
    'tincan config set audio.volume=40 session.voice=cedar',
  )
    .option('--file <file>', 'the value is in a file; - is standard input')
    .option('--keyring', "a secret from this computer's keyring; one that is asked for is put there")
    .action(async (given: string[], options: Common & { file?: string; keyring?: boolean }) =>
      (await import('../commands/config.ts')).configSet(contextOf(options), given, options),
    );
  verb(config, 'unset <names...>', 'back to the defaults', 'tincan config unset session.voice').action(
    async (names: string[], options: Common) =>
      (await import('../commands/config.ts')).configUnset(contextOf(options), names),
  );
}
