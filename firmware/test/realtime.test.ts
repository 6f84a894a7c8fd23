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
  const length = call(name, bytes.length);
  return length < 0 ? length : answer(length);
}
function answer(length: number): Buffer {
  if (length < 0) throw new Error(`the core says ${length}`);
  const memory = instance.exports.memory as WebAssembly.Memory;
  return Buffer.from(memory.buffer.slice(call('golden_buffer'))).subarray(0, length);
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

/** Gives the core a JSON value by its buffer; 0 where it takes it. */
function give(name: string, value: unknown): number {
  const bytes = Buffer.from(JSON.stringify(value));
  const memory = instance.exports.memory as WebAssembly.Memory;
  new Uint8Array(memory.buffer).set(bytes, call('golden_buffer'));
  return call(name, bytes.length);
}

/** A device with these settings, and a host that serves these tools. */
function settle(settings: object, served: object[] = []): void {
  const stored = Object.keys(settings).length > 0 ? settings : { 'device.name': 'tincan' };
  expect(give('golden_set', stored)).toBe(0);
  expect(give('golden_serve', served)).toBe(0);
}

interface Session {
  name: string;
  settings: object;
  served?: object[];
  model: string | null;
  session: object;
}
interface Change {
  name: string;
  from: object;
  to: object;
  served?: { from: object[]; to: object[] };
  spoken?: boolean;
  session: object | null;
  waits: string[];
}
const { sessions, changes } = golden<{ sessions: Session[]; changes: Change[] }>('session');

describe('session.update is what golden/session.json says', () => {
  for (const { name, settings, served, model, session } of sessions)
    it(name, () => {
      settle(settings, served);
      const posted = JSON.parse(answer(call('golden_session')).toString());
      expect(posted).toEqual({ ...session, ...(model === null ? {} : { model }) });
      const got = answer(call('golden_session_update', 7));
      expect(JSON.parse(got.toString())).toEqual({ type: 'session.update', event_id: 'tc_7', session });
    });
});

describe('a running session is told what golden/session.json says', () => {
  const fixed = ['session.model', 'session.voice', 'session.reasoning'];
  for (const { name, from, to, served, spoken, session, waits } of changes)
    it(name, () => {
      settle(from, served?.from);
      call('golden_told');
      settle(to, served?.to);
      const got = answer(call('golden_change', 7, spoken ? 1 : 0));
      const event = got.length === 0 ? null : JSON.parse(got.toString());
      expect(event).toEqual(session && { type: 'session.update', event_id: 'tc_7', session });
      const bits = call('golden_waits', spoken ? 1 : 0);
      expect(fixed.filter((_, bit) => (bits >> bit) & 1)).toEqual(waits);
    });
});
