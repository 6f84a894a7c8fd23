import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isForeign } from '../errors.ts';
import { repositoryPath } from '../root.ts';
import { fakeDevice } from '../testing/fake-device.ts';
import { watchBundle } from './bundle.ts';
import { serveTools } from './index.ts';

const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'tincan-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

function desk(source?: string) {
  const path = folder();
  const file = join(path, 'my-tools.ts');
  if (source !== undefined) writeFileSync(file, source);
  const fake = fakeDevice();
  const said: string[] = [];
  const out = { note: (text: string) => said.push(text), warn: (text: string) => said.push(`! ${text}`) };
  const start = async (which = file) => {
    const served = await serveTools(which, fake.device, out);
    onTestFinished(() => served.close());
    return served;
  };
  return {
    path,
    file,
    fake,
    said,
    start,
    served: () =>
      fake.requests
        .filter(({ method }) => method === 'tools.serve')
        .map(({ params }) => (params.tools as { name: string }[]).map(({ name }) => name).join()),
    async call(name: string, args: object = {}) {
      const call_id = `call_${fake.requests.length}`;
      fake.notify('tool.call', { name, call_id, arguments: args, timeout_ms: 30_000 });
      const find = () =>
        fake.requests.find(({ method, params }) => method === 'tool.result' && params.call_id === call_id);
      await expect.poll(find).toBeDefined();
      return find()?.params.output;
    },
  };
}
const tool = (name: string, body: string) =>
  `import { defineTool } from '@tincan/host-cli';
export const ${name} = defineTool({ description: 'Does it.', run: () => (${body}) });
`;

test('a file anywhere imports our defineTool, packages, its neighbours, and what node has', async () => {
  const { path, file, start, call } = desk();
  mkdirSync(join(path, 'node_modules/own-package'), { recursive: true });
  writeFileSync(
    join(path, 'node_modules/own-package/package.json'),
    '{"name":"own-package","exports":{"import":"./a.mjs","require":"./b.cjs"}}',
  );
  writeFileSync(join(path, 'node_modules/own-package/a.mjs'), 'export const which = import.meta.url;');
  writeFileSync(join(path, 'node_modules/own-package/b.cjs'), 'exports.which = "required";');
  writeFileSync(join(path, 'words.ts'), 'export const word: string = "neighbour";');
  writeFileSync(
    file,
    `import { createHash } from 'crypto';
import { defineTool } from '@tincan/host-cli';
import { which } from 'own-package';
import { z } from 'zod';
import { word } from './words';
export default {
  all: defineTool({
    description: 'All.',
    parameters: z.object({ n: z.number() }),
    run: ({ n }) => ({ n, which, word, here: import.meta.url, hash: createHash('sha1').update('a').digest('hex').length }),
  }),
};`,
  );
  await start();
  expect(await call('all', { n: 5 })).toEqual({
    n: 5,
    which: expect.stringMatching(/own-package\/a\.mjs$/),
    word: 'neighbour',
    here: expect.stringMatching(/my-tools\.ts$/),
    hash: 40,
  });
  // Nothing is left beside it.
  expect(readdirSync(path).sort()).toEqual(['my-tools.ts', 'node_modules', 'words.ts']);
});

test('a file that changes is served anew; one that breaks says where, and the tools of before stay', async () => {
  const { file, start, call, said, served } = desk(tool('one', '"first"'));
  const { close } = await start();
  expect(await call('one')).toBe('first');
  writeFileSync(file, tool('one', '"second"') + tool('two', '2').replace(/^import.*\n/, ''));
  await expect.poll(() => served().at(-1)).toBe('one,two');
  expect(await call('one')).toBe('second');

  writeFileSync(file, 'export const one = defineTool({\n  description: "x"\n  run: 5,\n});');
  await expect.poll(() => said.at(-1)).toMatch(/my-tools\.ts cannot be used/);
  // esbuild's own lines: what, where, and the place.
  expect(said.at(-1)).toMatch(
    /Expected "}" but found "run"[\s\S]*my-tools\.ts:3:2[\s\S]*run: 5[\s\S]*stay until/,
  );
  expect(await call('one')).toBe('second');
  // As it was before: told, too.
  writeFileSync(file, tool('one', '"second"') + tool('two', '2').replace(/^import.*\n/, ''));
  await expect.poll(() => said.at(-1)).toBe('2 tools offered: one, two');

  writeFileSync(file, 'throw new Error("not today");');
  await expect.poll(() => said.at(-1)).toMatch(/not today[\s\S]*stay until/);
  writeFileSync(file, 'export const nothing = 5;');
  await expect.poll(() => said.at(-1)).toMatch(/exports no tool[\s\S]*stay until/);
  writeFileSync(file, tool('three', '3'));
  await expect.poll(() => served().at(-1)).toBe('three');
  await close();
  expect(served()).toEqual(['one', 'one,two', 'one,two', 'three', '']);
});

test('a stack names the line of the source', async () => {
  const { start, call, said, file } = desk(`${tool('fail', '(() => { throw new Error("no"); })()')}`);
  await start();
  expect(await call('fail')).toEqual({ error: 'no' });
  expect(said.at(-1)).toMatch(/^! fail failed: no\nError: no\n/);
  expect(said.at(-1)).toContain(`(${realpathSync(file)}:2:`);
});

test('a file that never ends loading is told, and the next change is loaded', async () => {
  const { file } = desk('await new Promise(() => {});');
  const heard: unknown[] = [];
  const bundle = await watchBundle(
    file,
    {},
    { loaded: (exports) => heard.push(exports), broken: (lines) => heard.push(lines) },
    20,
  );
  onTestFinished(() => bundle.close());
  expect(heard).toEqual([expect.stringMatching(/did not end loading within 0\.02 s/)]);
  writeFileSync(file, 'export const right = 5;');
  await expect.poll(() => heard.at(-1)).toMatchObject({ right: 5 });
});

test('what a tool leaves behind and then fails does not end the program', async () => {
  const { start, call, said, file } = desk(
    tool('later', '{ ok: 1, err: void setTimeout(() => { globalThis.lateError = new Error("late"); }) }'),
  );
  const { close } = await start();
  expect(await call('later')).toEqual({ ok: 1 });
  const late = () => (globalThis as { lateError?: Error }).lateError;
  await expect.poll(late).toBeDefined();
  expect(isForeign(late())).toBe(true);
  expect(said.at(-1)).toContain('late');
  expect(said.at(-1)).toContain(`${realpathSync(file)}:2:`);
  expect(isForeign(new Error('of ours'))).toBe(false);
  await close();
  expect(isForeign(late())).toBe(false);
});

test.each([
  ['is not there', undefined, 'FILE_MISSING', /my-tools\.ts is no file/],
  ['is no TypeScript', 'export const = 5;', 'TOOLS_BROKEN', /my-tools\.ts:1:13/],
  ['imports what is not there', 'import "./nowhere";', 'TOOLS_BROKEN', /Could not resolve "\.\/nowhere"/],
  ['needs a package that is not there', 'import "no-such-package";', 'TOOLS_BROKEN', /no-such-package/],
  ['throws', 'null.x;', 'TOOLS_BROKEN', /Cannot read properties of null/],
  ['has no tools', 'export {};', 'TOOLS_NONE', /exports no tool/],
  [
    'has a tool that is none',
    tool('a', '1').replace("description: 'Does it.',", ''),
    'TOOLS_BROKEN',
    /description/,
  ],
])('a file that %s is refused, and the device keeps what it has', async (_name, source, code, words) => {
  const { start, served } = desk(source);
  await expect(start()).rejects.toMatchObject({ code, message: expect.stringMatching(words), exitCode: 2 });
  expect(served().filter((names) => names !== '')).toEqual([]);
});

test('a device that knows no tools of the host ends it', async () => {
  const old = desk(tool('a', '1'));
  old.fake.answers['tools.serve'] = () => {
    throw { code: -32601, message: 'no such method' };
  };
  await expect(old.start()).rejects.toMatchObject({ code: 'DEVICE_METHOD' });
});

test('the examples are served', async () => {
  const { start, served, call } = desk();
  await start(repositoryPath('host-cli/data/tools/everyday.ts'));
  expect(served()).toEqual(['device_uptime,roll_dice,time_of_day']);
  expect(await call('roll_dice', { count: 3 })).toMatchObject({
    eyes: [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
  expect(await call('roll_dice', { count: 100 })).toEqual({
    error: expect.stringMatching(/^wrong arguments: count: /),
  });
  expect(await call('time_of_day', { zone: 'Pacific/Auckland' })).toEqual({
    now: expect.stringMatching(/20\d\d/),
  });
  expect(await call('time_of_day', { zone: 'Nowhere/Nothing' })).toEqual({
    error: expect.stringMatching(/Nowhere/),
  });
  expect(await call('device_uptime')).toHaveProperty('minutes');
});

test('the example of Espruino is served without a board, and says at a call that there is none', async () => {
  process.env.ESPRUINO_PORT = '/dev/tincan-nowhere';
  onTestFinished(() => {
    delete process.env.ESPRUINO_PORT;
  });
  const { start, served, call } = desk();
  await start(repositoryPath('host-cli/data/tools/espruino.ts'));
  expect(served()).toEqual(['set_lamp,read_temperature']);
  expect(await call('set_lamp', { on: true })).toEqual({
    error: expect.stringMatching(/^the Espruino board at \/dev\/tincan-nowhere cannot be reached/),
  });
});
