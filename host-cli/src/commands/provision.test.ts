import type { CommitAnswer } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { follows } from './provision.ts';

test('what a commit sets going is said in a sentence', () => {
  const answer: CommitAnswer = { changed: ['session.model'], effect: 'session' };
  expect(follows(answer, undefined)).toBe('; a session that runs follows at once');
  expect(follows({ ...answer, waits: ['session.model'] }, undefined)).toBe(
    '; session.model waits for the next session',
  );
  expect(follows({ ...answer, waits: ['server.label', 'session.model'] }, undefined)).toBe(
    '; server.label, session.model wait for the next session',
  );
  expect(follows({ changed: [], effect: 'none' }, undefined)).toBe('');
  const joined = { state: 'ready', reason: 'wifi_up', detail: '10.0.0.7' } as const;
  expect(follows({ changed: ['wifi.ssid'], effect: 'wifi' }, joined)).toBe(
    '; it is on the network as 10.0.0.7',
  );
});
