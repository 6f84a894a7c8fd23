import { defineBoard } from '../define.ts';
import { devkitc1 } from './devkitc-1.ts';

/** ESP32-S3-DevKitC-1 v1.0: as v1.1, with the light on another pin. */
export const devkitc1V10 = defineBoard({
  ...devkitc1,
  id: 'devkitc-1-v1.0',
  name: 'Espressif DevKitC-1 v1.0, INMP441, MAX98357A',
  light: { kind: 'ws2812', pin: 48, count: 1 },
  sources: [
    'https://docs.espressif.com/projects/esp-idf/en/v5.0/esp32s3/hw-reference/esp32s3/user-guide-devkitc-1-v1.0.html',
    ...devkitc1.sources,
  ],
  conflicts: [
    'The light is on GPIO 48 on v1.0 and on GPIO 38 on v1.1; many copies of the board follow v1.0.',
    ...devkitc1.conflicts.slice(1),
  ],
});
