import { describe, expect, it } from 'vitest';
import { asTincanError } from '../errors.ts';
import type { DeviceStatus } from '../gateway/store/index.ts';
import { columns, cut, width } from './columns.ts';
import { upstreamUrl } from './gateway-relay.ts';
import { sinceOf, statusTable } from './gateway-status.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'nothing was thrown';
  } catch (error) {
    expect(asTincanError(error).message).not.toMatch(/word-of-somebody/);
    return asTincanError(error).code;
  }
};

describe('the server behind the relay', () => {
  it.each([
    [undefined, 'https://api.openai.com/v1/realtime/calls'],
    [
      ' https://r.openai.azure.com/openai/v1/realtime/calls?webrtcfilter=on ',
      'https://r.openai.azure.com/openai/v1/realtime/calls?webrtcfilter=on',
    ],
    ['http://127.0.0.1:8080/v1/realtime?model=m#x', 'http://127.0.0.1:8080/v1/realtime?model=m'],
  ])('%s is %s', (given, wanted) => expect(upstreamUrl(given).href).toBe(wanted));

  it.each([
    'api.openai.com/v1/realtime/calls',
    'https://api.openai.com',
    'https://api.openai.com/v1/real time/calls',
    'http://192.0.2.7/v1/realtime/calls',
    'wss://api.openai.com/v1/realtime/calls',
    'https://me:word-of-somebody@api.openai.com/v1/realtime/calls',
  ])('is not %s', (given) => expect(codeOf(() => upstreamUrl(given))).toBe('RELAY_URL'));
});

describe('since when', () => {
  const now = new Date(2026, 10, 20, 15, 30).getTime();
  it('is a day of this machine, today, or all', () => {
    const midnight = new Date(2026, 10, 20).getTime();
    expect(sinceOf(undefined, now)).toBe(midnight);
    expect(sinceOf('today', now)).toBe(midnight);
    expect(sinceOf('2026-11-20', now)).toBe(midnight);
    expect(sinceOf('all', now)).toBe(0);
  });
  it.each(['yesterday', '2026-02-31', '2026-13-01', '20.11.2026', '', '2026-11-20T10:00'])(
    'is not %j',
    (text) => expect(codeOf(() => sinceOf(text, now))).toBe('SINCE'),
  );
});

describe('names in tables', () => {
  it('are cut in the middle, since those of a fleet differ at the end', () => {
    expect(cut('kitchen')).toBe('kitchen');
    expect(cut('the kitchen of the first floor, number 17')).toBe('the kitchen …, number 17');
    for (const name of [
      'x'.repeat(64),
      '厨房の音声端末と居間の音声端末その一',
      '🎙️'.repeat(30),
      'e\u0301'.repeat(40),
    ])
      expect(width(cut(name))).toBeLessThanOrEqual(24);
    expect(cut('厨房の音声端末と居間の音声端末その一')).toMatch(/^厨房の.*….*その一$/);
  });

  it('do not move the columns behind them', () => {
    const lines = columns(
      [
        ['a', 'b'],
        ['厨房', '1'],
        ['kitchen', '22'],
      ],
      [1],
    ).split('\n');
    expect(lines).toEqual(['a         b', '厨房      1', 'kitchen  22']);
  });

  it('stand in the table of what was used', () => {
    const one: DeviceStatus = {
      name: 'kitchen',
      revoked: true,
      calls: 3,
      live: 1,
      minutes: 12.34,
      unmetered: 1,
      tokens: { input: 1000, cached: 10, output: 500 },
      dollars: 0.0214,
      unpriced: true,
      lastSeen: new Date(2026, 10, 20, 9, 5).getTime(),
      limits: { minutesPerDay: 30, centsPerDay: undefined, calls: 1 },
      models: [],
    };
    const never = {
      ...one,
      name: null,
      revoked: false,
      live: 0,
      unmetered: 0,
      unpriced: false,
      lastSeen: undefined,
      limits: {},
    };
    expect(
      statusTable([one, never])
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['device', 'calls', 'live', 'minutes', 'tokens in', 'out', 'cost', 'last seen', 'limits'],
      [
        'kitchen (revoked)',
        '3',
        '1',
        '12.3',
        '1000',
        '500',
        '$0.0214+*',
        '2026-11-20 09:05',
        '30 min/day, 1 at once',
      ],
      ['(gateway token)', '3', '-', '12.3', '1000', '500', '$0.0214', 'never', 'none'],
    ]);
  });
});
