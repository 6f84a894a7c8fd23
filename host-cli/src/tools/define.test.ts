import { TOOLS } from '@tincan/shared-protocol';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { collectTools, offer } from './collect.ts';
import { defineTool } from './define.ts';

const description = 'Does it.';
const plain = () => defineTool({ description, run: () => 1 });

test('a JSON schema goes to the model as it is, gives the type of the arguments, and is held against them', async () => {
  const parameters = {
    type: 'object',
    properties: {
      sides: { type: 'integer', minimum: 2, description: 'of the die' },
      color: { enum: ['red', 'blue'] },
      many: { type: 'array', items: { type: 'string' } },
      deep: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
    },
    required: ['sides'],
    additionalProperties: false,
  } as const;
  const tool = defineTool({
    description,
    parameters,
    run(args) {
      expectTypeOf(args.sides).toEqualTypeOf<number>();
      expectTypeOf(args.color).toEqualTypeOf<'red' | 'blue' | undefined>();
      expectTypeOf(args.many).toEqualTypeOf<string[] | undefined>();
      expectTypeOf(args.deep?.on).toEqualTypeOf<boolean | undefined>();
      return args.sides;
    },
  });
  expect(tool.parameters).toEqual(parameters);
  expect(await tool.check({ sides: 6, color: 'red' })).toEqual({ args: { sides: 6, color: 'red' } });
  expect(await tool.check({ sides: 1 })).toEqual({ wrong: expect.stringMatching(/^sides: .*2/) });
  expect(await tool.check({ sides: 6, deep: { on: 1 }, x: 1 })).toEqual({
    wrong: expect.stringMatching(/deep\.on: .*boolean.*x/),
  });
  for (const given of [undefined, null, 5, 'x', []]) expect(await tool.check(given)).toHaveProperty('wrong');
});

test('a zod schema does the same, with defaults and transformations', async () => {
  const tool = defineTool({
    description,
    parameters: z.object({ sides: z.int().min(2).default(6).describe('of the die'), on: z.boolean() }),
    run(args) {
      expectTypeOf(args).toEqualTypeOf<{ sides: number; on: boolean }>();
    },
  });
  expect(tool.parameters).toMatchObject({
    type: 'object',
    required: ['on'],
    properties: { sides: { type: 'integer', minimum: 2, default: 6, description: 'of the die' } },
  });
  expect(tool.parameters).not.toHaveProperty('$schema');
  expect(await tool.check({ on: true })).toEqual({ args: { sides: 6, on: true } });
  expect(await tool.check({ on: 'yes' })).toEqual({ wrong: expect.stringMatching(/^on: .*boolean/) });
});

test('zod/mini will do, too', async () => {
  const tool = defineTool({ description, parameters: mini.object({ on: mini.boolean() }), run: () => 1 });
  expect(tool.parameters).toMatchObject({ properties: { on: { type: 'boolean' } } });
  expect(await tool.check({ on: true })).toEqual({ args: { on: true } });
});

test('without parameters it takes none', async () => {
  expect(await plain().check({})).toEqual({ args: {} });
  expect(await plain().check({ a: 1 })).toHaveProperty('wrong');
});

const run = () => 1;
test.each([
  ['no description', { run }, /description/],
  ['no run', { description }, /run\(\)/],
  ['a time limit that is none', { description, run, timeout_ms: 0 }, /timeout_ms/],
  ['a schema of a text', { description, run, parameters: z.string() }, /object/],
  ['no schema', { description, run, parameters: { properties: {} } }, /object/],
  [
    'a schema that leads nowhere',
    { description, run, parameters: { type: 'object', properties: { a: { $ref: '#/x' } } } },
    /no schema that can be used/,
  ],
  ['nothing', undefined, /no object/],
])('%s is refused in a sentence', (_name, tool, sentence) => {
  expect(() => defineTool(tool as never)).toThrow(sentence);
});

test('tools are named by what the file exports', () => {
  const named = defineTool({ name: 'other', description, run: () => 1 });
  expect([...collectTools({ roll: plain(), x: 5, b: named }).keys()]).toEqual(['roll', 'other']);
  expect([...collectTools({ default: { a: plain(), b: plain(), c: 1 } }).keys()]).toEqual(['a', 'b']);
  expect([...collectTools({ default: [named] }).keys()]).toEqual(['other']);
  expect([...collectTools({ default: named }).keys()]).toEqual(['other']);
  // The same one by two names of the module is no other.
  expect([...collectTools({ default: named, b: named }).keys()]).toEqual(['other']);
  expect(offer(collectTools({ roll: plain() }))).toEqual([
    {
      type: 'function',
      name: 'roll',
      description,
      parameters: { type: 'object', properties: {}, additionalProperties: false },
    },
  ]);
});

test.each([
  ['nothing', { a: 5 }, 'TOOLS_NONE'],
  ['no name', { default: plain() }, 'TOOL_NAME'],
  ['a name of the device', { [Object.keys(TOOLS)[0] as string]: plain() }, 'TOOL_NAME'],
  ['a name that is none', { 'söme tool': plain() }, 'TOOL_NAME'],
  ['a name that is too long', { ['x'.repeat(65)]: plain() }, 'TOOL_NAME'],
  [
    'two of one name',
    {
      a: defineTool({ name: 'c', description, run: () => 1 }),
      b: defineTool({ name: 'c', description, run: () => 2 }),
    },
    'TOOL_NAME',
  ],
  [
    'more than the device takes',
    { a: defineTool({ description: 'x'.repeat(9000), run: () => 1 }) },
    'TOOLS_TOO_LARGE',
  ],
])('%s is refused', (_name, exports, code) => {
  expect(() => collectTools(exports)).toThrow(expect.objectContaining({ code }));
});
