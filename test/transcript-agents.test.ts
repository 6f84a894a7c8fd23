/**
 * The judge of `golden/transcript.json` that nobody here wrote: the history that @openai/agents-realtime keeps. It knows
 * GA events only, takes them in the order in which they come, and shows a partial text nowhere; where that makes a
 * difference the vector is named below, with the reason.
 */
import { readFileSync } from 'node:fs';
import {
  OpenAIRealtimeBase,
  RealtimeAgent,
  type RealtimeItem,
  type RealtimeMessageItem,
  RealtimeSession,
} from '@openai/agents-realtime';
import { Transcript, type Turn } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';

interface Vector {
  name: string;
  events: { type: string; item_id?: string }[];
  turns: Turn[];
}
const { transcripts } = JSON.parse(
  readFileSync(new URL('../shared-protocol/golden/transcript.json', import.meta.url), 'utf8'),
) as { transcripts: Vector[] };

/** What the SDK does otherwise, and why ours is meant. */
const OTHERWISE: Record<string, string> = {
  'pieces fill a turn until it is whole': 'pieces are not shown',
  'a chain that comes backwards': 'an item does not wait for its predecessor',
  'the place is told by a later event only': 'an item is never moved',
  'names of the beta API': 'they are not read',
  'an answer that is interrupted while it is heard': 'pieces are not shown',
  'an answer that is cancelled, and not among the output': 'pieces are not shown',
  'another response ends: this answer goes on': 'pieces are not shown',
  'conversation.item.created without audio and without transcript': 'conversation.item.created is not read',
  'calls and system messages are no turns, but hold their place': 'a result of a call holds no place',
  "text, picture and sound in one user's message": 'a message with a picture is not shown',
  'words that come before their item': 'they are lost',
  'an answer outside of the conversation is no turn': 'response.output_item.added makes an item known',
};

/** A line to nowhere: what the server says is put in by the test. */
class Puppet extends OpenAIRealtimeBase {
  readonly status = 'connected';
  readonly muted = null;
  override connect = async () => {};
  override sendEvent = () => {};
  override sendAudio = () => {};
  override close = () => {};
  override mute = () => {};
  override interrupt = () => {};
  say(event: object): void {
    this._onMessage({ data: JSON.stringify(event) } as MessageEvent);
  }
}

async function historyOf(events: readonly object[]): Promise<string[]> {
  const puppet = new Puppet();
  const session = new RealtimeSession(new RealtimeAgent({ name: 'judge' }), { transport: puppet });
  session.on('error', () => {});
  await session.connect({ apiKey: 'none' });
  for (const [i, event] of events.entries()) {
    try {
      puppet.say({ event_id: `event_${i}`, ...event });
    } catch {
      // It throws where an item is damaged.
    }
  }
  return session.history.filter(isMessage).map((item) => `${item.role}: ${wordsOf(item)}`);
}
const isMessage = (item: RealtimeItem): item is RealtimeMessageItem =>
  item.type === 'message' && item.role !== 'system';
const wordsOf = ({ content }: RealtimeMessageItem) =>
  content
    .map((part) => ('text' in part ? part.text : 'transcript' in part ? (part.transcript ?? '') : ''))
    .filter((text) => text !== '')
    .join(' ');

function ours(events: readonly object[]): string[] {
  const transcript = new Transcript();
  for (const event of events) transcript.feed(event, 'server');
  return transcript.turns().map(({ role, text }) => `${role}: ${text}`);
}

describe("our turns are those of OpenAI's own client", () => {
  for (const { name, events } of transcripts) {
    const why = OTHERWISE[name];
    it(why === undefined ? name : `${name} (not there: ${why})`, async () => {
      const theirs = await historyOf(events);
      if (why === undefined) expect(ours(events)).toEqual(theirs);
      else expect(ours(events)).not.toEqual(theirs);
    });
  }
});
