/**
 * Updates, as ESP-IDF's app_update does them: the image goes into the slot that does not run, is verified, and otadata
 * then names it, as new. The boot loader starts it on trial; what does not prove itself in time is given up.
 */
import {
  buildOtaRecord,
  chooseOtaSlot,
  type OtaData,
  type OtaState,
  parseImage,
  parseOtaData,
  selectOtaSlot,
} from '@tincan/shared-protocol';
import type { AppHost, FlashArea } from '../contract.ts';
import { ERR, type PortFunctions } from './codes.ts';
import type { CoreMemory } from './module.ts';

const SECTOR = 0x1000;
const CHIP_ESP32_S3 = 9;
/** As on the chip (firmware/esp32s3/main/trial.c): a router that starts after the same power cut takes two minutes. */
const TRIAL_MS = 180_000;

export interface OtaOptions {
  /** Says a line of log. */
  log(line: string): void;
  /** The application failed its trial: the chip restarts. */
  restart(): void;
}

export class OtaPort {
  readonly #host: Pick<AppHost, 'flash' | 'ota' | 'clock'>;
  readonly #options: OtaOptions;
  #update: { slot: number; area: FlashArea; size: number; written: number } | undefined;
  #trial = false;
  #cancelTrial: (() => void) | undefined;

  constructor(host: Pick<AppHost, 'flash' | 'ota' | 'clock'>, options: OtaOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** The application starts: where it is on trial, it has three minutes. */
  start(): void {
    const { clock } = this.#host;
    this.#trial = this.#running()?.record.state === 'pending';
    if (!this.#trial) return;
    this.#options.log(`trial: first start of this image: it has ${TRIAL_MS / 1000} s to prove itself`);
    this.#cancelTrial = clock.after(TRIAL_MS, () => {
      this.#options.log(
        'trial: this image failed its trial: it did not come up in time. Going back to the former one',
      );
      this.#mark('invalid');
      this.#options.restart();
    });
  }

  /** The application proved itself. */
  good(): void {
    if (!this.#trial) return;
    this.#trial = false;
    this.#cancelTrial?.();
    this.#mark('valid');
    this.#options.log('trial: this image has proven itself, and stays');
  }

  stop(): void {
    this.#cancelTrial?.();
    this.#update = undefined;
  }

  port(memory: CoreMemory): PortFunctions {
    return {
      tc_port_on_trial: () => (this.#trial ? 1 : 0),
      tc_port_ota_begin: (size) => this.begin(size! >>> 0),
      tc_port_ota_write: (at, length) => this.write(memory.bytes(at!, length!).slice()),
      tc_port_ota_end: () => this.end(),
      tc_port_ota_abort: () => {
        this.#update = undefined;
      },
    };
  }

  begin(size: number): number {
    const { ota } = this.#host;
    this.#update = undefined;
    // ESP-IDF refuses too: until it is known whether this image stays, the other one must.
    if (!ota || ota.slots.length < 2 || this.#trial) return ERR.state;
    const slot = (ota.running + 1) % ota.slots.length;
    const area = ota.slots[slot]!;
    if (size > area.size) return ERR.size;
    this.#update = { slot, area, size, written: 0 };
    return 0;
  }

  write(bytes: Uint8Array): number {
    const update = this.#update;
    if (!update) return ERR.state;
    const { area, written } = update;
    if (written + bytes.length > update.size) return ERR.size;
    const { flash } = this.#host;
    // Sectors are erased when the first byte in them comes.
    const erased = Math.ceil(written / SECTOR) * SECTOR;
    const needed = Math.ceil((written + bytes.length) / SECTOR) * SECTOR;
    if (needed > erased) flash.erase(area.offset + erased, needed - erased);
    flash.program(area.offset + written, bytes);
    update.written += bytes.length;
    return 0;
  }

  end(): number {
    const update = this.#update;
    const { ota, flash } = this.#host;
    if (!update || !ota) return ERR.state;
    this.#update = undefined;
    if (update.written !== update.size) return ERR.size;
    const image = parseImage(flash.read(update.area.offset, update.size));
    if (image.problems.length > 0 || image.header?.chip !== CHIP_ESP32_S3) return ERR.format;
    const choice = chooseOtaSlot(this.#data(), update.slot, ota.slots.length);
    this.#put(choice.sector, choice.record.sequence, choice.record.state);
    return 0;
  }

  #data(): OtaData {
    const { otadata } = this.#host.ota!;
    return parseOtaData(this.#host.flash.read(otadata.offset, otadata.size)).data;
  }

  /** The record that started this application. */
  #running(): ReturnType<typeof selectOtaSlot> {
    const { ota } = this.#host;
    const selected = ota && selectOtaSlot(this.#data(), ota.slots.length);
    return selected?.slot === ota?.running ? selected : undefined;
  }

  #mark(state: OtaState): void {
    const running = this.#running();
    if (running) this.#put(running.sector, running.record.sequence, state);
  }

  #put(sector: 0 | 1, sequence: number, state: OtaState): void {
    const at = this.#host.ota!.otadata.offset + sector * SECTOR;
    this.#host.flash.erase(at, SECTOR);
    this.#host.flash.program(at, buildOtaRecord({ sequence, state }));
  }
}
