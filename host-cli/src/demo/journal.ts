/** What the demo saw on the serial link, turn by turn. */
import type { ToolRan } from '@tincan/shared-protocol';
import type { DeviceMessage } from '../device/device.ts';
import { eventType } from '../device/format.ts';

export interface Turn {
  /** Id of the person's conversation item. */
  id: string;
  /** What the server understood; undefined where it understood nothing. */
  heard: string | undefined;
  tools: { name: string; arguments: unknown; output: unknown }[];
  /** What the device answered, sentence by sentence. */
  said: string[];
  /** End of the person's speech to the first sound from the loudspeaker, in ms. */
  replyMs?: number;
}

export interface JournalListener {
  greeting?(text: string): void;
  heard?(turn: Turn): void;
  tool?(turn: Turn, tool: ToolRan): void;
  said?(turn: Turn, text: string): void;
  /** A `problem`, or an `error` of the server. */
  problem?(text: string): void;
}

/** Follows the device's messages; the transcript may come late, so turns are found by their item ids. */
export class Journal {
  readonly turns: Turn[] = [];
  readonly greetings: string[] = [];
  readonly problems: string[] = [];
  readonly #listener: JournalListener;

  constructor(listener: JournalListener = {}) {
    this.#listener = listener;
  }

  take(message: DeviceMessage): void {
    if (message.method === 'tool') this.#tool(message.params as unknown as ToolRan);
    else if (message.method === 'problem') this.#problem(String(message.params.message));
    else if (message.method === 'realtime.event') this.#event(message);
  }

  #event(message: DeviceMessage): void {
    const event = message.params.event as Record<string, unknown> | undefined;
    switch (eventType(message)) {
      case 'input_audio_buffer.committed':
        this.#turn(String(event?.item_id));
        break;
      case 'conversation.item.input_audio_transcription.completed': {
        const turn = this.#turn(String(event?.item_id));
        turn.heard = String(event?.transcript ?? '') || undefined;
        this.#listener.heard?.(turn);
        break;
      }
      case 'conversation.item.input_audio_transcription.failed':
        this.#listener.heard?.(this.#turn(String(event?.item_id)));
        break;
      case 'response.output_audio_transcript.done': {
        const text = String(event?.transcript ?? '');
        const turn = this.turns.at(-1);
        if (turn) {
          turn.said.push(text);
          this.#listener.said?.(turn, text);
        } else {
          this.greetings.push(text);
          this.#listener.greeting?.(text);
        }
        break;
      }
      case 'error':
        this.#problem(String((event?.error as { message?: unknown } | undefined)?.message));
        break;
    }
  }

  #turn(id: string): Turn {
    let turn = this.turns.find((one) => one.id === id);
    if (!turn) {
      turn = { id, heard: undefined, tools: [], said: [] };
      this.turns.push(turn);
    }
    return turn;
  }

  #tool(tool: ToolRan): void {
    const turn = this.turns.at(-1);
    if (!turn) return;
    turn.tools.push({ name: tool.name, arguments: tool.arguments, output: tool.output });
    this.#listener.tool?.(turn, tool);
  }

  #problem(text: string): void {
    this.problems.push(text);
    this.#listener.problem?.(text);
  }
}
