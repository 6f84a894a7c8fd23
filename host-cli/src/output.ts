/**
 * What a command says. stdout holds results (with --json one JSON value per line), stderr is for people: notes,
 * warnings, and a progress bar on work that lasts over a second. Everything passes through the redactor.
 */
import { styleText } from 'node:util';
import { redact } from './redact.ts';

export interface ProgressBar {
  /** `done` of `total` in the same unit; `note` stands behind the bar. */
  update(done: number, total: number, note?: string): void;
  /** Removes the bar. */
  end(): void;
}

type Style = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  /** A result: `text` for people, `data` as one JSON line with --json. */
  result(data: unknown, text: string): void;
  /** One line of a stream of events: JSON with --json, else `text` (nothing where it is undefined). */
  event(data: unknown, text?: string): void;
  /** A line for people, on stderr. */
  note(text: string): void;
  warn(text: string): void;
  bar(label: string): ProgressBar;
  /** Says on a terminal what is going on, until the next line is written. */
  busy(text: string): void;
  /** Colours for stdout, where it is a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
}

export interface OutputStreams {
  out: { write(text: string): unknown; isTTY?: boolean };
  err: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  env: Record<string, string | undefined>;
  now(): number;
}

const BAR_AFTER_MS = 1000;
const BAR_EVERY_MS = 100;

export function createOutput(
  json: boolean,
  streams: OutputStreams = {
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    now: () => performance.now(),
  },
): Output {
  const { out, err, env } = streams;
  const wantsColor = env.NO_COLOR === undefined && env.TERM !== 'dumb';
  const color = (tty: boolean | undefined, style: Style, text: string) =>
    tty && wantsColor && !json ? styleText(style, text, { validateStream: false }) : text;
  let shown: (() => void) | undefined;

  const line = (stream: { write(text: string): unknown }, text: string) => {
    shown?.();
    stream.write(`${redact(text)}\n`);
  };

  return {
    json,
    result: (data, text) => line(out, json ? JSON.stringify(data) : text),
    event: (data, text) => {
      if (json) line(out, JSON.stringify(data));
      else if (text !== undefined) line(out, text);
    },
    note: (text) => line(err, text),
    warn: (text) => line(err, `${color(err.isTTY, 'yellow', 'warning:')} ${text}`),
    paint: (style, text) => color(out.isTTY, style, text),
    busy(text) {
      if (!err.isTTY) return;
      shown?.();
      err.write(color(err.isTTY, 'dim', redact(text).slice(0, (err.columns ?? 80) - 1)));
      shown = () => {
        err.write('\r\x1b[K');
        shown = undefined;
      };
    },
    bar(label) {
      const started = streams.now();
      let drawn = 0;
      const clear = () => {
        if (drawn > 0) err.write('\r\x1b[K');
        shown = undefined;
      };
      return {
        update(done, total, note = '') {
          const now = streams.now();
          // Nobody needs a bar in a log file or for work that is over at once.
          if (!err.isTTY || now - started < BAR_AFTER_MS || (now - drawn < BAR_EVERY_MS && done < total))
            return;
          drawn = now;
          const ratio = total > 0 ? Math.min(1, done / total) : 0;
          const width = 24;
          const full = Math.round(ratio * width);
          const percent = `${Math.floor(ratio * 100)}`.padStart(3);
          const text = `${label} [${'='.repeat(full)}${' '.repeat(width - full)}] ${percent} % ${note}`;
          err.write(`\r${redact(text).slice(0, (err.columns ?? 80) - 1)}\x1b[K`);
          shown = clear;
        },
        end: clear,
      };
    },
  };
}

/** 1503232 → "1,503,232 bytes". */
export function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes`;
}

/** Rows as columns, two blanks apart; no trailing blanks. `right`: all columns but the first hold numbers. */
export function table(rows: readonly (readonly string[])[], options: { right?: boolean } = {}): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          options.right === true && i > 0 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
