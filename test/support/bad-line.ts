/**
 * Serial ports of a computer to which one board is plugged in, in memory and in injected time, and what can go wrong
 * between them: bytes that change, get lost or come late, a plug that is pulled, a USB peripheral that hangs.
 */
import type { ManualClock, VirtualChip } from '@tincan/boards';
import { type SerialLine, TincanError } from '@tincan/host-cli';

export type Direction = 'to-chip' | 'to-host';

/** One fault. Bytes are counted per direction since the bench was made, on all lines. */
export type LineFault =
  | { kind: 'flip' | 'lose' | 'double' | 'noise'; direction: Direction; at: number; count?: number }
  /** The plug is pulled at this byte, and put in again `backMs` later, as `as`. */
  | { kind: 'unplug'; at: number; backMs: number; as: string }
  /** Whoever holds the port is killed at this byte; the board notices nothing. */
  | { kind: 'kill'; at: number }
  /** The board's answers take this much longer. */
  | { kind: 'late'; ms: number }
  /** Above this speed every `every`th byte is wrong, in both directions. */
  | { kind: 'too-fast'; baud: number; every: number }
  /** From this byte on the USB peripheral hangs, until its port is opened anew. */
  | { kind: 'hang'; at: number };

const USB = { vid: '303a', pid: '4001', serial: 'TC-0001' };

export class Bench {
  /** Where the board is plugged in; undefined while it is not. */
  path: string | undefined = '/dev/ttyACM0';
  readonly counted: Record<Direction, number> = { 'to-chip': 0, 'to-host': 0 };
  /** How often a fault happened. */
  hits = 0;
  faults: LineFault[] = [];
  readonly chip: VirtualChip;
  readonly clock: ManualClock;
  #open: MemoryLine | undefined;
  #hanging = false;

  constructor(chip: VirtualChip, clock: ManualClock) {
    this.chip = chip;
    this.clock = clock;
    chip.onTransmit((bytes) => this.#toHost(bytes));
  }

  /** Opens the board's port; the one that was open is closed. */
  open(path = this.path): MemoryLine {
    if (path === undefined || path !== this.path) {
      throw new TincanError('PORT_MISSING', `There is no port ${path}.`, { exit: 'port' });
    }
    this.#hanging = false;
    this.#open = new MemoryLine(this, path);
    this.chip.setHostBaud(115_200);
    return this.#open;
  }

  /** What a real port finder does: the same board under whatever name, as soon as it is there. */
  async reopen(): Promise<SerialLine> {
    const deadline = this.clock.now() + 30_000;
    while (this.path === undefined) {
      if (this.clock.now() > deadline)
        throw new TincanError('PORT_LOST', 'It did not come back.', { exit: 'port' });
      await new Promise<void>((resolve) => this.clock.after(300, resolve));
    }
    return this.open();
  }

  toChip(line: MemoryLine, bytes: Uint8Array): void {
    if (line !== this.#open || line.dead) return;
    const passed = this.#pass('to-chip', bytes, line.baud);
    if (passed.length > 0 && !this.#hanging) this.chip.receive(passed);
  }

  #toHost(bytes: Uint8Array): void {
    const line = this.#open;
    if (line === undefined || line.dead) return;
    const passed = this.#pass('to-host', bytes, line.baud);
    if (passed.length === 0 || this.#hanging) return;
    const late = this.faults.find((fault) => fault.kind === 'late');
    if (late === undefined) line.deliver(passed);
    else {
      this.hits++;
      this.clock.after(late.ms, () => line.deliver(passed));
    }
  }

  #pass(direction: Direction, bytes: Uint8Array, baud: number): Uint8Array {
    const start = this.counted[direction];
    const end = start + bytes.length;
    this.counted[direction] = end;
    const due = this.faults.filter((fault) => strikes(fault, direction, start, end, baud));
    if (due.length === 0) return bytes;
    let out = [...bytes];
    for (const fault of due) {
      if (fault.kind === 'too-fast') {
        out = out.map((byte, i) => {
          if ((start + i) % fault.every !== fault.every - 1) return byte;
          this.hits++;
          return byte ^ 0x10;
        });
      } else if ('at' in fault) {
        this.hits++;
        out = this.#strike(fault, out, fault.at - start);
      }
    }
    return Uint8Array.from(out);
  }

  #strike(fault: LineFault, bytes: number[], at: number): number[] {
    const count = 'count' in fault ? (fault.count ?? 1) : 1;
    const [before, hit, after] = [bytes.slice(0, at), bytes.slice(at, at + count), bytes.slice(at + count)];
    switch (fault.kind) {
      case 'flip':
        return [...before, ...hit.map((byte) => byte ^ 0x04), ...after];
      case 'lose':
        return [...before, ...after];
      case 'double':
        return [...before, ...hit, ...hit, ...after];
      case 'noise':
        return [
          ...before,
          ...Array.from({ length: count }, (_, i) => (i * 89 + 0xc0) & 0xff),
          ...hit,
          ...after,
        ];
      case 'unplug':
        this.#unplug(fault.backMs, fault.as);
        return before;
      case 'kill':
        this.#open?.die('killed');
        return before;
      case 'hang':
        this.#hanging = true;
        return before;
      default:
        return bytes;
    }
  }

  #unplug(backMs: number, as: string): void {
    this.path = undefined;
    this.chip.powerOff();
    this.#open?.die('unplugged');
    this.clock.after(backMs, () => {
      this.path = as;
      this.chip.powerOn();
    });
  }
}

function strikes(fault: LineFault, direction: Direction, start: number, end: number, baud: number): boolean {
  if (fault.kind === 'late') return false;
  if (fault.kind === 'too-fast') return baud > fault.baud;
  const its = 'direction' in fault ? fault.direction : 'to-chip';
  return its === direction && fault.at >= start && fault.at < end;
}

export class MemoryLine implements SerialLine {
  readonly path: string;
  readonly usb = USB;
  readonly hasLines = true;
  baud = 115_200;
  /** Why nothing goes through any more. */
  dead: string | undefined;
  readonly #bench: Bench;
  readonly #data = new Set<(bytes: Uint8Array) => void>();
  readonly #close = new Set<(error: Error | undefined) => void>();

  constructor(bench: Bench, path: string) {
    this.#bench = bench;
    this.path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    // As a driver does it: the bytes leave after the call has returned.
    await Promise.resolve();
    this.#bench.toChip(this, bytes);
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    this.#data.add(listener);
    return () => this.#data.delete(listener);
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    this.#close.add(listener);
    return () => this.#close.delete(listener);
  }

  async setBaud(baud: number): Promise<void> {
    this.#check();
    this.baud = baud;
    this.#bench.chip.setHostBaud(baud);
  }

  async setLines({ dtr, rts }: { dtr: boolean; rts: boolean }): Promise<void> {
    this.#check();
    this.#bench.chip.setLines(dtr, rts);
  }

  async purge(): Promise<void> {}

  async close(): Promise<void> {
    this.dead ??= 'closed';
  }

  deliver(bytes: Uint8Array): void {
    if (this.dead === undefined) for (const listener of [...this.#data]) listener(bytes);
  }

  die(why: string): void {
    if (this.dead !== undefined) return;
    this.dead = why;
    for (const listener of [...this.#close]) listener(new Error(why));
  }

  #check(): void {
    if (this.dead !== undefined)
      throw new TincanError('PORT_LOST', `${this.path} is gone: ${this.dead}.`, { exit: 'port' });
  }
}
