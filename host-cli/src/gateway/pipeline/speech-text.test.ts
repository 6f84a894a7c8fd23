import { describe, expect, it } from 'vitest';
import { SpeechText } from './speech-text.ts';

const say = (...pieces: string[]) => {
  const speech = new SpeechText();
  return pieces.map((piece) => speech.say(piece));
};

describe('what is said of a written answer', () => {
  it.each([
    ['Plain words, and 3.5 more.', 'Plain words, and 3.5 more.'],
    ['This is **bold**, *this* too, __and__ _that_.', 'This is bold, this too, and that.'],
    ['***Both***', 'Both'],
    ['**A bold start of a sentence.', 'A bold start of a sentence.'],
    ['its end.**', 'its end.'],
    ['Use `npm ci` and function_call_output.', 'Use npm ci and function_call_output.'],
    ['3 * 4 is 12, 2*3 is 6.', '3 * 4 is 12, 2*3 is 6.'],
    ['## A heading', 'A heading'],
    ['- one item', 'one item'],
    ['* another', 'another'],
    ['- [x] done', 'done'],
    ['1. Wash', '1. Wash'],
    ['> quoted', 'quoted'],
    ['See [the page](https://example.com/a_(b)?c=d "t") or ![a cat](cat.png).', 'See the page or a cat.'],
    ['Go to https://www.example.com/long/path?x=1.', 'Go to example.com.'],
    ['Go to <https://example.com>, then on.', 'Go to example.com, then on.'],
    ['Good 👍🏽 morning 👨‍👩‍👧 from 🇩🇪!', 'Good morning from!'],
    ['⚙️ Ready → go ✅', 'Ready go'],
    ['Line<br>break and <b>bold</b>', 'Line break and bold'],
    ['| Name | Age |', 'Name, Age'],
    ['a < b and c > d', 'a < b and c > d'],
    ['Key 1️⃣', 'Key 1'],
    ['~~old~~ new', 'old new'],
    ['-5 degrees', '-5 degrees'],
    ['你好 **世界**。', '你好 世界。'],
  ])('%s', (written, said) => {
    expect(say(written)).toEqual([said]);
  });

  it.each(['---', '***', '|---|:--:|', '👍', '...', '', ' \n', '**'])('nothing for "%s"', (written) => {
    expect(say(written)).toEqual(['']);
  });

  it('code blocks are not read, also where they come line by line', () => {
    expect(say('Look:', '\n```js', '\nlet a = 1;', '\n```', '\nDone.')).toEqual([
      'Look:',
      '',
      '',
      '',
      'Done.',
    ]);
    expect(say('Look:\n```\nlet a\n```\nDone.')).toEqual(['Look: Done.']);
  });

  it('a dash within a line is no list', () => {
    expect(say('Well,', ' - so it goes', '\n- an item')).toEqual(['Well,', '- so it goes', 'an item']);
  });
});
