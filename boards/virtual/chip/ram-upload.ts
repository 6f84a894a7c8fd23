/** Programs that a host puts into RAM with MEM_BEGIN, MEM_DATA, MEM_END. */
import { STUB_HELLO } from '@tincan/shared-protocol';

interface Segment {
  address: number;
  size: number;
  blocks: number;
  blockSize: number;
  arrived: Map<number, Uint8Array>;
  bytes: number;
}

export class RamUpload {
  #segments: Segment[] = [];

  /** What an earlier upload put there, and may not have ended, is overwritten. */
  begin(size: number, blocks: number, blockSize: number, address: number): void {
    this.#segments = this.#segments.filter(
      (s) => s.address + s.size <= address || address + size <= s.address,
    );
    this.#segments.push({ address, size, blocks, blockSize, arrived: new Map(), bytes: 0 });
  }

  /** False if no segment was begun, or the block does not belong to the one under way. */
  block(sequence: number, bytes: Uint8Array): boolean {
    const segment = this.#segments.at(-1);
    if (!segment || sequence >= segment.blocks || bytes.length > segment.blockSize) return false;
    if (!segment.arrived.has(sequence)) segment.bytes += bytes.length;
    segment.arrived.set(sequence, bytes.slice());
    return segment.bytes <= segment.size;
  }

  /**
   * Whether the program that starts at `entry` is a flasher stub: all announced blocks came, the entry lies in what
   * they filled, and the program knows the stub's first word. This chip has nothing to run any other program with.
   */
  isStub(entry: number): boolean {
    const whole = this.#segments.every((s) => s.arrived.size === s.blocks && s.bytes === s.size);
    const inside = this.#segments.some((s) => entry >= s.address && entry < s.address + s.size);
    return whole && inside && this.#segments.some((s) => contents(s).includes(Buffer.from(STUB_HELLO)));
  }
}

function contents({ arrived }: Segment): Buffer {
  const order = [...arrived].sort(([a], [b]) => a - b);
  return Buffer.concat(order.map(([, bytes]) => bytes));
}
