/** Where the sound of answers goes: a loudspeaker behind a track (speaker.ts), or events (voice-events.ts). */
import type { Format } from './schema.ts';

/** The place of sound: a content part of an item of a response. */
export interface SoundAt {
  response_id: string;
  item_id: string;
  output_index: number;
  content_index: number;
}
/** How much of an item was played when it was cut. */
export interface Cut {
  itemId: string;
  playedMs: number;
}

export interface Voice {
  /** Something is being played or waits to be. */
  readonly busy: boolean;
  /** An answer with sound begins. `format` is that of sound in events. */
  open(responseId: string, format: Format): void;
  /** Adds sound; ignored where that answer was cleared. */
  push(at: SoundAt, pcm: Int16Array): void;
  /** No more sound will come for this part. */
  flush(at: SoundAt): void;
  /** No more sound will come for this answer. */
  end(responseId: string): void;
  /** Stops at once. Returns the answers that had started, and the items that were not heard to their end. */
  clear(): { responseIds: string[]; cuts: Cut[] };
}
