/** For tests: a chip in memory with time that stands still, and a client on its UART. */
import {
  buildPartitionTable,
  decodeResponse,
  encodeRequest,
  initialOtaData,
  type Partition,
  ROM_OP,
  SlipDecoder,
  STUB_HELLO,
  SYNC_DATA,
  slipEncode,
  virtualBootloader,
  words,
  wrapWasm,
} from '@tincan/shared-protocol';
import { type ManualClock, manualClock } from '../clock.ts';
import type { AppHost, AppImage, AppLoader } from '../contract.ts';
import { type ChipEvent, type ChipOptions, VirtualChip } from './chip.ts';
import { NorFlash } from './flash.ts';

export const TEST_PARTITIONS: Partition[] = [
  { name: 'nvs', type: 1, subtype: 2, offset: 0x9000, size: 0x6000 },
  { name: 'otadata', type: 1, subtype: 0, offset: 0xf000, size: 0x2000 },
  { name: 'ota_0', type: 0, subtype: 0x10, offset: 0x20000, size: 0x100000 },
  { name: 'ota_1', type: 0, subtype: 0x11, offset: 0x120000, size: 0x100000 },
];

/** Bytes of an application image whose "WebAssembly" is this text. */
export function testApp(text = 'test'): Uint8Array {
  return wrapWasm({ wasm: Buffer.from(text), version: '1.2.3' });
}

/** A flash with boot loader, partition table, otadata, and these applications in its slots. */
export function bootableFlash(slots: (Uint8Array | undefined)[] = [testApp()]): NorFlash {
  const flash = NorFlash.inMemory();
  flash.program(0, virtualBootloader());
  flash.program(0x8000, buildPartitionTable(TEST_PARTITIONS));
  flash.program(0xf000, initialOtaData());
  for (const [i, app] of slots.entries()) if (app) flash.program(TEST_PARTITIONS[2 + i]!.offset, app);
  return flash;
}

/** Puts bytes in place of what is there. */
export function overwrite(flash: NorFlash, offset: number, bytes: Uint8Array): void {
  const start = offset - (offset % 0x1000);
  const length = Math.ceil((offset + bytes.length - start) / 0x1000) * 0x1000;
  const all = flash.read(start, length);
  all.set(bytes, offset - start);
  flash.erase(start, length);
  flash.program(start, all);
}

export interface Answer {
  op: number;
  value: number;
  /** All that follows the header: body and status. */
  data: Uint8Array;
}

export class Rig {
  readonly clock: ManualClock = manualClock();
  readonly flash: NorFlash;
  readonly chip: VirtualChip;
  readonly events: ChipEvent[] = [];
  /** What the application loader was given, and whether it was stopped. */
  readonly apps: { image: AppImage; host: AppHost; received: Uint8Array[]; stopped: boolean }[] = [];
  /** All that the chip sent, as text. */
  text = '';
  readonly #frames: Uint8Array[] = [];
  readonly #decoder = new SlipDecoder();

  constructor(options: Partial<ChipOptions> = {}) {
    this.flash = options.flash ?? NorFlash.inMemory();
    const loader: AppLoader = async (image, host) => {
      const app = { image, host, received: [] as Uint8Array[], stopped: false };
      this.apps.push(app);
      return {
        serialIn: (bytes) => void app.received.push(bytes.slice()),
        stop: () => {
          app.stopped = true;
        },
      };
    };
    this.chip = new VirtualChip({ clock: this.clock, loader, ...options, flash: this.flash });
    this.chip.onTransmit((bytes) => {
      this.text += Buffer.from(bytes).toString('latin1');
      this.#frames.push(...this.#decoder.push(bytes));
    });
    this.chip.onEvent((event) => this.events.push(event));
  }

  /** Into the ROM's loader, synchronised and with the flash known to it. */
  static rom(options: Partial<ChipOptions> = {}): Rig {
    const rig = new Rig(options);
    rig.chip.powerOn();
    rig.chip.pressReset('download');
    rig.command(ROM_OP.sync, SYNC_DATA);
    rig.attach();
    return rig;
  }

  /** Into the stub. */
  static stub(options: Partial<ChipOptions> = {}): Rig {
    const rig = Rig.rom(options);
    rig.command(ROM_OP.memBegin, words(4, 1, 0x1800, 0x40378000));
    rig.command(ROM_OP.memData, dataBodyOf(0, STUB_HELLO));
    rig.send(ROM_OP.memEnd, words(0, 0x40378000));
    rig.takeFrames();
    return rig;
  }

  attach(): void {
    this.command(ROM_OP.spiAttach, words(0, 0));
    this.command(ROM_OP.spiSetParams, words(0, this.flash.size, 0x10000, 0x1000, 0x100, 0xffff));
  }

  /** A request, and nothing taken of what comes back. */
  send(op: number, data: Uint8Array): void {
    this.chip.receive(slipEncode(encodeRequest(op, data)));
  }

  sendRaw(payload: Uint8Array): void {
    this.chip.receive(slipEncode(payload));
  }

  /** All frames since the last call. */
  takeFrames(): Uint8Array[] {
    return this.#frames.splice(0);
  }

  /** All answers since the last call. */
  answers(): Answer[] {
    return this.takeFrames().flatMap((frame) => decodeResponse(frame) ?? []);
  }

  /** A request and its first answer. */
  command(op: number, data: Uint8Array = new Uint8Array()): Answer {
    this.takeFrames();
    this.send(op, data);
    const answer = this.answers()[0];
    if (!answer) throw new Error(`no answer to operation ${op}`);
    return answer;
  }

  /** Lets promises that are settled go on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  /** Switches it on and waits until the application runs. */
  async boot(): Promise<void> {
    this.chip.powerOn();
    this.clock.advance(50);
    await this.settle();
  }

  /** Text since the last call. */
  takeText(): string {
    const text = this.text;
    this.text = '';
    return text;
  }
}

/** A *_DATA body. */
export function dataBodyOf(sequence: number, bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(16 + bytes.length);
  body.set(words(bytes.length, sequence, 0, 0));
  body.set(bytes, 16);
  return body;
}

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
