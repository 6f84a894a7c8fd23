/**
 * What a chip says of itself through its loader: eFuses, security, flash chip. Source: eFuse table in the ESP32-S3
 * technical reference manual; "Serial Protocol" in the documentation of esptool; JEDEC's identification of flashes.
 */
import { REG, REG_VALUE, ROM, ROM_OP, words } from '@tincan/shared-protocol';
import type { LoaderLink } from './link.ts';

/** Block 1, word 4: memory in the package. Block 2, word 4: version of the eFuse layout. Block 0: FLASH_CRYPT_CNT and key purposes. */
const EFUSE_BLOCK1_WORD4 = REG.efuseBase + 0x54;
const EFUSE_BLOCK2_WORD4 = REG.efuseBase + 0x6c;

/** GET_SECURITY_INFO's flags. */
const SECURE_BOOT = 1 << 0;
const SECURE_DOWNLOAD = 1 << 2;

const PACKAGES: Record<number, string> = { 0: 'ESP32-S3 (QFN56)', 1: 'ESP32-S3-PICO-1 (LGA56)' };
/** PSRAM in the package, by its code. Those of 8 and 16 MB have eight data lines, that of 2 MB four. */
const PSRAM: Record<number, PackagedPsram> = {
  1: { bytes: 8 << 20, mode: 'octal' },
  2: { bytes: 2 << 20, mode: 'quad' },
  3: { bytes: 16 << 20, mode: 'octal' },
  4: { bytes: 4 << 20, mode: undefined },
};
const FLASH: Record<number, number> = { 1: 8 << 20, 2: 4 << 20 };

export interface PackagedPsram {
  bytes: number;
  mode: 'quad' | 'octal' | undefined;
}

export interface Security {
  chipId: number;
  secureBoot: boolean;
  secureDownload: boolean;
  flashEncryption: boolean;
}

export interface Identity {
  description: string;
  /** major * 100 + minor. */
  revision: number;
  mac: string;
  /** In the package. */
  psram: PackagedPsram | undefined;
  /** Flash in the package, in bytes. */
  packagedFlash: number | undefined;
}

/** Works in every mode of the chip, Secure Download Mode too. */
export async function readSecurity(link: LoaderLink): Promise<Security> {
  const { body } = await link.request(ROM_OP.getSecurityInfo, new Uint8Array());
  const fields = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const flags = body.length >= 4 ? fields.getUint32(0, true) : 0;
  // An odd number of bits in the counter: encryption is on.
  const crypt = (body[4] ?? 0).toString(2).replaceAll('0', '').length;
  return {
    chipId: body.length >= 16 ? fields.getUint32(12, true) : 0,
    secureBoot: (flags & SECURE_BOOT) !== 0,
    secureDownload: (flags & SECURE_DOWNLOAD) !== 0,
    flashEncryption: crypt % 2 === 1,
  };
}

export async function readReg(link: LoaderLink, address: number): Promise<number> {
  return (await link.request(ROM_OP.readReg, words(address))).value;
}

/** Writes registers in this order; each is [address, value] or [address, value, mask]. */
export async function writeRegs(link: LoaderLink, ...writes: (readonly number[])[]): Promise<void> {
  const entries = writes.map(([address = 0, value = 0, mask = 0xffffffff]) => [address, value, mask, 0]);
  // The ROM takes one at a time.
  const groups = link.stub ? [entries.flat()] : entries;
  for (const group of groups) await link.request(ROM_OP.writeReg, words(...group));
}

export async function readIdentity(link: LoaderLink): Promise<Identity> {
  const low = await readReg(link, REG.macLow);
  const high = await readReg(link, REG.macHigh);
  const word3 = await readReg(link, REG.efuseBlock1Word3);
  const word4 = await readReg(link, EFUSE_BLOCK1_WORD4);
  const word5 = await readReg(link, REG.efuseBlock1Word5);
  const block = (await readReg(link, EFUSE_BLOCK2_WORD4)) & 3;
  let minor = (((word5 >>> 23) & 1) << 3) | ((word3 >>> 18) & 7);
  let major = (word5 >>> 24) & 3;
  // The first chips used these bits for something else; their eFuse layout has version 1.1.
  if ((minor & 7) === 0 && block === 1 && ((word3 >>> 24) & 7) === 1) {
    minor = 0;
    major = 0;
  }
  const name = PACKAGES[(word3 >>> 21) & 7] ?? 'ESP32-S3';
  const psram = (((word5 >>> 19) & 1) << 2) | ((word4 >>> 3) & 3);
  return {
    description: `${name} (revision v${major}.${minor})`,
    revision: major * 100 + minor,
    mac: macText(high, low),
    psram: PSRAM[psram],
    packagedFlash: FLASH[(word3 >>> 27) & 7],
  };
}

function macText(high: number, low: number): string {
  const hex = (high & 0xffff).toString(16).padStart(4, '0') + (low >>> 0).toString(16).padStart(8, '0');
  return hex.match(/../g)!.join(':');
}

/** Size of the attached flash by its JEDEC id, in bytes; undefined if no flash answers. */
export async function readFlashBytes(link: LoaderLink): Promise<number | undefined> {
  const user = await readReg(link, REG.spiUser);
  const user2 = await readReg(link, REG.spiUser2);
  await writeRegs(
    link,
    [REG.spiMisoLength, 23],
    [REG.spiUser, ((1 << 31) | (1 << 28)) >>> 0], // a command, then an answer
    [REG.spiUser2, (7 << 28) | 0x9f],
    [REG.spiW0, 0],
    [REG.spiCmd, REG_VALUE.spiCmdUser],
  );
  for (let polls = 0; polls < 10; polls++) {
    if (((await readReg(link, REG.spiCmd)) & REG_VALUE.spiCmdUser) === 0) break;
  }
  const id = await readReg(link, REG.spiW0);
  await writeRegs(link, [REG.spiUser, user], [REG.spiUser2, user2]);
  return flashBytesOf(id);
}

/** Makers count the capacity code in powers of two, some from another start. */
export function flashBytesOf(id: number): number | undefined {
  const code = (id >>> 16) & 0xff;
  if (code >= 0x12 && code <= 0x1c) return 2 ** code;
  if (code >= 0x20 && code <= 0x22) return 2 ** (code - 0x20 + 26);
  if (code >= 0x32 && code <= 0x3a) return 2 ** (code - 0x20);
  return undefined;
}

/** Over USB-Serial-JTAG the RTC watchdog and the super watchdog go on running in the loader. */
export async function stopWatchdogs(link: LoaderLink): Promise<void> {
  const config = await readReg(link, REG.rtcSwdConf);
  await writeRegs(
    link,
    [REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock],
    [REG.rtcWdtConfig0, 0],
    [REG.rtcWdtProtect, 0],
    [REG.rtcSwdProtect, REG_VALUE.rtcSwdUnlock],
    [REG.rtcSwdConf, (config | REG_VALUE.rtcSwdAutoFeed) >>> 0],
    [REG.rtcSwdProtect, 0],
  );
}

/** The whole chip resets by itself a moment later, and looks at its pins again. */
export async function armWatchdogReset(link: LoaderLink): Promise<void> {
  await writeRegs(
    link,
    [REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock],
    [REG.rtcWdtConfig1, 2000],
    // Enabled; stage 0 resets the whole system; nothing but its own clock.
    [REG.rtcWdtConfig0, ((1 << 31) | (5 << 28) | (1 << 8) | 2) >>> 0],
    [REG.rtcWdtProtect, 0],
  );
}

/** Bit of GPIO_STRAP that is 0 after BOOT was held at a reset. */
const STRAP_RUN = 1 << 3;

/** Whether a button, not the lines, brought the chip into its loader. */
export async function bootWasHeld(link: LoaderLink): Promise<boolean> {
  return ((await readReg(link, REG.gpioStrap)) & STRAP_RUN) === 0;
}

/** Name of a chip by the id in image headers and in its security info. */
export function chipName(id: number): string {
  const names: Record<number, string> = {
    0: 'ESP32',
    2: 'ESP32-S2',
    5: 'ESP32-C3',
    9: 'ESP32-S3',
    12: 'ESP32-C2',
    13: 'ESP32-C6',
    16: 'ESP32-H2',
    18: 'ESP32-P4',
  };
  return names[id] ?? `chip with id ${id}`;
}

export const isS3 = (chipId: number): boolean => chipId === ROM.chipId;
