import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { AMPLIFIER_ON_46, WS_ON_45 } from '../strapping.ts';

/** ESP32-S3-BOX-3: two microphones and the echo reference on an ES7210, loudspeaker behind an ES8311. */
export const espBox3 = defineBoard({
  id: 'esp-box-3',
  name: 'Espressif ESP32-S3-BOX-3',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 16 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: { port: 0, sda: 8, scl: 18 },
  i2s: { mclk: 2, bclk: 17, ws: 45, dout: 15, din: 16 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  amplifier: { pin: 46, on: 1 },
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  mute: { pin: 1, muted: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: WS_ON_45, 46: AMPLIFIER_ON_46 },
  sources: [
    'https://github.com/espressif/esp-bsp: bsp/esp-box-3/include/bsp/esp-box-3.h, esp-box-3_idf5.c',
    'https://github.com/espressif/esp-box: the mute button in components/bsp and the factory demo',
    'https://github.com/espressif/esp-adf: components/audio_board/esp32_s3_box_3/board_def.h',
    'https://github.com/espressif/esp-webrtc-solution: components/codec_board/board_cfg.txt',
    'https://github.com/78/xiaozhi-esp32: main/boards/espressif/esp32-s3-box-3, main/audio/codecs/box_audio_codec.cc',
  ],
  conflicts: [
    "The PSRAM has 16 MB in Espressif's BSP and 8 MB in xiaozhi's README; the chip is asked for its size at boot, and the firmware needs less than either.",
    "ESP-ADF calls the four channels RMNM, which counts the halves of 32-bit words; in four 16-bit slots, as xiaozhi's driver reads them, slot 0 is the microphone and slot 1 the reference.",
  ],
  unverified: [],
  notes: [
    'GPIO 1 is low while the mute button above the screen is latched; the microphones are then cut off by hardware, too.',
  ],
});
