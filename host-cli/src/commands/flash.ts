import { join } from 'node:path';
import { findBoard } from '../build/board.ts';
import { type Context, openBoard } from '../context.ts';
import type { WriteReport } from '../flash/flasher.ts';
import type { FlashSizeChoice } from '../flash/header.ts';
import { readPlan } from '../flash/plan.ts';
import { recoveryText } from '../flash/recovery-text.ts';
import { reopenBoard } from '../flash/reopen.ts';
import { flashBoard } from '../flash/run.ts';
import { bytes } from '../output.ts';
import { rememberLine, rememberName } from '../serial/ports.ts';

export interface FlashCommandOptions {
  board: string;
  baud?: number;
  erase?: boolean;
  full?: boolean;
  flashSize?: FlashSizeChoice;
  /** The image was named and the board was not, so it may be any ESP-IDF application. */
  foreign?: boolean;
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
  let line = await openBoard(context);
  const bar = out.bar('writing');
  const started = performance.now();
  try {
    const result = await flashBoard({
      line,
      reopen: async (lost) => {
        line = await reopenBoard(lost, { signal });
        rememberLine(line, context.env);
        return line;
      },
      files: plan.files,
      board: board.id,
      memory: board,
      foreign: options.foreign ?? false,
      tableOffset: plan.tableOffset,
      flashSize: options.flashSize ?? plan.flashSize,
      signal,
      eraseAll: options.erase ?? false,
      skipUnchanged: !options.full,
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
        else if (stage.stage === 'recovering') out.note(recoveryText(stage.recovery));
        else if (stage.stage === 'boot-held')
          out.note('the chip is in its loader again: let go of BOOT and press RESET');
        else if (stage.stage === 'resetting') {
          bar.end();
          out.note('resetting; the board starts');
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
    if (hello !== undefined) rememberName(hello, context.env);
    const running =
      hello === undefined
        ? app?.foreign
          ? `\n${app.project} ${app.version} is no Tincan firmware, so its start was not waited for`
          : ''
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
  const kept = report.kept === undefined ? '' : `, ${report.kept} (it selects this slot already)`;
  const same = report.skipped > 0 ? `; ${bytes(report.skipped)} were there already${kept}` : '';
  if (report.bytes === 0) return `nothing to write${same}`;
  return (
    `wrote and verified ${bytes(report.bytes)} (${bytes(report.compressed)} compressed) in ${report.seconds.toFixed(1)} s: ` +
    `${speed(report.bytes, report.seconds)}${lineShare(report)}${same}`
  );
}
