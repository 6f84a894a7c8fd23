/** A TCP server for one client at a time: what RFC 2217 front and raw front have in common. */
import { createServer, type Server, type Socket } from 'node:net';
import { BoardError } from '../chip/errors.ts';

/** What a client hears that comes while another is there; then the connection is closed. */
export const BUSY_LINE = 'busy: this serial port is in use by another program\r\n';
/** A client that does not read: what is above this is lost, as in a UART that nobody empties. */
const MAX_UNREAD = 4 * 1024 * 1024;
const REFUSAL_MS = 1000;
/**
 * Who closes and opens again at once may be seen before the end of the first connection is: so long the second one
 * waits for it.
 */
const HANDOVER_MS = 200;

export interface ClientHandler {
  data(bytes: Uint8Array): void;
  /** The client is gone. */
  end(): void;
}

export interface OneClientServer {
  host: string;
  port: number;
  readonly connected: boolean;
  /** Bytes that the client did not read in time. */
  readonly lost: number;
  /** To the client; dropped if there is none. */
  send(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** `accept` is called per client and answers with its handler. Throws `BoardError` `listen`. */
export async function serveOneClient(
  address: { host?: string; port?: number },
  accept: (send: (bytes: Uint8Array) => void) => ClientHandler,
): Promise<OneClientServer> {
  const host = address.host ?? '127.0.0.1';
  const sockets = new Set<Socket>();
  let client: Socket | undefined;
  /** In the order in which they came. */
  const waiting = new Set<Socket>();
  let lost = 0;

  const send = (bytes: Uint8Array): void => {
    if (!client || client.destroyed) return;
    if (client.writableLength > MAX_UNREAD) lost += bytes.length;
    else client.write(bytes);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // 'close' follows
    if (!client) {
      serve(socket);
      return;
    }
    waiting.add(socket);
    const timer = setTimeout(() => {
      if (waiting.delete(socket)) refuse(socket);
    }, HANDOVER_MS);
    socket.on('close', () => {
      clearTimeout(timer);
      waiting.delete(socket);
    });
  });

  function serve(socket: Socket): void {
    client = socket;
    const handler = accept((bytes) => {
      if (client === socket) send(bytes);
    });
    socket.on('data', (bytes: Buffer) => {
      if (client === socket) handler.data(bytes);
    });
    socket.on('end', () => socket.destroy()); // a serial port is not half open
    socket.on('close', () => {
      if (client !== socket) return;
      client = undefined;
      handler.end();
      const [next] = waiting;
      if (next && waiting.delete(next)) serve(next);
    });
  }

  const port = await listen(server, host, address.port ?? 0);
  return {
    host,
    port,
    get connected() {
      return client !== undefined;
    },
    get lost() {
      return lost;
    },
    send,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function refuse(socket: Socket): void {
  // Its bytes are read and dropped: closing with unread bytes would reset the connection and lose the line.
  socket.resume();
  socket.end(BUSY_LINE);
  socket.setTimeout(REFUSAL_MS, () => socket.destroy());
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'another program listens there'
          : error.code === 'EACCES'
            ? 'this user may not listen there'
            : error.message;
      reject(
        new BoardError(
          'listen',
          `the virtual board cannot listen on ${host}:${port}: ${why}`,
          'choose another port with --listen HOST:PORT; port 0 takes any free one',
          error,
        ),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
