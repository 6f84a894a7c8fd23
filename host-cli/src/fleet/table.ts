/** The table of a fleet on stderr: redrawn in place on a terminal, else one line for each change of phase. */
import { table } from '../output.ts';
import { redact } from '../redact.ts';
import type { FleetRow } from './run.ts';

export interface FleetTable {
  update(row: FleetRow): void;
  /** Draws it a last time. */
  end(): void;
}

export interface TableStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const EVERY_MS = 100;
const BAR = 16;

function bar(share: number | undefined): string {
  if (share === undefined) return '';
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  return `[${'='.repeat(full)}${' '.repeat(BAR - full)}] ${`${Math.floor(share * 100)}`.padStart(3)} %`;
}

/** Starts a table of these ports. `now` in milliseconds. */
export function fleetTable(
  ports: readonly string[],
  stream: TableStream = process.stderr,
  now: () => number = () => performance.now(),
): FleetTable {
  const rows = new Map<string, FleetRow>(ports.map((port) => [port, { port, phase: 'waiting' }]));
  let drawn = 0;
  let last = Number.NEGATIVE_INFINITY;
  const draw = () => {
    last = now();
    const lines = table(
      [...rows.values()].map(({ port, mac = '', phase, share, note = '' }) => [
        port,
        mac,
        phase,
        bar(share),
        note,
      ]),
    ).split('\n');
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    const width = (stream.columns ?? 80) - 1;
    stream.write(`${up}${lines.map((line) => `\r${redact(line).slice(0, width)}\x1b[K\n`).join('')}`);
    drawn = lines.length;
  };
  return {
    update(row) {
      const before = rows.get(row.port);
      rows.set(row.port, row);
      const news = before?.phase !== row.phase;
      if (stream.isTTY) {
        if (news || now() - last >= EVERY_MS) draw();
      } else if (news && row.phase !== 'waiting') {
        const note = row.note === undefined || row.note === '' ? '' : `: ${row.note}`;
        const words = [row.port, row.mac, `${row.phase}${note}`].filter((word) => word !== undefined);
        stream.write(`${redact(words.join(' '))}\n`);
      }
    },
    end() {
      if (stream.isTTY) draw();
    },
  };
}
