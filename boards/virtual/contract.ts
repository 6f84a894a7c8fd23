/**
 * What the parts of the virtual board hold of each other: time, flash, the running application, and the world
 * around the board. The chip (`chip/`) boots what is in the flash and hands it to an `AppLoader` (`runtime/`).
 */

/** Time, injected. `now` counts milliseconds from any point, fractions allowed, and never goes back. */
export interface Clock {
  now(): number;
  /** Calls `run` once, `ms` from now; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** NOR flash: programming only clears bits, erasing sets a 4 KiB sector to FF. Offsets and lengths in bytes. */
export interface Flash {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
  /** ANDs the bytes in. */
  program(offset: number, bytes: Uint8Array): void;
  /** `offset` and `length` are multiples of 4096. */
  erase(offset: number, length: number): void;
}

/** Why the chip started, as the firmware's `tc_reset_reason` counts it. */
export const RESET = {
  unknown: 0,
  power: 1,
  pin: 2,
  software: 3,
  panic: 4,
  watchdog: 5,
  brownout: 6,
} as const;
export type ResetReason = keyof typeof RESET;

/** A verified application image, ready to run. */
export interface AppImage {
  /** The WebAssembly module of the core. */
  wasm: Uint8Array;
  /** SHA-256 of the application, 64 hex digits, from its descriptor. */
  hash: string;
  version: string;
  project: string;
}

/** A piece of the flash, in bytes. */
export interface FlashArea {
  offset: number;
  size: number;
}
/** Where updates go. */
export interface OtaPlaces {
  otadata: FlashArea;
  slots: readonly FlashArea[];
  /** The slot whose application runs. */
  running: number;
}

/** What the chip gives to the running application. */
export interface AppHost {
  readonly clock: Clock;
  readonly flash: Flash;
  /** Where NVS lies in the flash. */
  readonly nvs: FlashArea;
  /** Undefined where the table has no slots, or none of them runs. */
  readonly ota: OtaPlaces | undefined;
  readonly mac: Uint8Array;
  readonly reset: ResetReason;
  /** Offers bytes to the console UART; returns how many its FIFO took. */
  serialWrite(bytes: Uint8Array): number;
  /** Called by the chip whenever the FIFO has room again after it was full. */
  onSerialRoom(run: () => void): void;
  /** Restarts the chip; the application is stopped and must not be called again. */
  restart(): void;
  /** The application trapped: prints a panic as the chip would, then restarts. */
  panic(message: string): void;
}

export interface RunningApp {
  /** Bytes from the console UART, already at the right baud rate. */
  serialIn(bytes: Uint8Array): void;
  /** The chip resets or loses power: everything stops at once. */
  stop(): void;
}
export type AppLoader = (image: AppImage, host: AppHost) => Promise<RunningApp>;

/** A Wi-Fi network in reach of the board. */
export interface AccessPoint {
  ssid: string;
  /** Empty for an open network. */
  password: string;
}

/** 16 kHz mono, signed 16 bit, 320 samples a frame. */
export interface Microphone {
  /** The next 20 ms; silence where nobody speaks. `outLevel` is the RMS (0 to 1) of what the loudspeaker plays now. */
  frame(nowMs: number, outLevel: number): Int16Array;
  /** Audio of the device was switched on or off. */
  active?(on: boolean, nowMs: number): void;
}
export interface Loudspeaker {
  /** 20 ms that the device plays, volume applied. */
  frame(pcm: Int16Array, nowMs: number): void;
}

/** The world around the board. */
export interface World {
  readonly accessPoints: readonly AccessPoint[];
  readonly microphone: Microphone;
  readonly loudspeaker: Loudspeaker;
  /** The light changed: off, or 24-bit RGB. */
  light?(state: { on: boolean; rgb: number }): void;
  volume?(percent: number): void;
}
