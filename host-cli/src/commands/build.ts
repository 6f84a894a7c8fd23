import { join } from 'node:path';
import { buildImage } from '../build/virtual.ts';
import type { Context } from '../context.ts';
import { bytes, table } from '../output.ts';
import { VERSION } from '../version.ts';

export interface BuildCommandOptions {
  board: string;
  out?: string;
}

/** `tincan build`: writes the image of a board into a folder. */
export async function build({ out }: Context, options: BuildCommandOptions): Promise<void> {
  const result = await buildImage({
    board: options.board,
    version: VERSION,
    cacheDir: join('build', 'cache'),
    ...(options.out === undefined ? {} : { out: options.out }),
  });
  if (result.warnings.trim() !== '') out.warn(result.warnings.trim());
  const rows = result.files.map((file) => [`0x${file.offset.toString(16)}`, file.name, bytes(file.bytes)]);
  const how = result.cached ? 'unchanged core' : `core compiled in ${result.compileSeconds.toFixed(1)} s`;
  out.result(
    result,
    `${table(rows)}\n${result.folder}: firmware ${result.version} for ${result.board}, image ${result.image.slice(0, 12)}, ${how}`,
  );
}
