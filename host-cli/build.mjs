/**
 * Bundles the CLI into one file that starts fast. Heavy parts stay behind dynamic imports, each a chunk of its
 * own; packages with native code, and the compiler, are loaded from node_modules.
 */
import { chmod, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const here = new URL('.', import.meta.url);
const at = (path) => new URL(path, here).pathname;
const { version } = JSON.parse(await readFile(at('package.json'), 'utf8'));

/** CommonJS packages inside an ES module still ask for `require`. */
const banner = {
  js: "import { createRequire as tincanRequire } from 'node:module'; const require = tincanRequire(import.meta.url);",
};
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  legalComments: 'none',
  logLevel: 'warning',
  external: ['serialport', '@yowasp/clang', 'node-datachannel', '@roamhq/wrtc', 'werift'],
  define: { TINCAN_VERSION: JSON.stringify(version) },
  banner,
};

await rm(at('dist'), { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { tincan: at('src/cli.ts'), generate: at('../shared-protocol/src/generate/main.ts') },
  outdir: at('dist'),
  minifySyntax: true,
});
await chmod(at('dist/tincan.mjs'), 0o755);
