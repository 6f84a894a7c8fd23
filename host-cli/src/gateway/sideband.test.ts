import { manualClock } from '@tincan/boards';
import { expect, it } from 'vitest';
import { Call } from './call.ts';
import { defaultConfig, mergeConfig, parseSession } from './config.ts';
import { Faults } from './faults.ts';
import { RateLimits } from './limits.ts';
import { fixedBrain } from './test-session.ts';

it('a sideband that was there before the client sees all from the beginning, in order', () => {
  const clock = manualClock();
  const mcp = { type: 'mcp', server_label: 'books', server_url: 'https://books.example/mcp' };
  const call = new Call({
    clock,
    brain: fixedBrain([]),
    track: true,
    config: mergeConfig(defaultConfig(), parseSession({ type: 'realtime', tools: [mcp] })),
    modelFixed: true,
    owner: { name: '' },
    faults: new Faults([]),
    limits: new RateLimits(clock),
    unixNow: () => 1,
    event: () => {},
    ended: () => {},
    log: () => {},
  });
  const client: string[] = [];
  const side: string[] = [];
  call.carry({
    sendText: (text) => client.push(text) > 0,
    maxMessage: () => 65_536,
    stats: () => call.stats(),
    close: () => {},
  });
  const { receive, leave } = call.join({ send: (text) => side.push(text), close: () => {} });
  expect(side).toEqual([]);
  call.start();
  receive('{"type":"response.cancel"}');
  expect(JSON.parse(side[0]!)).toMatchObject({ type: 'session.created' });
  expect(side.length).toBeGreaterThan(3);
  expect(side).toEqual(client);
  leave();
  receive('{"type":"response.cancel"}');
  expect(client.length).toBe(side.length + 1);
});
