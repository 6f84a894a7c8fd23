/**
 * The serial port of a virtual board as plain TCP, for bridges that carry bytes only: no baud rate, no DTR, no RTS.
 * Since nothing on such a link can reset the chip into download mode, the SYNC of a flasher does: it stands for the
 * person who holds BOOT and presses RESET. Afterwards the chip is reset by software (`esptool --after watchdog-reset`).
 */
import { encodeRequest, ROM_OP, SYNC_DATA, slipEncode } from '@tincan/shared-protocol';
import type { VirtualChip } from '../chip/chip.ts';
import type { Front } from './rfc2217.ts';
import { serveOneClient } from './server.ts';

const SYNC = Buffer.from(slipEncode(encodeRequest(ROM_OP.sync, SYNC_DATA)));

/** Listens; port 0 takes any free one. Throws `BoardError` `listen`. */
export async function serveRaw(
  chip: VirtualChip,
  address: { host?: string; port?: number } = {},
): Promise<Front> {
  const server = await serveOneClient(address, () => {
    let recent = Buffer.alloc(0);
    chip.setHostBaud(undefined);
    return {
      data: (bytes) => {
        if (chip.state !== 'rom' && chip.state !== 'stub') {
          recent = Buffer.concat([recent, bytes]);
          if (recent.includes(SYNC)) chip.pressReset('download');
          recent = recent.subarray(Math.max(0, recent.length - SYNC.length + 1));
        }
        chip.receive(bytes);
      },
      end: () => {},
    };
  });
  const unsubscribe = chip.onTransmit((bytes) => server.send(bytes));
  return {
    port: `socket://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`,
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
