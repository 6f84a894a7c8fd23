import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CompileError, compileCore, compileTests } from './index.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
let firmwareDir: string;
let cacheDir: string;

/** A firmware of a few lines, which compiles in a moment. */
beforeEach(async () => {
  firmwareDir = await mkdtemp(join(tmpdir(), 'tincan-firmware-'));
  cacheDir = join(firmwareDir, 'cache');
  for (const directory of ['core', 'generated', 'virtual', 'test']) await mkdir(join(firmwareDir, directory));
  await symlink(join(root, 'compiler.mjs'), join(firmwareDir, 'compiler.mjs'));
  await put('package.json', await readFile(join(root, 'package.json'), 'utf8'));
  await put('port.h', 'void tc_port_restart(void);\n');
  await put('generated/words.h', '#define WORD "tree"\n');
  await put(
    'core/core.c',
    `#include "../generated/words.h"
     #include "../port.h"
     __attribute__((export_name("word"))) const char *word(void) { tc_port_restart(); return WORD " " TC_NAME; }
     __attribute__((export_name("number"))) int number(void) { return TC_NUMBER; }\n`,
  );
});
afterEach(() => rm(firmwareDir, { recursive: true }));

const put = (path: string, text: string) => writeFile(join(firmwareDir, path), text);
const defines = { TC_NAME: 'a "b" \\ \'c\' ??/', TC_NUMBER: 42 };

async function run(wasm: Uint8Array) {
  const { instance } = await WebAssembly.instantiate(wasm, { env: { tc_port_restart: () => {} } });
  const exports = instance.exports as { memory: WebAssembly.Memory; word(): number; number(): number };
  const bytes = new Uint8Array(exports.memory.buffer, exports.word());
  return { word: Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString(), number: exports.number() };
}

it('compiles, and macros arrive as they are', async () => {
  const { wasm, warnings, cached } = await compileCore({ firmwareDir, defines });
  expect({ ...(await run(wasm)), warnings, cached }).toEqual({
    word: 'tree a "b" \\ \'c\' ??/',
    number: 42,
    warnings: '',
    cached: false,
  });
});

it('takes other generated files in the place of those in the tree', async () => {
  const { wasm } = await compileCore({
    firmwareDir,
    defines,
    generated: { 'words.h': '#define WORD "other"\n' },
  });
  expect((await run(wasm)).word).toMatch(/^other /);
});

it('keeps the result by content', async () => {
  const first = await compileCore({ firmwareDir, defines, cacheDir });
  const again = await compileCore({ firmwareDir, defines, cacheDir });
  expect([first.cached, again.cached]).toEqual([false, true]);
  expect(Buffer.from(again.wasm).equals(first.wasm)).toBe(true);
  expect((await compileCore({ firmwareDir, defines: { ...defines, TC_NUMBER: 43 }, cacheDir })).cached).toBe(
    false,
  );
  await put('port.h', 'void tc_port_restart(void); /* changed */\n');
  expect((await compileCore({ firmwareDir, defines, cacheDir })).cached).toBe(false);
});

it('does not trust a kept file that is damaged', async () => {
  const first = await compileCore({ firmwareDir, defines, cacheDir });
  const [name] = await readdir(cacheDir);
  await writeFile(join(cacheDir, name!), first.wasm.subarray(0, 100));
  const again = await compileCore({ firmwareDir, defines, cacheDir });
  expect(again.cached).toBe(false);
  expect((await run(again.wasm)).number).toBe(42);
});

it("says what is wrong in the compiler's own lines", async () => {
  await put('core/bad.c', 'int twice(int x) {\n    return 2 * y;\n}\n');
  const error = await compileCore({ firmwareDir, defines }).catch((error) => error);
  expect(error).toBeInstanceOf(CompileError);
  expect(error.code).toBe('COMPILE_FAILED');
  expect(error.message).toMatch(/^the firmware does not compile\n/);
  expect(error.output).toContain("core/bad.c:2:16: error: use of undeclared identifier 'y'");
});

it('refuses a function that nobody defines, and WASI', async () => {
  await put(
    'core/more.c',
    'int tc_nowhere(void);\n__attribute__((export_name("f"))) int f(void) { return tc_nowhere(); }\n',
  );
  await expect(compileCore({ firmwareDir, defines })).rejects.toThrow(/nobody defines: env\.tc_nowhere$/);
  await put(
    'core/more.c',
    '#include <stdio.h>\n__attribute__((export_name("f"))) void f(void) { puts("x"); }\n',
  );
  await expect(compileCore({ firmwareDir, defines })).rejects.toThrow(/wasi_snapshot_preview1\./);
});

it('compiles tests only with a port of their own', async () => {
  await put(
    'core/core.c',
    '#include "../port.h"\n__attribute__((export_name("f"))) void f(void) { tc_port_restart(); }\n',
  );
  await expect(compileTests({ firmwareDir })).rejects.toThrow(/nobody defines: env\.tc_port_restart$/);
  await put('test/fake.c', '#include "../port.h"\nvoid tc_port_restart(void) {}\n');
  await put('test/native_main.c', 'not for WebAssembly\n');
  await put('test/fuzz_x.c', 'not for WebAssembly\n');
  const { wasm } = await compileTests({ firmwareDir });
  expect(WebAssembly.validate(wasm)).toBe(true);
});
