import { manualClock } from '@tincan/boards';
import { describe, expect, it } from 'vitest';
import type { ServerEvent } from './events.ts';
import { eventFault, Faults, type ServerFault } from './faults.ts';
import { faultAnswer } from './http-fault.ts';

const event = (type: string, n = 0) =>
  ({ type, event_id: `event_${n}`, delta: 'x'.repeat(40) }) as unknown as ServerEvent;

function channel(faults: object[], seed?: number) {
  const clock = manualClock();
  const sent: string[] = [];
  const state = { hungUp: false };
  const full = faults.map((fault) => eventFault.parse(fault));
  const way = new Faults(full, seed).channel({
    clock,
    send: (text) => sent.push(text),
    hangUp: () => {
      state.hungUp = true;
    },
    log: () => {},
  });
  const ids = () => sent.map((text) => (JSON.parse(text) as { event_id: string }).event_id.slice(6));
  return { clock, sent, state, way, ids };
}
const say = ({ way }: ReturnType<typeof channel>, count: number, type = 'response.done') => {
  for (let n = 0; n < count; n++) way.send(event(type, n));
};

describe('an event on its way', () => {
  it('is lost, some of them, by count and after others', () => {
    const one = channel([{ event: 'response.done', do: 'drop', count: 2, after: 1 }]);
    say(one, 5);
    expect(one.ids()).toEqual(['0', '3', '4']);
    one.way.send(event('response.created', 9));
    expect(one.ids().at(-1)).toBe('9');
  });

  it.each([
    ['*', true, true],
    ['response.*', true, false],
    ['response.done', true, false],
    ['response.don', false, false],
  ])('is meant by %s', (pattern, response, other) => {
    const one = channel([{ event: pattern, do: 'drop' }]);
    one.way.send(event('response.done', 1));
    one.way.send(event('session.updated', 2));
    expect(one.ids()).toEqual([...(response ? [] : ['1']), ...(other ? [] : ['2'])]);
  });

  it('comes twice, late, after the next one, in half, or too large', () => {
    const twice = channel([{ event: '*', do: 'duplicate', count: 1 }]);
    say(twice, 2);
    expect(twice.ids()).toEqual(['0', '0', '1']);

    const late = channel([{ event: '*', do: 'delay', ms: 500, count: 1 }]);
    say(late, 2);
    expect(late.ids()).toEqual(['1']);
    late.clock.advance(499);
    expect(late.ids()).toEqual(['1']);
    late.clock.advance(1);
    expect(late.ids()).toEqual(['1', '0']);

    const swapped = channel([{ event: '*', do: 'reorder', count: 1 }]);
    say(swapped, 3);
    expect(swapped.ids()).toEqual(['1', '0', '2']);

    const half = channel([{ event: '*', do: 'garble', count: 1 }]);
    say(half, 1);
    expect(() => JSON.parse(half.sent[0]!) as unknown).toThrow();

    const large = channel([{ event: '*', do: 'oversize', bytes: 70_000, count: 1 }]);
    say(large, 1);
    expect(Buffer.byteLength(large.sent[0]!)).toBe(70_000);
    expect(JSON.parse(large.sent[0]!)).toMatchObject({ type: 'response.done' });
  });

  it('is the last one where the call ends instead', () => {
    const one = channel([{ event: 'response.done', do: 'hang_up', after: 1 }]);
    say(one, 3);
    expect(one.state.hungUp).toBe(true);
    expect(one.ids()).toEqual(['0']);
  });

  it('fails by chance, the same way for the same seed', () => {
    const run = (seed: number) => {
      const one = channel([{ event: '*', do: 'drop', probability: 0.3 }], seed);
      say(one, 1000);
      return one.ids();
    };
    const kept = run(7);
    expect(kept).toEqual(run(7));
    expect(kept).not.toEqual(run(8));
    expect(kept.length).toBeGreaterThan(650);
    expect(kept.length).toBeLessThan(750);
  });

  it('fails once by a step', () => {
    const one = channel([]);
    one.way.arm(eventFault.parse({ event: '*', do: 'drop' }));
    say(one, 3);
    expect(one.ids()).toEqual(['1', '2']);
  });
});

describe('an answer over HTTP', () => {
  const often = { probability: 1, after: 0 };
  it.each<[ServerFault, number, Record<string, string>, RegExp]>([
    [{ http: 401, ...often }, 401, {}, /"code":"invalid_api_key"/],
    [{ http: 403, ...often }, 403, {}, /"code":"access_denied"/],
    [{ http: 404, ...often }, 404, {}, /"code":"model_not_found"/],
    [{ http: 429, retry_after: 7, ...often }, 429, { 'Retry-After': '7' }, /"code":"rate_limit_exceeded"/],
    [{ http: 500, ...often }, 500, {}, /"type":"server_error"/],
    [{ http: 'html', ...often }, 200, { 'Content-Type': 'text/html; charset=utf-8' }, /<html>/],
    [{ http: 'redirect', location: '/login', ...often }, 302, { Location: '/login' }, /^$/],
  ])('%j', (fault, status, headers, body) => {
    const struck = new Faults([fault]).http();
    expect(struck).toBeDefined();
    const answer = faultAnswer(struck!);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(answer.body).toMatch(body);
  });

  it('is right again when its count is used up', () => {
    const faults = new Faults([{ http: 500, count: 2, ...often }]);
    expect([faults.http(), faults.http(), faults.http()].map(Boolean)).toEqual([true, true, false]);
  });
});

it('ends sessions early, one by one', () => {
  const faults = new Faults([{ expire_after: 2.5, count: 1, probability: 1, after: 1 }]);
  expect([faults.maxMs(), faults.maxMs(), faults.maxMs()]).toEqual([undefined, 2500, undefined]);
});
