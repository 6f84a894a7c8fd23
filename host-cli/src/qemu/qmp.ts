/**
 * QEMU's machine protocol (QMP): JSON lines over a socket. One command at a time is enough here, but answers are told
 * apart by their ids all the same. Source: "QEMU Machine Protocol Specification" in QEMU's documentation.
 */
import type { Socket } from 'node:net';
import { TincanError } from '../errors.ts';

interface Answer {
  id?: number;
  return?: unknown;
  error?: { class?: string; desc?: string };
  event?: string;
}

export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
  #next = 1;
  #rest = '';
  #gone = false;

  /** The greeting is QEMU's first line; commands wait in the socket until it has been read. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#read(line);
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.#gone = true;
      for (const { reject } of this.#waiting.values()) reject(gone());
      this.#waiting.clear();
    });
  }

  /** @throws TincanError QEMU_GONE, QEMU_REFUSED */
  execute(command: string): Promise<void> {
    if (this.#gone) return Promise.reject(gone());
    const id = this.#next++;
    this.#socket.write(`${JSON.stringify({ execute: command, id })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #read(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line);
    } catch {
      return;
    }
    // Events, and the greeting, are nobody's answer.
    const waiting = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    if (waiting === undefined || answer.id === undefined) return;
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting.resolve();
    else
      waiting.reject(
        new TincanError('QEMU_REFUSED', `QEMU refuses: ${answer.error.desc ?? 'no reason given'}.`),
      );
  }
}

function gone(): TincanError {
  return new TincanError('QEMU_GONE', 'QEMU is gone.');
}
