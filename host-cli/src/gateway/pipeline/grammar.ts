/** What may be said, for an ear that knows only that: a JSGF file, a script of the gateway, or sentences, one a line. */
import { readFile } from 'node:fs/promises';
import { messageOf, TincanError } from '../../errors.ts';

/** JSGF (W3C note, 2000) in which each sentence is an alternative. Words in lower case, as dictionaries have them. */
export function jsgfOf(sentences: readonly string[]): string {
  const lines = [...new Set(sentences.map(wordsOf))].filter((line) => line !== '');
  return `#JSGF V1.0;\ngrammar sentences;\npublic <sentence> = ${lines.join(' |\n  ')};\n`;
}

const wordsOf = (sentence: string): string =>
  sentence
    .toLowerCase()
    .replace(/[’]/gu, "'")
    .replace(/[^\p{L}\p{N}'\s-]+/gu, ' ')
    .replace(/[\s-]+/gu, ' ')
    .trim();

/** Reads a grammar from a file of any of the three kinds. Throws TincanError PIPELINE_GRAMMAR. */
export async function readGrammar(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw problem(`The grammar ${path} cannot be read: ${messageOf(error)}`, error);
  }
  if (/^\ufeff?\s*#JSGF\b/.test(text)) return text;
  const sentences = scripted(text) ?? text.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  if (sentences.every((sentence) => wordsOf(sentence) === ''))
    throw problem(`The grammar ${path} holds no sentence.`);
  return jsgfOf(sentences);
}

/** The sentences of a script of mode `script`; undefined where this is none. */
function scripted(text: string): string[] | undefined {
  try {
    const value = JSON.parse(text) as { sentences?: { text?: unknown }[] };
    return value.sentences?.flatMap((sentence) => (typeof sentence.text === 'string' ? [sentence.text] : []));
  } catch {
    return undefined;
  }
}

export function problem(message: string, cause?: unknown): TincanError {
  return new TincanError('PIPELINE_GRAMMAR', message, {
    cause,
    hint: 'A grammar is a JSGF file, a script of mode "script", or sentences, one a line.',
    exit: 'usage',
  });
}
