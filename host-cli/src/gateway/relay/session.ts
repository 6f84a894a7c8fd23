/** What the relay makes of sessions: what a device may choose, and over it what the relay says. */
import { messageOf, TincanError } from '../../errors.ts';
import { parseSession, type SessionUpdate } from '../config.ts';
import { RealtimeError } from '../events.ts';

/** Reads the file of --session. @throws TincanError RELAY_SESSION that names what is wrong in it */
export function sessionOf(text: string, file: string): SessionUpdate {
  try {
    return parseSession(JSON.parse(text));
  } catch (error) {
    const param = error instanceof RealtimeError && error.param !== null ? ` (${error.param})` : '';
    throw new TincanError('RELAY_SESSION', `${file} is no session${param}.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: 'It holds the session as session.update has it: {"type":"realtime","model":"…","instructions":"…"}.',
    });
  }
}

/** `over` laid over `base`: fields that `over` has count. Of `audio` each field by itself. */
export function layOver(base: SessionUpdate | undefined, over: SessionUpdate | undefined): SessionUpdate {
  const result: SessionUpdate = { ...base, ...over, type: over?.type ?? base?.type ?? 'realtime' };
  if (base?.audio === undefined || over?.audio === undefined) return result;
  const audio: NonNullable<SessionUpdate['audio']> = {};
  for (const side of ['input', 'output'] as const) {
    if (base.audio[side] === undefined && over.audio[side] === undefined) continue;
    Object.assign(audio, { [side]: { ...base.audio[side], ...over.audio[side] } });
  }
  return { ...result, audio };
}
