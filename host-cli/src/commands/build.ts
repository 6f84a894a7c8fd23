import { relative } from 'node:path';
import { buildBoard, type ChipBuild, type VirtualBuild } from '../build/index.ts';
import { fillLine, sizeRows } from '../build/sizes.ts';
import type { Context } from '../context.ts';
import { bytes, table } from '../output.ts';
import { VERSION } from '../version.ts';

export interface BuildCommandOptions {
  board: string;
  out?: string;
  container?: string | boolean;
  encrypted?: boolean;
}

/** `tincan build`: writes the image of a board into a folder. */
export async function build({ out, env, signal }: Context, options: BuildCommandOptions): Promise<void> {
  const result = await buildBoard({
    board: options.board,
    version: VERSION,
    encrypted: options.encrypted ?? false,
    env,
    signal,
    output: out,
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(options.container === undefined ? {} : { container: options.container }),
  });
  if (options.encrypted && result.kind === 'esp32s3') {
    out.warn(
      'at its first start the board burns a key into eFuse block KEY5 (cannot be undone); settings are given anew over the link',
    );
  }
  if (result.kind === 'virtual' && result.warnings.trim() !== '') out.warn(result.warnings.trim());
  out.result(result, result.kind === 'virtual' ? virtualText(result) : chipText(result));
}

function filesText(files: ChipBuild['files']): string {
  return table(files.map((file) => [`0x${file.offset.toString(16)}`, file.name, bytes(file.bytes)]));
}

function virtualText(result: VirtualBuild): string {
  const how = result.cached ? 'unchanged core' : `core compiled in ${result.compileSeconds.toFixed(1)} s`;
  return `${filesText(result.files)}\n${summary(result)}, ${how}`;
}

function chipText(result: ChipBuild): string {
  const { sizes, before, unchanged } = result;
  const fill = sizes.fill.map((one) =>
    fillLine(
      one,
      before?.fill.find((other) => other.name === one.name),
    ),
  );
  const parts = unchanged
    ? []
    : [table(sizeRows(sizes.components, before?.components), { right: true }), '', ...fill, ''];
  const how = unchanged ? 'unchanged' : `built in ${result.seconds.toFixed(0)} s`;
  return [...parts, filesText(result.files), `${summary(result)}, ${how}`, ...next(result)].join('\n');
}

function next({ board, elf }: ChipBuild): string[] {
  const write = board === 'qemu' ? '`tincan qemu` boots it' : `\`tincan flash --board ${board}\` writes it`;
  return [`${write}; symbols for a debugger: ${relative('.', elf)}`];
}

function summary({ folder, version, board, image }: VirtualBuild | ChipBuild): string {
  return `${folder}: firmware ${version} for ${board}, image ${image.slice(0, 12)}`;
}
