/**
 * Devices while a gateway runs: who a token belongs to, whether a device may call now, and the end of calls whose device
 * used up its limits or was revoked - also by another process, which only writes the store.
 */
import { timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import type { CallChange, DeviceRow, NewCall, Store, Used } from './store.ts';
import type { Usage } from './usage.ts';

/** A call that runs, whoever keeps it. */
export interface LiveCall {
  readonly id: string;
  /** Ends it. `politely`: what is being said may be said to its end. */
  end(reason: string, politely: boolean): void;
}

/** Why a device may not call now. */
export interface Refusal {
  message: string;
  /** Seconds until it is worth trying again. */
  retryAfter: number;
}

export interface DeskOptions {
  store: Store;
  clock: Clock;
  /** Milliseconds since 1970. */
  now(): number;
  log(line: string): void;
}

interface Kept {
  call: LiveCall;
  device: number | undefined;
  hash: Buffer | undefined;
}

const REVOKED = 'The device was revoked';
const LOOK_MS = 1000;
/** At most so much of a call is not yet written down, and a limit is passed by no more. */
const BEAT_MS = 10_000;
/** A device that was restarted calls again before the server has noticed that its former call is dead. */
const AT_ONCE_RETRY_S = 30;
/** So much may wait for a store that fails; what comes then is lost. */
const MOST_LATE = 10_000;

/** Midnight of this machine, before `now`. */
export function dayOf(now: number): number {
  return new Date(now).setHours(0, 0, 0, 0);
}

export class DeviceDesk {
  readonly store: Store;
  readonly #options: DeskOptions;
  readonly #live = new Map<string, Kept>();
  /** What could not be written down yet, the oldest first. */
  readonly #late: (() => void)[] = [];
  #rows: DeviceRow[] = [];
  #signature: string | undefined;
  /** Counts what was read of the store, and which of that the running calls were measured by. */
  #version = 0;
  #looked = 0;
  #beaten: number;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.store = options.store;
    this.#beaten = options.clock.now();
  }

  /** The device of a token (its SHA-256), or undefined; compares in constant time. */
  find(hash: Buffer): DeviceRow | undefined {
    this.#refresh();
    let found: DeviceRow | undefined;
    for (const row of this.#rows) {
      if (row.hash.length === hash.length && timingSafeEqual(row.hash, hash)) found = row;
    }
    return found?.revoked === undefined ? found : undefined;
  }

  /** The device as it is now; undefined where it was revoked. */
  byId(id: number): DeviceRow | undefined {
    this.#refresh();
    return this.#rows.find((row) => row.id === id && row.revoked === undefined);
  }

  /**
   * Writes a call down before it is made, so that calls that begin at the same time, here or at another gateway on the same
   * store, count each other. The answer says why its device may not make it; then it is not written.
   * @throws TincanError where it cannot be written down: what nobody counts has no limits
   */
  open(call: NewCall): Refusal | undefined {
    const now = this.#options.now();
    return this.store.startCall(call, dayOf(now), (device, used): Refusal | undefined => {
      if (device === undefined || device.revoked !== undefined)
        return { message: `${REVOKED}.`, retryAfter: AT_ONCE_RETRY_S };
      const reason = passed(device, used);
      if (reason !== undefined) return { message: `${reason}.`, retryAfter: tomorrow(now) };
      if (device.calls === undefined || used.live < device.calls) return undefined;
      const many = device.calls === 1 ? 'one call' : `${device.calls} calls`;
      return { message: `This device may have ${many} at a time.`, retryAfter: AT_ONCE_RETRY_S };
    });
  }

  /** Looks after a call that is written down already. Of one that was taken up nobody knows the token. */
  watch(call: LiveCall, owner: { id: number; hash?: Buffer } | undefined): void {
    this.#live.set(call.id, { call, device: owner?.id, hash: owner?.hash });
    this.#arm();
  }

  changed(id: string, change: CallChange): void {
    this.#write(() => this.store.updateCall(id, change));
  }

  used(id: string, model: string | undefined, usage: Usage): void {
    const at = this.#options.now();
    this.#write(() => this.store.addUsage(id, model, usage, at));
    const kept = this.#live.get(id);
    if (kept) this.#limits(kept.device);
  }

  /** A call that was written down never came to be. */
  dropped(id: string): void {
    this.#write(() => this.store.dropCall(id));
  }

  /** `at`: when, where that was not now. */
  ended(id: string, why: string, at = this.#options.now()): void {
    if (!this.#live.delete(id)) return;
    this.#write(() => this.store.endCall(id, at, why));
  }

  /** Stops looking. Calls that still run have been ended by their keepers before. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#catchUp();
  }

  #arm(): void {
    if (this.#cancel !== undefined || this.#closed) return;
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#cancel = undefined;
      if (this.#closed || (this.#live.size === 0 && this.#late.length === 0)) return;
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const { clock, now } = this.#options;
    this.#refresh();
    const changed = this.#version !== this.#looked;
    const beat = clock.now() - this.#beaten >= BEAT_MS;
    if (beat) {
      this.#beaten = clock.now();
      this.#catchUp();
      this.#keep(() => this.store.beat([...this.#live.keys()], now()));
    }
    if (!beat && !changed) return;
    this.#looked = this.#version;
    for (const device of new Set([...this.#live.values()].map((one) => one.device))) this.#limits(device);
  }

  /** Ends the calls of a device that was revoked or has used up what it may. */
  #limits(id: number | undefined): void {
    if (id === undefined) return;
    const device = this.byId(id);
    const reason = device && this.#passed(device, this.#options.now());
    for (const { call, device: owner, hash } of [...this.#live.values()]) {
      if (owner !== id) continue;
      // Added again, it has another token: whoever called with the former one may not go on.
      if (device === undefined || (hash && !hash.equals(device.hash))) call.end(REVOKED, false);
      else if (reason !== undefined) call.end(reason, true);
    }
  }

  #passed(device: DeviceRow, now: number): string | undefined {
    if (device.minutesPerDay === undefined && device.centsPerDay === undefined) return undefined;
    try {
      return passed(device, this.store.used(device.id, dayOf(now), now));
    } catch (error) {
      this.#options.log(`limits could not be looked at: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Reads the devices where the store was written since; one that fails leaves what is known. */
  #refresh(): void {
    // Taken before the reading: what is written meanwhile is read the next time.
    const signature = this.store.signature();
    if (signature === this.#signature) return;
    const read = this.#keep(() => {
      // No file, no devices; asking would make one.
      this.#rows = signature === '' ? [] : this.store.devices();
    });
    if (!read) return;
    this.#signature = signature;
    this.#version++;
  }

  /** Writes, or keeps it for later: a call whose end is not written would run for ever, as far as limits know. */
  #write(run: () => void): void {
    if (this.#late.length === 0 && this.#keep(run)) return;
    if (this.#late.length < MOST_LATE) this.#late.push(run);
    this.#arm();
  }

  #catchUp(): void {
    const before = this.#late.length;
    while (this.#late.length > 0 && this.#keep(this.#late[0]!)) this.#late.shift();
    if (before > 0 && this.#late.length === 0) this.#options.log('the store is written again');
  }

  /** A store that fails must not end the calls of a running gateway; the log says it. */
  #keep(run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.#options.log(`the store failed: ${messageOf(error)}`);
      return false;
    }
  }
}

function passed({ minutesPerDay, centsPerDay }: DeviceRow, used: Used): string | undefined {
  if (minutesPerDay !== undefined && used.minutes >= minutesPerDay)
    return `This device has used its ${minutesPerDay} minutes of today`;
  if (centsPerDay !== undefined && used.nanodollars >= centsPerDay * 1e7)
    return `This device has used its ${centsPerDay} cents of today`;
  return undefined;
}

function tomorrow(now: number): number {
  const next = new Date(dayOf(now));
  next.setDate(next.getDate() + 1);
  return Math.max(1, Math.ceil((next.getTime() - now) / 1000));
}
