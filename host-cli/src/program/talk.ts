import { type Command, Option } from 'commander';
import type { TailOptions } from '../commands/tail.ts';
import { type Common, contextOf, seconds, verb } from './parts.ts';

/** What is said and heard: tail, say, send, session. */
export function addTalk(program: Command): void {
  verb(program, 'tail', 'show everything a device says: logs and events', 'tincan tail --until response.done')
    .option('--events <file>', 'append all of it as JSON lines to a file')
    .option('--for <seconds>', 'end after this time', seconds)
    .option('--until <name>', 'end with this event, notification, or state:NAME')
    .option('--deltas', 'show the pieces of texts as they come')
    .option('--start', 'start a session first')
    .addOption(
      new Option(
        '--token <server>',
        'keep the device supplied with ephemeral secrets, as `tincan token --from` makes them',
      ).choices(['openai', 'azure', 'gateway']),
    )
    .option('--token-url <url>', 'the server that makes them')
    .option('--token-pin <sha256>', 'its key, where it has a certificate of its own')
    .option('--tools <file>', 'tools that the model may call: TypeScript, loaded again when it changes')
    .addHelpText(
      'after',
      '  $ tincan tail --start --tools host-cli/data/tools/everyday.ts\n\nA file with tools exports what defineTool() makes:\n' +
        "  import { defineTool } from '@tincan/host-cli';\n" +
        "  export const roll = defineTool({ description: 'Rolls a die.', run: () => ({ eyes: 4 }) });",
    )
    .action(async (options: Common & TailOptions) =>
      (await import('../commands/tail.ts')).tail(contextOf(options), options),
    );
  verb(
    program,
    'say <text...>',
    'say something in text, and print the answer',
    'tincan say "Switch the light on."',
  )
    .option('--no-wait', 'do not wait for the answer')
    .action(async (text: string[], options: Common & { wait: boolean }) =>
      (await import('../commands/say.ts')).say(contextOf(options), text, options),
    );
  verb(
    program,
    'send <event>',
    'send one Realtime event (JSON; - is standard input, @FILE a file)',
    `tincan send '{"type":"response.create"}'`,
  ).action(async (event: string, options: Common) =>
    (await import('../commands/send.ts')).send(contextOf(options), event),
  );
  addSession(program);
}

function addSession(program: Command): void {
  const session = program
    .command('session')
    .description('start, stop, or look at the conversation')
    .addHelpText('after', '\nExample:\n  $ tincan session start');
  verb(session, 'start', 'connect, and wait until it is live', 'tincan session start').action(
    async (options: Common) => (await import('../commands/session.ts')).sessionStart(contextOf(options)),
  );
  verb(session, 'stop', 'end it', 'tincan session stop').action(async (options: Common) =>
    (await import('../commands/session.ts')).sessionStop(contextOf(options)),
  );
  verb(
    session,
    'record <folder>',
    'write events, both voices, transcript and cost into a folder, as they happen',
    'tincan session record talks/monday --start',
  )
    .option('--start', 'start a session first, and end it with Ctrl-C')
    .addHelpText(
      'after',
      '\nIt ends with the session, or with Ctrl-C. The folder holds events.jsonl, microphone.opus and\n' +
        'loudspeaker.opus (a place in one is the same time as in the other), transcript.md, cost.json, and at the end\n' +
        'summary.json. A crash loses a second at most.',
    )
    .action(async (folder: string, options: Common & { start?: boolean }) =>
      (await import('../commands/session-record.ts')).sessionRecord(contextOf(options), folder, options),
    );
  verb(
    session,
    'status',
    'show what the device is doing, and its counters',
    'tincan session status --json',
  ).action(async (options: Common) =>
    (await import('../commands/session.ts')).sessionStatus(contextOf(options)),
  );
}
