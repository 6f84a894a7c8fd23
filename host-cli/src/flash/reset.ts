/**
 * How DTR and RTS bring an ESP32-S3 into its loader and out of it. Sources: "Boot Mode Selection" in the documentation
 * of esptool; the reset circuit of Espressif's boards (EN is low while RTS=1 and DTR=0, IO0 while DTR=1 and RTS=0).
 */
import type { SerialLine } from '../serial/line.ts';
import { type Clock, pause } from './clock.ts';

/** How long EN is held low, in ms. */
export const RESET_MS = 100;
/** How long IO0 is held low while the chip starts: short, and for circuits whose EN rises slowly. */
const BOOT_MS = [50, 550] as const;
/** Espressif's own USB peripherals: no circuit, the chip itself understands the lines. */
const USB_SERIAL_JTAG = '303a:1001';

export type ResetKind = 'bridge' | 'bridge-slow' | 'usb-serial-jtag';

export function isUsbSerialJtag(line: SerialLine): boolean {
  return line.usb !== undefined && `${line.usb.vid}:${line.usb.pid}` === USB_SERIAL_JTAG;
}

/** The ways into the loader, the likeliest first. */
export function resetKinds(line: SerialLine): ResetKind[] {
  if (!line.hasLines) return [];
  const bridge: ResetKind[] = ['bridge', 'bridge-slow'];
  return isUsbSerialJtag(line) ? ['usb-serial-jtag', ...bridge] : [...bridge, 'usb-serial-jtag'];
}

/** Resets the chip into its loader. */
export async function enterLoader(line: SerialLine, clock: Clock, kind: ResetKind): Promise<void> {
  const set = (dtr: boolean, rts: boolean) => line.setLines({ dtr, rts });
  if (kind === 'usb-serial-jtag') {
    await set(false, false); // clears what an earlier sequence left
    await pause(clock, RESET_MS);
    await set(true, false); // the next reset goes into the loader
    await pause(clock, RESET_MS);
    // RTS first: the peripheral must not see both released on its way to the reset.
    await set(true, true);
    await set(false, true);
    await pause(clock, RESET_MS);
    await set(false, false);
    return;
  }
  await set(false, false);
  await set(true, true);
  await set(false, true);
  await pause(clock, RESET_MS);
  await set(true, false);
  await pause(clock, BOOT_MS[kind === 'bridge' ? 0 : 1]);
  await set(false, false);
}
