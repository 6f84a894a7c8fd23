/** A serial line as the W3C's SerialPort, which esptool-js wants: byte streams and signals, nothing else. */
import type { SerialLine } from '@tincan/host-cli';

export function webSerial(line: SerialLine) {
  let lines = { dtr: false, rts: false };
  return {
    readable: new ReadableStream<Uint8Array>({
      start(controller) {
        line.onData((bytes) => controller.enqueue(Uint8Array.from(bytes)));
        line.onClose(() => controller.close());
      },
    }),
    writable: new WritableStream<Uint8Array>({ write: (bytes) => line.write(bytes) }),
    getInfo: () => ({}),
    open: ({ baudRate }: { baudRate: number }) => line.setBaud(baudRate),
    setBaudRate: (baud: number) => line.setBaud(baud),
    close: async () => {},
    async setSignals(signals: { dataTerminalReady?: boolean; requestToSend?: boolean }): Promise<void> {
      lines = {
        dtr: signals.dataTerminalReady ?? lines.dtr,
        rts: signals.requestToSend ?? lines.rts,
      };
      await line.setLines(lines);
    },
  };
}
