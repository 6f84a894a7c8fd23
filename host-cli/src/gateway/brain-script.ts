/** Mode `script`: listens for the sentences of a script and answers as it is written (see script.ts). */
import type { Brain, Mind, Part, Question } from './brain.ts';
import type { SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';
import { Recogniser } from './recognise.ts';
import type { Calls, Script, Sentence, Step } from './script.ts';

/** `log` is told what was heard and how sure that is. */
export function scriptBrain(script: Script, log: (line: string) => void = () => {}): Brain {
  const recogniser = new Recogniser(script.sentences);
  return { mode: 'script', open: () => new ScriptMind(script, recogniser, log) };
}

class ScriptMind implements Mind {
  readonly #script: Script;
  readonly #recogniser: Recogniser;
  readonly #log: (line: string) => void;
  readonly #understood = new WeakMap<Entry, Sentence | null>();
  /** Tools that were called, how many outputs are missing, and what follows when they are there. */
  #pending: { step: Calls; missing: number; failed: boolean; rest: readonly Step[] } | undefined;

  constructor(script: Script, recogniser: Recogniser, log: (line: string) => void) {
    this.#script = script;
    this.#recogniser = recogniser;
    this.#log = log;
  }

  async transcribe(entry: Entry): Promise<string> {
    return this.#understand(entry)?.text ?? '';
  }

  async *answer(question: Question): AsyncIterable<Part> {
    yield* this.#play(this.#steps(question), question.config);
  }

  whole(pcm: Int16Array): boolean {
    return this.#recogniser.recognise(pcm).id !== undefined;
  }

  /** What is to be said and done now. */
  #steps({ entries, config, idle }: Question): readonly Step[] {
    const fresh = entries.filter((entry) => !entry.answered);
    const turn = fresh.findLast(({ item }) => item.type === 'message' && item.role === 'user');
    const outputs = fresh.filter(({ item }) => item.type === 'function_call_output');
    const pending = this.#pending;
    if (idle) return [this.#script.greeting];
    this.#pending = undefined;
    if (turn) return this.#understand(turn)?.reply ?? [this.#script.not_understood];
    if (pending && (outputs.length > 0 || config.tool_choice === 'none')) {
      const missing = pending.missing - outputs.length;
      const anyFailed = pending.failed || outputs.some(failed);
      if (missing > 0 && config.tool_choice !== 'none') {
        // The others are still to come; until then there is nothing to say.
        this.#pending = { ...pending, missing, failed: anyFailed };
        return [];
      }
      if (anyFailed) return this.#instead(pending.step);
      if (pending.rest.length > 0) return pending.rest;
      const ends = pending.step.calls.some(({ name }) => name === 'end_session');
      return ends ? [this.#script.goodbye] : [];
    }
    return [this.#script.greeting];
  }

  /** Steps up to and with the first tools; what follows waits for their outputs. */
  *#play(steps: readonly Step[], config: SessionConfig): Iterable<Part> {
    for (const [at, step] of steps.entries()) {
      if ('say' in step) yield { type: 'say', text: step.say, pcm: step.pcm };
      else if ('write' in step) yield { type: 'text', text: step.write };
      else if ('fault' in step) yield { type: 'fault', fault: step.fault };
      else if ('event' in step) yield { type: 'fault', fault: step };
      else {
        yield* this.#call(step, steps.slice(at + 1), config);
        return;
      }
    }
  }

  *#call(step: Calls, rest: readonly Step[], config: SessionConfig): Iterable<Part> {
    const missing = step.calls.find((call) => !call.unoffered && !offered(config, call.name));
    if (missing) {
      this.#log(`the session does not offer the tool ${missing.name}`);
      yield* this.#play(this.#instead(step), config);
      return;
    }
    // Where the session wants one call at a time, the others are steps of their own.
    const together = config.parallel_tool_calls === false ? step.calls.slice(0, 1) : step.calls;
    const later = step.calls.slice(together.length);
    const now = { ...step, calls: together };
    this.#pending = {
      step: now,
      missing: together.length,
      failed: false,
      rest: later.length > 0 ? [{ ...step, calls: later }, ...rest] : rest,
    };
    for (const { name, arguments: args } of together) yield { type: 'call', name, arguments: args };
  }

  #instead(step: Calls): readonly Step[] {
    return step.on_error ?? [this.#script.not_understood];
  }

  /** The sentence of a turn: its sound is like a sample, or its words are the sentence's. */
  #understand(entry: Entry): Sentence | undefined {
    const known = this.#understood.get(entry);
    if (known !== undefined) return known ?? undefined;
    const sentence = entry.pcm ? this.#hear(entry.pcm) : this.#read(entry);
    this.#understood.set(entry, sentence ?? null);
    return sentence;
  }

  #hear(pcm: Int16Array): Sentence | undefined {
    const { id, nearest, distance, contrast, margin } = this.#recogniser.recognise(pcm);
    const figures = `distance ${distance.toFixed(1)}, contrast ${contrast.toFixed(1)}, margin ${margin.toFixed(1)}`;
    this.#log(
      id ? `heard "${id}" (${figures})` : `not understood; nearest is "${nearest ?? 'nothing'}" (${figures})`,
    );
    return this.#script.sentences.find((sentence) => sentence.id === id);
  }

  #read({ item }: Entry): Sentence | undefined {
    if (item.type !== 'message') return undefined;
    const text = item.content.map((part) => ('text' in part && part.text) || '').join(' ');
    return this.#script.sentences.find((sentence) => plain(sentence.text) === plain(text));
  }
}

function offered(config: SessionConfig, name: string): boolean {
  const choice = config.tool_choice;
  return (
    choice !== 'none' &&
    (typeof choice === 'string' || choice.name === name) &&
    config.tools.some((tool) => tool.type === 'function' && tool.name === name)
  );
}

/** Whether the output of a tool says that it failed: JSON with an `error`. */
function failed({ item }: Entry): boolean {
  if (item.type !== 'function_call_output') return false;
  try {
    const output: unknown = JSON.parse(item.output);
    return typeof output === 'object' && output !== null && 'error' in output;
  } catch {
    return false;
  }
}

const plain = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
