/**
 * The C tests in WebAssembly, one Vitest test each; then golden vectors and oracles, which ask the same module
 * (test/golden.c). Natively, with sanitizers and fuzzing: test/native.sh.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readWav, SETTINGS } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { compileTests } from '../index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { wasm } = await compileTests({ cacheDir: `${root}/node_modules/.cache/tincan` });
const module = await WebAssembly.compile(wasm);

type Call = (...args: number[]) => number;

/** A new instance, so that no test sees what another one left. */
async function load() {
  const { exports } = await WebAssembly.instantiate(module);
  const call = (name: string, ...args: number[]) => (exports[name] as Call)(...args);
  const memory = exports.memory as WebAssembly.Memory;
  call('_initialize');
  return {
    call,
    text(at: number): string {
      const bytes = new Uint8Array(memory.buffer, at);
      return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
    },
    write(bytes: Uint8Array): number {
      new Uint8Array(memory.buffer).set(bytes, call('golden_buffer'));
      return bytes.length;
    },
    read: (length: number) => Buffer.from(new Uint8Array(memory.buffer, call('golden_buffer'), length)),
  };
}

describe('C tests', () => {
  const names = WebAssembly.Module.exports(module)
    .map(({ name }) => name)
    .filter((name) => name.startsWith('test_'));
  it('are found', () => expect(names.length).toBeGreaterThan(50));
  for (const name of names)
    it(name.slice(5).replaceAll('_', ' '), async () => {
      const core = await load();
      try {
        core.call(name);
      } catch (error) {
        throw new Error(core.text(core.call('tc_check_message')) || String(error));
      }
    });
});

/** 16 kHz sound of host-cli/data/voices, after a second of a quiet room, at a level and over noise (RMS in samples). */
function heard(name: string, gain = 1, noise = 20): Int16Array {
  const { sampleRate, samples } = readWav(readFileSync(`${root}/host-cli/data/voices/${name}`));
  expect(sampleRate).toBe(16_000);
  const sound = new Int16Array(16_000 + samples.length);
  let chance = 1;
  for (let i = 0; i < sound.length; i++) {
    chance = (Math.imul(chance, 1_103_515_245) + 12_345) >>> 0;
    // Uniform in -0.5..0.5 has an RMS of 1/sqrt(12).
    const hiss = (chance / 2 ** 32 - 0.5) * Math.sqrt(12) * noise;
    sound[i] = Math.round((i < 16_000 ? 0 : samples[i - 16_000]! * gain) + hiss);
  }
  return sound;
}

describe('waking by voice', async () => {
  const core = await load();
  const wakes = (pcm: Int16Array) => {
    core.write(new Uint8Array(pcm.buffer));
    return core.call('golden_wake', pcm.length);
  };
  const people = readdirSync(`${root}/host-cli/data/voices`).filter((name) =>
    /^(person|stranger)/.test(name),
  );

  it.each(people)('%s wakes it within a second, from near and from far, and in a noisy room', (name) => {
    for (const [gain, noise] of [
      [1, 20],
      [0.1, 20],
      [1, 300],
    ] as const) {
      const at = wakes(heard(name, gain, noise));
      expect(at).toBeGreaterThan(1300);
      expect(at).toBeLessThan(2000);
    }
  });

  it('noise does not, however loud, nor does a voice that is hardly there', () => {
    for (const gain of [0.1, 1, 4]) expect(wakes(heard('noise.wav', gain))).toBe(-1);
    expect(wakes(heard('person-light-on.wav', 0, 3000))).toBe(-1);
    expect(wakes(heard('person-light-on.wav', 0.01))).toBe(-1);
  });
});

const golden = <Shape>(name: string) =>
  JSON.parse(readFileSync(`${root}/shared-protocol/golden/${name}.json`, 'utf8')) as Shape;
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

interface LinkVectors {
  encode: { name: string; json: string; number: number; bytes: string }[];
  big: {
    name: string;
    before: string;
    fill: string;
    count: number;
    after: string;
    number: number;
    tail: string;
    ok: boolean;
  }[];
  broken: { name: string; bytes: string }[];
  streams: { name: string; bytes: string; items: { kind: string; json?: string; lost?: number }[] }[];
}

describe('serial link, golden vectors', async () => {
  const vectors = golden<LinkVectors>('link');
  const core = await load();
  const lines = (length: number) => core.read(length).toString().split('\n').slice(0, -1);

  for (const { name, json, number, bytes } of vectors.encode)
    it(`frames and reads: ${name}`, () => {
      const length = core.call('golden_encode', core.write(Buffer.from(json)), number);
      expect(core.read(length).toString('hex')).toBe(bytes);
      expect(lines(core.call('golden_decode', core.write(hex(bytes)), 1))).toEqual([json]);
    });

  for (const { name, before, fill, count, after, number, tail, ok } of vectors.big)
    it(`frames and reads: ${name}`, () => {
      const json = before + fill.repeat(count) + after;
      const frame = Buffer.concat([Buffer.from(`\x1e${json}`), hex(tail)]);
      const length = core.call('golden_encode', core.write(Buffer.from(json)), number);
      if (ok) expect(core.read(length).equals(frame)).toBe(true);
      else expect(length).toBe(-2);
      expect(lines(core.call('golden_decode', core.write(frame), 1000))).toEqual(ok ? [json] : []);
      expect(core.call('golden_counter', 1)).toBe(ok ? 0 : 1);
    });

  for (const { name, bytes } of vectors.broken)
    it(`refuses: ${name}`, () => {
      expect(core.call('golden_decode', core.write(hex(bytes)), 7)).toBe(0);
      expect(core.call('golden_counter', 1)).toBe(1);
    });

  for (const { name, bytes, items } of vectors.streams)
    it(`reads a stream: ${name}`, () => {
      for (const piece of [1, 2, 3, 1000]) {
        const got = lines(core.call('golden_decode', core.write(hex(bytes)), piece));
        const frames = items.filter((item) => item.kind === 'frame');
        expect(got).toEqual(frames.map((item) => item.json));
        expect(core.call('golden_counter', 2)).toBe(frames.reduce((sum, item) => sum + (item.lost ?? 0), 0));
      }
    });
});

describe('settings, golden vectors', async () => {
  const { values } = golden<{ values: { name: string; value: unknown; result: string; kept?: unknown }[] }>(
    'settings',
  );
  const core = await load();
  /** How core errors travel on the link. */
  const RESULTS: Record<number, string> = {
    0: 'ok',
    [-1]: 'SETTING_UNKNOWN',
    [-2]: 'SETTING_LIMIT',
    [-3]: 'SETTING_FORM',
    [-4]: 'SETTING_TYPE',
    [-5]: 'SETTING_LIMIT',
  };
  it('the device takes, refuses and keeps what the host does', () => {
    const ids = Object.keys(SETTINGS);
    const differ: unknown[] = [];
    for (const { name, value, result, kept } of values) {
      const json = JSON.stringify({ [name]: value });
      const got = RESULTS[core.call('golden_set', core.write(Buffer.from(json)))];
      if (got !== result) differ.push({ json: json.slice(0, 100), got, result });
      if (got !== 'ok' || result !== 'ok') continue;
      const stored = JSON.parse(core.read(core.call('golden_get', ids.indexOf(name))).toString());
      if (stored !== (kept ?? value)) differ.push({ json: json.slice(0, 100), stored, kept: kept ?? value });
    }
    expect(differ).toEqual([]);
    expect(values.length).toBeGreaterThan(100);
  });
});

/** Numbers from a seed (mulberry32), 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Any bytes as JSON.parse sees them, or undefined where they are not JSON. */
function parse(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

describe('JSON, against JSON.parse', async () => {
  const core = await load();
  const seeds = [
    '{"type":"response.done","response":{"id":"r","output":[{"type":"function_call","n":-1.5e+3}],"ok":true}}',
    '[null,true,false,0,-0.1E-2,"\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/","é日😀\u2028",{},[],[[[]]]]',
    ' { "a" :\t[ 1 , 2 ] ,\r\n"b" : "" } ',
    '"\\ud800"',
    '123',
  ].map((text) => Buffer.from(text));
  const pieces = [...'{}[]":,\\ue0-+.19tfn \n\t\0\x1f']
    .map((c) => c.charCodeAt(0))
    .concat([0x80, 0xbf, 0xc3, 0xe2, 0xed, 0xf0, 0xff]);

  it('agrees on 30,000 mutated texts whether they are JSON', () => {
    const random = seeded(20250919);
    const pick = (n: number) => Math.floor(random() * n);
    let valid = 0;
    for (let i = 0; i < 30_000; i++) {
      let bytes = Buffer.from(seeds[pick(seeds.length)]!);
      for (let edits = pick(4); edits > 0; edits--) {
        const at = pick(bytes.length + 1);
        const length = pick(3);
        const insert = Array.from({ length: pick(3) }, () => pieces[pick(pieces.length)]!);
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), bytes.subarray(at + length)]);
      }
      const wanted = parse(bytes) !== undefined;
      const got = core.call('golden_json', core.write(bytes)) === 0;
      if (got !== wanted) expect({ text: bytes.toString('latin1'), got }).toEqual({ got: wanted });
      valid += wanted ? 1 : 0;
    }
    expect(valid).toBeGreaterThan(3000);
    expect(valid).toBeLessThan(27_000);
  });

  it('unescapes every string as JSON.parse does, and refuses only NUL and half surrogates', () => {
    const random = seeded(7);
    const units = [
      '\\u0000',
      '\\ud83d',
      '\\ude00',
      '\\u20ac',
      '\\n',
      '\\"',
      '\\\\',
      '\\/',
      'a',
      'é',
      '😀',
      '\\u0041',
    ];
    for (let i = 0; i < 5000; i++) {
      const text = `"${Array.from({ length: Math.floor(random() * 6) }, () => units[Math.floor(random() * units.length)]).join('')}"`;
      const value = JSON.parse(text) as string;
      const got = core.call('golden_text', core.write(Buffer.from(text)));
      // Node 20 has isWellFormed; its types come later.
      const wellFormed = !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
        value,
      );
      if (value.includes('\0') || !wellFormed) expect([text, got]).toEqual([text, -3]);
      else expect(core.read(got).toString()).toBe(value);
    }
  });

  it('writes any bytes as a string that holds what TextDecoder makes of them', () => {
    const random = seeded(11);
    for (let i = 0; i < 5000; i++) {
      const bytes = Uint8Array.from(
        { length: Math.floor(random() * 8) },
        () => pieces[Math.floor(random() * pieces.length)]!,
      );
      const got = core.call('golden_string', core.write(bytes));
      expect(JSON.parse(core.read(got).toString())).toBe(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
      );
    }
  });
});
