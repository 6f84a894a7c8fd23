/**
 * Devices while a gateway runs: who a token belongs to, whether a device may call now, and the end of calls whose device
 * used up its limits or was revoked - also by another process, which only writes the store.
 */
import { timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import type { DeviceRow, NewCall, Store } from './store.ts';
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
}

const LOOK_MS = 1000;
/** At most so much of a call is not yet written down, and a limit is passed by no more. */
const BEAT_MS = 10_000;
/** A device that was restarted calls again before the server has noticed that its former call is dead. */
const AT_ONCE_RETRY_S = 30;

/** Midnight of this machine, before `now`. */
export function dayOf(now: number): number {
  return new Date(now).setHours(0, 0, 0, 0);
}

export class DeviceDesk {
  readonly store: Store;
  readonly #options: DeskOptions;
  readonly #live = new Map<string, Kept>();
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

  /** Why this device may not call now; undefined where it may. `starting`: calls of it that are being made. */
  refusal(device: DeviceRow, starting = 0): Refusal | undefined {
    const now = this.#options.now();
    const reason = this.#passed(device, now);
    if (reason !== undefined) return { message: `${reason}.`, retryAfter: tomorrow(now) };
    if (device.calls === undefined) return undefined;
    // Those of other gateways on the same store count too.
    const { live } = this.store.used(device.id, dayOf(now), now);
    if (live + starting < device.calls) return undefined;
    const many = device.calls === 1 ? 'one call' : `${device.calls} calls`;
    return { message: `This device may have ${many} at a time.`, retryAfter: AT_ONCE_RETRY_S };
  }

  /** A call begins. @throws TincanError where it cannot be written down: what nobody counts has no limits */
  opened(call: NewCall, live: LiveCall): void {
    this.store.startCall(call);
    this.watch(live, call.device);
  }

  /** Looks after a call that is written down already. */
  watch(call: LiveCall, device: number | undefined): void {
    this.#live.set(call.id, { call, device });
    if (this.#cancel === undefined && !this.#closed) this.#arm();
  }

  changed(id: string, change: { model?: string; metered?: boolean }): void {
    this.#keep(() => this.store.updateCall(id, change));
  }

  used(id: string, model: string | undefined, usage: Usage): void {
    this.#keep(() => this.store.addUsage(id, model, usage, this.#options.now()));
    const kept = this.#live.get(id);
    if (kept) this.#limits(kept.device);
  }

  /** `at`: when, where that was not now. */
  ended(id: string, why: string, at = this.#options.now()): void {
    if (!this.#live.delete(id)) return;
    this.#keep(() => this.store.endCall(id, at, why));
  }

  /** Stops looking. Calls that still run have been ended by their keepers before. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#cancel = undefined;
      if (this.#closed || this.#live.size === 0) return;
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
    const reason = device ? this.#passed(device, this.#options.now()) : 'The device was revoked';
    if (reason === undefined) return;
    for (const { call, device: owner } of [...this.#live.values()])
      if (owner === id) call.end(reason, device !== undefined);
  }

  #passed({ id, minutesPerDay, centsPerDay }: DeviceRow, now: number): string | undefined {
    if (minutesPerDay === undefined && centsPerDay === undefined) return undefined;
    try {
      const used = this.store.used(id, dayOf(now), now);
      if (minutesPerDay !== undefined && used.minutes >= minutesPerDay)
        return `This device has used its ${minutesPerDay} minutes of today`;
      if (centsPerDay !== undefined && used.nanodollars >= centsPerDay * 1e7)
        return `This device has used its ${centsPerDay} cents of today`;
    } catch (error) {
      this.#options.log(`limits could not be looked at: ${messageOf(error)}`);
    }
    return undefined;
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

function tomorrow(now: number): number {
  const next = new Date(dayOf(now));
  next.setDate(next.getDate() + 1);
  return Math.max(1, Math.ceil((next.getTime() - now) / 1000));
}
