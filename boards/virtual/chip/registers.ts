/**
 * The registers of an ESP32-S3 that flashers look at: eFuses, the SPI controller's user transactions (flash id, status,
 * SFDP), straps, and the RTC watchdog that resets the chip.
 */
import { REG, REG_VALUE, ROM, ROM_CONSOLE } from '@tincan/shared-protocol';

export interface ChipIdentity {
  mac: Uint8Array;
  /** 9 is the ESP32-S3. */
  chipId: number;
  /** major * 100 + minor. */
  revision: number;
  flashSize: number;
  secureDownload: boolean;
  secureBoot: boolean;
  flashEncryption: boolean;
  /** PSRAM in the package, in MB. */
  psramMb: 0 | 2 | 4 | 8 | 16;
}

const EFUSE = {
  cryptCount: REG.efuseBase + 0x34,
  secureBoot: REG.efuseBase + 0x38,
  block1Word4: REG.efuseBase + 0x54,
  block2Word4: REG.efuseBase + 0x6c,
} as const;
/** Codes of PSRAM_CAP: two bits in word 4 of block 1, the third in word 5. The maker is AP Memory, at 3.3 V. */
const PSRAM_CAP = { 0: 0, 8: 1, 2: 2, 16: 3, 4: 4 } as const;
const PSRAM_AP_3V3 = 1 << 7;
const SECURE_BOOT_EN = 1 << 20;
const KEY_PURPOSE_XTS_AES_128 = 4;
const GIGADEVICE = 0xc8;
/** The RTC watchdog counts the slow clock: 136 kHz. */
const SLOW_CLOCK_KHZ = 136;

export class Registers {
  /** The SPI pins are connected to the flash. */
  flashAttached = false;
  readonly #identity: ChipIdentity;
  readonly #values = new Map<number, number>();
  readonly #onWatchdog: (ms: number) => void;

  /** `onWatchdog`: the watchdog was armed and will reset the chip in `ms`. */
  constructor(identity: ChipIdentity, onWatchdog: (ms: number) => void) {
    this.#identity = identity;
    this.#onWatchdog = onWatchdog;
  }

  /** All back to their values after a reset. */
  reset(mode: 'run' | 'download'): void {
    const { mac, chipId, revision, flashEncryption, secureBoot, psramMb } = this.#identity;
    const psram = PSRAM_CAP[psramMb];
    const minor = revision % 100;
    this.flashAttached = false;
    this.#values.clear();
    const set = (address: number, value: number) => this.#values.set(address, value >>> 0);
    set(REG.chipMagic, chipId === ROM.chipId ? ROM.chipMagic : chipId);
    set(REG.macLow, (mac[2]! << 24) | (mac[3]! << 16) | (mac[4]! << 8) | mac[5]!);
    set(REG.macHigh, (mac[0]! << 8) | mac[1]!);
    set(REG.efuseBlock1Word3, ((minor & 7) << 18) | (3 << 24)); // eFuse block version v1.3
    set(EFUSE.block1Word4, psramMb === 0 ? 0 : ((psram & 3) << 3) | PSRAM_AP_3V3);
    set(
      REG.efuseBlock1Word5,
      (Math.floor(revision / 100) << 24) | ((minor >> 3) << 23) | ((psram >> 2) << 19),
    );
    set(EFUSE.block2Word4, 1);
    if (flashEncryption) set(EFUSE.cryptCount, (1 << 18) | (KEY_PURPOSE_XTS_AES_128 << 24));
    if (secureBoot) set(EFUSE.secureBoot, SECURE_BOOT_EN);
    set(REG.uart0ClkDiv, Math.round(40e6 / ROM.baud));
    set(REG.romConsole, ROM_CONSOLE.uart);
    set(REG.gpioStrap, mode === 'run' ? 8 : 0);
  }

  setBaud(baud: number): void {
    this.#values.set(REG.uart0ClkDiv, Math.round(40e6 / baud));
  }

  /** The next reset enters download mode, whatever the pins say. */
  get forcedDownload(): boolean {
    return (this.read(REG.rtcOption1) & REG_VALUE.forceDownloadBoot) !== 0;
  }

  read(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  write(address: number, value: number, mask = 0xffffffff): void {
    const old = this.read(address);
    const locked = this.read(REG.rtcWdtProtect) !== REG_VALUE.rtcWdtUnlock;
    if ((address === REG.rtcWdtConfig0 || address === REG.rtcWdtConfig1) && locked) return;
    let next = ((value & mask) | (old & ~mask)) >>> 0;
    if (address === REG.spiCmd && next & REG_VALUE.spiCmdUser) {
      this.#spiTransaction();
      next = (next & ~REG_VALUE.spiCmdUser) >>> 0;
    }
    this.#values.set(address, next);
    if (address === REG.rtcWdtConfig0 && next & 0x80000000)
      this.#onWatchdog(this.read(REG.rtcWdtConfig1) / SLOW_CLOCK_KHZ);
  }

  /** One command to the flash; its answer is in W0. Writes to its status are accepted and change nothing. */
  #spiTransaction(): void {
    const command = this.read(REG.spiUser2) & 0xff;
    if (!((this.read(REG.spiUser) >>> 28) & 1)) return; // nothing is to be read
    this.#values.set(REG.spiW0, this.flashAttached ? this.#flashAnswer(command) : 0xffffffff);
  }

  #flashAnswer(command: number): number {
    const sizeCode = Math.log2(this.#identity.flashSize);
    if (command === 0x9f) return (sizeCode << 16) | (0x40 << 8) | GIGADEVICE;
    if (command === 0x35) return 0x02; // quad enabled
    if (command === 0x05 || command === 0x15) return 0;
    if (command === 0x5a) return this.#sfdp(this.read(REG.spiAddr) & 0xffffff);
    return 0xffffffff;
  }

  /** JESD216: the header, one table of 16 words for all flashes, one of the maker. */
  #sfdp(address: number): number {
    const bytes = new Uint8Array(0x70).fill(0xff);
    bytes.set(Buffer.from('SFDP'), 0);
    bytes.set([6, 1, 1, 0xff, 0, 6, 1, 16, 0x30, 0, 0, 0xff, GIGADEVICE, 0, 1, 3, 0x90, 0, 0, 0xff], 4);
    bytes.set([0xe5, 0x20, 0xf1, 0xff], 0x30);
    new DataView(bytes.buffer).setUint32(0x34, this.#identity.flashSize * 8 - 1, true);
    let word = 0;
    for (let i = 3; i >= 0; i--) word = (word << 8) | (bytes[address + i] ?? 0xff);
    return word >>> 0;
  }
}
