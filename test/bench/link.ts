import { startVirtualBoard } from '@tincan/boards';
import { Device, openLine } from '@tincan/host-cli';
import { encodeFrame } from '@tincan/shared-protocol';
import { flashWith } from '../support/board.ts';
import type { Figure } from './main.ts';

const BAUD = 115_200;

/** Payload bytes a second of events of `size` bytes, from an application's UART to a listener of `Device`. */
async function throughput(size: number, pace: boolean, seconds: number): Promise<number> {
  const event = JSON.stringify({
    type: 'response.output_audio_transcript.delta',
    delta: 'x'.repeat(size - 60),
  });
  let stop = () => {};
  const board = await startVirtualBoard({
    pace,
    flash: await flashWith(null),
    loader: async (_image, host) => {
      let number = 0;
      let rest: Uint8Array = new Uint8Array(0);
      let running = true;
      const next = () =>
        encodeFrame(`{"jsonrpc":"2.0","method":"realtime.event","params":{"event":${event}}}`, number++);
      const pump = () => {
        for (let rounds = 0; running && rounds < 16; rounds++) {
          if (rest.length === 0) rest = next();
          const took = host.serialWrite(rest);
          rest = rest.subarray(took);
          if (took === 0) return;
        }
        // A UART without pacing always has room: let the host breathe.
        if (running) setImmediate(pump);
      };
      host.onSerialRoom(pump);
      setTimeout(pump, 100);
      stop = () => {
        running = false;
      };
      return { serialIn() {}, stop };
    },
  });
  const line = await openLine(board.port);
  const device = new Device(line);
  let bytes = 0;
  let begin = 0;
  let end = 0;
  device.listen({
    message: ({ method }) => {
      if (method !== 'realtime.event') return;
      end = performance.now();
      if (begin === 0) begin = end;
      else bytes += event.length;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 300 + seconds * 1000));
  stop();
  await device.close();
  await board.close();
  if (device.lost > 0) throw new Error(`${device.lost} frames were lost`);
  return bytes / ((end - begin) / 1000);
}

/** Events over the serial link: what of the line they may use, and how fast both ends are without a line's limit. */
export async function benchLink(): Promise<Figure[]> {
  const small = await throughput(300, true, 2);
  const free = await throughput(4000, false, 2);
  return [
    {
      name: 'link: events of 300 B, 115,200 baud',
      value: small,
      unit: 'B/s',
      limit: { what: 'the line', value: BAUD / 10, ratio: small / (BAUD / 10) },
    },
    {
      name: 'link: events of 4 kB, no limit of the line',
      value: free / 1e6,
      unit: 'MB/s',
      limit: { what: 'a 12 Mbit/s USB port', value: 1.5, ratio: free / 1.5e6 },
    },
  ];
}
