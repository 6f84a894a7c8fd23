/** What `tincan gateway status` shows: per device, what it used since a moment. */
import type { Row, Sql } from './database.ts';
import { callsSince, type Limits, lasted, type Store } from './store.ts';

export interface DeviceStatus {
  /** Null for the gateway's own token, which has no name. */
  name: string | null;
  revoked: boolean;
  calls: number;
  live: number;
  minutes: number;
  /** Calls whose tokens nobody saw: there was no connection beside them. */
  unmetered: number;
  tokens: { input: number; cached: number; output: number };
  /** Of what has a price, in dollars. */
  dollars: number;
  /** Something that was used has no price here, so that it costs more than `dollars`. */
  unpriced: boolean;
  /** Milliseconds since 1970; undefined where it never called. */
  lastSeen: number | undefined;
  limits: Limits;
  models: string[];
}

/** Of all devices, and of the gateway's own token where that was used. `from` and `now` in ms since 1970. */
export function statusOf(store: Store, from: number, now: number): DeviceStatus[] {
  return store.read((sql) => {
    const devices = sql.all('SELECT * FROM devices ORDER BY name');
    const rows = devices.map((device) => deviceStatus(sql, device, from, now));
    const own = deviceStatus(sql, undefined, from, now);
    return own.calls > 0 ? [...rows, own] : rows;
  });
}

function deviceStatus(sql: Sql, device: Row | undefined, from: number, now: number): DeviceStatus {
  const id = device === undefined ? null : Number(device.id);
  const calls = callsSince(sql, id, from);
  const { ms, live } = lasted(calls, from, now);
  const used = sql.get(
    `SELECT coalesce(sum(text_in + audio_in + image_in), 0) AS input,
            coalesce(sum(text_cached + audio_cached + image_cached), 0) AS cached,
            coalesce(sum(text_out + audio_out), 0) AS output,
            coalesce(sum(nanodollars), 0) AS cost,
            count(*) - count(nanodollars) AS unpriced
     FROM usage CROSS JOIN calls ON calls.id = usage.call WHERE calls.device IS ? AND usage.at >= ?`,
    id,
    from,
  );
  const last = sql.get('SELECT max(seen) AS at FROM calls WHERE device IS ?', id)?.at;
  const limit = (name: string) => (typeof device?.[name] === 'number' ? device[name] : undefined);
  return {
    name: device === undefined ? null : String(device.name),
    revoked: device !== undefined && device.revoked !== null,
    calls: calls.length,
    live,
    minutes: ms / 60_000,
    unmetered: calls.filter((call) => call.metered === 0 && call.mode === 'relay').length,
    tokens: {
      input: Number(used?.input ?? 0),
      cached: Number(used?.cached ?? 0),
      output: Number(used?.output ?? 0),
    },
    dollars: Number(used?.cost ?? 0) / 1e9,
    unpriced: Number(used?.unpriced ?? 0) > 0,
    lastSeen: typeof last === 'number' ? last : undefined,
    limits: {
      minutesPerDay: limit('minutes_per_day') as number | undefined,
      centsPerDay: limit('cents_per_day') as number | undefined,
      calls: limit('calls_at_once') as number | undefined,
    },
    models: [...new Set(calls.flatMap((call) => (call.model === null ? [] : [String(call.model)])))].sort(),
  };
}
