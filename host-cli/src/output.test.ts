import { afterEach, expect, test } from 'vitest';
import { createOutput, table } from './output.ts';
import { forgetSecrets, registerSecret } from './redact.ts';

afterEach(forgetSecrets);

function output(json: boolean, options: { tty?: boolean; env?: Record<string, string> } = {}) {
  const said = { out: '', err: '' };
  let now = 0;
  const out = createOutput(json, {
    out: {
      write: (text) => {
        said.out += text;
      },
      isTTY: options.tty ?? false,
    },
    err: {
      write: (text) => {
        said.err += text;
      },
      isTTY: options.tty ?? false,
      columns: 80,
    },
    env: options.env ?? {},
    now: () => now,
  });
  return {
    out,
    said,
    wait: (ms: number) => {
      now += ms;
    },
  };
}

test('a result is text for people and one JSON line for programs', () => {
  const people = output(false);
  people.out.result({ port: 'x' }, 'the port is x');
  people.out.event({ only: 'programs' });
  expect(people.said).toEqual({ out: 'the port is x\n', err: '' });
  const programs = output(true);
  programs.out.result({ port: 'x' }, 'the port is x');
  programs.out.note('for people');
  expect(programs.said).toEqual({ out: '{"port":"x"}\n', err: 'for people\n' });
});

test('no secret leaves through any of its ways', () => {
  registerSecret('hunter2hunter2');
  const { out, said } = output(false);
  out.result({}, 'hunter2hunter2');
  out.event({}, 'hunter2hunter2');
  out.note('hunter2hunter2');
  out.warn('hunter2hunter2');
  expect(said.out + said.err).not.toContain('hunter2');
});

test('a bar shows on a terminal after a second, and makes room for a line', () => {
  const { out, said, wait } = output(false, { tty: true });
  const bar = out.bar('writing');
  bar.update(10, 100);
  expect(said.err).toBe('');
  wait(1500);
  bar.update(50, 100, '50 bytes');
  expect(said.err).toContain('writing [============            ]  50 % 50 bytes');
  out.note('a line');
  expect(said.err).toMatch(/\r\x1b\[Ka line\n$/);
});

test('no bar without a terminal', () => {
  const { out, said, wait } = output(false);
  const bar = out.bar('writing');
  wait(5000);
  bar.update(50, 100);
  bar.end();
  expect(said.err).toBe('');
});

test('colour is for terminals, not with NO_COLOR, not with --json', () => {
  expect(output(false, { tty: true }).out.paint('green', 'ok')).toContain('\x1b[');
  expect(output(false, { tty: true, env: { NO_COLOR: '1' } }).out.paint('green', 'ok')).toBe('ok');
  expect(output(true, { tty: true }).out.paint('green', 'ok')).toBe('ok');
  expect(output(false).out.paint('green', 'ok')).toBe('ok');
});

test('a table has columns of one width and no blanks at the end', () => {
  expect(
    table([
      ['a', 'bbb', ''],
      ['aaaa', 'b', 'c'],
    ]),
  ).toBe('a     bbb\naaaa  b    c');
});

test('what goes on is said on a terminal only, and gives way to the next line', () => {
  const terminal = output(false, { tty: true, env: { NO_COLOR: '1' } });
  terminal.out.busy('compiling');
  terminal.out.note('done');
  expect(terminal.said.err).toBe('compiling\r\x1b[Kdone\n');
  const file = output(false);
  file.out.busy('compiling');
  expect(file.said.err).toBe('');
});
