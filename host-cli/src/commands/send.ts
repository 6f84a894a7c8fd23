import { readFileSync } from 'node:fs';
import { CLIENT_EVENTS } from '@tincan/shared-protocol';
import type { Context } from '../context.ts';
import { messageOf, TincanError } from '../errors.ts';
import { withDevice } from './session.ts';

/** `tincan send JSON`: one client event, as it is. `-` reads standard input, `@FILE` a file. */
export async function send(context: Context, given: string): Promise<void> {
  const event = parseEvent(readEvent(given));
  if (!Object.hasOwn(CLIENT_EVENTS, event.type)) {
    context.out.warn(`"${event.type}" is no client event that Tincan knows; it is sent all the same.`);
  }
  await withDevice(context, async (device) => {
    await device.request('realtime.send', { event });
    context.out.result({ sent: event.type }, `sent ${event.type}`);
  });
}

function readEvent(given: string): string {
  try {
    if (given === '-') return readFileSync(0, 'utf8');
    if (given.startsWith('@')) return readFileSync(given.slice(1), 'utf8');
    return given;
  } catch (error) {
    throw new TincanError('FILE_MISSING', `${given.slice(1)} cannot be read.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
    });
  }
}

/** @throws TincanError EVENT_NOT_JSON */
export function parseEvent(text: string): { type: string } {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    event = undefined;
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || typeof event.type !== 'string') {
    throw new TincanError(
      'EVENT_NOT_JSON',
      'That is not an event: expected a JSON object with a string "type".',
      {
        exit: 'usage',
        hint: `Example: tincan send '{"type":"response.create"}'`,
      },
    );
  }
  return { ...event, type: event.type };
}
