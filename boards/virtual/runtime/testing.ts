/** What the tests of this folder share: memory without a module, flash, and waiting for real events. */
import type { AppHost, Flash, OtaPlaces, ResetReason } from '../contract.ts';
import type { CoreEvent } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** Memory as a module has it, with a place to put arguments. */
export class FakeMemory implements CoreMemory {
  readonly buffer = new ArrayBuffer(262_144);
  free = 0;
  #top = 16;

  bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, pointer, length);
  }

  samples(pointer: number, count: number): Int16Array {
    return new Int16Array(this.buffer, pointer, count);
  }

  text(pointer: number): string {
    const rest = new Uint8Array(this.buffer, pointer);
    return new TextDecoder().decode(rest.subarray(0, rest.indexOf(0)));
  }

  view(pointer: number, length: number): DataView {
    return new DataView(this.buffer, pointer, length);
  }

  /** Puts bytes, or text with a NUL, somewhere; the answer is their address. */
  put(value: string | Uint8Array): number {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(`${value}\0`) : value;
    const at = this.#top;
    this.#top += (bytes.length + 7) & ~7;
    this.bytes(at, bytes.length).set(bytes);
    return at;
  }
}

/** NOR flash in memory. */
export class FakeFlash implements Flash {
  readonly size: number;
  readonly cells: Uint8Array;

  constructor(size: number) {
    this.size = size;
    this.cells = new Uint8Array(size).fill(0xff);
  }

  read(offset: number, length: number): Uint8Array {
    return this.cells.slice(offset, offset + length);
  }

  program(offset: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.cells[offset + i] = this.cells[offset + i]! & bytes[i]!;
  }

  erase(offset: number, length: number): void {
    this.cells.fill(0xff, offset, offset + length);
  }
}

/** A chip that records what the application does to it. */
export class FakeHost implements AppHost {
  readonly clock: AppHost['clock'];
  readonly flash = new FakeFlash(0x10000);
  readonly nvs = { offset: 0x4000, size: 0x6000 };
  readonly ota: OtaPlaces | undefined = undefined;
  readonly mac = new Uint8Array([0x7c, 0xdf, 0xa1, 1, 2, 3]);
  readonly reset: ResetReason = 'pin';
  readonly panics: string[] = [];
  restarts = 0;
  /** Bytes that the FIFO takes; it takes all by default. */
  room = Number.POSITIVE_INFINITY;
  serial = '';
  #onRoom = () => {};

  constructor(clock: AppHost['clock']) {
    this.clock = clock;
  }

  serialWrite(bytes: Uint8Array): number {
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.serial += new TextDecoder('latin1').decode(bytes.subarray(0, taken));
    return taken;
  }

  onSerialRoom(run: () => void): void {
    this.#onRoom = run;
  }

  makeRoom(bytes: number): void {
    this.room = bytes;
    this.#onRoom();
  }

  restart(): void {
    this.restarts++;
  }

  panic(message: string): void {
    this.panics.push(message);
  }
}

/** Collects posted events; `next` waits for the next one of a kind (real time). */
export class Events {
  readonly all: CoreEvent[] = [];
  #waiting: { kind: number; resolve: (event: CoreEvent) => void }[] = [];
  #taken = new Set<CoreEvent>();

  readonly post = (event: CoreEvent): void => {
    this.all.push(event);
    const index = this.#waiting.findIndex((waiter) => waiter.kind === event.kind);
    if (index < 0) return;
    this.#taken.add(event);
    this.#waiting.splice(index, 1)[0]!.resolve(event);
  };

  next(kind: number): Promise<CoreEvent> {
    const found = this.all.find((event) => event.kind === kind && !this.#taken.has(event));
    if (found) {
      this.#taken.add(found);
      return Promise.resolve(found);
    }
    return new Promise((resolve) => this.#waiting.push({ kind, resolve }));
  }
}

export const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** A tone: `ms` long, 440 Hz, at an amplitude of 0 to 1. */
export function tone(ms: number, amplitude = 0.5): Int16Array {
  return Int16Array.from({ length: ms * 16 }, (_, i) =>
    Math.round(32_767 * amplitude * Math.sin((2 * Math.PI * 440 * i) / 16_000)),
  );
}
