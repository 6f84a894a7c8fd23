/** The part of `tincan doctor` that looks at a board: its port, and with --chip the chip itself. */
import { existsSync } from 'node:fs';
import { findBoard } from '../build/board.ts';
import { asTincanError } from '../errors.ts';
import { checkFiles } from '../flash/check.ts';
import { md5Of } from '../flash/difference.ts';
import { createFlasher } from '../flash/engine.ts';
import { refuseOtherMemory, refuseProtected } from '../flash/fit.ts';
import type { Flasher } from '../flash/flasher.ts';
import { readPlan } from '../flash/plan.ts';
import type { SerialLine } from '../serial/line.ts';
import type { PortInfo } from '../serial/ports.ts';
import { accessHint, accessTo, holdersOf, type PortSystem, thisSystem } from '../serial/trouble.ts';
import type { Check } from './doctor.ts';

/** Whether each of these ports may be opened; undefined where there is nothing to say. */
export function permissionCheck(
  ports: readonly PortInfo[],
  system: PortSystem = thisSystem,
): Check | undefined {
  const name = 'permission';
  const onUsb = ports.filter(({ usb }) => usb !== undefined);
  if (system.platform !== 'linux' || onUsb.length === 0) return undefined;
  const groups = new Set<string>();
  for (const { path } of onUsb) {
    const access = accessTo(path, system);
    if (access === undefined) continue;
    if (!system.mayOpen(path)) {
      return { name, state: 'fail', found: `you may not open ${path}`, next: accessHint(access) };
    }
    groups.add(access.group);
  }
  return { name, state: 'ok', found: `you may open the ports on USB (group ${[...groups].join(', ')})` };
}

/** Ports that another program has open. */
export function holderChecks(ports: readonly PortInfo[], system: PortSystem = thisSystem): Check[] {
  return ports
    .filter(({ usb }) => usb !== undefined)
    .flatMap(({ path }) => {
      const holders = holdersOf(path, system);
      if (holders.length === 0) return [];
      const found = `${path} is in use by ${holders.join(', ')}`;
      return [{ name: 'port', state: 'warn' as const, found, next: 'Close it before you use this board.' }];
    });
}

/** Asks the chip through its loader, and starts its application again: what it is, and whether the build is in it. */
export async function chipChecks(
  line: SerialLine,
  board: string,
  image: string,
  make: (line: SerialLine) => Flasher = createFlasher,
): Promise<Check[]> {
  const flasher = make(line);
  const checks: Check[] = [];
  try {
    const chip = await flasher.connect();
    const found = `${chip.description}, ${chip.flashBytes / 1024 / 1024} MB flash, ${chip.mac}, over ${chip.interface}`;
    try {
      refuseProtected(chip);
      refuseOtherMemory(chip, findBoard(board));
      checks.push({ name: 'chip', state: 'ok', found });
    } catch (error) {
      const { message, hint } = asTincanError(error);
      checks.push({
        name: 'chip',
        state: 'fail',
        found: `${found}: ${message}`,
        ...(hint === undefined ? {} : { next: hint }),
      });
    }
    if (existsSync(image)) checks.push(await flashCheck(flasher, board, image));
  } catch (error) {
    const { message, hint } = asTincanError(error);
    checks.push({
      name: 'chip',
      state: 'fail',
      found: message,
      ...(hint === undefined ? {} : { next: hint }),
    });
  } finally {
    await flasher.reset().catch(() => undefined);
    flasher.release();
  }
  return checks;
}

/** Whether the application of a build is in the flash, by the chip's MD5. */
async function flashCheck(flasher: Flasher, board: string, image: string): Promise<Check> {
  const name = 'flash';
  const { files } = readPlan(image, board);
  const { app } = checkFiles(files, { board });
  const file = files.find(({ offset }) => offset === app?.offset);
  if (app === undefined || file === undefined)
    return { name, state: 'skip', found: `${image} holds no application` };
  const same = (await flasher.md5(file.offset, file.data.length)) === md5Of(file.data);
  return same
    ? { name, state: 'ok', found: `${app.partition} holds the application of ${image}` }
    : {
        name,
        state: 'warn',
        found: `${app.partition} holds another application than ${image}`,
        next: '`tincan flash` brings it up to date.',
      };
}
