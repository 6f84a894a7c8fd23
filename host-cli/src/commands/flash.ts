import { join } from 'node:path';
import { findBoard } from '../build/board.ts';
import { type Context, openBoard } from '../context.ts';
import type { Recovery, WriteReport } from '../flash/flasher.ts';
import type { FlashSizeChoice } from '../flash/header.ts';
import { readPlan } from '../flash/plan.ts';
import { reopenBoard } from '../flash/reopen.ts';
import { flashBoard } from '../flash/run.ts';
import { bytes } from '../output.ts';
import { rememberPort } from '../serial/ports.ts';

export interface FlashCommandOptions {
  board: string;
  baud?: number;
  erase?: boolean;
  full?: boolean;
  flashSize?: FlashSizeChoice;
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
        rememberPort(line.path, context.env);
        return line;
      },
      files: plan.files,
      board: board.id,
      memory: board,
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

function recoveryText(recovery: Recovery): string {
  switch (recovery.kind) {
    case 'resend':
      return 'a packet arrived damaged; sending it again';
    case 'resync':
      return 'bytes got lost; going on with what is missing';
    case 'reconnect':
      return `bytes went wrong; going on at ${recovery.baud} baud`;
    case 'gone':
      return `${recovery.path} went away: plug the board in again, it is waited for`;
    case 'back':
      return `the board is back at ${recovery.path}`;
  }
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
