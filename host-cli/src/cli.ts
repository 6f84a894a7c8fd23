/** Where the bundle begins: signals, pipes, and the exit status. The commands are in program.ts. */
import { EXIT, isForeign, printError } from './errors.ts';
import { main, onInterrupt } from './program.ts';

process.on('SIGINT', onInterrupt);
process.on('SIGTERM', onInterrupt);
process.on('SIGHUP', onInterrupt);
// A closed pipe (`tincan tail | head`) is the end, not an error; but what is under way ends at a safe place, as with
// Ctrl-C, so that a board is not left in its loader.
let pipeClosed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(EXIT.failed);
  if (!pipeClosed) onInterrupt();
  pipeClosed = true;
});
// A defect of ours in a callback: still one sentence, no secret, and JSON where it was asked for.
const defect = (error: unknown) => {
  if (!isForeign(error)) process.exit(printError(error, process.argv.includes('--json')));
};
process.on('uncaughtException', defect);
process.on('unhandledRejection', defect);
const status = await main(process.argv.slice(2));
// Native parts (libdatachannel) keep threads that would keep the process; what was said must be out before it ends.
for (const stream of pipeClosed ? [process.stderr] : [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
}
process.exit(pipeClosed ? EXIT.ok : status);
