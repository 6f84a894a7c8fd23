/**
 * `npm run bench`: how fast it is, each figure beside the limit it is up against, all from one run on one machine.
 * Prints a table for people on stderr and JSON on stdout. No test depends on any of it.
 */
import { spawnSync } from 'node:child_process';
import { benchCalls } from './calls.ts';
import { benchDemo } from './demo.ts';
import { benchFlash } from './flash.ts';
import { benchLink } from './link.ts';
import { benchSettings } from './settings.ts';

export interface Figure {
  name: string;
  /** Null where it could not be measured; `missing` says why. */
  value: number | null;
  unit: string;
  missing?: string;
  /** The least and the most of several runs, of which `value` is the median. */
  spread?: [number, number];
  /** What it is measured against, and the ratio to it: 1 is the limit. */
  limit?: { what: string; value: number; ratio: number };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds from start to end of a process; the median of `times` runs. */
function startTime(args: string[], times = 9): number {
  const runs = Array.from({ length: times }, () => {
    const begin = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr}`);
    return performance.now() - begin;
  });
  return median(runs);
}

function benchStart(): Figure[] {
  const empty = startTime(['-e', '0']);
  const cli = startTime(['host-cli/dist/tincan.mjs', '--version']);
  return [
    {
      name: 'CLI start (tincan --version)',
      value: cli,
      unit: 'ms',
      limit: { what: 'node -e 0', value: empty, ratio: cli / empty },
    },
  ];
}

const figures: Figure[] = [];
for (const bench of [benchStart, benchFlash, benchLink, benchSettings, benchDemo, benchCalls])
  figures.push(...(await bench()));

const round = (value: number) => Number(value.toPrecision(4));
for (const { name, value, unit, spread, missing, limit } of figures) {
  const figure = value === null ? 'not measured' : `${round(value)} ${unit}`;
  const range = spread ? `(${round(spread[0])} to ${round(spread[1])})` : (missing ?? '');
  const against = limit ? `${limit.ratio.toFixed(2)} of ${limit.what} (${round(limit.value)} ${unit})` : '';
  process.stderr.write(`${name.padEnd(48)} ${figure.padStart(16)} ${range.padEnd(20)} ${against}\n`);
}
process.stdout.write(`${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);
// Native peer connections may linger; everything is measured and printed.
process.exit(0);
