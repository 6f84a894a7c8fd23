import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findBoard } from '../build/board.ts';
import { thisMachine } from '../build/idf-find.ts';
import { aborted, type Context } from '../context.ts';
import { TincanError } from '../errors.ts';
import { readPlan } from '../flash/plan.ts';
import { startEmulator } from '../qemu/emulator.ts';
import { findQemu } from '../qemu/find.ts';
import { prepareFlash } from '../qemu/flash-file.ts';
import { readSentence } from '../sentence.ts';
import { rememberPort } from '../serial/ports.ts';
import { parseListen } from './virtual.ts';

const BOARD = 'qemu';

export interface QemuOptions {
  listen: string;
  flash?: string;
  mic?: string[];
}

/** `tincan qemu`: the firmware of a real chip on an emulated one, until Ctrl-C. */
export async function qemu(context: Context, from: string | undefined, options: QemuOptions): Promise<void> {
  const { out, env, signal } = context;
  const listen = parseListen(options.listen);
  const board = findBoard(BOARD);
  if (board.kind !== 'esp32s3' || board.psram === undefined)
    throw new TincanError('BOARD_KIND', `${board.name} has no chip to emulate.`);
  const sentences = (options.mic ?? []).map(readSentence);
  const { files, source } = readPlan(from ?? join('build', board.id), board.id);
  const found = await findQemu(thisMachine(env));
  const scratch = options.flash === undefined ? mkdtempSync(join(tmpdir(), 'tincan-qemu-')) : undefined;
  const path = resolve(options.flash ?? join(scratch ?? '', 'flash.bin'));
  try {
    mkdirSync(dirname(path), { recursive: true });
    const { flash, written, settingsLost, image } = prepareFlash({ board, path, files, sentences });
    try {
      if (settingsLost) out.warn('the partition table is another one than before; its settings are gone');
      const emulator = await startEmulator({
        qemu: found,
        flash: path,
        psram: board.psram,
        listen,
        onEvent: (event) => {
          if (event.type === 'held') return;
          if (event.mode === 'run') return out.event({ qemu: event }, 'reset by the lines of the port');
          out.event({ qemu: event });
          out.warn(
            'a flasher asks for the ROM loader, which is not emulated: start `tincan qemu` again instead',
          );
        },
      });
      try {
        rememberPort(emulator.port, env);
        out.result(
          { port: emulator.port, qemu: found.version, image, written, flash: options.flash ?? null },
          emulator.port,
        );
        out.note(`QEMU ${found.version} runs ${source}${written ? '' : ', which the flash held already'}`);
        if (options.flash === undefined) out.note('its flash goes with it; --flash FILE keeps it');
        out.note('this machine is 10.0.2.2 for the board; Ctrl-C ends it');
        await Promise.race([aborted(signal), emulator.ended]);
      } finally {
        await emulator.close();
      }
    } finally {
      flash.close();
    }
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}
