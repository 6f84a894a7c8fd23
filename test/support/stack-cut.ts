/** Puts a wire between the two ends of a call that can be cut: then the server is gone without a word. */
import { createSocket } from 'node:dgram';
import type { Stack } from './foreign-server.ts';

export interface CutStack {
  stack: Stack;
  /** From now on no datagram gets through, in either direction. */
  cut(): void;
  close(): void;
}

export function cuttable(inner: Stack): CutStack {
  const open: (() => void)[] = [];
  let whole = true;
  const stack: Stack = async (offer, events) => {
    // The server learns no other address of the board than that of the wire.
    const peer = await inner(offer.replace(/^a=candidate:.*\r?\n/gm, ''), events);
    const port = Number(/^a=candidate:.* 127\.0\.0\.1 (\d+) typ host/m.exec(peer.answer)?.[1]);
    const outside = createSocket('udp4');
    const inside = createSocket('udp4');
    let board: { port: number; address: string } | undefined;
    outside.on('message', (datagram, from) => {
      board = from;
      if (whole) inside.send(datagram, port, '127.0.0.1');
    });
    inside.on('message', (datagram) => {
      if (whole && board) outside.send(datagram, board.port, board.address);
    });
    await new Promise<void>((resolve) => outside.bind(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => inside.bind(0, '127.0.0.1', resolve));
    open.push(() => {
      outside.close();
      inside.close();
    });
    const answer = peer.answer
      .replace(/^a=candidate:(?!.* 127\.0\.0\.1 \d+ typ host).*\r?\n/gm, '')
      .replaceAll(` 127.0.0.1 ${port} typ host`, ` 127.0.0.1 ${outside.address().port} typ host`);
    return { ...peer, answer };
  };
  return {
    stack,
    cut() {
      whole = false;
    },
    close() {
      for (const end of open) end();
    },
  };
}
