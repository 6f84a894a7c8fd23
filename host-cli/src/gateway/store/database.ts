/**
 * The SQLite file of the gateway: opened for each piece of work, by one process at a time.
 *
 * The library (SQLite as WebAssembly) locks by a folder that a killed process leaves behind, and never rolls a hot
 * journal back: half a transaction would stay (seen: 1976 of 2000 rows). So the lock is ours, and SQLite writes ahead
 * (WAL, in exclusive mode, which needs no shared memory): what was committed is found after a crash at any moment, what
 * was not is not. Opening, writing and closing takes 6 ms, reading 2 ms.
 */
import { chmodSync, existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type * as Sqlite from 'node-sqlite3-wasm';
import { messageOf, TincanError } from '../../errors.ts';
import { withLock } from './lock.ts';
import { MIGRATIONS } from './schema.ts';

type Value = number | string | null;
export type Row = Record<string, number | string | null>;

/** What a piece of work may do. */
export interface Sql {
  /** Rows of a query. Integers are safe ones. */
  all(sql: string, ...values: Value[]): Row[];
  get(sql: string, ...values: Value[]): Row | undefined;
  /** Number of rows that changed. */
  run(sql: string, ...values: Value[]): number;
}

/** Loaded with the first piece of work: a gateway without devices does not pay for it. */
let sqlite: typeof Sqlite | undefined;

/** "TCGW": tells our files from others. */
const APPLICATION_ID = 0x54434757;

/**
 * Runs `work` in one transaction: all of it happens, or nothing. A file that is missing is made, readable by its owner
 * only.
 * @throws TincanError STORE_NEWER, STORE_FOREIGN, STORE_BROKEN, STORE_BUSY, STORE_FILE
 */
export function transact<T>(file: string, work: (sql: Sql) => T): T {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return withLock(`${file}.busy`, () => {
      // We hold the lock, so this folder is left from a process that was killed.
      rmFolder(`${file}.lock`);
      return inside(file, work);
    });
  } catch (error) {
    throw storeError(file, error);
  }
}

/** That of the library is empty; a file or a folder of somebody who has that name stays. */
function rmFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
  }
}

function inside<T>(file: string, work: (sql: Sql) => T): T {
  const fresh = !existsSync(file);
  sqlite ??= createRequire(import.meta.url)('node-sqlite3-wasm') as typeof Sqlite;
  const db = new sqlite.Database(file);
  try {
    if (fresh) chmodSync(file, 0o600);
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
    const sql = sqlOf(db);
    db.exec('BEGIN IMMEDIATE');
    try {
      migrate(file, db, sql);
      const result = work(sql);
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  } finally {
    db.close();
  }
}

function sqlOf(db: Sqlite.Database): Sql {
  const plain = (row: object): Row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    ) as Row;
  return {
    all: (sql, ...values) => db.all(sql, values).map(plain),
    get: (sql, ...values) => {
      const row = db.get(sql, values);
      return row === null ? undefined : plain(row);
    },
    run: (sql, ...values) => db.run(sql, values).changes,
  };
}

function migrate(file: string, db: Sqlite.Database, sql: Sql): void {
  const version = Number(sql.get('PRAGMA user_version')?.user_version ?? 0);
  const id = Number(sql.get('PRAGMA application_id')?.application_id ?? 0);
  const tables = Number(sql.get('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0);
  if (id !== APPLICATION_ID && tables > 0) {
    throw new TincanError('STORE_FOREIGN', `${file} is the database of another program.`, {
      exit: 'usage',
      hint: 'Name another file with --db; one that does not exist is made.',
    });
  }
  if (version > MIGRATIONS.length) {
    throw new TincanError(
      'STORE_NEWER',
      `${file} was written by a newer Tincan: its schema is ${version}, this one knows ${MIGRATIONS.length}.`,
      { exit: 'usage', hint: 'Use that Tincan, or another file with --db; nothing was changed.' },
    );
  }
  if (version === MIGRATIONS.length) return;
  for (const step of MIGRATIONS.slice(version)) db.exec(step);
  db.exec(`PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${MIGRATIONS.length}`);
}

function storeError(file: string, error: unknown): Error {
  if (error instanceof TincanError) return error;
  const why = messageOf(error);
  const cause = new Error(why);
  if (/another program holds/.test(why)) {
    return new TincanError('STORE_BUSY', `Another program is writing ${file}, and does not come to an end.`, {
      cause,
      hint: `If no other tincan runs, remove ${file}.busy.`,
    });
  }
  if (/not a database|malformed|disk image/.test(why)) {
    return new TincanError('STORE_BROKEN', `${file} is no database, or a damaged one.`, {
      cause,
      hint: 'Move it away; the gateway makes a new one. Devices then need new tokens.',
    });
  }
  if (error instanceof Error && (error.name === 'SQLite3Error' || 'syscall' in error)) {
    return new TincanError('STORE_FILE', `${file} cannot be read and written.`, {
      cause,
      hint: 'Look at the rights of its folder and at the space on its disk, or name another file with --db.',
    });
  }
  return error instanceof Error ? error : new Error(why);
}
