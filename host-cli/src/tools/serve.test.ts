import { expect, onTestFinished, test } from 'vitest';
import { type FakeDevice, fakeDevice } from '../testing/fake-device.ts';
import { collectTools } from './collect.ts';
import { defineTool, type ToolOptions } from './define.ts';
import { ToolServer } from './serve.ts';

const description = 'Does it.';
const tool = (run: ToolOptions<{ type: 'object' }>['run'], more: object = {}) =>
  defineTool({ description, parameters: { type: 'object' }, run, ...more });

async function serving(tools: Record<string, unknown>) {
  const fake = fakeDevice();
  const said: string[] = [];
  const server = new ToolServer(fake.device, {
    note: (text) => said.push(text),
    warn: (text) => said.push(`! ${text}`),
  });
  onTestFinished(() => server.close());
  await server.serve(collectTools(tools));
  let id = 0;
  return {
    fake,
    server,
    said,
    call(name: string, args: unknown = {}, timeout_ms = 10_000) {
      const call_id = `call_${++id}`;
      fake.notify('tool.call', { name, call_id, arguments: args, timeout_ms });
      return result(fake, call_id);
    },
  };
}

async function result(fake: FakeDevice, call_id: string): Promise<unknown> {
  const find = () =>
    fake.requests.find(({ method, params }) => method === 'tool.result' && params.call_id === call_id);
  await expect.poll(find).toBeDefined();
  return find()?.params.output;
}
const served = (fake: FakeDevice) =>
  fake.requests
    .filter(({ method }) => method === 'tools.serve')
    .map(({ params }) => (params.tools as { name: string }[]).map(({ name }) => name));

test('offers tools, and answers a call with what the tool says', async () => {
  const { fake, call, said } = await serving({ add: tool(({ a, b }: never) => ({ sum: a + b })) });
  const offered = fake.requests.find(({ method }) => method === 'tools.serve')?.params;
  expect(offered).toEqual({
    tools: [{ type: 'function', name: 'add', description, parameters: { type: 'object' } }],
    timeout_ms: 9000,
  });
  expect(said).toEqual(['1 tool offered: add']);
  expect(await call('add', { a: 1, b: 2 })).toEqual({ sum: 3 });
  // A device that could not parse them hands them on as text.
  expect(await call('add', '{"a":3,"b":4}')).toEqual({ sum: 7 });
  expect(await call('add', '{"a":')).toEqual({ error: 'the arguments are no JSON' });
});

test('every kind of result is an object or a text', async () => {
  const values = [undefined, null, 5, true, 'words', [1, 2], { a: 1 }, new Date(0)];
  const { call } = await serving({ next: tool(() => values.shift()) });
  const outputs = [];
  while (values.length > 0) outputs.push(await call('next'));
  expect(outputs).toEqual([
    { ok: true },
    'null',
    '5',
    'true',
    'words',
    '[1,2]',
    { a: 1 },
    '"1970-01-01T00:00:00.000Z"',
  ]);
});

test('what cannot be a result is an error that the model can act on', async () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const values: unknown[] = [1n, cycle, () => 1, 'x'.repeat(20_000), { a: 'ü'.repeat(8200) }];
  const { call, said } = await serving({ next: tool(() => values.shift()) });
  const errors = [];
  while (values.length > 0) errors.push(((await call('next')) as { error: string }).error);
  expect(errors).toEqual([
    expect.stringMatching(/BigInt/),
    expect.stringMatching(/circular/i),
    'its result is a function, which JSON cannot say',
    'its result has 20002 bytes, more than 16384',
    expect.stringMatching(/^its result has 16408 bytes/),
  ]);
  expect(said.filter((line) => line.startsWith('! next failed'))).toHaveLength(5);
});

test('an exception is a sentence for the model, and a stack for the person', async () => {
  const { call, said } = await serving({
    fail: tool(() => {
      throw new Error('the shop is closed');
    }),
    reject: tool(async () => Promise.reject('just a text')),
  });
  expect(await call('fail')).toEqual({ error: 'the shop is closed' });
  expect(said.at(-1)).toMatch(
    /^! fail failed: the shop is closed\nError: the shop is closed\n.*serve\.test\.ts/,
  );
  expect(await call('reject')).toEqual({ error: 'just a text' });
});

test('wrong arguments never reach the tool', async () => {
  let ran = 0;
  const { call } = await serving({
    set: defineTool({
      description,
      parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
      run: () => ++ran,
    }),
  });
  expect(await call('set', { on: 'yes' })).toEqual({
    error: expect.stringMatching(/^wrong arguments: on: /),
  });
  for (const args of [{}, null, 5, [], '5', '']) expect(await call('set', args)).toHaveProperty('error');
  expect(ran).toBe(0);
  expect(await call('unknown')).toEqual({ error: 'there is no tool unknown' });
  // A prototype is no tool.
  expect(await call('constructor')).toEqual({ error: 'there is no tool constructor' });
});

test('a tool that takes too long is told so, and its end is of no interest any more', async () => {
  let signal: AbortSignal | undefined;
  let finish: ((value: string) => void) | undefined;
  const slow = tool(
    (_args, context) => {
      signal = context.signal;
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
    { timeout_ms: 20 },
  );
  const { call, fake } = await serving({ slow });
  expect(await call('slow')).toEqual({ error: 'slow did not end within 0.02 s' });
  expect(signal?.aborted).toBe(true);
  finish?.('late');
  await Promise.resolve();
  expect(fake.requests.filter(({ method }) => method === 'tool.result')).toHaveLength(1);
});

test('the limit of the device counts, too: the model hears it from us before', async () => {
  const { call } = await serving({ slow: tool(() => new Promise(() => {})) });
  expect(await call('slow', {}, 40)).toEqual({ error: 'slow did not end within 0.02 s' });
});

test('several calls run at once; one that is told twice runs once; too many are refused', async () => {
  const open: ((value: unknown) => void)[] = [];
  const { fake, call } = await serving({ wait: tool(() => new Promise((resolve) => open.push(resolve))) });
  const calls = Array.from({ length: 16 }, () => call('wait'));
  await expect.poll(() => open.length).toBe(16);
  fake.notify('tool.call', { name: 'wait', call_id: 'call_1', arguments: {}, timeout_ms: 10_000 });
  expect(await call('wait')).toEqual({ error: expect.stringMatching(/too many/) });
  for (const [i, end] of open.reverse().entries()) end({ i });
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 16 }, (_, i) => ({ i: 15 - i })));
  expect(open).toHaveLength(16);
});

test('a restart of the device: what runs is broken off, and the tools are offered again', async () => {
  const signals: AbortSignal[] = [];
  const { fake, said } = await serving({
    wait: tool((_args, { signal, device }) => {
      signals.push(signal);
      expect(device.hello?.name).toBe('tester');
      return new Promise(() => {});
    }),
  });
  fake.notify('tool.call', { name: 'wait', call_id: 'old', arguments: {}, timeout_ms: 10_000 });
  await expect.poll(() => signals.length).toBe(1);
  fake.restart();
  await expect.poll(() => served(fake)).toEqual([['wait'], ['wait']]);
  expect(signals[0]?.aborted).toBe(true);
  expect(fake.requests.some(({ method }) => method === 'tool.result')).toBe(false);
  await expect.poll(() => said.filter((line) => line.includes('offered')).length).toBe(2);
});

test('a result that the device does not want any more is only told', async () => {
  const { fake, call, said } = await serving({ a: tool(() => 1) });
  fake.answers['tool.result'] = () => {
    throw { code: -32006, message: 'not possible in this state' };
  };
  await call('a');
  await expect.poll(() => said.at(-1)).toMatch(/^! the result of a did not reach the device: /);
  fake.answers['tool.result'] = () => ({});
  expect(await call('a')).toBe('1');
});

test('other tools take the place of those before; the end takes all back', async () => {
  const { fake, server, call } = await serving({ a: tool(() => 1) });
  await server.serve(collectTools({ b: tool(() => 2), c: tool(() => 3) }));
  expect(await call('b')).toBe('2');
  expect(await call('a')).toEqual({ error: 'there is no tool a' });
  await server.close();
  expect(served(fake)).toEqual([['a'], ['b', 'c'], []]);
  fake.restart();
  await Promise.resolve();
  expect(served(fake)).toHaveLength(3);
});

test('a device that refuses tools says why', async () => {
  const fake = fakeDevice();
  fake.answers['tools.serve'] = () => {
    throw { code: -32601, message: 'no such method' };
  };
  const server = new ToolServer(fake.device, { note: () => {}, warn: () => {} });
  await expect(server.serve(collectTools({ a: tool(() => 1) }))).rejects.toMatchObject({
    code: 'DEVICE_METHOD',
  });
});
