import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { upper } from '../generate/c-text.ts';
import { DEVICE_SENDS, DEVICE_TAKES, HOST_ONLY, PASSED_ON } from './device-table.ts';
import { CLIENT_EVENTS, type ClientEventName, SERVER_EVENTS, type ServerEventName } from './events.ts';

const core = new URL('../../../firmware/core/', import.meta.url);
const sources = readdirSync(core)
  .filter((name) => name.endsWith('.c'))
  .map((name) => readFileSync(new URL(name, core), 'utf8'))
  .join('\n');

it.each(Object.keys(SERVER_EVENTS) as ServerEventName[])(
  '%s: the device does what the table says',
  (name) => {
    const named = new RegExp(`\\bTC_RT_${upper(name)}\\b`).test(sources);
    expect(DEVICE_TAKES[name].startsWith(PASSED_ON)).toBe(!named);
  },
);

it.each(Object.keys(CLIENT_EVENTS) as ClientEventName[])(
  '%s: the device sends it as the table says',
  (name) => {
    const written = sources.includes(`"${name}"`) || sources.includes(`\\"${name}\\"`);
    expect(DEVICE_SENDS[name].startsWith(HOST_ONLY)).toBe(!written);
    expect(CLIENT_EVENTS[name].device).toBe(written);
  },
);
