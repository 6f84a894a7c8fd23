/** Mode `script`: listens for the sentences of a script and answers as it is written (see script.ts). */
import type { Brain, Mind, Part, Question } from './brain.ts';
import type { SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';
import { Recogniser } from './recognise.ts';
import type { Script, Sentence, Step, Tool } from './script.ts';

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
  /** A tool that was called, and what follows its output. */
  #pending: { tool: Tool; rest: readonly Step[] } | undefined;

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

  /** What is to be said and done now. */
  #steps({ entries, config }: Question): readonly Step[] {
    const fresh = entries.filter((entry) => !entry.answered);
    const turn = fresh.findLast(({ item }) => item.type === 'message' && item.role === 'user');
    const output = fresh.findLast(({ item }) => item.type === 'function_call_output');
    const pending = this.#pending;
    this.#pending = undefined;
    if (turn) return this.#understand(turn)?.reply ?? [this.#script.not_understood];
    if (pending && (output || config.tool_choice === 'none')) {
      if (output && failed(output)) return this.#instead(pending.tool);
      if (pending.rest.length > 0) return pending.rest;
      return pending.tool.tool === 'end_session' ? [this.#script.goodbye] : [];
    }
    return [this.#script.greeting];
  }

  /** Steps up to and with the first tool; what follows waits for its output. */
  *#play(steps: readonly Step[], config: SessionConfig): Iterable<Part> {
    for (const [at, step] of steps.entries()) {
      if ('say' in step) yield { type: 'say', text: step.say, pcm: step.pcm };
      else if ('fault' in step) yield { type: 'fault', fault: step.fault };
      else if (!offered(config, step.tool)) {
        this.#log(`the session does not offer the tool ${step.tool}`);
        yield* this.#play(this.#instead(step), config);
        return;
      } else {
        this.#pending = { tool: step, rest: steps.slice(at + 1) };
        yield { type: 'call', name: step.tool, arguments: JSON.stringify(step.arguments) };
        return;
      }
    }
  }

  #instead(tool: Tool): readonly Step[] {
    return tool.on_error ?? [this.#script.not_understood];
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
  return (
    config.tool_choice !== 'none' &&
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
