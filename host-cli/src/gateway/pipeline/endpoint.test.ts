import { afterEach, describe, expect, it } from 'vitest';
import { forgetSecrets, redact } from '../../redact.ts';
import { Endpoint, errorText } from './endpoint.ts';
import { onlyWords } from './speech.ts';

afterEach(() => forgetSecrets());
const at = (url: string, key?: string) => new Endpoint('llm', { url, key, limitMs: 1000 });

describe('an address', () => {
  it.each([
    ['http://h:11434', 'http://h:11434/v1/chat/completions'],
    ['http://h:11434/', 'http://h:11434/v1/chat/completions'],
    [' http://h/v1/ ', 'http://h/v1/chat/completions'],
    ['https://h/openai/v1', 'https://h/openai/v1/chat/completions'],
    ['https://h/v1beta/openai/', 'https://h/v1beta/openai/chat/completions'],
    ['https://h/api', 'https://h/api/chat/completions'],
    ['https://h/v1?version=3', 'https://h/v1/chat/completions?version=3'],
    ['https://h/some/where/', 'https://h/some/where/chat/completions'],
    ['https://h/v1/chat/completions', 'https://h/v1/chat/completions'],
    ['http://h:8080/inference', 'http://h:8080/inference'],
  ])('%s', (given, used) => {
    expect(at(given).url.href).toBe(used);
  });

  it.each(['h:8080', 'ftp://h/v1', 'http://user:pass@h/v1', ''])('%s is none', (given) => {
    expect(() => at(given)).toThrow(expect.objectContaining({ code: 'PIPELINE_URL' }));
  });
});

describe('a key', () => {
  it('is trimmed, is a secret from then on, and goes as the server wants it', () => {
    expect(at('http://h', ' sk-abcdef \n').headers()).toEqual({ authorization: 'Bearer sk-abcdef' });
    expect(redact('it said sk-abcdef')).not.toContain('sk-abcdef');
    expect(at('https://x.openai.azure.com/openai/v1', 'abcdef').headers()).toEqual({ 'api-key': 'abcdef' });
    expect(at('http://h').headers()).toEqual({});
    expect(() => at('http://h', 'two words')).toThrow(expect.objectContaining({ code: 'PIPELINE_KEY' }));
  });

  it('that goes over the network in the clear is noticed', () => {
    expect(at('http://h', 'abcdef').leaksKey).toBe(true);
    for (const url of ['https://h', 'http://localhost:1', 'http://127.0.0.9', 'http://[::1]:8'])
      expect(at(url, 'abcdef').leaksKey).toBe(false);
    expect(at('http://h').leaksKey).toBe(false);
  });
});

it.each([
  [{ error: { message: 'a' } }, 'a'],
  [{ error: 'b' }, 'b'],
  [{ detail: [{ x: 1 }], message: 'c' }, 'c'],
  [{ object: 'error', message: 'd' }, 'd'],
  [7, undefined],
  [null, undefined],
])('the message of %j', (body, text) => {
  expect(errorText(body)).toBe(text);
});

it.each([
  [' Turn it on.\n', 'Turn it on.'],
  ['[BLANK_AUDIO]', ''],
  ['(wind blowing) *music* ♪', ''],
  ['Well (sort of).', 'Well (sort of).'],
  ['...', ''],
])('an ear that says %j heard %j', (text, words) => {
  expect(onlyWords(text)).toBe(words);
});
