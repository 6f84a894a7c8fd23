import { describe, expect, it } from 'vitest';
import { type CutterOptions, SentenceCutter } from './sentences.ts';

const whole: CutterOptions = { firstClause: 0 };

/** The pieces of a text that comes in chunks of this size. */
function cut(text: string, options = whole, size = text.length): string[] {
  const cutter = new SentenceCutter(options);
  const out: string[] = [];
  for (let at = 0; at < text.length; at += size) out.push(...cutter.push(text.slice(at, at + size)));
  return [...out, ...cutter.end()];
}
const trimmed = (text: string) => cut(text).map((piece) => piece.trim());

describe('sentences', () => {
  it.each([
    ['full stops, questions, calls', 'One. Two? Three! Four', ['One.', 'Two?', 'Three!', 'Four']],
    ['titles', 'Dr. Smith met Mrs. Jones. They talked.', ['Dr. Smith met Mrs. Jones.', 'They talked.']],
    ['initials', 'J. R. Hartley wrote it. Good.', ['J. R. Hartley wrote it.', 'Good.']],
    ['abbreviations', 'Use e.g. Python, i.e. code. Done.', ['Use e.g. Python, i.e. code.', 'Done.']],
    [
      'an abbreviation at the end',
      'Apples, pears, etc. They are ripe.',
      ['Apples, pears, etc.', 'They are ripe.'],
    ],
    ['an abbreviation within', 'Apples, etc. are ripe. Yes.', ['Apples, etc. are ripe.', 'Yes.']],
    [
      'the time of day',
      'At 5 p.m. we eat. At 6 p.m. We sleep.',
      ['At 5 p.m. we eat.', 'At 6 p.m.', 'We sleep.'],
    ],
    [
      'countries',
      'The U.S. is big. So is the U.K. That is all.',
      ['The U.S. is big.', 'So is the U.K.', 'That is all.'],
    ],
    ['numbers', 'It is 3.14 or 1,000.50. In 2024. Yes.', ['It is 3.14 or 1,000.50.', 'In 2024.', 'Yes.']],
    [
      'versions and hosts',
      'See example.com or v1.2.3. Then a.b.c works.',
      ['See example.com or v1.2.3.', 'Then a.b.c works.'],
    ],
    ['a number and the answer no', 'No. It is No. 5. No.', ['No.', 'It is No. 5.', 'No.']],
    ['a German date', 'Am 3. Mai, z.B. um 5. Dann nicht.', ['Am 3. Mai, z.B. um 5.', 'Dann nicht.']],
    ['an ellipsis within', 'Well... maybe. Hm… Let me see.', ['Well... maybe.', 'Hm…', 'Let me see.']],
    ['several marks', 'Really?! Yes!!! So...', ['Really?!', 'Yes!!!', 'So...']],
    [
      'quotes',
      'He said "Stop." Then "Why?" she asked. (Yes.) Ok.',
      ['He said "Stop."', 'Then "Why?" she asked.', '(Yes.)', 'Ok.'],
    ],
    ['stress', 'This is **bold.** And _this._ End.', ['This is **bold.**', 'And _this._', 'End.']],
    [
      'forgotten spaces',
      'Sentence one.Sentence two.And three.',
      ['Sentence one.', 'Sentence two.', 'And three.'],
    ],
    [
      'Chinese',
      '你好。今天天气很好！你呢？“好。”他说',
      ['你好。', '今天天气很好！', '你呢？', '“好。”', '他说'],
    ],
    ['Japanese', 'はい。「そうです。」と言った。', ['はい。', '「そうです。」', 'と言った。']],
    ['Hindi and Arabic', 'यह अच्छा है। हाँ। كيف حالك؟ بخير', ['यह अच्छा है।', 'हाँ।', 'كيف حالك؟', 'بخير']],
    [
      'a list',
      'Steps:\n1. Wash. Dry.\n2. Cut\n- and eat',
      ['Steps:', '1. Wash.', 'Dry.', '2. Cut', '- and eat'],
    ],
    [
      'a code block',
      'So:\n```js\na.b(). C!\n```\nDone. Ok',
      ['So:', '```js', 'a.b(). C!', '```', 'Done.', 'Ok'],
    ],
    ['Chinese with Latin', '用 Node.js 吧。好', ['用 Node.js 吧。', '好']],
  ])('%s', (_name, text, pieces) => {
    expect(trimmed(text)).toEqual(pieces);
  });

  it('are the same however the text comes, and none of it is lost or said twice', () => {
    const text =
      'Hm… Dr. No said "No. 5 costs $3.50!" at 5 p.m. on Jan. 3.\n\n1. **One.** Two?!  3.1 etc. And\n- 你好。吗？Ok.Yes 👩‍👩‍👧 x_y...';
    for (const options of [whole, {}, { longest: 20 }, { firstClause: 5, longest: 9 }]) {
      const one = cut(text, options, 1);
      expect(one.join('')).toBe(text);
      // A boundary needs no more than what follows it; the clause and the length are looked for as the text grows.
      for (const size of [2, 3, 7, 1000]) expect(cut(text, options, size).join('')).toBe(text);
    }
    for (const size of [1, 2, 3, 7, 1000]) expect(cut(text, whole, size)).toEqual(cut(text));
  });

  it('lose nothing of random text', () => {
    const parts = [
      '.',
      '..',
      '…',
      ' ',
      '\n',
      'a',
      'Dr',
      'No',
      '5',
      '"',
      '。',
      '```',
      '!',
      '👍🏽',
      'é',
      ')',
      '*',
      'U.S',
    ];
    let state = 5;
    const roll = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: roll(60) }, () => parts[roll(parts.length)]).join('');
      const cutter = new SentenceCutter({ firstClause: 3, longest: 12 });
      const out: string[] = [];
      for (let at = 0; at < text.length; ) {
        const size = 1 + roll(5);
        out.push(...cutter.push(text.slice(at, at + size)));
        if (roll(4) === 0) out.push(...cutter.stalled());
        at += size;
      }
      out.push(...cutter.end());
      expect(out.join('')).toBe(text);
      expect(out.every((piece, at) => piece.trim() !== '' || at === out.length - 1)).toBe(true);
    }
  });

  it('come as soon as they are known', () => {
    const cutter = new SentenceCutter(whole);
    expect(cutter.push('Hello there')).toEqual([]);
    expect(cutter.push('.')).toEqual([]);
    expect(cutter.push(' ')).toEqual(['Hello there.']);
    expect(cutter.push('How are you?')).toEqual([]);
    expect(cutter.push(' I am Dr.')).toEqual([' How are you?']);
    // Nothing comes any more: what looks whole is whole, a title is not.
    expect(cutter.stalled()).toEqual([]);
    expect(cutter.push(' No.')).toEqual([]);
    expect(cutter.stalled()).toEqual([' I am Dr. No.']);
    expect(cutter.end()).toEqual([]);
  });
});

describe('the first piece', () => {
  const first = (text: string, options = {}) => cut(text, options)[0];

  it('may end at a clause that is long enough, later ones do not', () => {
    expect(
      cut('Once upon a time in the west, there lived a man, a good one, who rode. And more, and more.', {}),
    ).toEqual([
      'Once upon a time in the west,',
      ' there lived a man, a good one, who rode.',
      ' And more, and more.',
    ]);
    expect(first('从前在西部的一个小镇上，住着一个人。')).toBe('从前在西部的一个小镇上，');
  });

  it('is a whole sentence where that is short, and never cut within a number', () => {
    expect(first('Yes, sure, I can do it. Next')).toBe('Yes, sure, I can do it.');
    expect(first('The distance there is about 1,000,000 miles. Next')).toBe(
      'The distance there is about 1,000,000 miles.',
    );
  });
});

describe('a text without an end', () => {
  it('is cut between words, or between characters as people see them', () => {
    const words = 'word '.repeat(30).trim();
    const pieces = cut(words, { firstClause: 0, longest: 40 });
    expect(pieces.every((piece) => piece.length <= 40 && /^ ?word( word)*$/.test(piece))).toBe(true);
    const family = '👩‍👩‍👧';
    for (const piece of cut(family.repeat(20), { firstClause: 0, longest: 30 }))
      expect(piece.replaceAll(family, '')).toBe('');
  });

  // The guard is the time limit: to look through all of it for each piece takes half a minute.
  it.each(['a.', '."', 'z.b. ', 'A. '])(
    'that comes all at once, of %j, holds nobody up',
    (mark) => {
      const text = mark.repeat(32_000 / mark.length);
      const cutter = new SentenceCutter();
      expect([...cutter.push(text), ...cutter.end()].join('')).toBe(text);
    },
    5000,
  );
});
