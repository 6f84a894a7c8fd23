import { randomBytes } from 'node:crypto';
import { startVirtualBoard } from '@tincan/boards';
import { createFlasher, openLine } from '@tincan/host-cli';
import type { Figure } from './main.ts';

const BAUD = 921_600;
const BYTES = 1_500_000;

/** Half of it does not compress, as an application with code and sound in it. */
function halfCompressible(): Uint8Array {
  const data = new Uint8Array(BYTES);
  for (let at = 0; at < BYTES; at += 8192) data.set(randomBytes(Math.min(4096, BYTES - at)), at);
  return data;
}

/** First flash of 1.5 MB, and the same once more, over a line of 921,600 baud. */
export async function benchFlash(): Promise<Figure[]> {
  const board = await startVirtualBoard({ pace: true, loader: async () => ({ serialIn() {}, stop() {} }) });
  const line = await openLine(board.port);
  const files = [{ offset: 0x20000, data: halfCompressible(), name: 'half-compressible.bin' }];
  const flasher = createFlasher(line, { baud: BAUD });
  try {
    const begin = performance.now();
    await flasher.connect();
    const connect = performance.now() - begin;
    const first = await flasher.write(files);
    const again = performance.now();
    await flasher.write(files, { skipUnchanged: true });
    const second = performance.now() - again;
    return [
      { name: 'flash: port to stub', value: connect, unit: 'ms' },
      {
        name: 'flash: 1.5 MB, bytes on the wire',
        value: first.wireBytes / first.seconds,
        unit: 'B/s',
        limit: { what: `a line of ${BAUD} baud`, value: BAUD / 10, ratio: first.lineRatio },
      },
      { name: 'flash: 1.5 MB, written and verified', value: first.seconds, unit: 's' },
      {
        name: 'flash: the same again',
        value: second / 1000,
        unit: 's',
        limit: { what: 'the first time', value: first.seconds, ratio: second / 1000 / first.seconds },
      },
    ];
  } finally {
    flasher.release();
    await line.close();
    await board.close();
  }
}
