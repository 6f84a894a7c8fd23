/**
 * Makes a module of a file with tools, and makes it anew whenever one of its sources changes. esbuild bundles what is
 * written beside the file; packages are loaded from where they are, looked for from the file's folder, then from ours.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildContext, type BuildResult, context, formatMessages, type Plugin } from 'esbuild';
import { messageOf, onForeign, TincanError } from '../errors.ts';
import { repositoryPath } from '../root.ts';

export interface BundleListener {
  /** Its exports, at first and after each change. */
  loaded(exports: Record<string, unknown>): void;
  /** It cannot be used as it is now: lines for people, with the place. */
  broken(lines: string): void;
  /** Its code failed where nobody waited for it. */
  failed?(error: Error): void;
}

/** What files import from '@tincan/host-cli': this program's own, wherever the file lies. */
const PACKAGE = '@tincan/host-cli';
const SHARED = Symbol.for('tincan.tools');
/** So long a file may take to load, in ms. */
const LOAD_MS = 10_000;

/** Watches a file until `close()`. @throws TincanError FILE_MISSING */
export async function watchBundle(
  path: string,
  offered: Record<string, unknown>,
  listener: BundleListener,
  loadMs = LOAD_MS,
): Promise<{ close(): Promise<void> }> {
  const file = resolve(path);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new TincanError('FILE_MISSING', `${path} is no file.`, {
      exit: 'usage',
      hint: 'host-cli/data/tools/ has examples to begin with.',
    });
  }
  (globalThis as Record<symbol, unknown>)[SHARED] = offered;
  // So that a stack names the lines of the sources.
  process.setSourceMapsEnabled(true);
  const folder = mkdtempSync(join(tmpdir(), 'tincan-tools-'));
  let version = 0;
  let closed = false;
  let last = '';
  let sources: string[] = [];
  const load = async (result: BuildResult) => {
    if (closed) return;
    if (result.errors.length > 0) {
      last = ''; // the same as before is news again
      const lines = await formatMessages(result.errors, { kind: 'error', color: false, terminalWidth: 100 });
      listener.broken(lines.join('\n').trimEnd());
      return;
    }
    sources = Object.keys(result.metafile?.inputs ?? {}).map((name) => resolve(dirname(file), name));
    const code = result.outputFiles?.[0]?.text ?? '';
    if (code === last) return;
    last = code;
    const out = join(folder, `${basename(file, extname(file))}-${++version}.mjs`);
    writeFileSync(out, code);
    let timer: NodeJS.Timeout | undefined;
    // esbuild looks for no other change before this ends.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(`it did not end loading within ${loadMs / 1000} s: what does it await?`),
        loadMs,
      );
    });
    try {
      const exports = await Promise.race([import(pathToFileURL(out).href), late]);
      if (!closed) listener.loaded(exports as Record<string, unknown>);
    } catch (error) {
      last = '';
      if (!closed)
        listener.broken(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    } finally {
      clearTimeout(timer);
    }
  };
  const watched: BuildContext = await context({
    entryPoints: [file],
    absWorkingDir: dirname(file),
    bundle: true,
    write: false,
    // Where it will be: a stack finds the sources from there.
    outdir: folder,
    metafile: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    // Where the file is, not where its bundle is run.
    define: {
      'import.meta.url': JSON.stringify(pathToFileURL(file).href),
      'import.meta.dirname': JSON.stringify(dirname(file)),
      'import.meta.filename': JSON.stringify(file),
    },
    plugins: [packages(Object.keys(offered)), { name: 'load', setup: ({ onEnd }) => onEnd(load) }],
  });
  const unlisten = onForeign((error) => {
    if (!sources.some((path) => error.stack?.includes(path))) return false;
    listener.failed?.(error);
    return true;
  });
  const close = async () => {
    closed = true;
    unlisten();
    await watched.dispose();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // `load` has run when this comes back; then it runs again at each change.
    await watched.rebuild().catch(() => undefined);
    await watched.watch({ delay: 100 });
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

/** Packages by their places; ours by what this program has in memory. */
function packages(names: readonly string[]): Plugin {
  return {
    name: 'packages',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${PACKAGE}$`) }, () => ({ path: PACKAGE, namespace: 'tincan' }));
      build.onLoad({ filter: /.*/, namespace: 'tincan' }, () => ({
        contents: `export const { ${names.join(', ')} } = globalThis[Symbol.for(${JSON.stringify(SHARED.description)})];`,
      }));
      build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, importer, pluginData }) => {
        if (pluginData === 'asked' || kind === 'entry-point' || /^(node|file|data|https?):/.test(path))
          return undefined;
        for (const from of [resolveDir, repositoryPath('host-cli/src')]) {
          const found = await build.resolve(path, { kind, importer, resolveDir: from, pluginData: 'asked' });
          if (found.errors.length > 0) continue;
          // A builtin, or what tsconfig.json maps to a source.
          if (found.external || !/[\\/]node_modules[\\/]/.test(found.path)) return found;
          return { path: pathToFileURL(found.path).href, external: true };
        }
        return undefined;
      });
    },
  };
}
