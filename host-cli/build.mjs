/**
 * Bundles the CLI so that it starts fast: one small file, and chunks that the commands load when they are called.
 * Packages with native code, and the compiler, are loaded from node_modules.
 */
import { chmod, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles `entries` (name → source) into `folder`; what an earlier build left there goes only when the new one stands. */
async function bundle(folder, entries) {
  const outdir = join(root, folder);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    minifySyntax: true,
    external: [
      'serialport',
      '@yowasp/clang',
      'node-datachannel',
      '@roamhq/wrtc',
      'werift',
      'esbuild',
      '@espruino-tools/core',
    ],
    // CommonJS packages inside an ES module still ask for `require`.
    banner: {
      js: "import { createRequire as tincanRequire } from 'node:module'; const require = tincanRequire(import.meta.url);",
    },
  });
  const made = new Set(Object.keys(metafile.outputs).map((path) => relative(outdir, resolve(root, path))));
  for (const entry of await readdir(outdir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !made.has(relative(outdir, path))) await rm(path, { force: true });
  }
}

await bundle('host-cli/dist', {
  tincan: 'host-cli/src/cli.ts',
  generate: 'shared-protocol/src/generate/main.ts',
  'generate-boards': 'boards/generate/main.ts',
  'generate-events': 'host-cli/src/docs/main.ts',
});
await chmod(join(root, 'host-cli/dist/tincan.mjs'), 0o755);
await bundle('test/dist', { bench: 'test/bench/main.ts' });
