/** What is stuck on each board: its name, MAC, and what else is known of it. Never a setting that is secret. */
import { csvRow } from '@tincan/shared-protocol';
import { table } from '../output.ts';
import type { FleetResult } from './run.ts';

export const LABEL_FORMATS = ['text', 'csv', 'json'] as const;
export type LabelFormat = (typeof LABEL_FORMATS)[number];

const FIELDS = ['name', 'mac', 'firmware', 'image', 'port'] as const;

/** The labels of the boards that are done, as one text without a last line break: columns, CSV with a head, or JSON lines. */
export function labels(results: readonly FleetResult[], format: LabelFormat): string {
  const done = results.filter(({ ok }) => ok);
  const extra = [...new Set(done.flatMap((result) => Object.keys(result.extra ?? {})))];
  const cells = (result: FleetResult) => [
    ...FIELDS.map((field) => (field === 'image' ? (result.image ?? '').slice(0, 12) : (result[field] ?? ''))),
    ...extra.map((name) => result.extra?.[name] ?? ''),
  ];
  const head = [...FIELDS, ...extra];
  if (format === 'json')
    return done
      .map((result) => JSON.stringify(Object.fromEntries(cells(result).map((cell, i) => [head[i], cell]))))
      .join('\n');
  if (format === 'csv') return [csvRow(head), ...done.map((result) => csvRow(cells(result)))].join('\n');
  return table(done.map(cells));
}
