import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeQemu } from '../testing/fake-qemu.ts';
import { toolChecks } from './doctor-tools.ts';

test('what is missing is no fault, and says what needs it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'tincan-'));
  const env = { PATH: '', IDF_PATH: join(home, 'nothing'), TINCAN_QEMU: join(home, 'nothing') };
  const checks = await toolChecks({ env, platform: process.platform, home });
  expect(checks.map(({ name, state }) => [name, state])).toEqual([
    ['esp-idf', 'skip'],
    ['container', 'skip'],
    ['qemu', 'skip'],
  ]);
  for (const { found } of checks) expect(found).toMatch(/needs (it|one)/);
});

test.skipIf(process.platform === 'win32')('what is there is named with its version', async () => {
  const home = mkdtempSync(join(tmpdir(), 'tincan-'));
  const idf = join(home, 'idf');
  const version = join(idf, 'tools', 'cmake', 'version.cmake');
  mkdirSync(dirname(version), { recursive: true });
  writeFileSync(version, ['MAJOR 5', 'MINOR 4', 'PATCH 2'].map((v) => `set(IDF_VERSION_${v})\n`).join(''));
  writeFileSync(join(home, 'podman'), '');
  chmodSync(join(home, 'podman'), 0o755);
  const env = { PATH: home, IDF_PATH: idf, TINCAN_QEMU: fakeQemu().file };
  const checks = await toolChecks({ env, platform: process.platform, home });
  expect(checks.map(({ found }) => found)).toEqual([
    `5.4.2 at ${idf} (IDF_PATH)`,
    `podman at ${join(home, 'podman')}`,
    `9.9.9 at ${env.TINCAN_QEMU}`,
  ]);
});
