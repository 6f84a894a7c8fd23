/** One session and what carries it, those who listen in beside it, and what observers may know of it. */
import { Transcript } from '@tincan/shared-protocol';
import { FRAME, join, RATE } from './audio.ts';
import type { Brain } from './brain.ts';
import type { Clock } from './clock.ts';
import type { SessionConfig } from './config.ts';
import type { ServerEvent } from './events.ts';
import type { Faults, FaultyChannel } from './faults.ts';
import type { RateLimits } from './limits.ts';
import type { ReceiverStats } from './media.ts';
import type { Bearer } from './secrets.ts';
import { type CloseCode, RealtimeSession } from './session.ts';

export interface TranscriptEntry {
  role: 'user' | 'assistant';
  text: string;
  /** Id of the conversation item. */
  id: string;
}
export type CallStats = ReceiverStats & { sent: number };

/** What observers see of a call. */
export interface CallInfo {
  /** `rtc_…` of a call over WebRTC, `sess_…` of a session over WebSocket. */
  readonly id: string;
  /** Milliseconds of the gateway's clock. */
  readonly startedAt: number;
  /** Why it ended; undefined while it lasts. */
  readonly ended: string | undefined;
  /**
   * All that the server heard, 24 kHz mono, gaps of a track as silence. Of more than ten minutes the last ten; of
   * ended calls the last three.
   */
  heard(): Int16Array;
  transcript(): readonly TranscriptEntry[];
  stats(): CallStats;
}

/** What brings events and sound to the client: a peer connection (carrier-rtc.ts), or a WebSocket (socket.ts). */
export interface Carrier {
  /** False where the message could not be sent. */
  sendText(text: string): boolean;
  /** 20 ms of sound; left out where sound goes out as events. */
  play?(pcm: Int16Array, first: boolean): void;
  /** The largest message that it takes, bytes. */
  maxMessage(): number;
  stats(): CallStats;
  close(close: CloseCode): void;
}
/** One who listens in, and may speak for the client. */
export interface Sideband {
  send(text: string): void;
  close(close: CloseCode): void;
}

export interface CallOptions {
  clock: Clock;
  brain: Brain;
  /** Left out: that of the session. */
  id?: string;
  /** Sound goes over a track. */
  track: boolean;
  config: SessionConfig;
  modelFixed: boolean;
  /** Who made the call. */
  owner: Bearer;
  faults: Faults;
  limits: RateLimits;
  unixNow(): number;
  event(call: Call, direction: 'client' | 'server', event: unknown): void;
  ended(call: Call, reason: string): void;
  log(line: string): void;
}

/** Seconds of sound that observers may listen to. */
const HEARD_FRAMES = (600 * RATE) / FRAME;
/** Messages of a sideband that wait for the session to begin. */
const MAX_EARLY = 64;
const NORMAL: CloseCode = { code: 1000, reason: '' };

export class Call implements CallInfo {
  readonly id: string;
  readonly startedAt: number;
  readonly owner: Bearer;
  ended: string | undefined;
  readonly #options: CallOptions;
  readonly #session: RealtimeSession;
  readonly #channel: FaultyChannel;
  readonly #sidebands = new Set<Sideband>();
  readonly #early: string[] = [];
  readonly #heard: Int16Array[] = [];
  readonly #transcript = new Transcript();
  #carrier: Carrier | undefined;
  #started = false;

  constructor(options: CallOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.owner = options.owner;
    this.startedAt = clock.now();
    this.#channel = options.faults.channel({
      clock,
      send: (text) => {
        if (this.#carrier?.sendText(text) === false) log(`could not send an event: ${text.slice(0, 80)}`);
      },
      hangUp: () => queueMicrotask(() => this.hangUp('the script says so')),
      log,
    });
    this.#session = new RealtimeSession({
      clock,
      brain: options.brain,
      config: options.config,
      modelFixed: options.modelFixed,
      unixNow: options.unixNow,
      limits: options.limits,
      maxMs: options.faults.maxMs(),
      maxEvent: () => this.#carrier?.maxMessage() ?? Number.POSITIVE_INFINITY,
      send: (event) => this.#send(event),
      play: options.track ? (pcm, first) => this.#carrier?.play?.(pcm, first) : undefined,
      heard: (frame) => {
        this.#heard.push(frame);
        if (this.#heard.length > HEARD_FRAMES) this.#heard.shift();
      },
      // Not from inside the session's own call stack.
      hangUp: (reason, close) => queueMicrotask(() => this.hangUp(reason, close)),
      arm: (fault) => this.#channel.arm(fault),
      log,
    });
    this.id = options.id ?? this.#session.id;
  }

  /** What carries it from now on. */
  carry(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** The client can hear events: the session begins. */
  start(): void {
    if (this.#started || this.ended !== undefined) return;
    this.#started = true;
    this.#session.start();
    for (const message of this.#early.splice(0)) this.#session.receiveText(message);
  }

  /** Ends the call, from whichever side. */
  hangUp(reason: string, close: CloseCode = NORMAL): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.free(close);
    this.#options.ended(this, reason);
  }

  /** Gives everything back, and tells nobody: the call never came to be. */
  free(close: CloseCode = NORMAL): void {
    this.#session.close();
    this.#channel.close();
    this.#carrier?.close(close);
    for (const sideband of this.#sidebands) sideband.close(close);
    this.#sidebands.clear();
  }

  /** Lets somebody listen in: gets session.created, and every event from now on. The answer ends it. */
  join(sideband: Sideband): { receive(text: string): void; leave(): void } {
    this.#sidebands.add(sideband);
    // It sees how the session is, as if it had been there from the beginning.
    const greeting = this.#session.greeting();
    if (greeting) sideband.send(JSON.stringify(greeting));
    return {
      receive: (text) => this.receiveText(text),
      leave: () => {
        this.#sidebands.delete(sideband);
      },
    };
  }

  heard(): Int16Array {
    return join(this.#heard);
  }

  /** Gives the memory of the sound back. */
  forgetSound(): void {
    this.#heard.length = 0;
  }

  transcript(): readonly TranscriptEntry[] {
    return this.#transcript
      .turns()
      .filter(({ text }) => text !== '')
      .map(({ role, text, item_id: id }) => ({ role, text, id }));
  }

  stats(): CallStats {
    const none: CallStats = { packets: 0, lost: 0, late: 0, concealed: 0, bad: 0, sent: 0 };
    return this.#carrier?.stats() ?? none;
  }

  /** A frame of the client's track. */
  hear(frame: Int16Array): void {
    if (this.ended === undefined) this.#session.hear(frame);
  }

  /** A message of the client, or of a sideband. */
  receiveText(message: string): void {
    if (this.ended !== undefined) return;
    let event: unknown = message;
    try {
      event = JSON.parse(message);
    } catch {
      // The session answers it with an error event; observers see the text.
    }
    this.#options.event(this, 'client', event);
    if (this.#started) this.#session.receiveText(message);
    else if (this.#early.length < MAX_EARLY) this.#early.push(message);
  }

  #send(event: ServerEvent): void {
    this.#transcript.feed(event, 'server');
    this.#options.event(this, 'server', event);
    this.#channel.send(event);
    if (this.#sidebands.size === 0) return;
    const text = JSON.stringify(event);
    for (const sideband of this.#sidebands) sideband.send(text);
  }
}
