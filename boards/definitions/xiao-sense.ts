import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** Seeed XIAO ESP32S3 Sense: a microphone, and nothing to speak with. */
export const xiaoSense = defineBoard({
  id: 'xiao-sense',
  name: 'Seeed Studio XIAO ESP32S3 Sense',
  kind: 'esp32s3',
  flash: { bytes: 8 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  speaker: { kind: 'none' },
  microphone: { kind: 'pdm', part: 'MSM261D3526H1CPM', clk: 42, data: 41, channel: 0 },
  echo: 'free',
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'pwm', pin: 21, on: 0 },
  partitions: STANDARD_LAYOUT,
  sources: [
    'https://wiki.seeedstudio.com/xiao_esp32s3_getting_started/',
    'https://wiki.seeedstudio.com/xiao_esp32s3_sense_mic/',
    'https://github.com/sepfy/libpeer: examples/esp32/main/audio.c',
    'https://github.com/espressif/esp-webrtc-solution: components/codec_board/board_cfg.txt',
  ],
  conflicts: [],
  unverified: [],
  notes: [
    'GPIO 21 is the light and, on the expansion board, the chip select of the SD card: take the card out.',
    'It has no loudspeaker: what the assistant says is seen in `tincan tail` only.',
  ],
});
