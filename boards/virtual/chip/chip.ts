/**
 * An ESP32-S3 as seen through its console UART: reset and boot mode lines, ROM, flasher stub, flash, and the application
 * that it boots. Pure: time, flash and application are handed in.
 */
import { ROM } from '@tincan/shared-protocol';
import type { AppLoader, Clock, ResetReason, RunningApp } from '../contract.ts';
import { type BootReport, bootFromFlash, type ResetCode, romBanner } from './boot.ts';
import { type FlashChange, type NorFlash, PowerCut } from './flash.ts';
import { type BootMode, ResetLines, type SettleTimes } from './lines.ts';
import type { Loader, LoaderHost } from './loader.ts';
import { type ChipIdentity, Registers } from './registers.ts';
import { RomLoader } from './rom.ts';
import { StubLoader } from './stub.ts';
import { Uart } from './uart.ts';

/** `off`; held in `reset`; between reset and program `boot`; `rom` and `stub` wait for a flasher; `halted`: stuck. */
export type ChipState = 'off' | 'reset' | 'boot' | 'rom' | 'stub' | 'app' | 'halted';

export type ChipEvent =
  | { type: 'reset'; code: ResetCode; mode: BootMode }
  | { type: 'rom' }
  | { type: 'stub' }
  | { type: 'app'; project: string; version: string; hash: string }
  /** Nothing was booted: `reason` is a sentence. `again`: it keeps trying. */
  | { type: 'stuck'; reason: string; again: boolean }
  | { type: 'panic'; message: string }
  | { type: 'baud'; baud: number }
  | { type: 'power'; on: boolean }
  | ({ type: 'flash' } & FlashChange);

export interface ChipOptions {
  clock: Clock;
  flash: NorFlash;
  loader: AppLoader;
  /** 6 bytes. */
  mac?: Uint8Array;
  /** Bytes take their time on the UART. */
  pace?: boolean;
  /** UART FIFO towards the host where it is paced, in bytes. */
  fifo?: number;
  /** `real`: flash operations take as long as on a real part. */
  timing?: 'none' | 'real';
  /** Chip id that the ROM reports; 9 is the ESP32-S3. */
  chipId?: number;
  /** major * 100 + minor. */
  revision?: number;
  secureDownload?: boolean;
  secureBoot?: boolean;
  flashEncryption?: boolean;
  /** PSRAM in the package, in MB; 8 where left out. */
  psramMb?: 0 | 2 | 4 | 8 | 16;
}

/** Locally administered, as every invented address must be. */
export const DEFAULT_MAC = new Uint8Array([0x02, 0x54, 0x43, 0x00, 0x00, 0x01]);

/** When the boot loader begins to print after the ROM, and when the ROM's watchdog or a boot loop resets. */
const LOADER_MS = 20;
const LOOP_MS = 1000;
/** From `restart()` to the ROM. */
const RESTART_MS = 5;
const PANIC_RESTART_MS = 50;
/** The hardware's receive FIFO: what comes before the application listens. */
const RX_FIFO = 128;
/** The ROM's autobaud gives up above. */
const MIN_BAUD = 300;
const MAX_BAUD = 5_000_000;

export class VirtualChip {
  readonly flash: NorFlash;
  readonly identity: ChipIdentity;
  readonly #options: ChipOptions;
  readonly #clock: Clock;
  readonly #uart: Uart;
  readonly #lines: ResetLines;
  readonly #registers: Registers;
  readonly #transmit = new Set<(bytes: Uint8Array) => void>();
  readonly #observers = new Set<(event: ChipEvent) => void>();
  readonly #timers = new Set<() => void>();
  #state: ChipState = 'off';
  /** Counts starts, so that what belongs to an earlier one can be told. */
  #run = 0;
  /** Boot mode as latched when EN rose last. */
  #latched: BootMode = 'run';
  #program: Loader | undefined;
  #app: RunningApp | undefined;
  #early: Uint8Array[] = [];
  #onSerialRoom: (() => void) | undefined;

  constructor(options: ChipOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.flash = options.flash;
    this.identity = {
      mac: options.mac ?? DEFAULT_MAC,
      chipId: options.chipId ?? ROM.chipId,
      revision: options.revision ?? 2,
      flashSize: options.flash.size,
      secureDownload: options.secureDownload ?? false,
      secureBoot: options.secureBoot ?? false,
      psramMb: options.psramMb ?? 8,
      flashEncryption: options.flashEncryption ?? false,
    };
    this.#uart = new Uart({
      clock: options.clock,
      pace: options.pace,
      fifo: options.fifo,
      onChip: (bytes) => this.#input(bytes),
      onHost: (bytes) => {
        for (const listener of this.#transmit) listener(bytes);
      },
      onRoom: () => this.#onSerialRoom?.(),
    });
    this.#registers = new Registers(this.identity, (ms) =>
      this.#later(ms, () => this.#reset('RTCWDT_RTC_RST', 'watchdog', this.#lines.mode)),
    );
    this.#lines = new ResetLines(
      options.clock,
      () => {
        if (this.powered) this.#hold();
      },
      (mode) => {
        if (this.powered) this.#reset('POWERON', 'pin', mode);
      },
    );
    this.flash.onChange = (change) => this.#emit({ type: 'flash', ...change });
    this.flash.onPowerCut = () => this.powerOff();
  }

  get state(): ChipState {
    return this.#state;
  }

  get powered(): boolean {
    return this.#state !== 'off';
  }

  /** The chip's rate now. */
  get baud(): number {
    return this.#uart.chipBaud;
  }

  powerOn(): void {
    if (this.powered) return;
    this.flash.restorePower();
    this.#emit({ type: 'power', on: true });
    this.#state = 'reset';
    if (this.#lines.enabled) this.#reset('POWERON', 'power', this.#lines.mode);
  }

  powerOff(): void {
    if (!this.powered) return;
    this.#stop();
    this.#uart.reset();
    this.#lines.cancel();
    this.#state = 'off';
    this.#emit({ type: 'power', on: false });
  }

  /** Bytes that the host sends, at its rate or at the one that `setHostBaud` named. */
  receive(bytes: Uint8Array, hostBaud?: number): void {
    if (this.powered) this.#uart.fromHost(bytes, hostBaud);
  }

  /** The rate at which the host sends and reads; `undefined` where the link carries none: then it is the chip's. */
  setHostBaud(baud: number | undefined): void {
    this.#uart.hostBaud = baud;
  }

  /** DTR and RTS, true is asserted; `times` are those of the front that carries them. */
  setLines(dtr: boolean, rts: boolean, times?: SettleTimes): void {
    this.#lines.set(dtr, rts, times);
  }

  /** Somebody holds BOOT, or lets go of it: what counts is whether it is held when the chip starts. */
  holdBoot(held: boolean): void {
    this.#lines.bootHeld = held;
  }

  /** What somebody does who holds BOOT, or not, and presses RESET. */
  pressReset(mode: BootMode = 'run'): void {
    if (this.powered) this.#reset('POWERON', 'pin', mode);
  }

  /** Bytes as the host sees them; the answer unsubscribes. Without a listener they are lost, as on any UART. */
  onTransmit(listener: (bytes: Uint8Array) => void): () => void {
    this.#transmit.add(listener);
    return () => this.#transmit.delete(listener);
  }

  /** What happens in the chip; the answer unsubscribes. */
  onEvent(observer: (event: ChipEvent) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  #emit(event: ChipEvent): void {
    for (const observer of this.#observers) observer(event);
  }

  #later(ms: number, run: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  /** Whatever runs ends here and now. */
  #stop(): void {
    this.#run++;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#program?.stop();
    this.#program = undefined;
    const app = this.#app;
    this.#app = undefined;
    this.#early = [];
    this.#onSerialRoom = undefined;
    app?.stop();
  }

  #hold(): void {
    this.#stop();
    this.#uart.reset();
    this.#state = 'reset';
  }

  /** The ROM starts. */
  #reset(code: ResetCode, reason: ResetReason, mode: BootMode): void {
    this.#lines.cancel();
    const forced = code !== 'POWERON' && this.#registers.forcedDownload;
    this.#stop();
    if (code === 'POWERON') this.#uart.reset();
    else this.#uart.setChipBaud(ROM.baud);
    this.#latched = mode;
    const start: BootMode = forced ? 'download' : mode;
    this.#registers.reset(start);
    this.#emit({ type: 'reset', code, mode: start });
    this.#uart.autoBaud = start === 'download';
    if (start === 'download') {
      this.#print(romBanner(code, 'download'));
      this.#state = 'rom';
      this.#program = new RomLoader(this.#loaderHost());
      this.#emit({ type: 'rom' });
    } else {
      this.#state = 'boot';
      this.#boot(code, reason);
    }
  }

  #boot(code: ResetCode, reason: ResetReason): void {
    let report: BootReport;
    try {
      report = bootFromFlash(this.flash, this.identity, code);
    } catch (error) {
      if (error instanceof PowerCut) return;
      throw error;
    }
    const { outcome } = report;
    this.#print(report.rom);
    this.#later(LOADER_MS, () => {
      this.#print(report.loader);
      if (outcome.kind === 'app') {
        void this.#start(outcome, reason);
        return;
      }
      this.#state = 'halted';
      this.#emit({ type: 'stuck', reason: outcome.reason, again: outcome.kind === 'loop' });
      if (outcome.kind === 'loop')
        this.#later(LOOP_MS, () => this.#reset(outcome.reset, 'watchdog', this.#latched));
    });
  }

  async #start(
    { image, nvs, ota }: Extract<BootReport['outcome'], { kind: 'app' }>,
    reason: ResetReason,
  ): Promise<void> {
    const run = this.#run;
    const mine = () => run === this.#run;
    let app: RunningApp;
    try {
      app = await this.#options.loader(image, {
        clock: this.#clock,
        flash: this.flash,
        nvs,
        ota,
        mac: this.identity.mac,
        reset: reason,
        serialWrite: (bytes) => (mine() ? this.#uart.offer(bytes) : bytes.length),
        onSerialRoom: (notify) => {
          if (mine()) this.#onSerialRoom = notify;
        },
        restart: () => {
          if (mine()) this.#restart('software', RESTART_MS);
        },
        panic: (message) => {
          if (mine()) this.#panic(message, image.hash);
        },
      });
    } catch (error) {
      if (!mine()) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#print(`E (0) virtual: the application did not start: ${message}\r\n`);
      this.#state = 'halted';
      this.#emit({ type: 'stuck', reason: `the application did not start: ${message}`, again: false });
      return;
    }
    if (!mine()) return app.stop();
    this.#app = app;
    this.#state = 'app';
    this.#emit({ type: 'app', project: image.project, version: image.version, hash: image.hash });
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) if (mine()) app.serialIn(bytes);
  }

  #panic(message: string, hash: string): void {
    const text = message.replace(/\s+/g, ' ').slice(0, 500);
    this.#print(
      [
        '',
        "Guru Meditation Error: Core  0 panic'ed (WebAssembly trap). Exception was unhandled.",
        text,
        '',
        '',
        `ELF file SHA256: ${hash.slice(0, 9)}`,
        '',
        'Rebooting...',
        '',
      ].join('\r\n'),
    );
    this.#emit({ type: 'panic', message: text });
    this.#restart('panic', PANIC_RESTART_MS);
  }

  #restart(reason: ResetReason, ms: number): void {
    this.#stop();
    this.#state = 'reset';
    this.#later(ms, () => this.#reset('RTC_SW_CPU_RST', reason, 'run'));
  }

  /** What the ROM, the stub and the boot loader print: they wait for the UART. */
  #print(text: string): void {
    this.#uart.send(Buffer.from(text, 'latin1'));
  }

  #input(bytes: Uint8Array): void {
    if (this.#program) this.#program.receive(bytes);
    else if (this.#app) this.#app.serialIn(bytes);
    else if (this.#state === 'boot') this.#keepEarly(bytes);
  }

  #keepEarly(bytes: Uint8Array): void {
    const room = RX_FIFO - this.#early.reduce((sum, part) => sum + part.length, 0);
    if (room > 0) this.#early.push(bytes.slice(0, room));
  }

  #loaderHost(): LoaderHost {
    return {
      clock: this.#clock,
      flash: this.flash,
      registers: this.#registers,
      identity: this.identity,
      timing: this.#options.timing ?? 'none',
      send: (bytes) => this.#uart.send(bytes),
      setBaud: (baud) => {
        if (baud < MIN_BAUD || baud > MAX_BAUD) return;
        this.#uart.setChipBaud(baud);
        this.#registers.setBaud(baud);
        this.#emit({ type: 'baud', baud });
      },
      synced: () => {
        this.#uart.autoBaud = false;
        this.#registers.setBaud(this.#uart.chipBaud);
      },
      startStub: () => {
        this.#program?.stop();
        const stub = new StubLoader(this.#loaderHost());
        this.#program = stub;
        this.#state = 'stub';
        stub.start();
        this.#emit({ type: 'stub' });
      },
      crash: () => {
        this.#program?.stop();
        this.#program = undefined;
        this.#state = 'halted';
        this.#emit({
          type: 'stuck',
          reason: 'code in RAM was started that is no flasher stub',
          again: false,
        });
      },
      bootFlash: () => this.#reset('RTC_SW_SYS_RST', 'software', 'run'),
      softReset: () => this.#reset('RTC_SW_SYS_RST', 'software', this.#latched),
    };
  }
}
