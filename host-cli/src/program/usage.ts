/** How the command line complains: Commander's words, as errors of ours. */
import type { Command, CommanderError } from 'commander';
import { TincanError } from '../errors.ts';

/** Commander's own complaints (unknown option, missing argument) as one of ours: a sentence, its guess as the hint. */
export function usageError(error: CommanderError): TincanError {
  const [complaint = '', guess] = error.message.replace(/^error: /, '').split('\n');
  const sentence = `${complaint.charAt(0).toUpperCase()}${complaint.slice(1).replace(/\.$/, '')}.`;
  const help = '`tincan --help` shows the commands, `tincan COMMAND --help` the options of one.';
  return new TincanError('USAGE', sentence, {
    exit: 'usage',
    hint: guess ? `${guess.replace(/^\(|\)$/g, '')} ${help}` : help,
  });
}

/** Commander throws instead of ending the process, and leaves complaints to us. */
export function configure(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const child of command.commands) configure(child);
}
