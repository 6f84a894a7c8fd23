/** What ninja and the compilers say: how far it is, and what went wrong first. */

/** `[12/345] Building C object …`; what runs inside (the boot loader's own build) counts by itself. */
const PROGRESS = /^\[(\d+)\/(\d+)\] (.*)$/;

export class NinjaProgress {
  done = 0;
  total = 0;

  /** True if the line moved it. A build inside the build is smaller than the one around it and moves nothing. */
  see(line: string): boolean {
    const match = PROGRESS.exec(line);
    if (match === null) return false;
    const [done, total] = [Number(match[1]), Number(match[2])];
    if (total < this.total) return false;
    if (total === this.total && done <= this.done) return false;
    this.done = done;
    this.total = total;
    return true;
  }
}

const FAULT =
  /(^|[\s:])(fatal error|error|Error|ERROR):|undefined reference to|multiple definition of|region `?\S+'? overflowed|^CMake Error|^ninja: error/;
/** Commands that ninja repeats, and the words of those that only say that something before them failed. */
const NOISE =
  /^(FAILED: |\[\d+\/\d+\]|cd |ninja: build stopped|collect2: |\S*(gcc|g\+\+|python|cmake)\S* .{200})/;
const MOST_LINES = 10;

/** The first fault in a log, with the lines that belong to it; the last lines where none can be told. */
export function firstFault(lines: readonly string[]): string[] {
  const useful = lines.filter((line) => line.trim() !== '' && !NOISE.test(line));
  const at = useful.findIndex((line) => FAULT.test(line));
  return at < 0 ? useful.slice(-MOST_LINES) : useful.slice(at, at + MOST_LINES);
}

/** What a log says of a program that does not fit its partition, in bytes; undefined where it says nothing of it. */
export function tooBig(lines: readonly string[]): { bytes: number; partition: string } | undefined {
  for (const [i, line] of lines.entries()) {
    const size = /partitions? (?:is|are) too small for binary \S+ size (0x[0-9a-f]+)/.exec(line)?.[1];
    if (size === undefined) continue;
    const partition = /Part '([^']+)'/.exec(lines.slice(i, i + 3).join(' '))?.[1] ?? 'app';
    return { bytes: Number(size), partition };
  }
  return undefined;
}
