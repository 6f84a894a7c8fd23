import { BOARDS } from '@tincan/boards';
import type { Context } from '../context.ts';
import { table } from '../output.ts';

/** `tincan boards`: what there is to build for. */
export async function boards({ out }: Context): Promise<void> {
  const all = Object.values(BOARDS);
  const rows = all.map((board) => [
    board.id,
    board.name,
    `${board.flashBytes / 1024 / 1024} MB flash`,
    board.psram === 'none' ? 'no PSRAM' : `${board.psram} PSRAM`,
    board.usb.kind === 'native' ? 'native USB' : 'USB-UART bridge',
    board.echoReference ? 'interruptible by voice' : 'no echo reference',
  ]);
  out.result({ boards: all }, table(rows));
}
