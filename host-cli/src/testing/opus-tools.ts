/** For tests: the programs of Debian's opus-tools, as judges of our files, where they are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWav } from '@tincan/shared-protocol';

export const hasOpusTools = spawnSync('opusinfo', ['-V']).error === undefined;
/** Behind the name of a test that needs them. */
export const OPUS_TOOLS = hasOpusTools ? '' : ' (skipped: opusinfo and opusdec are not installed)';

function withFile<T>(bytes: Uint8Array, run: (path: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-opus-'));
  try {
    const path = join(folder, 'a.opus');
    writeFileSync(path, bytes);
    return run(path, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What opusinfo says, warnings included. */
export function opusinfo(bytes: Uint8Array): { status: number | null; text: string } {
  return withFile(bytes, (path) => {
    const { status, stdout, stderr } = spawnSync('opusinfo', [path], { encoding: 'utf8' });
    return { status, text: stdout + stderr };
  });
}

/** The sound, as opusdec plays it: 48 kHz. */
export function opusdec(bytes: Uint8Array): Int16Array {
  return withFile(bytes, (path, folder) => {
    const wav = join(folder, 'a.wav');
    const { status, stderr } = spawnSync('opusdec', ['--rate', '48000', '--quiet', path, wav], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`opusdec: ${stderr}`);
    return readWav(readFileSync(wav)).samples;
  });
}
