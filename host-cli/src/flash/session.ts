/**
 * A chip's loader that stays in reach: whatever goes wrong between two requests, it is found again. Bytes that went
 * wrong: resync, then a lower speed; a chip that reset: its stub is started again; a port that vanished: the board is
 * waited for, under whatever name it comes back.
 */
import { messageOf, TincanError } from '../errors.ts';
import type { SerialLine } from '../serial/line.ts';
import { type Clock, pause } from './clock.ts';
import { connectLoader } from './connect.ts';
import type { ChipInfo, Recovery } from './flasher.ts';
import { LoaderError, LoaderLink } from './link.ts';

/** Speeds to fall back to, in baud. */
const LADDER = [460_800, 230_400, 115_200];
const SYNCS = 4;
/** Failures in a row, without anything that succeeded in between, until it is given up: two at each speed and some. */
const PATIENCE = 10;
/** Before a line that was lost is opened again. */
const REOPEN_MS = 200;

export interface SessionOptions {
  /** Speed of the transfer, in baud. */
  baud: number;
  clock: Clock;
  /** Opens the port of the same board again after it went away; waits until it is there. */
  reopen?: ((lost: SerialLine) => Promise<SerialLine>) | undefined;
  onRecovery?: ((recovery: Recovery) => void) | undefined;
}

/** What a step is called when it fails for good. */
export interface Step {
  code: string;
  /** After "The board at … did not". */
  doing: string;
  /** After that: how far it came. */
  where?: () => string;
}

/** Counts failures in a row. Something that succeeds gives it back. */
export class Patience {
  failures = 0;

  get lost(): boolean {
    return this.failures >= PATIENCE;
  }

  restore(): void {
    this.failures = 0;
  }
}

export class LoaderSession {
  link: LoaderLink;
  readonly recoveries: Recovery[] = [];
  readonly clock: Clock;
  readonly #options: SessionOptions;
  readonly #speeds: number[];
  #chip: ChipInfo | undefined;
  /** Failures since the speed was last changed. */
  #failuresHere = 0;
  /** Bytes that earlier lines carried. */
  #sentBefore = 0;

  constructor(line: SerialLine, options: SessionOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#speeds = [options.baud, ...LADDER.filter((baud) => baud < options.baud)];
    this.link = new LoaderLink(line, options.clock);
  }

  /** Bytes written since the start, on all lines. */
  get sentBytes(): number {
    return this.#sentBefore + this.link.sentBytes;
  }

  /** Brings the chip into its stub, at the highest speed that works. @throws TincanError */
  async connect(): Promise<ChipInfo> {
    let reopened = 0;
    for (;;) {
      const [baud = 115_200, ...others] = this.#speeds;
      try {
        const chip = await connectLoader(this.link, this.clock, baud, others);
        if (this.#chip !== undefined && this.#chip.mac !== chip.mac) throw this.#changed(chip);
        this.#chip = chip;
        this.#failuresHere = 0;
        return chip;
      } catch (error) {
        if (error instanceof LoaderError) {
          if (!this.#slower() && ++this.#failuresHere > 2)
            throw this.failed(error, { code: 'FLASH_STUB', doing: 'start the flasher stub' });
          continue;
        }
        // A USB peripheral that hangs after a reset wakes up when its port is opened anew; others vanish meanwhile.
        const again = isCode(error, 'PORT_LOST') || isCode(error, 'BOARD_SILENT');
        if (!again || this.#options.reopen === undefined || reopened++ >= 1) throw error;
        await this.#reopen(isCode(error, 'PORT_LOST') ? undefined : error);
      }
    }
  }

  /** Runs a step that may be repeated, until it succeeds. @throws TincanError */
  async reliably<T>(step: Step, run: () => Promise<T>, patience = new Patience()): Promise<T> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        await this.recover(error, step, patience);
      }
    }
  }

  /** After a failure: the stub answers again, or this throws why not. */
  async recover(error: unknown, step: Step, patience: Patience): Promise<void> {
    const lost = isCode(error, 'PORT_LOST');
    if (!lost && !(error instanceof LoaderError)) throw error;
    patience.failures++;
    if (patience.lost) throw lost ? error : this.failed(error, step);
    if (lost) {
      if (this.#options.reopen === undefined) throw error;
      await this.#reopen();
      await this.connect();
      return;
    }
    this.#failuresHere++;
    try {
      if (this.#failuresHere === 1 && (await this.link.sync(SYNCS)) === 'stub') {
        this.#tell({ kind: 'resync' });
        return;
      }
      const failures = this.#failuresHere;
      if (failures > 1) this.#slower();
      const { baud } = await this.connect();
      // A chip that answers at once and fails again is not given the higher speed's patience anew.
      this.#failuresHere = this.#speeds.length > 1 ? 1 : failures;
      this.#tell({ kind: 'reconnect', baud });
    } catch (again) {
      if (!isCode(again, 'PORT_LOST')) throw again;
      await this.recover(again, step, patience);
    }
  }

  /** Something succeeded: failures before it do not count any more. */
  good(patience: Patience): void {
    patience.restore();
    this.#failuresHere = 0;
  }

  note(recovery: Recovery): void {
    this.#tell(recovery);
  }

  /** An error for people. */
  failed(error: unknown, { code, doing, where }: Step): TincanError {
    const at = where === undefined ? '' : ` ${where()}`;
    return new TincanError(code, `The board at ${this.link.line.path} did not ${doing}${at}.`, {
      exit: 'flash',
      cause: new Error(messageOf(error).trim()),
      hint: 'Run it again, it is safe; a shorter cable, another USB port, or --baud 115200 often helps.',
    });
  }

  /** False if there is no lower speed. */
  #slower(): boolean {
    if (this.#speeds.length <= 1) return false;
    this.#speeds.shift();
    this.#failuresHere = 0;
    return true;
  }

  /** `why`: what to throw if the port cannot be opened again, where it was not lost. */
  async #reopen(why?: unknown): Promise<void> {
    const { reopen } = this.#options;
    const lost = this.link.line;
    if (reopen === undefined) throw why;
    this.#tell({ kind: 'gone', path: lost.path });
    this.link.release();
    this.#sentBefore += this.link.sentBytes;
    if (why !== undefined) await lost.close();
    await pause(this.clock, REOPEN_MS);
    const line = await reopen(lost).catch((error: unknown) => {
      throw why ?? error;
    });
    this.link = new LoaderLink(line, this.clock);
    this.#tell({ kind: 'back', path: line.path });
  }

  #changed(chip: ChipInfo): TincanError {
    return new TincanError('BOARD_CHANGED', 'Another board came back than the one that went away.', {
      exit: 'port',
      cause: new Error(`it was ${this.#chip?.mac}, at ${this.link.line.path} is ${chip.mac}`),
      hint: 'Plug the first one in again and repeat the command: it sends only what is missing.',
    });
  }

  #tell(recovery: Recovery): void {
    this.recoveries.push(recovery);
    this.#options.onRecovery?.(recovery);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof TincanError && error.code === code;
}
