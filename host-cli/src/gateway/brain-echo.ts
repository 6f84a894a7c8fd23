/** Mode `echo`: says back what it heard. Shows that microphone, loudspeaker and barge-in work. */
import { join, msOf } from './audio.ts';
import type { Brain, Part, Question } from './brain.ts';
import type { Entry } from './conversation.ts';

/** Says every unanswered turn back: sound as sound, text as text. It does not know what was said. */
export function echoBrain(): Brain {
  return {
    mode: 'echo',
    open: () => ({
      transcribe: async () => null,
      answer,
    }),
  };
}

async function* answer(question: Question): AsyncIterable<Part> {
  const waiting = question.entries.filter((entry) => !entry.answered && isUser(entry));
  const sounds = waiting.flatMap((entry) => (entry.pcm ? [entry.pcm] : []));
  const words = waiting.flatMap(textsOf);
  if (sounds.length > 0) {
    const pcm = join(sounds);
    yield { type: 'say', text: `[echo of ${(msOf(pcm.length) / 1000).toFixed(1)} s]`, pcm };
  }
  if (words.length > 0) yield { type: 'text', text: words.join('\n') };
  if (sounds.length === 0 && words.length === 0) {
    yield { type: 'text', text: 'Say something, and you will hear it again.' };
  }
}

function isUser({ item }: Entry): boolean {
  return item.type === 'message' && item.role === 'user';
}

function textsOf({ item }: Entry): string[] {
  if (item.type !== 'message') return [];
  return item.content.flatMap((part) => ('text' in part && part.text ? [part.text] : []));
}
