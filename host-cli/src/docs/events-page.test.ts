import { readFileSync } from 'node:fs';
import { CLIENT_EVENTS, SERVER_EVENTS } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { GATEWAY_SENDS, GATEWAY_TAKES } from '../gateway/events-table.ts';
import { repositoryPath } from '../root.ts';
import { eventsPage } from './events-page.ts';

const committed = readFileSync(repositoryPath('docs/events.md'), 'utf8');

test('docs/events.md is what npm run generate writes', () => {
  expect(committed).toBe(eventsPage({ takes: GATEWAY_TAKES, sends: GATEWAY_SENDS }));
});

/** Rows of the tables: cells by event. */
const rows = new Map(
  [...committed.matchAll(/^\| `([^`]+)`[^|]*\| (.*) \| (.*) \|$/gm)].map(([, name, device, gateway]) => [
    name,
    { device, gateway },
  ]),
);

test.each([...Object.keys(CLIENT_EVENTS), ...Object.keys(SERVER_EVENTS)])(
  '%s has an answer for both',
  (name) => {
    const row = rows.get(name);
    expect(row?.device).toMatch(/\w{4}/);
    expect(row?.gateway).toMatch(/\w{4}/);
  },
);

test('and there are no others', () => {
  expect(rows.size).toBe(Object.keys(CLIENT_EVENTS).length + Object.keys(SERVER_EVENTS).length);
});
