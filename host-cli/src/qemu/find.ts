/** Where QEMU for the ESP32-S3 is: TINCAN_QEMU, else in PATH, else where idf_tools.py puts it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inPath, type Machine } from '../build/idf-find.ts';
import { capture } from '../build/process.ts';
import { TincanError } from '../errors.ts';

const PROGRAM = 'qemu-system-xtensa';
export const QEMU_MACHINE = 'esp32s3';

export interface Qemu {
  file: string;
  /** `9.2.2` */
  version: string;
}

/** The files that could be it, the one that was named first. */
function candidates(machine: Machine): string[] {
  const { env, home, platform } = machine;
  if (env.TINCAN_QEMU !== undefined && env.TINCAN_QEMU !== '') return [env.TINCAN_QEMU];
  const program = platform === 'win32' ? `${PROGRAM}.exe` : PROGRAM;
  const roots = [env.IDF_TOOLS_PATH, join(home, '.espressif'), '/opt/esp', 'C:\\Espressif'];
  const installed = roots.flatMap((root) => {
    if (root === undefined || root === '') return [];
    const folder = join(root, 'tools', 'qemu-xtensa');
    // The newest first: versions are named like esp_develop_9.0.0_20240606.
    return list(folder)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((version) => join(folder, version, 'qemu', 'bin', program));
  });
  return [inPath(PROGRAM, machine), ...installed].filter(
    (file) => file !== undefined && existsSync(file),
  ) as string[];
}

/** @throws TincanError QEMU_NONE, QEMU_MACHINE */
export async function findQemu(machine: Machine): Promise<Qemu> {
  let other: { file: string; starts: boolean } | undefined;
  for (const file of candidates(machine)) {
    const said = await capture(file, ['-machine', 'help'], { timeoutMs: 20_000 });
    if (said.status === 0 && new RegExp(`^${QEMU_MACHINE}\\s`, 'm').test(said.out)) {
      const { out } = await capture(file, ['--version'], { timeoutMs: 20_000 });
      return { file, version: /version (\S+)/.exec(out)?.[1] ?? 'of unknown version' };
    }
    other ??= { file, starts: said.status === 0 };
  }
  const hint = `Install Espressif's: \`python $IDF_PATH/tools/idf_tools.py install qemu-xtensa\`, or take one of the releases of github.com/espressif/qemu and set TINCAN_QEMU to its ${PROGRAM}.`;
  if (other !== undefined) {
    const why = other.starts ? `does not know the machine ${QEMU_MACHINE}` : 'does not run on this machine';
    throw new TincanError('QEMU_MACHINE', `${other.file} ${why}.`, { hint });
  }
  throw new TincanError('QEMU_NONE', 'There is no QEMU for the ESP32-S3 on this machine.', { hint });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
