/** One call that went through the relay: watched from beside, counted, and ended when it may not go on. */
import type { Clock } from '../clock.ts';
import type { SessionUpdate } from '../config.ts';
import type { DeviceDesk, LiveCall } from '../store/desk.ts';
import { usageIn } from '../store/index.ts';
import { SessionGuard } from './guard.ts';
import { Sideband } from './sideband.ts';
import type { Upstream } from './upstream.ts';

export interface RelayCallOptions {
  id: string;
  /** Its id at the server; undefined where that named none. */
  upstreamId: string | undefined;
  device: number | undefined;
  model: string | undefined;
  /** How old it is already, in ms. */
  age: number;
  /** Until when a former gateway saw it, where one made it; ms since 1970. */
  seen: number | undefined;
  upstream: Upstream;
  desk: DeviceDesk;
  clock: Clock;
  /** What no device may change. */
  fixed: SessionUpdate | undefined;
  log(line: string): void;
  ended(call: RelayCall): void;
}

/** Longest session of the API. */
const MAX_MS = 60 * 60_000;
/** What is being said may be said to its end, but for so long at most. */
const POLITE_MS = 8_000;
/** A call that goes on after its end is counted by nobody: so a server that fails is asked again, for three minutes. */
const HANG_UP_TRIES = 10;
const HANG_UP_MS = 1_000;
const HANG_UP_MOST_MS = 30_000;

export class RelayCall implements LiveCall {
  readonly id: string;
  readonly device: number | undefined;
  readonly #options: RelayCallOptions;
  readonly #timers = new Set<() => void>();
  #sideband: Sideband | undefined;
  #watched = false;
  #model: string | undefined;
  /** Responses under way, and whether sound is being played. */
  #responding = false;
  #speaking = false;
  readonly #guard: SessionGuard;
  /** Why it is being ended. */
  #ending: string | undefined;
  #ended = false;
  #hungUp: Promise<void> = Promise.resolve();

  constructor(options: RelayCallOptions) {
    const { clock, upstream, upstreamId } = options;
    this.id = options.id;
    this.device = options.device;
    this.#model = options.model;
    this.#options = options;
    this.#guard = new SessionGuard(options.fixed, clock);
    this.#after(Math.max(0, MAX_MS - options.age), () => this.#finish('it was 60 minutes old'));
    if (upstreamId === undefined || !upstream.hasCalls) {
      this.#unmetered('the server has no calls by id');
      return;
    }
    this.#sideband = new Sideband({
      target: () => upstream.sideband(upstreamId),
      clock,
      known: options.seen !== undefined,
      open: () => {
        this.#watched = true;
        this.#responding = this.#speaking = false;
        options.log(`call ${this.id}: watched from beside`);
      },
      event: (event) => this.handle(event),
      gone: () => this.#gone(),
      none: (why) => this.#unmetered(why),
      lost: (why) => this.end(`the connection beside it is lost: ${why}`, false),
      log: (line) => options.log(`call ${this.id}: ${line}`),
    });
  }

  /** The server knows it no more. */
  #gone(): void {
    if (this.#watched) this.#finish('it ended');
    else this.#finish('it ended while the gateway was away', this.#options.seen);
  }

  /** An event that the server sent to the device. */
  handle(event: Record<string, unknown>): void {
    const { type } = event;
    const usage = usageIn(event);
    if (usage) this.#options.desk.used(this.id, this.#model, usage);
    if (type === 'session.created' || type === 'session.updated') this.#session(event.session);
    if (type === 'response.created') this.#responding = true;
    if (type === 'response.done') this.#responding = false;
    if (type === 'output_audio_buffer.started') this.#speaking = true;
    if (type === 'output_audio_buffer.stopped' || type === 'output_audio_buffer.cleared')
      this.#speaking = false;
    if (this.#ending !== undefined && !this.#responding && !this.#speaking) this.#hangUp(this.#ending);
  }

  #session(session: unknown): void {
    if (typeof session !== 'object' || session === null) return;
    const { model } = session as { model?: unknown };
    if (typeof model === 'string' && model !== '' && model.length <= 128 && model !== this.#model) {
      this.#model = model;
      this.#options.desk.changed(this.id, { model });
    }
    const { updates, names, stubborn } = this.#guard.look(session);
    if (stubborn) {
      this.end('the device keeps changing what it may not', false);
      return;
    }
    if (updates.length === 0) return;
    this.#options.log(`call ${this.id}: the device's session was put right (${names.join(', ')})`);
    for (const right of updates) this.#sideband?.send({ type: 'session.update', session: right });
  }

  end(reason: string, politely: boolean): void {
    if (this.#ended || this.#ending !== undefined) return;
    this.#ending = reason;
    if (politely && (this.#responding || this.#speaking)) this.#after(POLITE_MS, () => this.#hangUp(reason));
    else this.#hangUp(reason);
  }

  /** Ends it here and there; done when the server knows, or cannot be told. */
  async close(reason: string): Promise<void> {
    this.#hangUp(reason);
    await this.#hungUp;
  }

  /** The device hung up through the relay. False where the server knows no such call any more. @throws HttpError */
  async hangUpFor(): Promise<boolean> {
    const { upstream, upstreamId } = this.#options;
    if (upstreamId === undefined || !upstream.hasCalls) {
      this.#finish('hung up over HTTP');
      return true;
    }
    const known = await upstream.hangUp(upstreamId);
    this.#finish(known ? 'hung up over HTTP' : 'it ended');
    return known;
  }

  #hangUp(reason: string): void {
    if (this.#ended) return;
    this.#finish(reason);
    const { upstreamId, upstream } = this.#options;
    if (upstreamId !== undefined && upstream.hasCalls) this.#hungUp = this.#tell(upstreamId);
    else this.#options.log(`call ${this.id}: the server cannot be told to end it`);
  }

  async #tell(upstreamId: string): Promise<void> {
    const { upstream, clock, log } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        await upstream.hangUp(upstreamId);
        return;
      } catch (error) {
        if (tries >= HANG_UP_TRIES) {
          log(`call ${this.id}: it could not be hung up: ${(error as Error).message}`);
          return;
        }
        await new Promise<void>((resolve) =>
          clock.after(Math.min(HANG_UP_MOST_MS, HANG_UP_MS * 2 ** (tries - 1)), resolve),
        );
      }
    }
  }

  #finish(reason: string, at?: number): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    this.#sideband?.close();
    this.#options.log(`call ${this.id} ended: ${reason}`);
    this.#options.desk.ended(this.id, reason, at);
    this.#options.ended(this);
  }

  #unmetered(why: string): void {
    this.#sideband?.close();
    this.#sideband = undefined;
    this.#options.log(
      `call ${this.id}: only its minutes are counted, until it is hung up: there is no connection beside it (${why})`,
    );
    this.#options.desk.changed(this.id, { metered: false });
  }

  #after(ms: number, run: () => void): void {
    this.#timers.add(this.#options.clock.after(ms, run));
  }
}
