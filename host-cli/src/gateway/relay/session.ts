/** What the relay makes of sessions: what a device may choose, and over it what the relay says. */
import { isDeepStrictEqual } from 'node:util';
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

/**
 * What a device changed of what the relay says, as a session.update that puts it right; undefined where all is well.
 * A model is never changed in a running session, so it is not looked at.
 */
export function putRight(fixed: SessionUpdate | undefined, session: unknown): SessionUpdate | undefined {
  if (fixed === undefined || typeof session !== 'object' || session === null) return undefined;
  const wrong: Record<string, unknown> = {};
  const now = session as Record<string, unknown>;
  for (const [name, wanted] of Object.entries(fixed)) {
    if (name === 'type' || name === 'model' || name === 'audio' || wanted === undefined) continue;
    if (!covers(now[name], wanted)) wrong[name] = wanted;
  }
  const audio: Record<string, unknown> = {};
  const nowAudio = (now.audio ?? {}) as Record<string, Record<string, unknown> | undefined>;
  for (const side of ['input', 'output'] as const) {
    for (const [name, wanted] of Object.entries(fixed.audio?.[side] ?? {})) {
      if (wanted === undefined || covers(nowAudio[side]?.[name], wanted)) continue;
      audio[side] = { ...(audio[side] as object | undefined), [name]: wanted };
    }
  }
  if (Object.keys(audio).length > 0) wrong.audio = audio;
  return Object.keys(wrong).length === 0 ? undefined : ({ type: 'realtime', ...wrong } as SessionUpdate);
}

/** Whether `found` holds all that `wanted` says; a server may add defaults, and leave out what is null. */
function covers(found: unknown, wanted: unknown): boolean {
  if (wanted === null || wanted === undefined) return found === null || found === undefined;
  if (Array.isArray(wanted) || typeof wanted !== 'object') {
    if (Array.isArray(wanted) && Array.isArray(found))
      return found.length === wanted.length && wanted.every((one, i) => covers(found[i], one));
    return isDeepStrictEqual(found, wanted);
  }
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([name, value]) =>
    covers((found as Record<string, unknown>)[name], value),
  );
}
