/**
 * Requests and answers of the chip's loader (ROM or stub) on a serial line. What is on the line may be damaged, late or
 * missing: an answer counts only for the operation that was asked for, and all else is skipped.
 */
import {
  decodeResponse,
  encodeRequest,
  ROM,
  ROM_OP,
  ROM_STATUS_LENGTH,
  type RomResponse,
  romErrorText,
  romOpName,
  SlipDecoder,
  STUB_HELLO,
  STUB_STATUS_LENGTH,
  SYNC_DATA,
  slipEncode,
} from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import type { SerialLine } from '../serial/line.ts';
import type { Clock } from './clock.ts';

/** How much of what the board said outside of frames is kept, in characters. */
const SEEN_MAX = 4096;
/** A line carries ten bits per byte; bridges and networks need some more. */
const LINE_MARGIN = 1.5;
const ANSWER_MS = 3000;
const SYNC_MS = 100;
const SLIP_END = 0xc0;

/** Why a request came to nothing. */
export class LoaderError extends Error {
  override readonly name = 'LoaderError';
  /** `silent`: no answer in time. `refused`: the loader answered with `code`. `damaged`: what came makes no sense. */
  readonly kind: 'silent' | 'refused' | 'damaged';
  readonly code: number;

  constructor(kind: LoaderError['kind'], message: string, code = 0) {
    super(message);
    this.kind = kind;
    this.code = code;
  }
}

export interface Answer {
  value: number;
  body: Uint8Array;
}

export interface RequestOptions {
  /** How long the chip may work on it, in ms; the time on the line comes on top. */
  timeoutMs?: number;
  /** Runs while the request is on its way. */
  meanwhile?: () => void;
}

export class LoaderLink {
  readonly line: SerialLine;
  /** Speed of this side, in baud. */
  baud: number = ROM.baud;
  /** Whether the stub answers (two bytes of status) or the ROM (four). */
  stub = false;
  /** Bytes written since the start, framing included. */
  sentBytes = 0;
  readonly #clock: Clock;
  readonly #stop: () => void;
  #decoder = new SlipDecoder({ maxText: SEEN_MAX });
  #frames: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #lost: Error | undefined;
  #seen = '';
  #recent = '';

  constructor(line: SerialLine, clock: Clock) {
    this.line = line;
    this.#clock = clock;
    const stopData = line.onData((bytes) => {
      this.#frames.push(...this.#decoder.push(bytes));
      this.#wake?.();
    });
    const stopClose = line.onClose((cause) => {
      this.#fail(
        new TincanError('PORT_LOST', `${line.path} went away.`, {
          exit: 'port',
          cause,
          hint: 'Plug the board in again (or start the virtual board again), and repeat the command: that is safe.',
        }),
      );
    });
    this.#stop = () => {
      stopData();
      stopClose();
    };
  }

  /** Stops listening; the line stays open. */
  release(): void {
    this.#stop();
  }

  /** What the board said outside of frames, newest last. */
  seenText(): string {
    this.#takeText();
    return this.#seen;
  }

  /** The same since the last `forget()`. */
  recentText(): string {
    this.#takeText();
    return this.#recent;
  }

  /** Drops what came so far. */
  forget(): void {
    this.#takeText();
    this.#recent = '';
    this.#frames = [];
  }

  /** Changes the speed of this side. */
  async setBaud(baud: number): Promise<void> {
    this.baud = baud;
    await this.line.setBaud(baud);
    this.#decoder.reset();
    this.forget();
  }

  /** @throws LoaderError; TincanError PORT_LOST */
  async request(op: number, data: Uint8Array, options: RequestOptions = {}): Promise<Answer> {
    this.forget();
    const bytes = slipEncode(encodeRequest(op, data));
    this.send(bytes);
    options.meanwhile?.();
    const lineMs = (bytes.length * 10_000 * LINE_MARGIN) / this.baud;
    const deadline = this.#clock.now() + (options.timeoutMs ?? ANSWER_MS) + lineMs;
    const answer = await this.#answerTo(op, deadline);
    if (answer === undefined) {
      throw new LoaderError('silent', `the loader did not answer ${romOpName(op) ?? `operation ${op}`}`);
    }
    return this.#checked(answer);
  }

  /**
   * Sends SYNC up to `times` times until somebody answers, and says who. Every second one is preceded by a frame mark:
   * a receiver that lost one takes ends for beginnings.
   */
  async sync(times: number): Promise<'rom' | 'stub' | undefined> {
    const frame = slipEncode(encodeRequest(ROM_OP.sync, SYNC_DATA));
    const lineMs = ((frame.length + 112) * 10_000) / this.baud;
    for (let round = 0; round < times; round++) {
      this.forget();
      if (round % 2 === 1) this.send(Uint8Array.of(SLIP_END));
      this.send(frame);
      const answer = await this.#answerTo(ROM_OP.sync, this.#clock.now() + SYNC_MS + lineMs);
      if (answer === undefined) continue;
      // All eight answers of a stub have value 0, those of the ROM never.
      this.stub = answer.value === 0;
      return this.stub ? 'stub' : 'rom';
    }
    return undefined;
  }

  /** Waits for the frame by which a stub says that it has started; false if it does not come. */
  async stubHello(timeoutMs: number): Promise<boolean> {
    const deadline = this.#clock.now() + timeoutMs;
    for (;;) {
      const frame = await this.#frame(deadline);
      if (frame === undefined) return false;
      if (Buffer.compare(frame, STUB_HELLO) === 0) return true;
    }
  }

  /** The next frame that is no answer, for READ_FLASH. @throws LoaderError */
  async packet(timeoutMs: number): Promise<Uint8Array> {
    const frame = await this.#frame(this.#clock.now() + timeoutMs);
    if (frame === undefined) throw new LoaderError('silent', 'the loader sent less than was asked for');
    return frame;
  }

  /** Puts a frame on the line without waiting for an answer. */
  sendFrame(payload: Uint8Array): void {
    this.send(slipEncode(payload));
  }

  /** Bytes as they are. A line that is gone shows when something is awaited from it. */
  send(bytes: Uint8Array): void {
    this.sentBytes += bytes.length;
    this.line.write(bytes).catch((error: Error) => this.#fail(error));
  }

  async #answerTo(op: number, deadline: number): Promise<RomResponse | undefined> {
    for (;;) {
      const frame = await this.#frame(deadline);
      if (frame === undefined) return undefined;
      const answer = decodeResponse(frame);
      if (answer?.op === op) return answer;
    }
  }

  #checked({ op, value, data }: RomResponse): Answer {
    const length = this.stub ? STUB_STATUS_LENGTH : ROM_STATUS_LENGTH;
    if (data.length < length) throw new LoaderError('damaged', 'an answer was too short');
    const body = data.subarray(0, data.length - length);
    const [first = 0, second = 0] = data.subarray(data.length - length);
    if (first === 0 && (this.stub ? second === 0 : true)) return { value, body };
    const code = this.stub ? (first << 8) | second : second;
    throw new LoaderError('refused', `${romOpName(op) ?? op}: ${romErrorText(code)}`, code);
  }

  async #frame(deadline: number): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost;
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const left = deadline - this.#clock.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const end = () => {
          cancel();
          this.#wake = undefined;
          resolve();
        };
        const cancel = this.#clock.after(left, end);
        this.#wake = end;
      });
    }
  }

  #fail(error: Error): void {
    this.#lost ??= error;
    this.#wake?.();
  }

  #takeText(): void {
    const text = this.#decoder.takeText();
    this.#recent = (this.#recent + text).slice(-SEEN_MAX);
    this.#seen = (this.#seen + text).slice(-SEEN_MAX);
  }
}
