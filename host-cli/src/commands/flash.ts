import { join } from 'node:path';
import { findBoard } from '../build/board.ts';
import { type Context, openBoard } from '../context.ts';
import type { WriteReport } from '../flash/flasher.ts';
import { readPlan } from '../flash/plan.ts';
import { flashBoard } from '../flash/run.ts';
import { bytes } from '../output.ts';

export interface FlashCommandOptions {
  board: string;
  baud?: number;
  erase?: boolean;
  all?: boolean;
}

/** `tincan flash`: writes a build, verifies it, and waits for the board's hello. */
export async function flash(
  context: Context,
  from: string | undefined,
  options: FlashCommandOptions,
): Promise<void> {
  const { out, signal } = context;
  const board = findBoard(options.board);
  const plan = readPlan(from ?? join('build', board.id), board.id);
  const line = await openBoard(context);
  const bar = out.bar('writing');
  const started = performance.now();
  try {
    const result = await flashBoard({
      line,
      files: plan.files,
      board: board.id,
      signal,
      eraseAll: options.erase ?? false,
      skipUnchanged: !options.all,
      ...(options.baud === undefined ? {} : { baud: options.baud }),
      onStage: (stage) => {
        out.event(stage);
        if (out.json) return;
        if (stage.stage === 'connected') {
          const { chip } = stage;
          out.note(
            `${chip.description}, ${chip.flashBytes / 1024 / 1024} MB flash, ${chip.mac}, ${chip.baud} baud`,
          );
        } else if (stage.stage === 'erasing') out.note('erasing the whole flash');
        else if (stage.stage === 'resetting') {
          bar.end();
          out.note('resetting; waiting for hello');
        }
      },
      onProgress: (progress) => {
        out.event({ stage: 'progress', ...progress });
        const seconds = (performance.now() - started) / 1000;
        bar.update(
          progress.writtenAll,
          progress.totalAll,
          `${progress.writtenAll}/${progress.totalAll} bytes, ${speed(progress.writtenAll, seconds)}`,
        );
      },
    });
    bar.end();
    const { hello, report, app } = result;
    const running =
      hello === undefined
        ? ''
        : `\n${hello.name} runs firmware ${hello.firmware}, image ${hello.image.slice(0, 12)}`;
    out.result(
      { stage: 'done', report, app, hello, bootMs: Math.round(result.bootMs) },
      `${summary(report)}${running}`,
    );
  } finally {
    bar.end();
    await line.close();
  }
}

function speed(count: number, seconds: number): string {
  return `${seconds > 0 ? (count / 1024 / seconds).toFixed(1) : '0'} KB/s`;
}

/** A virtual board's line without --pace has no limit to be held against. */
function lineShare({ lineRatio, baud }: WriteReport): string {
  return lineRatio > 1.05 ? '' : `, ${Math.round(lineRatio * 100)} % of the line at ${baud} baud`;
}

function summary(report: WriteReport): string {
  const unchanged = report.files.filter((file) => file.unchanged).length;
  const same = unchanged > 0 ? `; ${unchanged} of ${report.files.length} files were there already` : '';
  if (report.bytes === 0) return `nothing to write${same}`;
  return (
    `wrote and verified ${bytes(report.bytes)} (${bytes(report.compressed)} compressed) in ${report.seconds.toFixed(1)} s: ` +
    `${speed(report.bytes, report.seconds)}${lineShare(report)}${same}`
  );
}
