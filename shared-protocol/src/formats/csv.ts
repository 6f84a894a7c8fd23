/** Comma-separated values as RFC 4180 has them: quotes, commas and line breaks within quotes. */

export interface CsvRow {
  /** Where it begins, counted from 1. */
  line: number;
  cells: string[];
}

/** All rows that are not empty. Lines that begin with `#` are comments. Never throws: an open quote ends with the text. */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let row: CsvRow | undefined;
  let cell = '';
  let quoted = false;
  let line = 1;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const endRow = () => {
    if (row === undefined) return;
    row.cells.push(cell);
    if (row.cells.length > 1 || row.cells[0]?.trim() !== '') rows.push(row);
    row = undefined;
    cell = '';
  };
  while (at < text.length) {
    const char = text[at]!;
    if (row === undefined && char === '#') {
      while (at < text.length && text[at] !== '\n') at++;
      continue;
    }
    at++;
    if (char === '\n') line++;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (char === '\n') endRow();
    else if (char === '\r' && (text[at] === '\n' || at === text.length)) continue;
    else {
      row ??= { line, cells: [] };
      if (char === '"' && cell === '') quoted = true;
      else if (char === ',') {
        row.cells.push(cell);
        cell = '';
      } else cell += char;
    }
  }
  endRow();
  return rows;
}

/** One row, with quotes where a cell needs them; no line break at its end. */
export function csvRow(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]|^#/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
