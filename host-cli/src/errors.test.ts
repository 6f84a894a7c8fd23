import { afterEach, expect, test } from 'vitest';
import { asTincanError, EXIT, errorReport, printError, TincanError } from './errors.ts';
import { forgetSecrets, redact, registerSecret } from './redact.ts';

afterEach(forgetSecrets);

function print(error: unknown, json = false, debug = false) {
  const said = { out: '', err: '' };
  const status = printError(error, json, {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    debug,
  });
  return { ...said, status };
}

const busy = new TincanError('PORT_BUSY', '/dev/ttyUSB0 is in use.', {
  exit: 'port',
  hint: 'Close the monitor.',
  cause: new Error('Error: cannot lock port'),
});

test('people get what happened, why, and what to do; stdout stays empty', () => {
  expect(print(busy)).toEqual({
    out: '',
    err: 'error: /dev/ttyUSB0 is in use.\n  cause: cannot lock port\n  hint:  Close the monitor.\n',
    status: 3,
  });
});

test('programs get one JSON object on stdout, and nothing on stderr', () => {
  const { out, err, status } = print(busy, true);
  expect(err).toBe('');
  expect(JSON.parse(out)).toEqual({
    error: {
      code: 'PORT_BUSY',
      message: '/dev/ttyUSB0 is in use.',
      hint: 'Close the monitor.',
      cause: 'cannot lock port',
      exitCode: 3,
    },
  });
  expect(status).toBe(3);
});

test('what nobody expected is a calm sentence; its stack is for TINCAN_DEBUG only', () => {
  const defect = new TypeError('x is not a function');
  const calm = print(defect);
  expect(calm.status).toBe(EXIT.failed);
  expect(calm.err).toContain('x is not a function');
  expect(calm.err).toContain('TINCAN_DEBUG=1');
  expect(calm.err).not.toContain('errors.test.ts');
  expect(print(defect, false, true).err).toContain('errors.test.ts');
});

test('an error of another room keeps its code and hint; a system error is no such error', () => {
  const foreign = Object.assign(new Error('no room'), { code: 'flash-busy', hint: 'Wait.' });
  expect(asTincanError(foreign)).toMatchObject({ code: 'FLASH_BUSY', message: 'no room', hint: 'Wait.' });
  const system = Object.assign(new Error('nope'), { code: 'ENOENT', errno: -2, syscall: 'open' });
  expect(asTincanError(system).code).toBe('INTERNAL');
  expect(asTincanError('a string').message).toContain('a string');
});

test('a registered secret is in no part of an error, however it is spelled there', () => {
  registerSecret('pa"ss wörd');
  const error = new TincanError('X', 'sent pa"ss wörd', {
    hint: 'as pa%22ss%20w%C3%B6rd',
    cause: new Error(JSON.stringify({ password: 'pa"ss wörd' })),
  });
  const text = JSON.stringify(errorReport(error)) + print(error).err + print(error, true).out;
  expect(text).not.toMatch(/ss wörd|ss%20w/);
  expect(text).toContain('•••');
});

test('a secret that holds another one goes as a whole, and a tiny value is left alone', () => {
  registerSecret('token');
  registerSecret('token-and-more');
  registerSecret('a');
  expect(redact('a token-and-more, a token')).toBe('a •••, a •••');
});

test('each exit status has one meaning', () => {
  const codes = Object.values(EXIT);
  expect(new Set(codes).size).toBe(codes.length);
});
