import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOutput, runDemo } from '@tincan/host-cli';
import type { Figure } from './main.ts';

/** Connect time and reply latency, by the board's own clock, from a run of the demo. */
export async function benchDemo(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tincan-bench-'));
  const quiet = { write: () => true };
  const out = createOutput(true, { out: quiet, err: quiet, env: {}, now: () => performance.now() });
  try {
    const summary = await runDemo(
      { out, signal: new AbortController().signal, env: process.env },
      { out: join(folder, 'demo') },
    );
    if (!summary.ok) throw new Error(`the demo failed: ${summary.problems.join(' ')}`);
    const { ms, silenceMs } = summary.replyLatency;
    return [
      { name: 'connect: session.start to live', value: summary.connect.ms, unit: 'ms' },
      { name: 'provision: one commit, read back', value: summary.provision.ms, unit: 'ms' },
      {
        name: 'reply: end of speech to first sound',
        value: ms,
        unit: 'ms',
        limit: { what: 'the server waiting for silence', value: silenceMs, ratio: ms / silenceMs },
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
