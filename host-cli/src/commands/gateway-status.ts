import { existsSync } from 'node:fs';
import type { Context } from '../context.ts';
import { TincanError } from '../errors.ts';
import { dayOf } from '../gateway/store/desk.ts';
import { type DeviceStatus, statusOf } from '../gateway/store/index.ts';
import { columns, cut, moment } from './columns.ts';
import { limitsText, storeOf } from './gateway-device.ts';

/** The beginning of a day as people write it. @throws TincanError SINCE */
export function sinceOf(text: string | undefined, now: number): number {
  if (text === undefined || text === 'today') return dayOf(now);
  if (text === 'all') return 0;
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const at = new Date(Number(year), Number(month) - 1, Number(day));
  // 2026-02-31 would be a day of March.
  if (
    at.getFullYear() === Number(year) &&
    at.getMonth() === Number(month) - 1 &&
    at.getDate() === Number(day)
  )
    return at.getTime();
  throw new TincanError('SINCE', `"${text}" is no day.`, {
    exit: 'usage',
    hint: 'Write YEAR-MONTH-DAY (2026-11-20), today, or all.',
  });
}

/** `tincan gateway status`: what devices used. Works beside a running gateway. */
export async function gatewayStatus(
  context: Context,
  options: { db?: string; since?: string },
): Promise<void> {
  const { out } = context;
  const now = Date.now();
  const from = sinceOf(options.since, now);
  const store = storeOf(context, options.db);
  const devices = existsSync(store.file) ? statusOf(store, from, now) : [];
  const since = from === 0 ? 'the beginning' : moment(from);
  out.result(
    { since: new Date(from).toISOString(), devices: devices.map(statusData) },
    devices.length === 0
      ? 'no device yet; add one with `tincan gateway device add NAME`'
      : statusTable(devices),
  );
  out.note(`since ${since}, from ${store.file}`);
  if (devices.some((one) => one.unpriced))
    out.note('+: a model was used that has no price here, or transcription; it costs more than is shown');
  if (devices.some((one) => one.unmetered > 0))
    out.note('*: of some calls only minutes are known, their server has no connection beside the call');
}

/** The table for people. */
export function statusTable(devices: readonly DeviceStatus[]): string {
  const rows = devices.map((one) => [
    one.name === null ? '(gateway token)' : cut(one.name) + (one.revoked ? ' (revoked)' : ''),
    String(one.calls),
    one.live > 0 ? String(one.live) : '-',
    one.minutes.toFixed(1),
    String(one.tokens.input),
    String(one.tokens.output),
    costText(one),
    one.lastSeen === undefined ? 'never' : moment(one.lastSeen),
    limitsText(one.limits),
  ]);
  const head = ['device', 'calls', 'live', 'minutes', 'tokens in', 'out', 'cost', 'last seen', 'limits'];
  return columns([head, ...rows], [1, 2, 3, 4, 5, 6]);
}

function costText({ dollars, unpriced, unmetered }: DeviceStatus): string {
  return `$${dollars.toFixed(4)}${unpriced ? '+' : ''}${unmetered > 0 ? '*' : ''}`;
}

function statusData(one: DeviceStatus): object {
  return {
    name: one.name,
    revoked: one.revoked,
    calls: one.calls,
    live: one.live,
    minutes: Math.round(one.minutes * 1000) / 1000,
    unmetered: one.unmetered,
    tokens: one.tokens,
    dollars: one.dollars,
    unpriced: one.unpriced,
    last_seen: one.lastSeen === undefined ? null : new Date(one.lastSeen).toISOString(),
    limits: {
      minutes_per_day: one.limits.minutesPerDay ?? null,
      cents_per_day: one.limits.centsPerDay ?? null,
      calls: one.limits.calls ?? null,
    },
    models: one.models,
  };
}
