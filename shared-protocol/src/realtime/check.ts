/**
 * Compile-time judge: our event names against the types of the `openai` package. A name that the package has and
 * we lack, or the other way round, is a type error on the line of its direction. Nothing here runs.
 */
import type { RealtimeClientEvent, RealtimeServerEvent } from 'openai/resources/realtime/realtime';
import type { ClientEventName, ServerEventName } from './events.ts';

type Same<Ours, Theirs> = [Exclude<Ours, Theirs>, Exclude<Theirs, Ours>] extends [never, never]
  ? true
  : { onlyOurs: Exclude<Ours, Theirs>; onlyTheirs: Exclude<Theirs, Ours> };

/** `true`, or the names in which the two differ. */
export const clientEventsAreTheirs: Same<ClientEventName, RealtimeClientEvent['type']> = true;
/** `true`, or the names in which the two differ. */
export const serverEventsAreTheirs: Same<ServerEventName, RealtimeServerEvent['type']> = true;
