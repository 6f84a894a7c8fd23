import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { messageOf, TincanError } from '../errors.ts';

/** A file for a secret that will come. */
export interface SecretFile {
  /** Puts the secret into it, whole, readable by its owner only; what was there is replaced. */
  keep(secret: string): void;
  /** Nothing came: removes what was prepared. */
  drop(): void;
}

/**
 * Makes sure that a secret can be written before it is made, since it is told only once.
 * @throws TincanError FILE_WRITE
 */
export function writeSecret(file: string): SecretFile {
  const draft = `${file}.${process.pid}.tmp`;
  const failed = (error: unknown, hint: string) =>
    new TincanError('FILE_WRITE', `${file} cannot be written.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint,
    });
  let fd: number;
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new Error('it is no file');
    fd = openSync(draft, 'wx', 0o600);
  } catch (error) {
    throw failed(error, 'Nothing was made. Does its folder exist, and may you write there?');
  }
  let done = false;
  return {
    keep(secret) {
      try {
        // Not writeSync, which writes what there is room for and says nothing.
        writeFileSync(fd, `${secret}\n`);
        closeSync(fd);
        done = true;
        renameSync(draft, file);
      } catch (error) {
        if (done) rmSync(draft, { force: true });
        throw failed(
          error,
          'The secret was made and is lost: make room on the disk, and take it back or let it end.',
        );
      }
    },
    drop() {
      if (done) return;
      closeSync(fd);
      rmSync(draft, { force: true });
    },
  };
}
