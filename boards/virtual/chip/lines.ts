/**
 * The classic reset circuit between a USB-UART bridge and the chip: EN is low while RTS=1 and DTR=0, IO0 is low while
 * DTR=1 and RTS=0. When EN rises the chip starts, and what IO0 is a moment later chooses the boot mode.
 */
import type { Clock } from '../contract.ts';

export type BootMode = 'run' | 'download';

/** How long after EN rises IO0 is sampled, in milliseconds. */
export interface SettleTimes {
  settleMs: number;
  /**
   * Where lines change one by one and late (RFC 2217: 50 ms per change), a reset into download mode passes through
   * DTR=1 RTS=1, where EN is high already and IO0 not yet low. If EN rises that way, IO0 may still fall within this
   * time. A plain reset never passes there.
   */
  lateMs: number;
}
export const LOCAL_LINES: SettleTimes = { settleMs: 5, lateMs: 5 };
export const REMOTE_LINES: SettleTimes = { settleMs: 5, lateMs: 250 };

export class ResetLines {
  dtr = false;
  rts = false;
  /** The BOOT button pulls IO0 low, whatever the lines do. */
  bootHeld = false;
  readonly #clock: Clock;
  readonly #onHold: () => void;
  readonly #onStart: (mode: BootMode) => void;
  #cancel: (() => void) | undefined;

  /** `onHold`: EN fell, the chip stands still. `onStart`: it starts, in this mode. */
  constructor(clock: Clock, onHold: () => void, onStart: (mode: BootMode) => void) {
    this.#clock = clock;
    this.#onHold = onHold;
    this.#onStart = onStart;
  }

  /** Whether the chip may run. */
  get enabled(): boolean {
    return !(this.rts && !this.dtr);
  }

  get mode(): BootMode {
    return this.bootHeld || (this.dtr && !this.rts) ? 'download' : 'run';
  }

  /** Both lines at once, as the host sees them: true is asserted. */
  set(dtr: boolean, rts: boolean, times: SettleTimes = LOCAL_LINES): void {
    const wasEnabled = this.enabled;
    this.dtr = dtr;
    this.rts = rts;
    if (!this.enabled) {
      this.cancel();
      if (wasEnabled) this.#onHold();
    } else if (!wasEnabled) {
      this.#sampleIn(dtr && rts ? times.lateMs : times.settleMs);
    } else if (this.#cancel && !(dtr && rts)) {
      this.#sampleIn(times.settleMs);
    }
  }

  /** Forgets a start under way. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #sampleIn(ms: number): void {
    this.cancel();
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = undefined;
      this.#onStart(this.mode);
    });
  }
}
