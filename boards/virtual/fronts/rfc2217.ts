/**
 * The serial port of a board without hardware as an RFC 2217 server on TCP: data, baud rate, DTR and RTS. One client
 * at a time; a second one reads `BUSY_LINE` and is closed. A client that goes leaves both lines released at once, which
 * resets nothing that runs; what the chip says while nobody listens is lost.
 */
import { escapeIac } from '@tincan/shared-protocol';
import type { VirtualChip } from '../chip/chip.ts';
import { REMOTE_LINES } from '../chip/lines.ts';
import { serveOneClient } from './server.ts';
import { TelnetComPort } from './telnet.ts';

const SIGNATURE = 'Tincan virtual ESP32-S3';
/** What waits while the client suspends the flow. */
const MAX_SUSPENDED = 64 * 1024;

export interface Front {
  /** How clients name it: `rfc2217://127.0.0.1:4000`, or a path. */
  readonly port: string;
  readonly connected: boolean;
  /** Bytes that a client did not read in time. */
  readonly lost: number;
  close(): Promise<void>;
}

/** What a front needs of a chip: its console UART and the lines of the reset circuit. */
export type SerialChip = Pick<VirtualChip, 'receive' | 'setHostBaud' | 'setLines' | 'onTransmit'>;

/**
 * Listens; port 0 takes any free one. `signature` is what RFC 2217's SIGNATURE answers. Throws `BoardError` `listen`.
 */
export async function serveRfc2217(
  chip: SerialChip,
  address: { host?: string; port?: number } = {},
  signature = SIGNATURE,
): Promise<Front> {
  let suspended: Uint8Array[] | undefined;
  let waiting = 0;

  const server = await serveOneClient(address, (send) => {
    const session = new TelnetComPort(
      {
        data: (bytes) => chip.receive(bytes),
        baud: (baud) => chip.setHostBaud(baud),
        lines: (dtr, rts) => chip.setLines(dtr, rts, REMOTE_LINES),
        suspend: (on) => {
          const held = suspended ?? [];
          suspended = on ? held : undefined;
          if (on) return;
          waiting = 0;
          for (const bytes of held) send(escapeIac(bytes));
        },
      },
      send,
      signature,
    );
    chip.setHostBaud(session.baud);
    session.start();
    return {
      data: (bytes) => session.receive(bytes),
      end: () => {
        suspended = undefined;
        waiting = 0;
        chip.setHostBaud(undefined); // its rate went with it; another front may be there still
        chip.setLines(false, false, REMOTE_LINES);
      },
    };
  });

  const unsubscribe = chip.onTransmit((bytes) => {
    if (!server.connected) return;
    if (!suspended) return server.send(escapeIac(bytes));
    if (waiting + bytes.length > MAX_SUSPENDED) return;
    waiting += bytes.length;
    suspended.push(bytes.slice());
  });

  return {
    port: `rfc2217://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`,
    get connected() {
      return server.connected;
    },
    get lost() {
      return server.lost;
    },
    close: () => {
      unsubscribe();
      return server.close();
    },
  };
}
