import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { AMPLIFIER_ON_45 } from '../strapping.ts';

/** LilyGO T-Circle-S3 v1.1 (2025): PDM microphone, MAX98357A, one APA102. */
export const tCircleS3 = defineBoard({
  id: 't-circle-s3',
  name: 'LilyGO T-Circle-S3 v1.1',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  speaker: { kind: 'i2s', part: 'MAX98357A', bclk: 5, ws: 4, dout: 6 },
  microphone: { kind: 'pdm', part: 'MP34DT05', clk: 9, data: 8, channel: 0 },
  echo: 'none',
  amplifier: { pin: 45, on: 1 },
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'apa102', data: 38, clock: 39, count: 1 },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: AMPLIFIER_ON_45 },
  sources: [
    'https://github.com/Xinyuan-LilyGO/T-Circle-S3: README.md, libraries/Mylibrary/pin_config.h, examples/Voice_Speaker',
    'https://github.com/78/xiaozhi-esp32: main/boards/lilygo/t-circle-s3',
  ],
  conflicts: [
    'The microphone changed: v1.0 has an I2S one (BCLK 7, WS 9, DATA 8), v1.1 a PDM one on the same pins (CLK 9, DATA 8); for v1.0 there is the board t-circle-s3-v1.0. xiaozhi knows v1.0 only.',
  ],
  unverified: ['Whether the PDM microphone answers on the left or the right clock edge; left is taken.'],
  notes: ['The screen stays dark.'],
});
