/**
 * The door of the firmware: C in, WebAssembly out. The compiler is an npm package (clang, itself WebAssembly), so
 * that nobody needs a C toolchain; it is started on a miss of the cache only.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface CompileOptions {
  /** Where the C lies: the directory that holds `core/` and `port.h`. Default: beside this file. */
  firmwareDir?: string;
  /** More files for `generated/`, by name (`board_gen.h`); they replace those of the tree. */
  generated?: Record<string, string>;
  /** Macros. A string becomes a C string literal, a number stands as it is. */
  defines?: Record<string, string | number>;
  /** Results are kept here, by content; without it nothing is kept. */
  cacheDir?: string;
}

export interface Compiled {
  wasm: Uint8Array;
  /** What the compiler said although it succeeded. */
  warnings: string;
  /** Time it took, on the wall. */
  seconds: number;
  /** It came from `cacheDir`. */
  cached: boolean;
}

/** The C did not compile, or the result asks for what no port gives. The message ends with the compiler's lines. */
export class CompileError extends Error {
  readonly code = 'COMPILE_FAILED';
  /** What the compiler said. */
  readonly output: string;
  constructor(message: string, output: string) {
    super(output ? `${message}\n${output.trimEnd()}` : message);
    this.name = 'CompileError';
    this.output = output;
  }
}

const FLAGS = [
  '--target=wasm32-wasip1',
  '-mexec-model=reactor',
  '-O2',
  '-std=c11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-I.',
  '-include',
  'defines.h',
  // The stack below the data: an overflow traps instead of writing over it.
  '-Wl,--stack-first',
  '-Wl,--allow-undefined',
  '-Wl,--strip-all',
  // Where stack and data end, for the count of what is free.
  '-Wl,--export-if-defined=__heap_base',
];

/**
 * Compiles the core for the virtual board: a reactor whose only imports are the functions of port.h, in the module
 * `env`. Throws {@link CompileError}.
 */
export async function compileCore(options: CompileOptions = {}): Promise<Compiled> {
  return compile(options, ['core', 'generated', 'virtual'], (name) => name.startsWith('tc_port_'));
}

/**
 * Compiles the core and what else is portable with `test/*.c`, which bring their own port: a reactor without imports.
 */
export async function compileTests(options: CompileOptions = {}): Promise<Compiled> {
  return compile(options, ['core', 'generated', 'peer', 'esp32s3/portable', 'test'], () => false);
}

type Sources = Map<string, string>;

async function compile(
  options: CompileOptions,
  directories: string[],
  isPort: (name: string) => boolean,
): Promise<Compiled> {
  const start = performance.now();
  const root = options.firmwareDir ?? fileURLToPath(new URL('.', import.meta.url));
  const { sources, compiler } = await readSources(root, options, directories);
  const key = hash([compiler, ...FLAGS], sources);
  const kept = options.cacheDir ? join(options.cacheDir, `${key}.wasm`) : undefined;
  const done = (wasm: Uint8Array, warnings: string, cached: boolean): Compiled => ({
    wasm,
    warnings,
    seconds: (performance.now() - start) / 1000,
    cached,
  });
  if (kept) {
    const wasm = await readFile(kept).catch(() => undefined);
    if (wasm && WebAssembly.validate(wasm)) return done(new Uint8Array(wasm), '', true);
  }
  const { wasm, warnings } = await runCompiler(root, sources);
  await checkImports(wasm, isPort);
  if (kept) await keep(kept, wasm);
  return done(wasm, warnings, false);
}

/** All C files and headers by path, with macros in `defines.h`; and which compiler it takes. */
async function readSources(
  root: string,
  options: CompileOptions,
  directories: string[],
): Promise<{ sources: Sources; compiler: string }> {
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const sources: Sources = new Map([['port.h', await read('port.h')]]);
  for (const directory of directories) {
    const names = await readdir(join(root, directory)).catch(missing);
    for (const path of names
      .map((name) => `${directory}/${name}`)
      .filter(isCompiled)
      .sort())
      sources.set(path, await read(path));
  }
  for (const [name, text] of Object.entries(options.generated ?? {})) sources.set(`generated/${name}`, text);
  sources.set('defines.h', defines(options.defines ?? {}));
  // The compiler's file system does not know "..".
  for (const [path, text] of sources) sources.set(path, text.replace(/^(\s*#\s*include\s*")\.\.\//gm, '$1'));
  const manifest = JSON.parse(await read('package.json')) as { dependencies: Record<string, string> };
  return { sources, compiler: manifest.dependencies['@yowasp/clang'] ?? '' };
}

/** Fuzz targets and main programs are for native builds, and so is the data channel, which needs usrsctp. */
function isCompiled(path: string): boolean {
  return /\.[ch]$/.test(path) && !/\/(fuzz|native)_|^peer\/channel/.test(path);
}

/** A directory that is not there holds nothing. */
function missing(cause: NodeJS.ErrnoException): string[] {
  if (cause.code === 'ENOENT') return [];
  throw cause;
}

function defines(macros: Record<string, string | number>): string {
  return Object.entries(macros)
    .map(([name, value]) => {
      if (typeof value === 'string' && !/^[\x20-\x7e]*$/.test(value))
        throw new CompileError(`the macro ${name} holds a character outside printable ASCII`, '');
      const text = typeof value === 'number' ? value : JSON.stringify(value).replaceAll('?', '\\?');
      return `#define ${name} ${text}\n`;
    })
    .join('');
}

function hash(flags: string[], sources: Sources): string {
  const sum = createHash('sha256').update(JSON.stringify(flags));
  for (const [path, text] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1)))
    sum.update(JSON.stringify([path, text]));
  return sum.digest('hex');
}

async function runCompiler(root: string, sources: Sources): Promise<{ wasm: Uint8Array; warnings: string }> {
  const files = [...sources.keys()].filter((path) => path.endsWith('.c'));
  const output = 'core.wasm';
  const request = { args: [...FLAGS, ...files, '-o', output], files: toTree(sources), output };
  const { said, result } = await ask(join(root, 'compiler.mjs'), request);
  if (result === undefined) throw new CompileError('the firmware does not compile', said);
  return { wasm: new Uint8Array(Buffer.from(result, 'base64')), warnings: said };
}

/** Runs the compiler in a process of its own; why is said there. */
function ask(script: string, request: object): Promise<{ said: string; result?: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.on('error', (cause) => reject(new CompileError('the compiler does not start', cause.message)));
    child.on('close', (status) => {
      if (status === 0) resolve(JSON.parse(Buffer.concat(out).toString()));
      else reject(new CompileError('the compiler broke down', Buffer.concat(err).toString()));
    });
    // A compiler that died says so itself, above; that nobody reads the request is no news then.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(request));
  });
}

interface Tree {
  [name: string]: string | Tree;
}

function toTree(sources: Sources): Tree {
  const tree: Tree = {};
  for (const [path, text] of sources) {
    const directories = path.split('/');
    const name = directories.pop()!;
    let place = tree;
    for (const directory of directories) {
      place[directory] ??= {};
      place = place[directory] as Tree;
    }
    place[name] = text;
  }
  return tree;
}

/** A function that nobody defines becomes an import without a word from the linker. */
async function checkImports(wasm: Uint8Array, isPort: (name: string) => boolean): Promise<void> {
  const module = await WebAssembly.compile(new Uint8Array(wasm));
  const strange = WebAssembly.Module.imports(module)
    .filter(({ module, name, kind }) => module !== 'env' || kind !== 'function' || !isPort(name))
    .map(({ module, name }) => `${module}.${name}`);
  if (strange.length > 0)
    throw new CompileError(`the firmware uses functions that nobody defines: ${strange.join(', ')}`, '');
}

/** Whole or not at all, also where two processes do it at once. */
async function keep(path: string, wasm: Uint8Array): Promise<void> {
  const part = `${path}.${randomUUID()}`;
  await mkdir(join(path, '..'), { recursive: true });
  try {
    await writeFile(part, wasm);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
