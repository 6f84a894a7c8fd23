/** Devices, their calls, and what those used: the gateway's memory. Each method is one transaction. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { TincanError } from '../../errors.ts';
import { type Row, type Sql, transact } from './database.ts';
import { type Holder, isGone, parseHolder, thisProcess } from './lock.ts';
import { priceOfUsage, type Usage } from './usage.ts';

/** What a device may use; undefined is as much as it wants. */
export interface Limits {
  minutesPerDay?: number | undefined;
  centsPerDay?: number | undefined;
  /** Calls at the same time. */
  calls?: number | undefined;
}

/** Null takes a limit away, undefined leaves it. */
export type LimitChange = { [K in keyof Limits]?: number | null | undefined };

export interface DeviceRow extends Limits {
  id: number;
  name: string;
  /** SHA-256 of its token. */
  hash: Buffer;
  /** Milliseconds since 1970, as all times here. */
  created: number;
  revoked: number | undefined;
}

export interface NewCall {
  id: string;
  /** Undefined for the gateway's own token. */
  device: number | undefined;
  mode: string;
  /** Where it went: the upstream's URL, or '' for a mode of our own. */
  server: string;
  upstream?: string | undefined;
  model?: string | undefined;
  metered: boolean;
  at: number;
}

export interface CallChange {
  model?: string;
  metered?: boolean;
  upstream?: string | undefined;
  started?: number;
}

/** A call that nobody ended. */
export interface OpenCall {
  id: string;
  device: number | undefined;
  server: string;
  upstream: string | undefined;
  model: string | undefined;
  started: number;
  seen: number;
  /** The process that kept it is gone. */
  orphan: boolean;
}

/** What a device used since a moment. */
export interface Used {
  minutes: number;
  /** Of what has a price. */
  nanodollars: number;
  /** Calls that run now. */
  live: number;
}

/** A call on another machine, of which nothing was heard for so long, has ended. */
const UNHEARD_MS = 120_000;
const DAY_MS = 86_400_000;
/** Of a session of the API. */
const LONGEST_MS = 3_600_000;
const NAME = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,64}$/u;

/** What is kept of a token. It is random, so nobody gets back from the hash to it. */
export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

export class Store {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** What changes whenever anybody writes; cheap. */
  signature(): string {
    try {
      const { mtimeMs, size, ino } = statSync(this.file);
      return `${mtimeMs} ${size} ${ino}`;
    } catch {
      return '';
    }
  }

  /**
   * A new device, or a new token for one that was revoked. The token is told here and never again.
   * @throws TincanError DEVICE_NAME, DEVICE_EXISTS
   */
  addDevice(
    name: string,
    limits: LimitChange,
    now: number,
  ): { token: string; again: boolean; device: DeviceRow } {
    if (!NAME.test(name) || name.trim() !== name) {
      throw new TincanError(
        'DEVICE_NAME',
        'A device name has 1 to 64 characters, and no blank at its ends.',
        {
          exit: 'usage',
          hint: 'Example: tincan gateway device add kitchen',
        },
      );
    }
    const token = `tcd_${randomBytes(24).toString('base64url')}`;
    const hash = hashOf(token).toString('hex');
    return transact(this.file, (sql) => {
      const row = sql.get('SELECT id, revoked FROM devices WHERE name = ?', name);
      if (row && row.revoked === null) {
        throw new TincanError('DEVICE_EXISTS', `There is a device "${name}" already.`, {
          exit: 'usage',
          hint: `Its token is not kept. For a new one: tincan gateway device revoke "${name}", then add it again.`,
        });
      }
      if (row) sql.run('UPDATE devices SET token_hash = ?, revoked = NULL WHERE id = ?', hash, row.id!);
      else sql.run('INSERT INTO devices (name, token_hash, created) VALUES (?, ?, ?)', name, hash, now);
      setLimits(sql, name, limits);
      return { token, again: row !== undefined, device: known(sql, name) };
    });
  }

  /** Changes those limits that are given; null takes one away. @throws TincanError DEVICE_UNKNOWN */
  limitDevice(name: string, limits: LimitChange): DeviceRow {
    if (!existsSync(this.file)) throw unknown(name, []);
    return transact(this.file, (sql) => {
      known(sql, name);
      setLimits(sql, name, limits);
      return known(sql, name);
    });
  }

  /** False where it was revoked before. @throws TincanError DEVICE_UNKNOWN */
  revokeDevice(name: string, now: number): boolean {
    if (!existsSync(this.file)) throw unknown(name, []);
    return transact(this.file, (sql) => {
      const { id, revoked } = known(sql, name);
      if (revoked !== undefined) return false;
      sql.run('UPDATE devices SET revoked = ? WHERE id = ?', now, id);
      return true;
    });
  }

  devices(): DeviceRow[] {
    return transact(this.file, (sql) => sql.all('SELECT * FROM devices ORDER BY name').map(deviceOf));
  }

  /**
   * Writes a call down, unless `refuse` has a reason against it, which is the answer then. It is told how the device is and
   * what it used since `from`; nobody writes in between, so that calls that begin at the same time see each other.
   */
  startCall<T>(
    call: NewCall,
    from = 0,
    refuse?: (device: DeviceRow | undefined, used: Used) => T | undefined,
  ): T | undefined {
    const owner = JSON.stringify(thisProcess());
    return transact(this.file, (sql) => {
      if (refuse && call.device !== undefined) {
        const row = sql.get('SELECT * FROM devices WHERE id = ?', call.device);
        const reason = refuse(row && deviceOf(row), usedBy(sql, call.device, from, call.at));
        if (reason !== undefined) return reason;
      }
      sql.run(
        `INSERT INTO calls (id, device, mode, server, upstream, model, metered, owner, started, seen)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        call.id,
        call.device ?? null,
        call.mode,
        call.server,
        call.upstream ?? null,
        call.model ?? null,
        call.metered ? 1 : 0,
        owner,
        call.at,
        call.at,
      );
      return undefined;
    });
  }

  /** What is learnt of a running call. */
  updateCall(id: string, change: CallChange): void {
    const { model, metered, upstream, started } = change;
    transact(this.file, (sql) => {
      if (model !== undefined) sql.run('UPDATE calls SET model = ? WHERE id = ?', model, id);
      if (metered !== undefined) sql.run('UPDATE calls SET metered = ? WHERE id = ?', metered ? 1 : 0, id);
      if (upstream !== undefined) sql.run('UPDATE calls SET upstream = ? WHERE id = ?', upstream, id);
      if (started !== undefined)
        sql.run('UPDATE calls SET started = ?, seen = ? WHERE id = ?', started, started, id);
    });
  }

  /** The call never came to be. */
  dropCall(id: string): void {
    transact(this.file, (sql) => {
      sql.run('DELETE FROM calls WHERE id = ?', id);
    });
  }

  endCall(id: string, at: number, why: string): void {
    transact(this.file, (sql) => {
      sql.run(
        'UPDATE calls SET ended = ?, seen = ?, why = ? WHERE id = ? AND ended IS NULL',
        at,
        at,
        why.slice(0, 200),
        id,
      );
    });
  }

  /** These calls still run; a crash after this loses nothing before it. */
  beat(ids: readonly string[], now: number): void {
    if (ids.length === 0) return;
    transact(this.file, (sql) => {
      for (const id of ids) sql.run('UPDATE calls SET seen = ? WHERE id = ? AND ended IS NULL', now, id);
    });
  }

  /** Takes over a call whose keeper is gone. */
  adoptCall(id: string): void {
    const owner = JSON.stringify(thisProcess());
    transact(this.file, (sql) => {
      sql.run('UPDATE calls SET owner = ? WHERE id = ? AND ended IS NULL', owner, id);
    });
  }

  /** A usage is counted once, however often it is told. */
  addUsage(call: string, model: string | undefined, usage: Usage, at: number): void {
    const { tokens } = usage;
    transact(this.file, (sql) => {
      sql.run(
        `INSERT OR IGNORE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        call,
        usage.kind,
        usage.ref,
        at,
        model ?? null,
        tokens.textIn,
        tokens.textCached,
        tokens.audioIn,
        tokens.audioCached,
        tokens.imageIn,
        tokens.imageCached,
        tokens.textOut,
        tokens.audioOut,
        usage.seconds,
        priceOfUsage(model, usage),
      );
    });
  }

  /** Calls that nobody ended, of whatever gateway. */
  openCalls(now: number): OpenCall[] {
    return transact(this.file, (sql) =>
      sql.all('SELECT * FROM calls WHERE ended IS NULL').map((row) => openCallOf(row, now)),
    );
  }

  /** What a device (undefined: the gateway's own token) used since `from`. */
  used(device: number | undefined, from: number, now: number): Used {
    return transact(this.file, (sql) => usedBy(sql, device, from, now));
  }

  /** Runs several readings in one transaction. */
  read<T>(work: (sql: Sql) => T): T {
    return transact(this.file, work);
  }
}

function usedBy(sql: Sql, device: number | undefined, from: number, now: number): Used {
  const { ms, live } = lasted(callsSince(sql, device ?? null, from), from, now);
  // CROSS: by the usage of that time, not by all calls that the device ever made.
  const cost = sql.get(
    `SELECT coalesce(sum(nanodollars), 0) AS n FROM usage CROSS JOIN calls ON calls.id = usage.call
     WHERE calls.device IS ? AND usage.at >= ?`,
    device ?? null,
    from,
  );
  return { minutes: ms / 60_000, nanodollars: Number(cost?.n ?? 0), live };
}

/** Calls that were there at `from` or later. None that ended lasted a day, so that not all of the past is looked through. */
export function callsSince(sql: Sql, device: number | null, from: number): Row[] {
  return sql.all(
    `SELECT * FROM calls WHERE device IS ? AND started >= ? AND ended >= ?
     UNION ALL SELECT * FROM calls INDEXED BY calls_open WHERE ended IS NULL AND device IS ? AND seen >= ?`,
    device,
    from - DAY_MS,
    from,
    device,
    from,
  );
}

/** How long calls were since `from`, and how many run. */
export function lasted(calls: readonly Row[], from: number, now: number): { ms: number; live: number } {
  let ms = 0;
  let live = 0;
  for (const row of calls) {
    const seen = Number(row.seen);
    const runs = row.ended === null && !isOrphan(parseHolder(String(row.owner)), seen, now);
    if (runs) live++;
    const end = runs ? now : Number(row.ended ?? seen);
    // A clock that was put right meanwhile (a machine that begins without the time) makes no call longer than it can be.
    ms += Math.min(LONGEST_MS, Math.max(0, end - Math.max(from, Number(row.started))));
  }
  return { ms, live };
}

function setLimits(sql: Sql, name: string, limits: LimitChange): void {
  const set = (column: string, value: number | null | undefined) => {
    if (value !== undefined) sql.run(`UPDATE devices SET ${column} = ? WHERE name = ?`, value, name);
  };
  set('minutes_per_day', limits.minutesPerDay);
  set('cents_per_day', limits.centsPerDay);
  set('calls_at_once', limits.calls);
}

function known(sql: Sql, name: string): DeviceRow {
  const row = sql.get('SELECT * FROM devices WHERE name = ?', name);
  if (row) return deviceOf(row);
  const others = sql.all('SELECT name FROM devices WHERE revoked IS NULL ORDER BY name LIMIT 8');
  throw unknown(
    name,
    others.map((one) => String(one.name)),
  );
}

function unknown(name: string, others: readonly string[]): TincanError {
  return new TincanError('DEVICE_UNKNOWN', `There is no device "${name.slice(0, 80)}".`, {
    exit: 'usage',
    hint:
      others.length === 0
        ? 'There is none at all yet: tincan gateway device add NAME'
        : `Devices: ${others.join(', ')}.`,
  });
}

const orNone = (value: number | string | null | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined;

function deviceOf(row: Row): DeviceRow {
  return {
    id: Number(row.id),
    name: String(row.name),
    hash: Buffer.from(String(row.token_hash), 'hex'),
    created: Number(row.created),
    revoked: orNone(row.revoked),
    minutesPerDay: orNone(row.minutes_per_day),
    centsPerDay: orNone(row.cents_per_day),
    calls: orNone(row.calls_at_once),
  };
}

/** Whether the keeper of an unended call is gone; on another machine silence tells. */
function isOrphan(owner: Holder | undefined, seen: number, now: number): boolean {
  if (owner === undefined || isGone(owner)) return true;
  return owner.host !== thisProcess().host && now - seen > UNHEARD_MS;
}

function openCallOf(row: Row, now: number): OpenCall {
  const seen = Number(row.seen);
  return {
    id: String(row.id),
    device: orNone(row.device),
    server: String(row.server),
    upstream: row.upstream === null ? undefined : String(row.upstream),
    model: row.model === null ? undefined : String(row.model),
    started: Number(row.started),
    seen,
    orphan: isOrphan(parseHolder(String(row.owner)), seen, now),
  };
}
