/** The core's reader and writer of Realtime events against the golden vectors of shared-protocol. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FIELDS, SERVER_EVENTS } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { compileTests } from '../index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { wasm } = await compileTests({ cacheDir: `${root}/node_modules/.cache/tincan` });
const { instance } = await WebAssembly.instantiate(new Uint8Array(wasm));
const call = (name: string, ...args: number[]) =>
  (instance.exports[name] as (...args: number[]) => number)(...args);
call('_initialize');

/** Puts bytes into the core's buffer, calls, and gives what the core put there, or the error's number. */
function ask(name: string, bytes: Uint8Array): Buffer | number {
  const memory = instance.exports.memory as WebAssembly.Memory;
  new Uint8Array(memory.buffer).set(bytes, call('golden_buffer'));
  return answer(call(name, bytes.length));
}
function answer(length: number): Buffer | number {
  const memory = instance.exports.memory as WebAssembly.Memory;
  return length < 0 ? length : Buffer.from(memory.buffer.slice(call('golden_buffer'))).subarray(0, length);
}
const golden = <Shape>(name: string) =>
  JSON.parse(readFileSync(`${root}/shared-protocol/golden/${name}.json`, 'utf8')) as Shape;

interface View {
  type: number;
  type_name: string;
  fields: Record<string, string>;
  calls: Record<string, string>[];
  calls_truncated: boolean;
  parts: Record<string, string>[];
  limits: Record<string, string>[];
  first?: true;
}
interface Vector {
  name: string;
  json: string;
  result: 'ok' | 'TC_ERR_FORMAT';
  type: string | null;
  type_name: string;
  fields: Record<string, string>;
  calls: Record<string, string>[];
  calls_truncated: boolean;
  parts?: Record<string, string>[];
  limits?: Record<string, string>[];
  first?: true;
}

describe('the core reads events as golden/realtime.json says', () => {
  const fields = Object.keys(FIELDS);
  for (const { name, json, ...expected } of golden<{ events: Vector[] }>('realtime').events)
    it(name, () => {
      const got = ask('golden_event', Buffer.from(json));
      if (typeof got === 'number') {
        expect({ result: got === -3 ? 'TC_ERR_FORMAT' : got }).toEqual({ result: expected.result });
        return;
      }
      const view = JSON.parse(got.toString()) as View;
      expect({
        result: 'ok',
        ...view,
        type: Object.keys(SERVER_EVENTS)[view.type - 1] ?? null,
        fields: Object.fromEntries(
          Object.entries(view.fields).map(([number, value]) => [fields[Number(number)], value]),
        ),
      }).toEqual({ parts: [], limits: [], ...expected });
    });
});

describe('session.update is what golden/session.json says', () => {
  const { sessions } = golden<{ sessions: { name: string; settings: object; session: object }[] }>('session');
  for (const { name, settings, session } of sessions)
    it(name, () => {
      const stored = Object.keys(settings).length > 0 ? settings : { 'device.name': 'tincan' };
      const bytes = Buffer.from(JSON.stringify(stored));
      const memory = instance.exports.memory as WebAssembly.Memory;
      new Uint8Array(memory.buffer).set(bytes, call('golden_buffer'));
      expect(call('golden_set', bytes.length)).toBe(0);
      const got = answer(call('golden_session_update', 7));
      expect(JSON.parse(got.toString())).toEqual({ type: 'session.update', event_id: 'tc_7', session });
    });
});
