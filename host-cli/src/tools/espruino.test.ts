import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeEspruino, fakeEspruinoPort } from '../testing/fake-espruino.ts';
import { espruino, literal } from './espruino.ts';
import { closeEspruino, EspruinoLine } from './espruino-line.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

const board = (globals: Record<string, unknown> = {}) => {
  const device = new FakeEspruino(globals);
  const port = fakeEspruinoPort(device);
  const line = new EspruinoLine('espruino', undefined, port.open);
  close.push(() => line.close());
  return { device, port, line, call: (code: string, timeoutMs = 5000) => line.call(code, { timeoutMs }) };
};

describe('the line', () => {
  test('asks in the bytes that Espruino knows, and reads its answer', async () => {
    const { device, call } = board({ add: (a: number, b: number) => a + b });
    expect(await call('add(1,2)')).toBe(3);
    expect(device.received).toMatch(
      /^\x03\x10eval\(process\.env\.CONSOLE\)\.println\(JSON\.stringify\(.*\)\)\n$/,
    );
    expect(device.received).toContain('add(1,2)');
  });
  test('values of any kind come back; what answers nothing is null', async () => {
    const { call } = board({ none: () => undefined, all: () => ({ a: [1, 'grün', true] }) });
    expect(await call('none()')).toBeNull();
    expect(await call('all()')).toEqual({ a: [1, 'grün', true] });
  });
  test('a function that fails, and one that is not there', async () => {
    const { call } = board({
      fail: () => {
        throw new Error('too hot');
      },
    });
    await expect(call('fail()')).rejects.toThrow(/the Espruino board says: Error: too hot/);
    await expect(call('nothing()')).rejects.toThrow(/nothing is not defined/);
    expect(await call('1')).toBe(1);
  });
  test('prompts, colours, other output, and answers of before are passed over', async () => {
    const { device, call } = board({ value: () => 5 });
    device.mood = 'noisy';
    for (let i = 0; i < 12; i++) expect(await call('value()')).toBe(5);
  });
  test('calls wait for each other', async () => {
    const { device, call } = board({ echo: (x: number) => x });
    expect(await Promise.all([1, 2, 3, 4].map((i) => call(`echo(${i})`)))).toEqual([1, 2, 3, 4]);
    expect(device.ran).toHaveLength(4);
  });
  test('a board that hangs is given up in time, broken off, and works again', async () => {
    const { device, call } = board({ value: () => 5 });
    await call('value()');
    device.mood = 'hanging';
    await expect(call('value()', 30)).rejects.toThrow(/did not answer within 0.03 s/);
    expect(device.received.endsWith('\x03')).toBe(true);
    expect(await call('value()')).toBe(5);
  });
  test('what it said instead of an answer is told', async () => {
    const { device, call } = board();
    await call('1');
    device.globals.JSON = undefined;
    await expect(call('1', 50)).rejects.toThrow(/did not answer .* it said: .*/);
  });
  test('Ctrl-C of the program ends a call', async () => {
    const { device, line, call } = board();
    await call('1');
    device.mood = 'hanging';
    const stop = new AbortController();
    const waiting = line.call('2', { timeoutMs: 60_000, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('the program ends')), 5);
    await expect(waiting).rejects.toThrow('the program ends');
    await expect(line.call('3', { timeoutMs: 1000, signal: stop.signal })).rejects.toThrow(
      'the program ends',
    );
  });
  test('a board that is unplugged fails the call at once, and is found again', async () => {
    const { device, port, call } = board({ value: () => 5 });
    await call('value()');
    device.mood = 'hanging';
    const waiting = call('value()', 60_000);
    setTimeout(port.unplug, 5);
    await expect(waiting).rejects.toThrow(/unplugged/);
    device.mood = 'well';
    expect(await call('value()')).toBe(5);
    expect(port.opened).toBe(2);
  });
  test('a board that is not there: a sentence, at each call', async () => {
    const line = new EspruinoLine('/dev/tincan-nowhere');
    for (let i = 0; i < 2; i++)
      await expect(line.call('1', { timeoutMs: 1000 })).rejects.toThrow(
        /the Espruino board at \/dev\/tincan-nowhere cannot be reached/,
      );
  });
});

describe('the tools', () => {
  const context = { signal: new AbortController().signal, device: {} as never };
  const led = {
    set_led: {
      description: 'Switches the LED.',
      call: 'LED1.write',
      parameters: {
        on: { type: 'boolean' as const },
        level: { type: 'number' as const, minimum: 0, maximum: 1 },
        label: { type: 'string' as const, maxLength: 100, description: 'what is shown' },
        mode: { type: 'string' as const, enum: ['steady', 'blink'] },
      },
    },
  };
  test('are described by their list, and take nothing else', async () => {
    const { set_led } = espruino({ port: 'x', functions: led });
    expect(set_led?.parameters).toMatchObject({
      type: 'object',
      required: ['on', 'level', 'label', 'mode'],
      additionalProperties: false,
      properties: {
        on: { type: 'boolean' },
        level: { type: 'number', minimum: 0, maximum: 1 },
        label: { type: 'string', maxLength: 100, description: 'what is shown' },
        mode: { type: 'string', enum: ['steady', 'blink'] },
      },
    });
    const good = { on: true, level: 0.5, label: 'a', mode: 'blink' };
    expect(await set_led?.check(good)).toEqual({ args: good });
    for (const bad of [
      { ...good, on: 'true' },
      { ...good, level: 2 },
      { ...good, level: Number.NaN },
      { ...good, label: 'x'.repeat(101) },
      { ...good, mode: 'reset()' },
      { ...good, more: 1 },
      { on: true },
      'LED1.write(1)',
      null,
    ])
      expect(await set_led?.check(bad), JSON.stringify(bad)).toHaveProperty('wrong');
  });
  test('names that are no names, and texts that are too long for the line, are refused', () => {
    const one = (call: string) => () => espruino({ port: 'x', functions: { a: { description: 'b', call } } });
    for (const call of ['f()', 'f;g', 'a b', '1', '', 'f.', '.f', 'f[0]', 'f\n', 'ａ'])
      expect(one(call), call).toThrow(/no name of a function/);
    for (const call of ['f', 'LED1.write', '$_a.b.c']) expect(one(call)).not.toThrow();
    expect(() =>
      espruino({
        port: 'x',
        functions: { a: { description: 'b', parameters: { t: { type: 'string', maxLength: 500 } } } },
      }),
    ).toThrow(/128/);
    expect(() => espruino({ port: '', functions: {} })).toThrow(/port/);
  });
  test('no argument ever becomes code, or a key of the console', async () => {
    const said: unknown[] = [];
    const { device, line } = board({ say: (text: unknown) => said.push(text) });
    const hostile = [
      '");reset();("',
      "');load()//",
      `\`$\{reset()}\``,
      'a\nreset()\n',
      '\x03reset()\n',
      '\x10\x1b[A\r\n',
      '\\',
      '\u2028\u2029',
      '\x00\x7f\x80ÿ',
      ']);eval("x',
      'Ünïcödé 🙂',
      '</script>',
    ];
    for (const text of hostile) await line.call(`say(${literal(text)})`, { timeoutMs: 5000 });
    // Espruino holds the bytes of the text.
    expect(said.map((text) => Buffer.from(String(text), 'latin1').toString('utf8'))).toEqual(hostile);
    expect(device.ran).toHaveLength(hostile.length);
    expect(device.received.slice(1)).toMatch(/^[\x10\n\x20-\x7e]*$/);
    for (const value of [undefined, null, {}, [], () => 1, Number.NaN, Number.POSITIVE_INFINITY, 1n])
      expect(() => literal(value)).toThrow();
    expect([true, -1.5, 1e21].map(literal)).toEqual(['true', '-1.5', '1e+21']);
  });

  const hasSocat = spawnSync('socat', ['-V']).status === 0;
  test.skipIf(!hasSocat)(
    `over a pseudo terminal${hasSocat ? '' : ' (skipped: socat is not installed)'}`,
    async () => {
      const device = new FakeEspruino({ LED1: { write: (on: boolean) => (on ? 'lit' : undefined) } });
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        sockets.push(socket);
        device.connect((text) => socket.write(text));
        socket.on('data', (bytes: Buffer) => device.feed(bytes));
        socket.on('error', () => {});
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const link = join(mkdtempSync(join(tmpdir(), 'tincan-')), 'espruino');
      const child = spawn('socat', [`PTY,raw,echo=0,link=${link}`, `TCP:127.0.0.1:${port}`]);
      close.push(async () => {
        await closeEspruino();
        child.kill();
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      await expect.poll(() => existsSync(link)).toBe(true);
      const tools = espruino({
        port: link,
        timeout_ms: 20_000,
        functions: {
          led: { description: 'LED', call: 'LED1.write', parameters: { on: { type: 'boolean' } } },
        },
      });
      expect(await tools.led?.run({ on: true }, context)).toEqual({ result: 'lit' });
      expect(await tools.led?.run({ on: false }, context)).toEqual({ ok: true });
    },
  );
});
