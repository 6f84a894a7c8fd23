/** The mind of one call in mode `pipeline`: hears, asks the model, speaks; each stage while the one before still works. */
import { msOf } from '../audio.ts';
import type { Mind, Part, Piece, Question } from '../brain.ts';
import type { Clock } from '../clock.ts';
import type { SessionConfig } from '../config.ts';
import type { Entry } from '../conversation.ts';
import { Channel } from './channel.ts';
import { ask, type Outcome } from './chat.ts';
import type { Endpoint } from './endpoint.ts';
import { Spoken, Turn } from './heard.ts';
import { chatRequest } from './messages.ts';
import { SentenceCutter } from './sentences.ts';
import type { Ear, Mouth } from './speech.ts';
import { SpeechText } from './speech-text.ts';

/** A last sentence that nothing follows for so many ms is spoken: the model may be slow, or busy with a tool call. */
const STALL_MS = 200;
/** A sentence is made ahead of its time while less sound than this waits, ms. */
const AHEAD_MS = 8000;

export interface Stages {
  clock: Clock;
  ear: Ear;
  llm: Endpoint;
  /** The model's name. */
  model(): string;
  mouth: Mouth;
  log(line: string): void;
}

export class PipelineMind implements Mind {
  readonly #stages: Stages;
  readonly #turns = new WeakMap<Entry, Turn>();
  readonly #spoken = new Spoken();
  readonly #closed = new AbortController();

  constructor(stages: Stages) {
    this.#stages = stages;
  }

  async transcribe(entry: Entry, config: SessionConfig): Promise<string | null> {
    const { signal } = this.#closed;
    try {
      return (await this.#turn(entry)?.words(config, signal)) ?? null;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  /** The call is over: nobody waits for any stage. */
  close(): void {
    this.#closed.abort();
  }

  async *answer(question: Question): AsyncGenerator<Part, void, void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([question.signal, this.#closed.signal, stop.signal]);
    try {
      yield* this.#answer(question, signal);
    } catch (error) {
      // What fails because nobody wants it any more is no failure.
      if (!signal.aborted) throw error;
    } finally {
      stop.abort();
    }
  }

  async *#answer(question: Question, signal: AbortSignal): AsyncGenerator<Part, void, void> {
    const { clock } = this.#stages;
    const times = new Times(clock);
    if (question.params?.conversation !== 'none') this.#spoken.settle(question.entries);
    await this.#hear(question, signal);
    times.mark('words');
    if (this.#nothingHeard(question)) {
      this.#stages.log('no words in this turn, so no answer');
      return;
    }
    const text = new Channel<string>();
    const outcome = this.#think(question, signal, times, text);
    // It may fail before anybody looks.
    outcome.catch(() => {});
    const spoken = question.config.output_modalities[0] === 'audio';
    const pieces = spoken ? this.#speak(question, signal, times, text) : written(text);
    yield { type: 'speech', pieces };
    const { calls, finish } = await outcome;
    this.#stages.log(times.line(calls.length));
    for (const call of calls) yield { type: 'call', ...call };
    if (finish !== 'stop') yield { type: 'cut', reason: finish };
  }

  /** Words for every turn that has none yet: also for one whose answer was interrupted before it had them. */
  async #hear({ entries, config, idle }: Question, signal: AbortSignal): Promise<void> {
    // Ears hear words in silence.
    const quiet = idle ? entries.at(-1) : undefined;
    if (quiet && !quiet.answered) this.#turn(quiet)?.silent();
    await Promise.all(
      entries.map(async (entry) => {
        const turn = wordsIn(entry) === '' ? this.#turn(entry) : undefined;
        try {
          await turn?.words(config, signal);
        } catch (error) {
          if (signal.aborted || !entry.answered) throw error;
          // It failed its own answer, and not those to what was said since.
          turn?.silent();
        }
      }),
    );
  }

  #turn(entry: Entry): Turn | undefined {
    let turn = this.#turns.get(entry);
    if (turn === undefined && entry.pcm && entry.item.type === 'message' && entry.item.role === 'user') {
      const { ear, clock } = this.#stages;
      turn = new Turn(entry.pcm, (pcm, { input }, signal) =>
        ear.hear(pcm, {
          clock,
          signal,
          model: input.transcription?.model ?? undefined,
          language: input.transcription?.language ?? undefined,
          prompt: input.transcription?.prompt ?? undefined,
          phrases: input.transcription?.keywords ?? undefined,
        }),
      );
      this.#turns.set(entry, turn);
    }
    return turn;
  }

  /**
   * A turn of noise needs no answer, unless it interrupted one before anything of that was said. A client that asks for
   * an answer gets it.
   */
  #nothingHeard({ entries, params, idle }: Question): boolean {
    if (params !== undefined || idle) return false;
    const last = entries.findLast(
      (entry) => entry.item.type !== 'message' || this.#wordsOf(entry) !== '' || hasImage(entry),
    );
    const fresh = entries.some((entry) => !entry.answered && isUser(entry));
    return fresh && (last === undefined || (last.item.type === 'message' && !isUser(last)));
  }

  #wordsOf(entry: Entry): string {
    return wordsIn(entry) || (this.#turns.get(entry)?.known ?? this.#spoken.heard(entry) ?? '');
  }

  /** Asks the model; its text goes into `text`, which ends with it. */
  async #think(
    question: Question,
    signal: AbortSignal,
    times: Times,
    text: Channel<string>,
  ): Promise<Outcome> {
    const { clock, llm, model } = this.#stages;
    try {
      const request = chatRequest(question, {
        model: model(),
        openai: /(?:^|\.)(?:openai|azure)\.com$/.test(llm.url.hostname),
        wordsOf: (entry) => this.#wordsOf(entry),
      });
      const outcome = await ask(llm, request, {
        clock,
        signal,
        onText(words) {
          times.mark('model');
          text.put(words);
        },
      });
      text.end();
      return outcome;
    } catch (error) {
      text.fail(error);
      throw error;
    }
  }

  /** Sentences as sound, each made while those before are played. */
  async *#speak(
    question: Question,
    signal: AbortSignal,
    times: Times,
    text: Channel<string>,
  ): AsyncGenerator<Piece, void, void> {
    const ready = new Channel<Piece>(({ pcm }) => msOf(pcm.length));
    signal.addEventListener('abort', () => ready.fail(signal.reason), { once: true });
    const note = question.params?.conversation === 'none' ? () => {} : this.#spoken.begin();
    this.#voice(question.config, signal, this.#sentences(text, signal), ready).then(
      () => ready.end(),
      (error: unknown) => ready.fail(error),
    );
    for await (const piece of ready) {
      if (piece.pcm.length > 0) times.mark('sound');
      note(piece);
      yield piece;
    }
  }

  async #voice(
    { output }: SessionConfig,
    signal: AbortSignal,
    sentences: AsyncIterable<string>,
    ready: Channel<Piece>,
  ): Promise<void> {
    const { clock, mouth } = this.#stages;
    const speech = new SpeechText();
    const voice = typeof output.voice === 'string' ? output.voice : output.voice.id;
    for await (const sentence of sentences) {
      await ready.room(AHEAD_MS);
      if (signal.aborted) return;
      const words = speech.say(sentence);
      let left = sentence;
      if (words !== '') {
        for await (const pcm of mouth.say(words, { clock, signal, voice, speed: output.speed })) {
          ready.put({ text: left, pcm });
          left = '';
        }
      }
      if (left !== '') ready.put({ text: left, pcm: new Int16Array() });
    }
  }

  /** The model's text, sentence by sentence. What it wrote before it failed is said; the failure comes after it. */
  #sentences(text: Channel<string>, signal: AbortSignal): Channel<string> {
    const out = new Channel<string>();
    const cutter = new SentenceCutter();
    let cancel = () => {};
    let begun = false;
    const put = (sentences: string[]) => {
      for (const sentence of sentences) {
        const piece: string = begun ? sentence : sentence.trimStart();
        begun ||= piece !== '';
        if (piece !== '') out.put(piece);
      }
    };
    signal.addEventListener('abort', () => cancel(), { once: true });
    const read = async () => {
      for await (const words of text) {
        cancel();
        put(cutter.push(words));
        cancel = this.#stages.clock.after(STALL_MS, () => put(cutter.stalled()));
      }
      cancel();
      put(cutter.end().filter((rest) => rest.trim() !== ''));
    };
    read().then(
      () => out.end(),
      (error: unknown) => {
        cancel();
        out.fail(error);
      },
    );
    return out;
  }
}

/** Text for a client that reads: as it comes, without white space before its first word. */
async function* written(text: Channel<string>): AsyncGenerator<Piece, void, void> {
  let begun = false;
  for await (const words of text) {
    const piece: string = begun ? words : words.trimStart();
    begun ||= piece !== '';
    if (piece !== '') yield { text: piece, pcm: new Int16Array() };
  }
}

/** The words that an item holds: written, or the transcript of its sound. */
function wordsIn({ item }: Entry): string {
  if (item.type !== 'message') return '';
  return item.content
    .map((part) => ('text' in part && part.text) || ('transcript' in part && part.transcript) || '')
    .filter((words) => words !== '')
    .join('\n');
}

const isUser = ({ item }: Entry): boolean => item.type === 'message' && item.role === 'user';
const hasImage = ({ item }: Entry): boolean =>
  item.type === 'message' && item.content.some((part) => part.type === 'input_image');

/** How long each stage took, for the log. */
class Times {
  readonly #clock: Clock;
  readonly #start: number;
  readonly #at = new Map<'words' | 'model' | 'sound', number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.now();
  }

  /** The first time counts. */
  mark(what: 'words' | 'model' | 'sound'): void {
    if (!this.#at.has(what)) this.#at.set(what, this.#clock.now() - this.#start);
  }

  line(calls: number): string {
    const at = (name: string, what: 'words' | 'model' | 'sound') => {
      const ms = this.#at.get(what);
      return ms === undefined ? [] : [`${name} ${Math.round(ms)} ms`];
    };
    const parts = [
      ...at('words heard', 'words'),
      ...at("model's first word", 'model'),
      ...at('first sound', 'sound'),
    ];
    if (calls > 0) parts.push(`${calls} tool ${calls === 1 ? 'call' : 'calls'}`);
    return `answered: ${parts.join(', ')}`;
  }
}
