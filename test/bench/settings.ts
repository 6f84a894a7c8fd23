import { applyAndJoin } from '@tincan/host-cli';
import { startTestBoard } from '../support/board.ts';
import type { Figure } from './main.ts';

/** What the issue asks of a changed Wi-Fi password, in ms. */
const LIMIT_MS = 300;
const RUNS = 9;

/** A changed Wi-Fi password on a running board: sent, joined, kept, and read back. */
export async function benchSettings(): Promise<Figure[]> {
  const board = await startTestBoard({ pace: true });
  try {
    await board.state('ready');
    const runs: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const password = board.changePassword();
      const begin = performance.now();
      await applyAndJoin(board.device, { 'wifi.password': password });
      runs.push(performance.now() - begin);
    }
    const value = runs.sort((a, b) => a - b)[RUNS >> 1]!;
    return [
      {
        name: 'settings: a new Wi-Fi password, on the network',
        value,
        unit: 'ms',
        limit: { what: 'the limit', value: LIMIT_MS, ratio: value / LIMIT_MS },
      },
    ];
  } finally {
    await board.close();
  }
}
