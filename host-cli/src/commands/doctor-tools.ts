/** The part of `tincan doctor` that looks for what only real and emulated boards need. */
import { findIdf, type Machine } from '../build/idf-find.ts';
import { findEngine } from '../build/runner.ts';
import { asTincanError } from '../errors.ts';
import { findQemu } from '../qemu/find.ts';
import type { Check } from './doctor.ts';

/** One check each for ESP-IDF, a container engine, and QEMU. What is missing is no fault: a virtual board needs none. */
export async function toolChecks(machine: Machine): Promise<Check[]> {
  return [idfCheck(machine), engineCheck(machine), await qemuCheck(machine)];
}

function missing(name: string, error: unknown, whatFor: string): Check {
  const { message, hint } = asTincanError(error);
  return {
    name,
    state: 'skip',
    found: `${message} ${whatFor}`,
    ...(hint === undefined ? {} : { next: hint }),
  };
}

function idfCheck(machine: Machine): Check {
  try {
    const { version, path, from } = findIdf(machine);
    return { name: 'esp-idf', state: 'ok', found: `${version} at ${path} (${from})` };
  } catch (error) {
    return missing('esp-idf', error, 'Only `tincan build` for real boards needs it.');
  }
}

function engineCheck(machine: Machine): Check {
  const engine = findEngine(machine);
  return engine === undefined
    ? {
        name: 'container',
        state: 'skip',
        found: 'neither docker nor podman; only `tincan build --container` needs one',
      }
    : { name: 'container', state: 'ok', found: `${engine.name} at ${engine.file}` };
}

async function qemuCheck(machine: Machine): Promise<Check> {
  try {
    const { version, file } = await findQemu(machine);
    return { name: 'qemu', state: 'ok', found: `${version} at ${file}` };
  } catch (error) {
    return missing('qemu', error, 'Only `tincan qemu` needs it.');
  }
}
