import { redact } from '../../redact.ts';

/** Foreign text for a log or an answer: one line, short, and without anything that looks like a key. */
export function clean(text: string): string {
  return redact(text)
    .replace(/\b(?:sk|ek|sess|tcd?)[-_][\w*.-]{4,}/g, '•••')
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .slice(0, 300);
}
