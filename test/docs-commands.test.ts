/** Every command that the documentation shows is one that the program understands, with these very options. */
import { existsSync, readFileSync } from 'node:fs';
import { BOARDS } from '@tincan/boards';
import { createProgram } from '@tincan/host-cli';
import { SETTINGS } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';

type Command = ReturnType<typeof createProgram>;

const PAGES = [
  'README.md',
  'docs/bring-up.md',
  'docs/provisioning.md',
  'docs/ports-and-flash.md',
  'docs/gateway-script.md',
  'docs/relay.md',
  'docs/conversations.md',
  'docs/events.md',
];

/** The words of a shell line, quotes removed; what stands behind a pipe or a comment is not ours. */
function words(line: string): string[] {
  const plain = line.replace(/\s#.*$/, '').split(/ [|>] /)[0] ?? '';
  return [...plain.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** Lines of shell blocks, and pieces of text in backticks, that call tincan. */
function commandsOf(page: string): string[] {
  const text = readFileSync(new URL(`../${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((match) => match[1]!.split('\n'));
  const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
  return [...blocks, ...inline]
    .map((line) => line.trim())
    .filter((line) => /^(npx )?tincan [a-z]/.test(line) || /^npm start -- /.test(line))
    .map((line) => line.replace(/^npx /, '').replace(/^npm start --/, 'tincan demo'));
}

/** The whole tree made harmless: every action only says that it was reached. */
function parse(argv: string[]): { reached: string; options: Record<string, unknown>; args: string[] } {
  let found: ReturnType<typeof parse> | undefined;
  const disarm = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
    // `tincan gateway` runs by itself, and has commands below it.
    if (command.commands.length === 0 || command.name() === 'gateway') {
      command.action(() => {
        found = { reached: command.name(), options: command.opts(), args: command.args };
      });
    }
    for (const child of command.commands) disarm(child);
  };
  const program = createProgram();
  disarm(program);
  program.parse(argv, { from: 'user' });
  if (found === undefined) throw new Error(`${argv.join(' ')} runs nothing`);
  return found;
}

const all = PAGES.flatMap((page) => commandsOf(page).map((command) => [page, command] as const));
/** A command's name alone, as in a table or a sentence. */
const isMention = (command: string) => /^tincan [a-z]+( [a-z]+)?$/.test(command);

test('there is something to look at', () => {
  expect(all.length).toBeGreaterThan(25);
});

test.each(all.filter(([, command]) => !isMention(command)))('%s: %s', (_page, command) => {
  // Placeholders of a sentence.
  const { reached, options, args } = parse(words(command).slice(1));
  const { board } = options;
  if (typeof board === 'string' && !['mine', 'ID', 'X'].includes(board))
    expect(Object.keys(BOARDS)).toContain(board);
  if (reached === 'set') for (const arg of args) expect(Object.keys(SETTINGS)).toContain(arg.split('=')[0]);
  if (reached === 'get') for (const arg of args) expect(Object.keys(SETTINGS)).toContain(arg);
  for (const file of [options.mic, options.say, options.script].flat()) {
    if (typeof file === 'string') expect(existsSync(new URL(`../${file}`, import.meta.url)), file).toBe(true);
  }
});

test.each(all.filter(([, command]) => isMention(command)))('%s names %s', (_page, command) => {
  let at: Command | undefined = createProgram();
  for (const word of words(command).slice(1)) {
    if (at.commands.length === 0) break; // an argument
    at = at.commands.find((child) => child.name() === word);
    expect(at, command).toBeDefined();
    if (at === undefined) return;
  }
});
