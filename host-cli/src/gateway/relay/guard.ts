/** Holds a running session to what the relay says of it, whatever the device makes of it. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { SessionUpdate } from '../config.ts';

/** So often one field may be changed by the device; it is put right each time, then the call ends. */
const MOST_CHANGES = 20;
/** A field that the server never shows as it was told is let be after so many tries: it shows it in another way. */
const MOST_TRIES = 5;
/** How long the server may take to show what it was told. */
const PENDING_MS = 2000;

interface Field {
  path: readonly string[];
  wanted: unknown;
  tries: number;
  /** When it was put right; undefined when that has been seen. */
  pending: number | undefined;
  /** It was put right, and the server showed it so. */
  held: boolean;
}

export class SessionGuard {
  readonly #fields: Field[];
  readonly #clock: Clock;
  readonly #type: SessionUpdate['type'];

  /** A model is never changed in a running session, so it is not looked at. */
  constructor(fixed: SessionUpdate | undefined, clock: Clock) {
    this.#clock = clock;
    const { type = 'realtime', model: _model, audio, ...top } = fixed ?? {};
    this.#type = type;
    const entries = (value: object | undefined, ...under: string[]) =>
      Object.entries(value ?? {})
        .filter(([, wanted]) => wanted !== undefined)
        .map(([name, wanted]) => ({ path: [...under, name], wanted }));
    this.#fields = [
      ...entries(top),
      ...entries(audio?.input, 'audio', 'input'),
      ...entries(audio?.output, 'audio', 'output'),
    ].map((one) => ({ ...one, tries: 0, pending: undefined, held: false }));
  }

  /**
   * Looks at a session that the server shows: what puts it right, as updates to send, in this order. `stubborn` where the
   * device changed a field too often.
   */
  look(session: object): { updates: SessionUpdate[]; names: string[]; stubborn: boolean } {
    const now = this.#clock.now();
    const wrong: Field[] = [];
    let stubborn = false;
    for (const field of this.#fields) {
      if (covers(at(session, field.path), field.wanted)) {
        field.held ||= field.pending !== undefined;
        field.pending = undefined;
        continue;
      }
      // Sessions that come meanwhile are from before it.
      if (field.pending !== undefined && now - field.pending < PENDING_MS) continue;
      if (!field.held && field.tries >= MOST_TRIES) continue;
      stubborn ||= field.tries >= MOST_CHANGES;
      field.tries++;
      field.pending = now;
      wrong.push(field);
    }
    // A voice cannot be changed after the first sound, and what is wrong in an update spoils all of it: so it goes alone.
    const voice = (field: Field) => field.path.at(-1) === 'voice';
    const updates = [wrong.filter((one) => !voice(one)), wrong.filter(voice)]
      .filter((fields) => fields.length > 0)
      .map((fields) => updateOf(this.#type, fields));
    return { updates, names: wrong.map((one) => one.path.join('.')), stubborn };
  }
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[name] : undefined,
    value,
  );

function updateOf(type: SessionUpdate['type'], fields: readonly Field[]): SessionUpdate {
  const session: Record<string, unknown> = { type };
  for (const { path, wanted } of fields) {
    let inner = session;
    for (const name of path.slice(0, -1)) {
      inner[name] ??= {};
      inner = inner[name] as Record<string, unknown>;
    }
    inner[path.at(-1)!] = wanted;
  }
  return session as SessionUpdate;
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
