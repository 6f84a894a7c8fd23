/** One call: peer connection, sound, session, and what observers may know of it. */
import { Transcript } from '@tincan/shared-protocol';
import { FRAME, join, RATE } from './audio.ts';
import type { Brain } from './brain.ts';
import type { Clock } from './clock.ts';
import type { SessionConfig } from './config.ts';
import { newId, type ServerEvent } from './events.ts';
import { Receiver, type ReceiverStats, Sender } from './media.ts';
import { Peer } from './peer.ts';
import type { Offer } from './sdp.ts';
import { RealtimeSession } from './session.ts';

export interface TranscriptEntry {
  role: 'user' | 'assistant';
  text: string;
  /** Id of the conversation item. */
  id: string;
}

/** What observers see of a call. */
export interface CallInfo {
  readonly id: string;
  /** Milliseconds of the gateway's clock. */
  readonly startedAt: number;
  /** Why it ended; undefined while it lasts. */
  readonly ended: string | undefined;
  /**
   * All that the server heard, 24 kHz mono, gaps as silence. Of more than ten minutes the last ten; of ended calls
   * the last three.
   */
  heard(): Int16Array;
  transcript(): readonly TranscriptEntry[];
  stats(): ReceiverStats & { sent: number };
}

export interface CallOptions {
  clock: Clock;
  brain: Brain;
  offer: Offer;
  config: SessionConfig;
  modelFixed: boolean;
  bindAddress: string | undefined;
  /** Addresses of elsewhere that lead to this machine's media. */
  announced: readonly string[];
  /** Name of the bearer who made the call. */
  owner: string;
  unixNow(): number;
  event(call: Call, direction: 'client' | 'server', event: unknown): void;
  ended(call: Call, reason: string): void;
  log(line: string): void;
}

/** A call whose peer never connects is given up after so many ms. */
const CONNECT_MS = 30_000;
const HEARD_FRAMES = (600 * RATE) / FRAME;

export class Call implements CallInfo {
  readonly id = newId('rtc');
  readonly startedAt: number;
  readonly owner: string;
  ended: string | undefined;
  readonly #options: CallOptions;
  readonly #session: RealtimeSession;
  readonly #heard: Int16Array[] = [];
  readonly #transcript = new Transcript();
  #peer: Peer | undefined;
  #receiver: Receiver | undefined;
  #sender: Sender | undefined;
  #cancelConnect: () => void;

  /** Answers the offer. Throws Error where the peer connection does not take it. */
  static async start(options: CallOptions): Promise<{ call: Call; answer: string }> {
    const call = new Call(options);
    try {
      return { call, answer: await call.#connect() };
    } catch (error) {
      call.#free();
      throw error;
    }
  }

  private constructor(options: CallOptions) {
    this.#options = options;
    this.owner = options.owner;
    this.startedAt = options.clock.now();
    this.#session = new RealtimeSession({
      clock: options.clock,
      brain: options.brain,
      config: options.config,
      modelFixed: options.modelFixed,
      unixNow: options.unixNow,
      send: (event) => this.#send(event),
      play: (pcm, first) => this.#sender?.play(pcm, first),
      // Not from inside the session's own call stack.
      hangUp: (reason) => queueMicrotask(() => this.hangUp(reason)),
      log: options.log,
    });
    this.#cancelConnect = options.clock.after(CONNECT_MS, () => this.hangUp('the peer did not connect'));
  }

  async #connect(): Promise<string> {
    const { clock, offer, bindAddress, announced } = this.#options;
    const receiver = await Receiver.create(clock, offer.opus, (frame) => this.#hear(frame));
    this.#receiver = receiver;
    const peer = await Peer.answer(
      offer,
      { bindAddress, announced },
      {
        open: () => {
          this.#cancelConnect();
          this.#session.start();
        },
        text: (message) => this.#text(message),
        packet: (bytes) => receiver.push(bytes),
        closed: (reason) => this.hangUp(reason),
      },
    );
    this.#peer = peer;
    this.#sender = await Sender.create(clock, offer.opus, peer.ssrc, (bytes) => peer.sendPacket(bytes));
    return peer.answer;
  }

  /** Ends the call, from whichever side. */
  hangUp(reason: string): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.#free();
    this.#options.ended(this, reason);
  }

  #free(): void {
    this.#cancelConnect();
    this.#session.close();
    this.#peer?.close();
    this.#receiver?.close();
    this.#sender?.close();
    this.#sender = undefined;
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

  stats(): ReceiverStats & { sent: number } {
    const none: ReceiverStats = { packets: 0, lost: 0, late: 0, concealed: 0, bad: 0 };
    return { ...(this.#receiver?.stats ?? none), sent: this.#sender?.packets ?? 0 };
  }

  #hear(frame: Int16Array): void {
    if (this.ended !== undefined) return;
    this.#heard.push(frame);
    if (this.#heard.length > HEARD_FRAMES) this.#heard.shift();
    this.#session.hear(frame);
  }

  #text(message: string): void {
    let event: unknown = message;
    try {
      event = JSON.parse(message);
    } catch {
      // The session answers it with an error event; observers see the text.
    }
    this.#options.event(this, 'client', event);
    this.#session.receiveText(message);
  }

  #send(event: ServerEvent): void {
    this.#transcript.feed(event, 'server');
    this.#options.event(this, 'server', event);
    if (this.#peer && !this.#peer.sendText(JSON.stringify(event))) {
      this.#options.log(`could not send ${event.type}: the data channel did not take it`);
    }
  }
}
