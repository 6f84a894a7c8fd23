/** The serial port of a virtual board as a pseudo terminal, through the program socat. */
import { type ChildProcess, spawn } from 'node:child_process';
import { lstatSync } from 'node:fs';
import type { VirtualChip } from '../chip/chip.ts';
import { BoardError } from '../chip/errors.ts';
import { serveRaw } from './raw.ts';
import type { Front } from './rfc2217.ts';

const START_MS = 5000;
const POLL_MS = 20;

/**
 * Makes `link`, a symbolic link to the terminal. It carries neither baud rate nor DTR and RTS: see `serveRaw`. Throws
 * `BoardError` (`no-socat`, `pty`, `listen`).
 */
export async function servePty(
  chip: VirtualChip,
  link: string,
  options: { program?: string } = {},
): Promise<Front> {
  if (isThere(link))
    throw new BoardError(
      'pty',
      `${link} exists already`,
      'choose another path for the terminal, or remove it',
    );
  const raw = await serveRaw(chip);
  const address = raw.port.replace('socket://', '');
  const child = spawn(options.program ?? 'socat', [`PTY,raw,echo=0,link=${link}`, `TCP:${address},nodelay`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    await started(child, link);
  } catch (error) {
    child.kill();
    await raw.close();
    throw error;
  }
  return {
    port: link,
    get connected() {
      return raw.connected;
    },
    get lost() {
      return raw.lost;
    },
    close: async () => {
      const gone = child.exitCode === null && new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await raw.close();
      await gone;
    },
  };
}

/** Resolves when the link is there. */
function started(child: ChildProcess, link: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = '';
    let waited = 0;
    child.stderr?.on('data', (text: Buffer) => {
      errors = (errors + text.toString()).slice(-500);
    });
    const done = (error?: BoardError) => {
      clearInterval(timer);
      if (error) reject(error);
      else resolve();
    };
    const timer = setInterval(() => {
      waited += POLL_MS;
      if (isThere(link)) done();
      else if (waited >= START_MS)
        done(new BoardError('pty', `socat did not make ${link}: ${errors.trim()}`));
    }, POLL_MS);
    child.once('error', (error: NodeJS.ErrnoException) =>
      done(
        error.code === 'ENOENT'
          ? new BoardError(
              'no-socat',
              'a pseudo terminal needs the program socat, which is not installed',
              'install it (apt install socat, brew install socat), or use the rfc2217:// port',
              error,
            )
          : new BoardError('pty', `socat cannot be started: ${error.message}`, undefined, error),
      ),
    );
    child.once('exit', (code) =>
      done(new BoardError('pty', `socat ended with status ${code}: ${errors.trim()}`)),
    );
  });
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
