import { describe, expect, it } from 'vitest';
import { pathSegments } from '../generate/realtime-c.ts';
import { readGolden } from '../golden.ts';
import { FIELDS, FIRST_NUMBER, SERVER_EVENTS } from './events.ts';

interface Call {
  name?: string;
  call_id?: string;
  arguments?: string;
}
interface Vector {
  name: string;
  json: string;
  result: 'ok' | 'TC_ERR_FORMAT';
  type: string | null;
  type_name: string;
  fields: Record<string, string>;
  calls: Call[];
  calls_truncated: boolean;
  parts?: Record<string, string>[];
  limits?: Record<string, string>[];
  first?: true;
}
const { events } = readGolden<{ events: Vector[] }>('realtime.json');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NAMES = Object.keys(FIELDS);
/** The members of each object of a list that are of these types, as text; the first `most` objects. */
function members(list: unknown, most: number, types: Record<string, string>): Record<string, string>[] {
  return (Array.isArray(list) ? list : [])
    .filter(isObject)
    .slice(0, most)
    .map((one) =>
      Object.fromEntries(
        Object.entries(types)
          .filter(([name, type]) => typeof one[name] === type)
          .map(([name]) => [name, String(one[name])]),
      ),
    );
}

/** Nesting of brackets outside texts. */
function depth(json: string): number {
  let deepest = 0;
  let now = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++now);
    else if (token === ']' || token === '}') now--;
  }
  return deepest;
}

/** What the device should see in an event, found by a tree: the judge of the vectors. */
function look(json: string): Omit<Vector, 'name' | 'json'> | 'TC_ERR_FORMAT' {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'TC_ERR_FORMAT';
  }
  if (!isObject(value) || typeof value.type !== 'string' || depth(json) > 64) return 'TC_ERR_FORMAT';
  const typeName = value.type;
  const known = Object.entries(SERVER_EVENTS).find(
    ([ga, event]) =>
      ga === typeName || ('beta' in event && (event.beta as readonly string[]).includes(typeName)),
  );
  const fields: Record<string, string> = {};
  for (const [name, path] of Object.entries(FIELDS)) {
    if (path.includes('[]')) continue;
    let at: unknown = value;
    for (const key of pathSegments(path)) at = isObject(at) ? at[key] : undefined;
    const number = NAMES.indexOf(name) >= NAMES.indexOf(FIRST_NUMBER);
    if (typeof at === (number ? 'number' : 'string')) fields[name] = String(at);
  }
  const output = isObject(value.response) ? value.response.output : undefined;
  const found = (Array.isArray(output) ? output : []).filter(
    (item) => isObject(item) && item.type === 'function_call',
  ) as Record<string, string>[];
  return {
    result: 'ok',
    type: known?.[0] ?? null,
    type_name: typeName,
    fields,
    calls: found.slice(0, 8).map((item) => ({
      name: item.name,
      call_id: item.call_id,
      arguments: item.arguments,
    })),
    calls_truncated: found.length > 8,
    parts: members(isObject(value.item) ? value.item.content : [], 8, {
      type: 'string',
      text: 'string',
      transcript: 'string',
    }),
    limits: members(value.rate_limits, 4, { name: 'string', remaining: 'number', reset_seconds: 'number' }),
    ...(value.previous_item_id === null && { first: true as const }),
  };
}

describe('golden/realtime.json says what JSON.parse says', () => {
  it.each(events.map((event) => [event.name, event] as const))(
    '%s',
    (_name, { name: _, json, ...expected }) => {
      const seen = look(json);
      if (seen === 'TC_ERR_FORMAT') expect(expected.result).toBe('TC_ERR_FORMAT');
      else expect({ parts: [], limits: [], ...expected }).toEqual(seen);
    },
  );
  it('names every vector once', () => {
    expect(new Set(events.map(({ name }) => name)).size).toBe(events.length);
  });
});
