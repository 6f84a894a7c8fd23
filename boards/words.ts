/** A board's parts in a few words, for tables. Every function returns '' for what the board does not have. */
import type { Board } from './define.ts';

const MB = 1024 * 1024;
const CODEC = { es8311: 'ES8311', es7210: 'ES7210', aw88298: 'AW88298' } as const;

export function memoryWords({ flash, psram }: Board): string {
  return `${flash.bytes / MB} MB, ${psram ? `${psram.bytes / MB} MB ${psram.mode}` : 'none'}`;
}

export function microphoneWords(board: Board): string {
  if (board.kind === 'virtual') return 'WAV file';
  const { microphone } = board;
  switch (microphone.kind) {
    case 'es7210':
    case 'es8311':
      return CODEC[microphone.kind];
    case 'i2s':
      return microphone.part;
    case 'pdm':
      return `${microphone.part} (PDM)`;
    case 'partition':
      return 'flash partition';
    case 'none':
      return '';
  }
}

export function speakerWords(board: Board): string {
  if (board.kind === 'virtual') return 'WAV file';
  const { speaker } = board;
  switch (speaker.kind) {
    case 'es8311':
    case 'aw88298':
      return CODEC[speaker.kind];
    case 'i2s':
      return speaker.part;
    case 'level':
      return 'level and hash only';
    case 'none':
      return '';
  }
}

/** What the board does about its own voice. */
export function echoWords({ echo }: Board): string {
  return { reference: 'listens, echo cancelled', free: 'listens, no echo', none: 'does not listen' }[echo];
}

export function lightWords({ light }: Board): string {
  switch (light.kind) {
    case 'ws2812':
    case 'apa102':
      return `${light.count === 1 ? '' : `${light.count} × `}${light.kind.toUpperCase()}`;
    case 'pwm':
      return 'one colour, dimmed';
    case 'gpio':
      return 'one colour';
    case 'none':
      return '';
  }
}

export function buttonWords({ button }: Board): string {
  if (button === undefined) return '';
  return button.kind === 'adc' ? `${button.key} (ladder on GPIO ${button.pin})` : `GPIO ${button.pin}`;
}

export function muteWords({ mute }: Board): string {
  return mute === undefined ? '' : `mute GPIO ${mute.pin}`;
}

/** `native`, `UART bridge`, or both; the console's port first. */
export function usbKinds({ usb }: Board): string {
  return usb.map(({ kind }) => (kind === 'native' ? 'native' : 'UART bridge')).join(', ');
}

/** The same with the USB ids. */
export function usbWords({ usb }: Board): string {
  return usb
    .map(
      ({ kind, vid, pid }) =>
        `${kind === 'native' ? 'native' : 'UART bridge'} ${[vid, pid].map((id) => id.toString(16).padStart(4, '0')).join(':')}`,
    )
    .join(', ');
}
