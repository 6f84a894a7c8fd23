/**
 * The person's side of a session: sound comes in, turns are found in it (or committed by the client), become items,
 * are written down, and ask for an answer. Also the silence that is too long (`idle_timeout_ms`).
 */
import { msOf } from './audio.ts';
import type { Mind } from './brain.ts';
import type { Clock } from './clock.ts';
import type { SessionConfig } from './config.ts';
import type { Conversation, Entry } from './conversation.ts';
import { type Draft, newId } from './events.ts';
import { Framer, InputBuffer } from './input.ts';
import { noiseFilter } from './noise.ts';
import { SoundDecoder } from './sound-format.ts';
import { notTranscribed, transcribed } from './transcribed.ts';

export interface TurnsHost {
  readonly clock: Clock;
  readonly mind: Mind;
  readonly conversation: Conversation;
  config(): SessionConfig;
  send(event: Draft): void;
  /** 20 ms came in, by track or by event. */
  heard(frame: Int16Array): void;
  /** A turn wants an answer. */
  answer(idle: boolean): void;
  /** The person begins to speak, and may interrupt. */
  interrupt(): void;
  /** Something is being made or played. */
  busy(): boolean;
  log(line: string): void;
}

export class Turns {
  readonly #host: TurnsHost;
  readonly #input: InputBuffer;
  readonly #framer = new Framer();
  #decoder: SoundDecoder;
  #filter: (pcm: Int16Array) => Int16Array;
  #config: SessionConfig['input'];
  #item = newId('item');
  #cancelIdle: (() => void) | undefined;
  #closed = false;

  constructor(host: TurnsHost) {
    this.#host = host;
    this.#config = host.config().input;
    this.#decoder = new SoundDecoder(this.#config.format);
    this.#filter = noiseFilter(this.#config.noise_reduction);
    this.#input = new InputBuffer(this.#config.turn_detection, {
      started: (startMs) => this.#started(startMs),
      stopped: (endMs) => this.#stopped(endMs),
      whole: host.mind.whole && ((pcm) => host.mind.whole?.(pcm) ?? true),
    });
  }

  /** The session's settings changed. What did not change goes on as it was: a turn that is open stays open. */
  configure(): void {
    const next = this.#host.config().input;
    const changed = (name: keyof SessionConfig['input']) =>
      JSON.stringify(next[name]) !== JSON.stringify(this.#config[name]);
    if (changed('format')) this.#decoder = new SoundDecoder(next.format);
    if (changed('noise_reduction')) this.#filter = noiseFilter(next.noise_reduction);
    const detection = changed('turn_detection');
    this.#config = next;
    if (!detection) return;
    this.#input.configure(next.turn_detection);
    this.armIdle();
  }

  /** 20 ms that were heard: 480 samples. */
  hear(frame: Int16Array): void {
    if (this.#closed) return;
    this.#host.heard(frame);
    this.#input.push(this.#filter(frame));
  }

  /** `input_audio_buffer.append`. Throws RealtimeError. */
  append(audio: unknown): void {
    this.#framer.push(this.#decoder.push(audio, 'audio'), (frame) => this.hear(frame));
  }

  /** `input_audio_buffer.commit`. Throws RealtimeError. */
  commit(): void {
    this.#turn(this.#input.commit(), false);
  }

  /** `input_audio_buffer.clear` */
  clear(): void {
    this.#input.clear();
    this.#host.send({ type: 'input_audio_buffer.cleared' });
  }

  close(): void {
    this.#closed = true;
    this.#cancelIdle?.();
  }

  disarmIdle(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
  }

  /** server_vad's idle_timeout_ms: counts from the end of the last answer. */
  armIdle(): void {
    this.disarmIdle();
    const detection = this.#config.turn_detection;
    const wait = detection?.type === 'server_vad' ? detection.idle_timeout_ms : null;
    if (!wait || this.#closed || this.#host.busy() || this.#input.speaking) return;
    const startMs = this.#input.heardMs;
    this.#cancelIdle = this.#host.clock.after(wait, () => {
      this.#host.send({
        type: 'input_audio_buffer.timeout_triggered',
        audio_start_ms: startMs,
        audio_end_ms: this.#input.heardMs,
        item_id: this.#item,
      });
      this.#turn(this.#input.take(), true, true);
    });
  }

  #started(startMs: number): void {
    this.disarmIdle();
    this.#item = newId('item');
    this.#host.send({
      type: 'input_audio_buffer.speech_started',
      audio_start_ms: startMs,
      item_id: this.#item,
    });
    if (this.#config.turn_detection?.interrupt_response !== false) this.#host.interrupt();
  }

  #stopped(endMs: number): void {
    this.#host.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: endMs, item_id: this.#item });
    this.#turn(this.#input.take(), this.#config.turn_detection?.create_response ?? false);
  }

  /** What goes wrong with one turn must not end the process: others talk here too. */
  #turn(pcm: Int16Array, respond: boolean, idle = false): void {
    this.#commit(pcm, respond, idle).catch((error: unknown) =>
      this.#host.log(`a turn failed: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** Makes a user item of what was heard, writes it down if asked to, and has it answered if asked to. */
  async #commit(pcm: Int16Array, respond: boolean, idle: boolean): Promise<void> {
    const { conversation, send } = this.#host;
    const entry = conversation.append({
      item: {
        type: 'message',
        role: 'user',
        // Nothing is known of the words yet; the server says null, which the types of the package do not know.
        content: [{ type: 'input_audio', transcript: null as unknown as undefined }],
        status: 'completed',
        id: this.#item,
        object: 'realtime.item',
      },
      pcm,
      audioMs: msOf(pcm.length),
      answered: false,
    });
    this.#item = newId('item');
    const previous = conversation.previousOf(entry.item.id);
    send({ type: 'input_audio_buffer.committed', item_id: entry.item.id, previous_item_id: previous });
    const item = structuredClone(entry.item);
    send({ type: 'conversation.item.added', previous_item_id: previous, item });
    send({ type: 'conversation.item.done', previous_item_id: previous, item });
    // A mind that knows the words at once has its say first; one that needs longer does not hold up the answer.
    await Promise.race([this.#transcribe(entry, idle), new Promise((resolve) => setImmediate(resolve))]);
    if (respond && !this.#closed && this.#host.config().type === 'realtime') this.#host.answer(idle);
  }

  /** `quiet`: nobody spoke, and ears hear words in silence. */
  async #transcribe(entry: Entry, quiet: boolean): Promise<void> {
    const { transcription } = this.#config;
    if (!transcription) return;
    let text: string | null = null;
    try {
      text = quiet ? '' : await this.#host.mind.transcribe(entry, this.#host.config());
    } catch (error) {
      this.#host.log(
        `a turn was not written down: ${error instanceof Error ? error.message : String(error)}`,
      );
      if (!this.#closed) this.#host.send(notTranscribed(entry));
      return;
    }
    if (this.#closed) return;
    if (text !== null && entry.item.type === 'message') {
      entry.item.content = [{ type: 'input_audio', transcript: text }];
    }
    const logprobs =
      this.#host.config().include?.includes('item.input_audio_transcription.logprobs') ?? false;
    for (const event of transcribed(entry, text, transcription, logprobs)) this.#host.send(event);
  }
}
