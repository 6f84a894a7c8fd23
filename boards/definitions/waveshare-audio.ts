import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** Waveshare ESP32-S3-AUDIO-Board: two microphones, echo reference, a ring of lights, amplifier behind an expander. */
export const waveshareAudio = defineBoard({
  id: 'waveshare-audio',
  name: 'Waveshare ESP32-S3-AUDIO-Board',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: {
    port: 0,
    sda: 11,
    scl: 10,
    chips: [
      {
        name: 'TCA9555',
        address: 0x20,
        writes: [
          { register: 0x03, value: 0xff, why: 'EXIO8 (P1.0) high: the amplifier will be on.' },
          {
            register: 0x07,
            value: 0xfe,
            why: 'EXIO8 is an output, the keys on EXIO9 to EXIO11 stay inputs. Port 0 is left alone: a pin there cuts the USB off.',
            delayMs: 10,
          },
        ],
      },
      { name: 'PCF85063', address: 0x51 },
    ],
  },
  i2s: { mclk: 12, bclk: 13, ws: 14, dout: 16, din: 15 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  // One light too many costs nothing, one too few leaves it dark.
  light: { kind: 'ws2812', pin: 38, count: 7, order: 'rgb' },
  partitions: STANDARD_LAYOUT,
  sources: [
    'https://github.com/78/xiaozhi-esp32: main/boards/waveshare/esp32-s3-audio-board',
    'https://github.com/jyoushiki/esphome-waveshare-esp32-s3-audio-va: docs/HARDWARE.md, base/core.yaml (slots measured on a board)',
    'https://community.home-assistant.io/t/help-needed-waveshare-esp32-s3-audio-board-cold-boot-failure-of-es7210-mic-and-leds-tca9555/1009883',
  ],
  conflicts: [
    'The ring has 6 lights in xiaozhi and 7 in the wiki, the schematic and two projects that ran on the board; 7 are driven.',
    "The order of colours: a WS2812B wants green first, Waveshare's demo and a project on the board send red first; red is sent first here.",
    'EXIO6 or EXIO7 of the expander switches between USB and camera; wiki and schematic differ, so neither is driven (xiaozhi drives EXIO6).',
    'The forum thread has SDA and SCL the other way round; all other sources have SDA on 11 and SCL on 10.',
    "ESP-ADF's format RMNM in Waveshare's demo does not describe the slots: on a board, slots 0 and 2 were microphones and slot 1 the reference.",
  ],
  unverified: [
    'Microphones that stay silent after a cold start were reported once; a cause is not known. The expander is switched at every boot here.',
    'With 16-bit words one project heard nothing at 48 kHz and needed 32-bit slots; xiaozhi runs 16-bit words at 24 kHz.',
  ],
});
