/**
 * What a board is, as data: everything that the firmware must know of it (board.h, sdkconfig, partition table) and
 * everything that the command line must know (USB ids, flash, echo). `defineBoard` refuses one that cannot work, with
 * a sentence that names the pin; what can be refused sooner does not type-check: a codec without an I2C bus, an echo
 * reference on a microphone that has no second channel.
 *
 * Pins are GPIO numbers. Levels are what the pin shows: 1 high, 0 low. Addresses are I2C addresses of 7 bits.
 */
import { boardProblems } from './check.ts';

export type Level = 0 | 1;

/** One register write at boot, before the codecs are opened. */
export interface RegisterWrite {
  register: number;
  /** One byte. */
  value: number;
  /** What it does on this board. */
  why: string;
  /** Milliseconds to wait behind it. */
  delayMs?: number;
}

/** A chip on the I2C bus that is not a codec of this board's audio path: a power chip, an expander. */
export interface I2cChip {
  /** As its datasheet calls it. */
  name: string;
  address: number;
  /** Done in order, chip by chip, at every boot. */
  writes?: readonly RegisterWrite[];
}

export interface I2cBus {
  /** Controller of the ESP32-S3. */
  port: 0 | 1;
  sda: number;
  scl: number;
  chips?: readonly I2cChip[];
}

/** The port that codecs share: one clock, both directions. DOUT is ESP to codec, DIN codec to ESP. */
export interface DuplexI2s {
  /** Absent: the codec makes its clock from BCLK. */
  mclk?: number;
  bclk: number;
  ws: number;
  dout: number;
  din: number;
}

/** A loudspeaker behind a codec with a control bus. */
export interface CodecSpeaker {
  kind: 'es8311' | 'aw88298';
  address: number;
}
export type PlainSpeaker =
  /** An I2S amplifier without control bus. */
  | { kind: 'i2s'; part: string; bclk: number; ws: number; dout: number }
  /** No sound: the firmware reports level and hash of what it would have played. */
  | { kind: 'level' }
  | { kind: 'none' };
export type BoardSpeaker = CodecSpeaker | PlainSpeaker;

/**
 * A microphone behind a codec. `channel` and `echoChannel` are slots in what the converter delivers, counted from 0;
 * an ES7210 delivers its inputs as slots in the order 1, 3, 2, 4.
 */
export interface CodecMicrophone {
  kind: 'es7210' | 'es8311';
  address: number;
  channel: number;
  /** The slot that carries what the loudspeaker plays; absent where there is none. */
  echoChannel?: number;
}
export type PlainMicrophone =
  /** A digital I2S microphone. `channel`: 0 if it answers in the left slot, 1 in the right one. */
  | { kind: 'i2s'; part: string; bclk: number; ws: number; din: number; channel: 0 | 1 }
  | { kind: 'pdm'; part: string; clk: number; data: number; channel: 0 | 1 }
  /** No microphone: what it would hear lies in a flash partition. */
  | { kind: 'partition'; label: string }
  | { kind: 'none' };
export type BoardMicrophone = CodecMicrophone | PlainMicrophone;

/**
 * Codecs need a control bus and share one I2S port; loudspeaker and microphone are both behind codecs or both not.
 * Without codecs there is no such port, and a bus only where other chips want register writes.
 */
export type BoardAudio =
  | { i2c: I2cBus; i2s: DuplexI2s; speaker: CodecSpeaker; microphone: CodecMicrophone }
  | { i2c?: I2cBus; i2s?: undefined; speaker: PlainSpeaker; microphone: PlainMicrophone };

/**
 * What keeps the board from hearing itself, so that a person can interrupt it by voice.
 * `reference`: a slot of the microphone's converter carries what the loudspeaker plays, and the firmware cancels it;
 * `free`: nothing has to be cancelled (no loudspeaker, or a recording for a microphone);
 * `none`: nothing does, so the board does not listen while it speaks.
 */
export type BoardEcho =
  | { echo: 'reference'; microphone: CodecMicrophone & { echoChannel: number } }
  | { echo: 'free' | 'none' };

export interface UsbPort {
  /** `bridge`: a USB-UART chip with the reset circuit; `native`: the chip's own USB-Serial-JTAG on GPIO 19 and 20. */
  kind: 'bridge' | 'native';
  vid: number;
  pid: number;
}

export type BoardButton =
  | { kind: 'gpio'; pin: number; pressed: Level }
  /** One key of a resistor ladder: pressed while the pin is between the two voltages. */
  | { kind: 'adc'; pin: number; minMv: number; maxMv: number; key: string };

export type BoardLight =
  | { kind: 'none' }
  /** `order`: which colour is sent first where it is not green, as the chip's datasheet has it. */
  | { kind: 'ws2812'; pin: number; count: number; order?: 'rgb' }
  | { kind: 'apa102'; data: number; clock: number; count: number }
  /** One colour, dimmed. */
  | { kind: 'pwm'; pin: number; on: Level }
  /** One colour, on or off. */
  | { kind: 'gpio'; pin: number; on: Level };

export interface BoardPartition {
  label: string;
  type: 'app' | 'data';
  /** A name of ESP-IDF's partition tables, or a number as `0x40`. */
  subtype: string;
  offset: number;
  size: number;
}

interface Common {
  /** What `--board` takes, and what the firmware says in `hello`. */
  id: string;
  name: string;
  flash: { bytes: number; mode: 'qio' | 'dio' };
  psram?: { mode: 'quad' | 'octal'; bytes: number };
  /** The ports that a computer sees; the console is on the first one. */
  usb: readonly [UsbPort, ...UsbPort[]];
  /** Switches the loudspeaker's amplifier; absent where a chip or nobody does. */
  amplifier?: { pin: number; on: Level };
  /** The talk button. */
  button?: BoardButton;
  /** A switch or button that mutes the microphone, and what the pin shows while it is muted. */
  mute?: { pin: number; muted: Level };
  light: BoardLight;
  partitions: readonly BoardPartition[];
  /**
   * Strapping pins that this board drives all the same, each with the reason why that does no harm. Whoever writes it
   * has looked at the board; nobody else can.
   */
  strapping?: Readonly<Record<number, string>>;
  /** Where the facts about this board were read. */
  sources: readonly string[];
  /** Where sources disagree, and what was taken: one sentence each. */
  conflicts: readonly string[];
  /** What no source says for certain: one sentence each. (That nobody has run this firmware on it goes without saying.) */
  unverified: readonly string[];
  /** What its user should know: what must be wired, what this firmware leaves alone. One sentence each. */
  notes?: readonly string[];
}

/** A board with an ESP32-S3 (or an emulated one), for which ESP-IDF builds an image. */
export type ChipBoard = Common & {
  kind: 'esp32s3';
  /** Where logs and frames go. `baud` of UART0 on GPIO 43 and 44. */
  console: { kind: 'uart'; baud: number } | { kind: 'usb' };
  network: 'wifi' | 'openeth';
} & BoardAudio &
  BoardEcho;

/** The board whose firmware core runs as WebAssembly in this program: sound, light and lines are the program's. */
export type SimulatedBoard = Common & {
  kind: 'virtual';
  echo: 'free';
};

export type Board = ChipBoard | SimulatedBoard;

/** A board definition that cannot work. */
export class BoardDefinitionError extends Error {
  readonly code = 'BOARD_INVALID';
}

/** The board, if it can work; else a `BoardDefinitionError` with every reason. */
export function defineBoard<B extends Board>(board: B): B {
  const problems = boardProblems(board);
  if (problems.length) throw new BoardDefinitionError(problems.join('\n'));
  return board;
}

/** Whether the board may listen while it speaks. */
export function listensWhileSpeaking(board: Board): boolean {
  return board.echo !== 'none';
}
