import { type ChipOptions, type ChipState, VirtualChip } from './chip/chip.ts';
import { NorFlash } from './chip/flash.ts';
import { systemClock } from './clock.ts';
import type { AppLoader, Clock } from './contract.ts';
import { serveRfc2217 } from './fronts/rfc2217.ts';

export interface VirtualBoardOptions
  extends Pick<
    ChipOptions,
    | 'mac'
    | 'pace'
    | 'fifo'
    | 'timing'
    | 'chipId'
    | 'revision'
    | 'secureDownload'
    | 'secureBoot'
    | 'flashEncryption'
    | 'psramMb'
  > {
  /** Where the flash is kept; in memory if not given. */
  flashFile?: string;
  /** A flash that the caller owns; it is not closed with the board. */
  flash?: NorFlash;
  /** Bytes. Default 8 MiB. */
  flashSize?: number;
  /** Default: a free port of 127.0.0.1. */
  listen?: { host?: string; port?: number };
  loader: AppLoader;
  clock?: Clock;
  /** False: the power stays off until `chip.powerOn()`. */
  power?: boolean;
}

export interface VirtualBoard {
  /** `rfc2217://HOST:PORT`. */
  readonly port: string;
  readonly chip: VirtualChip;
  readonly flash: NorFlash;
  readonly state: ChipState;
  /** Whether a client has the serial port. */
  readonly connected: boolean;
  /** Switches it off and gives flash file and port back. */
  close(): Promise<void>;
}

/** A virtual board that is on and listens. Throws `BoardError` (`flash-busy`, `flash-size`, `flash-file`, `listen`). */
export async function startVirtualBoard(options: VirtualBoardOptions): Promise<VirtualBoard> {
  const { flashFile, flashSize, listen, power = true, flash: given, ...chipOptions } = options;
  const flash = given ?? (flashFile ? NorFlash.open(flashFile, flashSize) : NorFlash.inMemory(flashSize));
  const closeFlash = () => {
    if (!given) flash.close();
  };
  try {
    const chip = new VirtualChip({ ...chipOptions, clock: options.clock ?? systemClock(), flash });
    const front = await serveRfc2217(chip, listen);
    if (power) chip.powerOn();
    return {
      port: front.port,
      chip,
      flash,
      get state() {
        return chip.state;
      },
      get connected() {
        return front.connected;
      },
      close: async () => {
        chip.powerOff();
        await front.close();
        closeFlash();
      },
    };
  } catch (error) {
    closeFlash();
    throw error;
  }
}
