/**
 * The C compiler in a process of its own (started by index.ts): a request on standard input, the answer on standard
 * output, both JSON. It is WebAssembly of 75 MB and used once: V8 would spend three quarters of the time on
 * optimising it, so that is switched off, which only a process of its own may do. Its memory goes with it, too.
 */
import { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--liftoff-only');
const { commands, runLLVM, Exit } = await import('@yowasp/clang');

let input = '';
for await (const piece of process.stdin.setEncoding('utf8')) input += piece;
/** @type {{args: string[], files: Record<string, string | Record<string, string>>, output: string}} */
const { args, files, output } = JSON.parse(input);

const said = [];
const write = (bytes) => {
  if (bytes) said.push(Buffer.from(bytes));
};
// Loads the compiler without its own messages about that; only this first call takes notice of the option.
await runLLVM(undefined, undefined, { fetchProgress: () => {} });
let result;
try {
  const tree = await commands.clang(args, files, { stdout: write, stderr: write, decodeASCII: false });
  result = Buffer.from(tree[output]).toString('base64');
} catch (error) {
  if (!(error instanceof Exit)) throw error;
}
process.stdout.write(JSON.stringify({ said: Buffer.concat(said).toString('utf8'), result }));
