import type { Board } from './define.ts';

/** Which way a pin is driven: `out` by the ESP32-S3 (or, on a bus, also by it), `in` by the board only. */
export type PinDirection = 'in' | 'out';

export interface PinUse {
  /** Where in the definition the pin stands, as `i2s.mclk`. */
  use: string;
  pin: number;
  direction: PinDirection;
}

/** Every pin that the definition gives a function, in the order of the definition. */
export function boardPins(board: Board): PinUse[] {
  const pins: PinUse[] = [];
  const add = (direction: PinDirection, uses: Record<string, number | undefined>) => {
    for (const [use, pin] of Object.entries(uses)) if (pin !== undefined) pins.push({ use, pin, direction });
  };
  if (board.kind === 'esp32s3') {
    const { i2c, i2s, speaker, microphone } = board;
    if (board.console.kind === 'uart') {
      add('out', { 'console.tx': 43 });
      add('in', { 'console.rx': 44 });
    }
    if (i2c) add('out', { 'i2c.sda': i2c.sda, 'i2c.scl': i2c.scl });
    if (i2s) {
      add('out', { 'i2s.mclk': i2s.mclk, 'i2s.bclk': i2s.bclk, 'i2s.ws': i2s.ws, 'i2s.dout': i2s.dout });
      add('in', { 'i2s.din': i2s.din });
    }
    if (speaker.kind === 'i2s')
      add('out', { 'speaker.bclk': speaker.bclk, 'speaker.ws': speaker.ws, 'speaker.dout': speaker.dout });
    if (microphone.kind === 'i2s') {
      add('out', { 'microphone.bclk': microphone.bclk, 'microphone.ws': microphone.ws });
      add('in', { 'microphone.din': microphone.din });
    }
    if (microphone.kind === 'pdm') {
      add('out', { 'microphone.clk': microphone.clk });
      add('in', { 'microphone.data': microphone.data });
    }
  }
  add('out', { amplifier: board.amplifier?.pin });
  add('in', { button: board.button?.pin, mute: board.mute?.pin });
  const { light } = board;
  if (light.kind === 'apa102') add('out', { 'light.data': light.data, 'light.clock': light.clock });
  else if (light.kind !== 'none') add('out', { light: light.pin });
  return pins;
}
