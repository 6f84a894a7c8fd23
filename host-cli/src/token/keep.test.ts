import { beforeEach, describe, expect, it } from 'vitest';
import { TincanError } from '../errors.ts';
import { type Borrower, keepSupplied } from './keep.ts';
import type { Minted } from './mint.ts';

type Listener = Parameters<Borrower['listen']>[0];
const START = 1_800_000_000_000;

let time: number;
let lent: { token: string; expires_at?: number; at: number }[];
let made: number[];
let waits: number[];
let said: string[];
let stop: AbortController;
let listeners: Set<Listener>;
/** What goes wrong, in turn; undefined goes well. */
let mintFails: (Error | undefined)[];
let lendFails: (Error | undefined)[];
/** Run instead of a wait. */
let during: ((index: number) => void) | undefined;
let life: number | undefined;

beforeEach(() => {
  time = START;
  lent = [];
  made = [];
  waits = [];
  said = [];
  stop = new AbortController();
  listeners = new Set();
  mintFails = [];
  lendFails = [];
  during = undefined;
  life = 600;
});

const device: Borrower = {
  async request(_method, params) {
    const error = lendFails.shift();
    if (error) throw error;
    lent.push({ ...params, at: time - START });
  },
  listen(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
const mint = async (): Promise<Minted> => {
  const error = mintFails.shift();
  if (error) throw error;
  made.push(time - START);
  return { value: `ek_${made.length}`, expiresAt: life === undefined ? undefined : time / 1000 + life };
};
/** Runs until so many waits are over; time leaps. */
async function run(most: number): Promise<void> {
  await keepSupplied(device, mint, stop.signal, {
    now: () => time,
    random: () => 0.5,
    note: (line) => said.push(line),
    warn: (line) => said.push(line),
    wait: async (ms, signal) => {
      waits.push(ms);
      during?.(waits.length);
      if (!signal.aborted) time += ms;
      if (waits.length >= most) stop.abort();
    },
  });
}

describe('a device that is kept supplied', () => {
  it('gets the next token two minutes before the last one ends', async () => {
    await run(3);
    expect(waits).toEqual([480_000, 480_000, 480_000]);
    expect(lent).toMatchObject([
      { token: 'ek_1', expires_at: START / 1000 + 600, at: 0 },
      { token: 'ek_2', at: 480_000 },
      { token: 'ek_3', at: 960_000 },
    ]);
    expect(listeners.size).toBe(0);
  });

  it('gets one that lives shortly when a third of its time is left, and none more often than every 5 s', async () => {
    life = 60;
    await run(1);
    expect(waits).toEqual([40_000]);
    stop = new AbortController();
    life = 1;
    waits = [];
    await run(2);
    expect(waits).toEqual([5000, 5000]);
  });

  it('gets one without an end as such', async () => {
    life = undefined;
    await run(1);
    expect(lent).toEqual([{ token: 'ek_1', at: 0 }]);
    expect(waits).toEqual([480_000]);
  });

  it('gets the same one again after a restart', async () => {
    during = (index) => {
      if (index > 2) return;
      for (const one of listeners) {
        if (index === 1) one.message?.({ method: 'hello' });
        else one.connection?.(true);
      }
    };
    await run(3);
    expect(lent.map((one) => one.token)).toEqual(['ek_1', 'ek_1', 'ek_1']);
    expect(made).toHaveLength(1);
  });

  it('is not asked more often for other news of it', async () => {
    during = () => {
      for (const one of listeners) {
        one.message?.({ method: 'state' });
        one.connection?.(false);
      }
    };
    await run(2);
    expect(lent.map((one) => one.at)).toEqual([0, 480_000]);
  });
});

describe('what goes wrong', () => {
  it('is said, and tried again ever more slowly, up to a minute', async () => {
    const error = new TincanError('TOKEN_SERVER', 'The server has a problem.', { hint: 'Wait.' });
    mintFails = Array.from({ length: 8 }, () => error);
    await run(9);
    expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 480_000]);
    expect(said[0]).toBe('no token for the device: The server has a problem. Wait.');
    expect(lent).toHaveLength(1);
  });

  it('at the device does not cost another token', async () => {
    lendFails = [new TincanError('DEVICE_TIMEOUT', 'Silence.'), new TincanError('PORT_LOST', 'Gone.')];
    await run(3);
    expect(made).toHaveLength(1);
    expect(lent).toHaveLength(1);
  });

  it.each(['TOKEN_REFUSED', 'TOKEN_URL', 'TOKEN_REQUEST', 'DEVICE_METHOD'])(
    'for good (%s) ends it',
    async (code) => {
      mintFails = [new TincanError(code, 'No.')];
      await run(5);
      expect(waits).toEqual([]);
      expect(listeners.size).toBe(0);
    },
  );

  it('because it was stopped is not said', async () => {
    mintFails = [new TincanError('INTERRUPTED', 'Stopped.')];
    stop.abort();
    await run(1);
    expect(said).toEqual([]);
  });
});
