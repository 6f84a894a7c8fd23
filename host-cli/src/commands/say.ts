import { Transcript } from '@tincan/shared-protocol';
import type { Context } from '../context.ts';
import type { DeviceMessage } from '../device/device.ts';
import { eventType } from '../device/format.ts';
import { TincanError } from '../errors.ts';
import { ensureLive, withDevice } from './session.ts';

/** How long an answer may take. */
const ANSWER_MS = 60_000;

/** `tincan say TEXT`: a sentence in text, as if it had been spoken; prints the answer's words. */
export async function say(context: Context, words: string[], options: { wait: boolean }): Promise<void> {
  const text = words.join(' ').trim();
  if (text === '') {
    throw new TincanError('TEXT_EMPTY', 'There is nothing to say.', {
      exit: 'usage',
      hint: 'Example: tincan say "Switch the light on."',
    });
  }
  await withDevice(context, async (device, hello) => {
    await ensureLive(device, hello, context.signal);
    const answer = device.waitFor(answerTo(text), 'session.say with a spoken answer', {
      timeoutMs: ANSWER_MS,
      signal: context.signal,
    });
    answer.catch(() => undefined);
    await device.request('session.say', { text });
    if (!options.wait) {
      context.out.result({ said: text }, 'said');
      return;
    }
    const parts = await answer;
    if (parts instanceof Error) throw parts;
    context.out.result({ said: text, answer: parts.join('\n') }, parts.join('\n'));
  });
}

interface SpokenEvent {
  item?: { id?: string; role?: string; content?: { text?: string }[] };
  item_id?: string;
  response?: {
    id?: string;
    status?: string;
    status_details?: { error?: { code?: string; message?: string } };
    output?: { type?: string }[];
  };
  response_id?: string;
  transcript?: string;
  text?: string;
}

/**
 * Follows the events of a session; gives the words of what answers `text`, turn by turn. A response that was made
 * before the server had that text (the greeting of a new session) answers nothing. One that failed is an error, but for
 * a first rate limit: after that the device asks again.
 */
export function answerTo(text: string): (message: DeviceMessage) => string[] | TincanError | undefined {
  const transcript = new Transcript();
  const answers = new Set<string | undefined>();
  const items = new Set<string | undefined>();
  /** As they come: all there is of a server that does not tell of its items. */
  const loose: string[] = [];
  let asked = false;
  let limited = false;
  return (message) => {
    if (message.method !== 'realtime.event') return undefined;
    const type = eventType(message) ?? '';
    const event = (message.params.event ?? {}) as SpokenEvent;
    transcript.feed(event, 'server');
    if (/^conversation\.item\.(added|created|done)$/.test(type))
      asked ||= event.item?.role === 'user' && event.item.content?.[0]?.text === text;
    if (type === 'response.created' && asked) answers.add(event.response?.id);
    if (answers.has(event.response_id)) {
      items.add(event.item_id ?? event.item?.id);
      const words = /(?:transcript|text)\.done$/.test(type) ? (event.transcript ?? event.text) : undefined;
      if (words) loose.push(words);
    }
    // A tool call is answered by another response.
    const called = event.response?.output?.some((item) => item.type === 'function_call') === true;
    if (type !== 'response.done' || called || !answers.has(event.response?.id)) return undefined;
    const turns = transcript.turns().filter((turn) => items.has(turn.item_id) && turn.text !== '');
    const said = turns.length > 0 ? turns.map((turn) => turn.text) : loose;
    if (said.length > 0) return said;
    const { status, status_details: details } = event.response ?? {};
    const { code = 'it does not say why', message: why } = details?.error ?? {};
    const isLimit = code === 'rate_limit_exceeded';
    if (status !== 'failed' || (isLimit && !limited)) {
      limited ||= isLimit;
      return undefined;
    }
    return new TincanError(
      'ANSWER_FAILED',
      `The server could not answer: ${code}${why ? ` (${why})` : ''}.`,
      {
        exit: 'server',
        hint: 'Try again; `tincan tail` shows what it says.',
      },
    );
  };
}
