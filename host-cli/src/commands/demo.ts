import type { Context } from '../context.ts';
import { runDemo } from '../demo/index.ts';
import { EXIT } from '../errors.ts';

export interface DemoCommandOptions {
  say?: string[];
  out: string;
}

/** `tincan demo`: the whole way on the virtual board. Returns the exit status. */
export async function demo(context: Context, options: DemoCommandOptions): Promise<number> {
  const summary = await runDemo(context, options);
  return summary.ok ? EXIT.ok : EXIT.failed;
}
