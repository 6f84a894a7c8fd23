/** What the groups of commands share: options, the context of a call, and what it ends with. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../errors.ts';
import { createOutput } from '../output.ts';

export interface Common {
  port?: string;
  json?: boolean;
}

const stop = new AbortController();
/** Of the call that runs. */
export const run = {
  /** What a command that reports failures in its result ends with. */
  status: EXIT.ok as number,
  /** `--json` before the command's name. */
  everyJson: false,
};

/** Ctrl-C once: the command ends at a safe place. Twice: at once. */
export function onInterrupt(): void {
  if (stop.signal.aborted) process.exit(EXIT.interrupted);
  stop.abort();
}

export function contextOf(options: Common): Context {
  return {
    out: createOutput(options.json ?? run.everyJson),
    signal: stop.signal,
    env: process.env,
    ...(options.port === undefined ? {} : { port: options.port }),
  };
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It is a number of seconds above 0.');
  return value;
}

export const several = (value: string, before: string[] = []) => [...before, value];

export const BOARD = () => new Option('--board <id>', 'board, one of `tincan boards`').default('virtual');

/** A command with the options that every command has, and an example in its help. */
export function verb(
  parent: Command,
  nameAndArguments: string,
  description: string,
  example: string,
): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .option(
      '--port <port>',
      'serial port: a path, rfc2217://host:port, or the MAC or name of a board (default: found, or the last one)',
    )
    .option('--json', 'results as JSON lines on stdout, errors too')
    .addHelpText('after', `\nExample:\n  $ ${example}`);
}
