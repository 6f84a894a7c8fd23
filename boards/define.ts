/**
 * What a board is, as data. `defineBoard` refuses one that cannot work, with a sentence that names the pin.
 * Sources for the rules: ESP32-S3 datasheet (strapping pins, table 2-13; GPIO33-37 beside octal memory, section
 * 2.2) and the ESP-IDF programming guide (GPIO and USB-Serial-JTAG).
 */

export type Light = 'none' | 'ws2812' | 'pwm';
export type PinUse =
  | 'i2c.sda'
  | 'i2c.scl'
  | 'i2s.mclk'
  | 'i2s.bclk'
  | 'i2s.ws'
  | 'i2s.dout'
  | 'i2s.din'
  | 'amplifier'
  | 'button'
  | 'mute'
  | 'light';

export interface BoardPartition {
  label: string;
  type: 'app' | 'data';
  subtype: string;
  offset: number;
  size: number;
}
export interface Board {
  /** What `--board` takes, and what the firmware says in `hello`. */
  id: string;
  name: string;
  /** `virtual`: the core runs as WebAssembly in this very program; `esp32s3`: a real chip. */
  kind: 'virtual' | 'esp32s3';
  flashBytes: number;
  psram: 'none' | 'quad' | 'octal';
  /** `bridge`: a USB-UART chip with the reset circuit; `native`: the chip's own USB-Serial-JTAG on GPIO 19 and 20. */
  usb: { kind: 'bridge' | 'native'; vid: number; pid: number };
  /** The board hears what its loudspeaker plays, so a person can interrupt it by voice. */
  echoReference: boolean;
  light: Light;
  pins: Partial<Record<PinUse, number>>;
  partitions: readonly BoardPartition[];
  /** Where the facts about this board were read. */
  sources: readonly string[];
}

/** A board definition that cannot work. */
export class BoardDefinitionError extends Error {
  readonly code = 'BOARD_INVALID';
}

const STRAPPING = new Set([0, 3, 45, 46]);
/** Inputs by nature: a strapping pin may be read, but what drives it at reset decides how the chip boots. */
const INPUTS = new Set<PinUse>(['button', 'mute', 'i2s.din']);
const OUTPUT_ON_STRAPPING_IS_FINE = new Set<PinUse>(['i2s.ws', 'amplifier']);

/** Every reason why this board cannot work, as sentences; empty for a good one. */
export function boardProblems(board: Board): string[] {
  const problems: string[] = [];
  const owner = new Map<number, PinUse>();
  for (const [use, pin] of Object.entries(board.pins) as [PinUse, number][]) {
    const where = `${board.id}: ${use} on GPIO ${pin}`;
    if (!Number.isInteger(pin) || pin < 0 || pin > 48 || (pin >= 22 && pin <= 25)) {
      problems.push(`${where}: the ESP32-S3 has no such pin.`);
      continue;
    }
    const other = owner.get(pin);
    if (other) problems.push(`${where}: the pin is already used for ${other}.`);
    owner.set(pin, use);
    if (pin >= 26 && pin <= 32) problems.push(`${where}: GPIO 26 to 32 belong to the flash.`);
    if (pin >= 33 && pin <= 37 && board.psram === 'octal')
      problems.push(`${where}: GPIO 33 to 37 belong to the octal PSRAM.`);
    if ((pin === 19 || pin === 20) && board.usb.kind === 'native')
      problems.push(`${where}: GPIO 19 and 20 are the native USB.`);
    if (STRAPPING.has(pin) && !INPUTS.has(use) && !OUTPUT_ON_STRAPPING_IS_FINE.has(use))
      problems.push(`${where}: a strapping pin must not be driven by this function.`);
  }
  let end = 0x9000;
  for (const part of [...board.partitions].sort((a, b) => a.offset - b.offset)) {
    const what = `${board.id}: partition ${part.label}`;
    if (part.offset < end)
      problems.push(`${what} at 0x${part.offset.toString(16)} overlaps what lies before it.`);
    const align = part.type === 'app' ? 0x10000 : 0x1000;
    if (part.offset % align || part.size % 0x1000) problems.push(`${what} is not aligned.`);
    end = part.offset + part.size;
    if (end > board.flashBytes) problems.push(`${what} ends past the flash.`);
  }
  return problems;
}

/** The board, if it can work; else a `BoardDefinitionError` with every reason. */
export function defineBoard(board: Board): Board {
  const problems = boardProblems(board);
  if (problems.length) throw new BoardDefinitionError(problems.join('\n'));
  return board;
}
