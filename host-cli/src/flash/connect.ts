/** From a chip that does anything to a stub that answers at the speed of the transfer. */
import { isDeepStrictEqual } from 'node:util';
import { REG, ROM, ROM_CONSOLE, ROM_OP, words } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import {
  chipName,
  type Identity,
  isS3,
  readFlashBytes,
  readIdentity,
  readReg,
  readSecurity,
  type Security,
  stopWatchdogs,
} from './chip.ts';
import { type Clock, pause } from './clock.ts';
import type { ChipInfo } from './flasher.ts';
import { LoaderError, type LoaderLink } from './link.ts';
import { enterLoader, isUsbSerialJtag, resetKinds } from './reset.ts';
import { startStub } from './stub-code.ts';

/** After CHANGE_BAUDRATE's answer the chip still has to change: so long nothing is sent. */
const BAUD_SETTLE_MS = 20;
const RESET_ROUNDS = 2;
const ASK_AGAIN = 4;
/** SYNCs after the first reset; later rounds wait longer, for boards that start slowly. */
const SYNCS = 4;
const SYNCS_AT_OTHER_SPEED = 3;

/**
 * Resets the chip into its loader, starts the stub, and looks at the chip. The speed is changed before the stub is
 * loaded: at 115,200 baud its 8 KB alone take 0.7 s.
 * @throws TincanError BOARD_SILENT, CHIP_WRONG, CHIP_LOCKED, FLASH_CHIP, PORT_LOST; LoaderError where it may go better
 *   next time
 */
export async function connectLoader(
  link: LoaderLink,
  clock: Clock,
  baud: number,
  otherBauds: readonly number[],
): Promise<ChipInfo> {
  await link.setBaud(ROM.baud);
  link.stub = false;
  if (!(await enter(link, clock, [baud, ...otherBauds]))) throw silent(link);
  const security = await agreed(() => readSecurity(link));
  refuseForeign(link, security);
  const usb = await isUsb(link);
  if (!link.stub) {
    if (usb) await stopWatchdogs(link);
    else await changeBaud(link, clock, baud);
    await startStub(link);
  } else if (!usb) {
    await changeBaud(link, clock, baud);
  }
  const identity = await agreed(() => readIdentity(link));
  const flashBytes = await agreed(() => readFlashBytes(link));
  if (flashBytes === undefined) {
    throw new TincanError('FLASH_CHIP', 'The flash chip does not answer.', {
      exit: 'flash',
      hint: 'Something on the flash pins (GPIO 26 to 37) disturbs it, or the supply is weak.',
    });
  }
  await link.request(
    ROM_OP.spiSetParams,
    words(0, flashBytes, ROM.flashEraseBlock, ROM.flashSector, ROM.flashPage, 0xffff),
  );
  return chipInfo(link, security, identity, flashBytes, usb);
}

/**
 * Answers carry no checksum: what a refusal may rest on is asked for until two answers in a row are the same.
 * @throws LoaderError
 */
async function agreed<T>(read: () => Promise<T>): Promise<T> {
  let last = await read();
  for (let times = 0; times < ASK_AGAIN; times++) {
    const next = await read();
    if (isDeepStrictEqual(next, last)) return next;
    last = next;
  }
  throw new LoaderError('damaged', 'the chip answers the same question differently each time');
}

function chipInfo(
  link: LoaderLink,
  security: Security,
  identity: Identity,
  flashBytes: number,
  usb: boolean,
): ChipInfo {
  return {
    chip: chipName(security.chipId),
    ...identity,
    flashBytes,
    secureBoot: security.secureBoot,
    flashEncryption: security.flashEncryption,
    interface: usb ? 'usb-serial-jtag' : 'uart',
    baud: link.baud,
  };
}

/** Changes both sides, and sees whether they still understand each other. */
export async function changeBaud(link: LoaderLink, clock: Clock, baud: number): Promise<void> {
  if (baud === link.baud) return;
  await link.request(ROM_OP.changeBaudrate, words(baud, link.stub ? link.baud : 0));
  await link.setBaud(baud);
  await pause(clock, BAUD_SETTLE_MS);
  if ((await link.sync(SYNCS_AT_OTHER_SPEED)) === undefined) {
    throw new LoaderError('silent', `the loader does not answer at ${baud} baud`);
  }
}

/** Until somebody answers SYNC; false if nobody does. */
async function enter(link: LoaderLink, clock: Clock, bauds: readonly number[]): Promise<boolean> {
  const { line } = link;
  for (let round = 1; round <= RESET_ROUNDS; round++) {
    for (const kind of resetKinds(line)) {
      await enterLoader(line, clock, kind);
      if ((await link.sync(SYNCS * round)) !== undefined) return true;
      if (!line.hasLines) break;
    }
    if (line.hasLines) continue;
    // Nothing resets it: it may be in its loader since somebody pressed the buttons, or since a run that was stopped.
    for (const baud of [ROM.baud, ...bauds]) {
      await link.setBaud(baud);
      if ((await link.sync(SYNCS_AT_OTHER_SPEED)) !== undefined) return true;
    }
    await link.setBaud(ROM.baud);
  }
  return false;
}

async function isUsb(link: LoaderLink): Promise<boolean> {
  if (isUsbSerialJtag(link.line)) return true;
  const console = (await readReg(link, REG.romConsole)) & 0xff;
  return console === ROM_CONSOLE.usbSerialJtag || console === ROM_CONSOLE.usbOtg;
}

function refuseForeign(link: LoaderLink, { chipId, secureDownload }: Security): void {
  if (!isS3(chipId)) {
    throw new TincanError('CHIP_WRONG', `The chip at ${link.line.path} is an ${chipName(chipId)}.`, {
      exit: 'flash',
      cause: new Error(`its loader reports chip id ${chipId}; an ESP32-S3 reports ${ROM.chipId}`),
      hint: 'Tincan is for the ESP32-S3; is this the right port? `tincan ports` lists them.',
    });
  }
  if (secureDownload) {
    throw new TincanError(
      'CHIP_LOCKED',
      'The chip is in Secure Download Mode and cannot run the flasher stub.',
      {
        exit: 'flash',
        cause: new Error('the eFuse ENABLE_SECURITY_DOWNLOAD is burned'),
        hint: 'Its eFuses were burned so by whoever made the board; use another board for development.',
      },
    );
  }
}

function silent(link: LoaderLink): TincanError {
  const said = lastLines(link.seenText());
  return new TincanError(
    'BOARD_SILENT',
    `The board at ${link.line.path} does not answer its loader protocol.`,
    {
      exit: 'device',
      cause:
        said === ''
          ? new Error('nothing at all came from it')
          : new Error(`it said last:\n    ${said.split('\n').join('\n    ')}`),
      hint: silentHint(link),
    },
  );
}

function silentHint({ line }: LoaderLink): string {
  if (!line.hasLines)
    return 'This port carries no reset lines: hold BOOT and press RESET by hand, or use an rfc2217:// port.';
  if (isUsbSerialJtag(line))
    return 'Its USB may hang since a reset: unplug it, hold BOOT while you plug it in again, and run it again.';
  return 'Hold BOOT, press and let go of RESET, let go of BOOT, then run it again. Is it the right port?';
}

/** The last lines of what a board said, without anything that a terminal would obey. */
export function lastLines(text: string, count = 4): string {
  return text
    .replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')
    .replace(/[^\x20-\x7e\n]/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join('\n');
}
