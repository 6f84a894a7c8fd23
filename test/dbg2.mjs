// firmware/index.ts
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
var CompileError = class extends Error {
  code = "COMPILE_FAILED";
  /** What the compiler said. */
  output;
  constructor(message, output) {
    super(output ? `${message}
${output.trimEnd()}` : message);
    this.name = "CompileError";
    this.output = output;
  }
};
var FLAGS = [
  "--target=wasm32-wasip1",
  "-mexec-model=reactor",
  "-O2",
  "-std=c11",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-I.",
  "-include",
  "defines.h",
  // The stack below the data: an overflow traps instead of writing over it.
  "-Wl,--stack-first",
  "-Wl,--allow-undefined",
  "-Wl,--strip-all",
  // Where stack and data end, for the count of what is free.
  "-Wl,--export-if-defined=__heap_base"
];
async function compileCore(options = {}) {
  return compile(options, ["core", "generated", "virtual"], (name) => name.startsWith("tc_port_"));
}
async function compile(options, directories, isPort) {
  const start = performance.now();
  const root = options.firmwareDir ?? fileURLToPath(new URL(".", import.meta.url));
  const { sources, compiler } = await readSources(root, options, directories);
  const key = hash([compiler, ...FLAGS], sources);
  const kept = options.cacheDir ? join(options.cacheDir, `${key}.wasm`) : void 0;
  const done = (wasm2, warnings2, cached) => ({
    wasm: wasm2,
    warnings: warnings2,
    seconds: (performance.now() - start) / 1e3,
    cached
  });
  if (kept) {
    const wasm2 = await readFile(kept).catch(() => void 0);
    if (wasm2 && WebAssembly.validate(wasm2)) return done(new Uint8Array(wasm2), "", true);
  }
  const { wasm, warnings } = await runCompiler(root, sources);
  await checkImports(wasm, isPort);
  if (kept) await keep(kept, wasm);
  return done(wasm, warnings, false);
}
async function readSources(root, options, directories) {
  const read = (path) => readFile(join(root, path), "utf8");
  const sources = /* @__PURE__ */ new Map([["port.h", await read("port.h")]]);
  for (const directory of directories) {
    const names = await readdir(join(root, directory)).catch(missing);
    for (const path of names.map((name) => `${directory}/${name}`).filter(isCompiled).sort())
      sources.set(path, await read(path));
  }
  for (const [name, text] of Object.entries(options.generated ?? {})) sources.set(`generated/${name}`, text);
  sources.set("defines.h", defines(options.defines ?? {}));
  for (const [path, text] of sources) sources.set(path, text.replace(/^(\s*#\s*include\s*")\.\.\//gm, "$1"));
  const manifest = JSON.parse(await read("package.json"));
  return { sources, compiler: manifest.dependencies["@yowasp/clang"] ?? "" };
}
function isCompiled(path) {
  return /\.[ch]$/.test(path) && !/\/(fuzz|native)_|^peer\/channel/.test(path);
}
function missing(cause) {
  if (cause.code === "ENOENT") return [];
  throw cause;
}
function defines(macros) {
  return Object.entries(macros).map(([name, value]) => {
    if (typeof value === "string" && !/^[\x20-\x7e]*$/.test(value))
      throw new CompileError(`the macro ${name} holds a character outside printable ASCII`, "");
    const text = typeof value === "number" ? value : JSON.stringify(value).replaceAll("?", "\\?");
    return `#define ${name} ${text}
`;
  }).join("");
}
function hash(flags, sources) {
  const sum = createHash("sha256").update(JSON.stringify(flags));
  for (const [path, text] of [...sources].sort(([a], [b]) => a < b ? -1 : 1))
    sum.update(JSON.stringify([path, text]));
  return sum.digest("hex");
}
async function runCompiler(root, sources) {
  const files = [...sources.keys()].filter((path) => path.endsWith(".c"));
  const output = "core.wasm";
  const request = { args: [...FLAGS, ...files, "-o", output], files: toTree(sources), output };
  const { said, result } = await ask(join(root, "compiler.mjs"), request);
  if (result === void 0) throw new CompileError("the firmware does not compile", said);
  return { wasm: new Uint8Array(Buffer.from(result, "base64")), warnings: said };
}
function ask(script, request) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "pipe"] });
    const out = [];
    const err = [];
    child.stdout.on("data", (bytes) => out.push(bytes));
    child.stderr.on("data", (bytes) => err.push(bytes));
    child.on("error", (cause) => reject(new CompileError("the compiler does not start", cause.message)));
    child.on("close", (status) => {
      if (status === 0) resolve(JSON.parse(Buffer.concat(out).toString()));
      else reject(new CompileError("the compiler broke down", Buffer.concat(err).toString()));
    });
    child.stdin.on("error", () => {
    });
    child.stdin.end(JSON.stringify(request));
  });
}
function toTree(sources) {
  const tree = {};
  for (const [path, text] of sources) {
    const directories = path.split("/");
    const name = directories.pop();
    let place = tree;
    for (const directory of directories) {
      place[directory] ??= {};
      place = place[directory];
    }
    place[name] = text;
  }
  return tree;
}
async function checkImports(wasm, isPort) {
  const module = await WebAssembly.compile(new Uint8Array(wasm));
  const strange = WebAssembly.Module.imports(module).filter(({ module: module2, name, kind }) => module2 !== "env" || kind !== "function" || !isPort(name)).map(({ module: module2, name }) => `${module2}.${name}`);
  if (strange.length > 0)
    throw new CompileError(`the firmware uses functions that nobody defines: ${strange.join(", ")}`, "");
}
async function keep(path, wasm) {
  const part = `${path}.${randomUUID()}`;
  await mkdir(join(path, ".."), { recursive: true });
  try {
    await writeFile(part, wasm);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

// test/dbg2.ts
var t = Date.now();
var r = await compileCore({ cacheDir: "build/cache", firmwareDir: "firmware", defines: { TC_FIRMWARE_VERSION: "0.0.0-test", TC_BOARD_ID: "virtual", TC_BOARD_ECHO: 1 } }).catch((e) => ({ seconds: 0, warnings: e.message, cached: false }));
console.log(Date.now() - t, r.seconds, r.warnings, r.cached);
