/**
 * Why a strapping pin may be driven on boards that are built so. The pulls inside the chip (ESP32-S3 datasheet,
 * section 3): GPIO 0 up, GPIO 45 and 46 down; they decide at reset, before any of our code drives a pin.
 */
export const MCLK_ON_0 =
  'A master clock input does not pull, so the pull-up inside the chip starts the application; the clock runs after boot only.';
export const WS_ON_45 =
  'Word-select inputs do not pull, so the pull-down inside the chip keeps the flash at 3.3 V; it is driven after boot only.';
export const AMPLIFIER_ON_45 =
  "The amplifier's shutdown input is pulled down like the pin itself, so the flash stays at 3.3 V; it goes high with sound only.";
export const AMPLIFIER_ON_46 =
  "The amplifier's enable input is pulled down like the pin itself, as the ROM wants it; it goes high with sound only.";
