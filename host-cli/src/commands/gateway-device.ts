import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { type DeviceRow, type LimitChange, type Limits, Store } from '../gateway/store/index.ts';
import { configFolder } from '../state.ts';
import { writeSecret } from '../token/write.ts';
import { columns, cut, moment } from './columns.ts';

/** Limits as they are given; what is left out stays as it is. */
export interface LimitOptions {
  minutesPerDay?: number | 'none';
  centsPerDay?: number | 'none';
  calls?: number | 'none';
}

export interface DeviceOptions {
  db?: string;
}

/** The store of devices: --db, else the one in the config folder. */
export function storeOf({ env }: Pick<Context, 'env'>, file: string | undefined): Store {
  return new Store(file ?? join(configFolder(env), 'gateway.db'));
}

/** `tincan gateway device add`: a device with a token of its own. */
export async function deviceAdd(
  context: Context,
  name: string,
  options: DeviceOptions & LimitOptions & { tokenOut?: string },
): Promise<void> {
  const { out } = context;
  const store = storeOf(context, options.db);
  const write = options.tokenOut === undefined ? undefined : writeSecret(options.tokenOut);
  try {
    const { token, again, device } = store.addDevice(name, given(options), Date.now());
    const limits = limitsOf(device);
    write?.keep(token);
    out.result(
      { device: name, again, ...(write ? { file: options.tokenOut } : { token }), limits },
      write ? `${options.tokenOut}` : token,
    );
    const what = again ? `device "${name}" has a new token` : `device "${name}" added`;
    out.note(
      write
        ? `${what}; give it so: tincan provision --url URL --token-file ${options.tokenOut}`
        : `${what}; its token is told this once, and kept nowhere`,
    );
  } finally {
    write?.drop();
  }
}

/** `tincan gateway device list` */
export async function deviceList(context: Context, options: DeviceOptions): Promise<void> {
  const { out } = context;
  const store = storeOf(context, options.db);
  const devices = existsSync(store.file) ? store.devices() : [];
  const rows = devices.map((one) => [
    cut(one.name),
    moment(one.created),
    one.revoked === undefined ? 'yes' : `revoked ${moment(one.revoked)}`,
    limitsText(one),
  ]);
  out.result(
    { devices: devices.map(deviceData) },
    rows.length === 0
      ? 'no device yet; add one with `tincan gateway device add NAME`'
      : columns([['device', 'added', 'may call', 'limits'], ...rows]),
  );
}

/** `tincan gateway device revoke` */
export async function deviceRevoke(context: Context, name: string, options: DeviceOptions): Promise<void> {
  const changed = storeOf(context, options.db).revokeDevice(name, Date.now());
  context.out.result(
    { device: name, revoked: true, changed },
    changed
      ? `device "${name}" may not call any more; a running gateway ends its calls at once`
      : `device "${name}" was revoked already`,
  );
}

/** `tincan gateway device limit` */
export async function deviceLimit(
  context: Context,
  name: string,
  options: DeviceOptions & LimitOptions,
): Promise<void> {
  const row = storeOf(context, options.db).limitDevice(name, given(options));
  context.out.result({ device: name, limits: limitsOf(row) }, `device "${name}": ${limitsText(row)}`);
}

/** "none" as the store has it: null. */
function given({ minutesPerDay, centsPerDay, calls }: LimitOptions): LimitChange {
  const value = (one: number | 'none' | undefined) => (one === 'none' ? null : one);
  return { minutesPerDay: value(minutesPerDay), centsPerDay: value(centsPerDay), calls: value(calls) };
}

const limitsOf = ({ minutesPerDay, centsPerDay, calls }: Limits) => ({
  minutes_per_day: minutesPerDay ?? null,
  cents_per_day: centsPerDay ?? null,
  calls: calls ?? null,
});

/** Limits for people. */
export function limitsText({ minutesPerDay, centsPerDay, calls }: Limits): string {
  const parts = [
    ...(minutesPerDay === undefined ? [] : [`${minutesPerDay} min/day`]),
    ...(centsPerDay === undefined ? [] : [`${centsPerDay} ct/day`]),
    ...(calls === undefined ? [] : [`${calls} at once`]),
  ];
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function deviceData(row: DeviceRow): object {
  return {
    name: row.name,
    created: new Date(row.created).toISOString(),
    revoked: row.revoked === undefined ? null : new Date(row.revoked).toISOString(),
    limits: limitsOf(row),
  };
}
