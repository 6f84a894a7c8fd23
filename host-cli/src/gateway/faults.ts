/**
 * A server that misbehaves on purpose, so that clients can be tried: what goes wrong with its events on their way to
 * the client, with its answers over HTTP, and with the length of its sessions. Chance comes from a seed, so that the
 * same script fails in the same way.
 */
import { z } from 'zod';
import type { Clock } from './clock.ts';
import type { ServerEvent } from './events.ts';

const often = {
  /** How often at most; left out: always at the top of a script, once in a step. */
  count: z.int().min(1).optional(),
  /** How likely, each time. */
  probability: z.number().min(0).max(1).default(1),
  /** So many chances are let go by first. */
  after: z.int().min(0).default(0),
};
const name = z
  .string()
  .regex(
    /^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$/,
    'expected the type of a server event, such as response.done, or response.*',
  );

/** What happens to an event on its way. */
export const eventFault = z.discriminatedUnion('do', [
  z.strictObject({ event: name, do: z.literal('drop'), ...often }),
  z.strictObject({ event: name, do: z.literal('duplicate'), ...often }),
  /** It comes so many milliseconds late; others overtake it. */
  z.strictObject({ event: name, do: z.literal('delay'), ms: z.int().min(1).max(600_000), ...often }),
  /** It comes after the event that follows it. */
  z.strictObject({ event: name, do: z.literal('reorder'), ...often }),
  /** Only its first half comes: broken JSON. */
  z.strictObject({ event: name, do: z.literal('garble'), ...often }),
  /** It is blown up to so many bytes by a member that nobody knows. */
  z.strictObject({
    event: name,
    do: z.literal('oversize'),
    bytes: z.int().min(1).max(1_000_000).default(70_000),
    ...often,
  }),
  /** The call ends instead. */
  z.strictObject({ event: name, do: z.literal('hang_up'), ...often }),
]);

/** What happens instead of an answer to POST …/calls. */
export const httpFault = z.discriminatedUnion('http', [
  z.strictObject({
    http: z.literal([400, 401, 403, 404, 429, 500, 502, 503]),
    /** Seconds, for the header Retry-After. */
    retry_after: z.int().min(0).max(86_400).optional(),
    ...often,
  }),
  z.strictObject({ http: z.literal('html'), ...often }),
  z.strictObject({ http: z.literal('redirect'), location: z.string().min(1).max(2000), ...often }),
]);

/** The session ends early. */
export const expiryFault = z.strictObject({ expire_after: z.number().min(0.001).max(3600), ...often });

export type EventFault = z.infer<typeof eventFault>;
export type HttpFault = z.infer<typeof httpFault>;
export type ExpiryFault = z.infer<typeof expiryFault>;
export type ServerFault = EventFault | HttpFault | ExpiryFault;

/** A fault with what is left of its count. */
class Armed<F extends ServerFault> {
  readonly fault: F;
  #left: number;
  #skip: number;

  constructor(fault: F, count: number) {
    this.fault = fault;
    this.#left = fault.count ?? count;
    this.#skip = fault.after;
  }

  /** Whether it happens now; asked once for each chance. */
  strikes(random: () => number): boolean {
    if (this.#left <= 0) return false;
    if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    if (this.fault.probability < 1 && random() >= this.fault.probability) return false;
    this.#left--;
    return true;
  }
}

/** The faults of a whole gateway. Those of events and of expiry are counted over all calls. */
export class Faults {
  readonly #http: Armed<HttpFault>[];
  readonly #expiry: Armed<ExpiryFault>[];
  readonly #events: Armed<EventFault>[];
  readonly #random: () => number;

  constructor(faults: readonly ServerFault[], seed = 1) {
    this.#random = randomOf(seed);
    const armed = <F extends ServerFault>(is: (fault: ServerFault) => fault is F) =>
      faults.filter(is).map((fault) => new Armed(fault, Number.POSITIVE_INFINITY));
    this.#http = armed((fault): fault is HttpFault => 'http' in fault);
    this.#expiry = armed((fault): fault is ExpiryFault => 'expire_after' in fault);
    this.#events = armed((fault): fault is EventFault => 'event' in fault);
  }

  /** What is answered to an offer instead of an answer. */
  http(): HttpFault | undefined {
    return this.#http.find((one) => one.strikes(this.#random))?.fault;
  }

  /** How long the next session lasts, ms; undefined: as long as it should. */
  maxMs(): number | undefined {
    const fault = this.#expiry.find((one) => one.strikes(this.#random))?.fault;
    return fault && fault.expire_after * 1000;
  }

  /** The way of one call's events to its client. */
  channel(host: ChannelHost): FaultyChannel {
    return new FaultyChannel(host, this.#events, this.#random);
  }
}

export interface ChannelHost {
  readonly clock: Clock;
  /** Gives a message to the carrier. */
  send(text: string): void;
  hangUp(): void;
  log(line: string): void;
}

export class FaultyChannel {
  readonly #host: ChannelHost;
  readonly #server: readonly Armed<EventFault>[];
  readonly #own: Armed<EventFault>[] = [];
  readonly #random: () => number;
  /** A message that waits for the next one to go before it. */
  #held: string | undefined;
  readonly #late = new Set<() => void>();
  #closed = false;

  constructor(host: ChannelHost, server: readonly Armed<EventFault>[], random: () => number) {
    this.#host = host;
    this.#server = server;
    this.#random = random;
  }

  /** A fault of a step: once, where it says nothing else. */
  arm(fault: EventFault): void {
    this.#own.push(new Armed(fault, 1));
  }

  send(event: ServerEvent): void {
    if (this.#closed) return;
    const text = JSON.stringify(event);
    const fault = [...this.#server, ...this.#own].find(
      (one) => matches(one.fault.event, event.type) && one.strikes(this.#random),
    )?.fault;
    if (!fault) {
      this.#pass(text);
      return;
    }
    this.#host.log(`fault: ${fault.do} ${event.type}`);
    if (fault.do === 'drop') return;
    if (fault.do === 'hang_up') {
      this.#closed = true;
      this.#host.hangUp();
    } else if (fault.do === 'delay') {
      const cancel = this.#host.clock.after(fault.ms, () => {
        this.#late.delete(cancel);
        this.#pass(text);
      });
      this.#late.add(cancel);
    } else if (fault.do === 'reorder') {
      const before = this.#held;
      this.#held = text;
      if (before !== undefined) this.#give(before);
    } else if (fault.do === 'duplicate') {
      this.#pass(text);
      this.#pass(text);
    } else if (fault.do === 'garble') {
      this.#pass(text.slice(0, text.length >> 1));
    } else {
      const padding = 'x'.repeat(Math.max(0, fault.bytes - Buffer.byteLength(text) - ',"padding":""'.length));
      this.#pass(JSON.stringify({ ...event, padding }));
    }
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#late) cancel();
    this.#late.clear();
  }

  #pass(text: string): void {
    this.#give(text);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#give(held);
  }

  #give(text: string): void {
    if (!this.#closed) this.#host.send(text);
  }
}

function matches(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
