/** An application for the virtual chip that says hello and nothing else: for tests of what comes before it. */
import type { AppLoader } from '@tincan/boards';
import { encodeFrame, type Hello, PROTOCOL_VERSION } from '@tincan/shared-protocol';

export const helloLoader: AppLoader = async (image, host) => {
  const hello: Hello = {
    board: 'virtual',
    name: 'tester',
    firmware: image.version,
    protocol: PROTOCOL_VERSION,
    image: image.hash,
    mac: Buffer.from(host.mac).toString('hex').match(/../g)!.join(':'),
    reset: host.reset,
    echo: true,
    state: 'unprovisioned',
  };
  host.serialWrite(encodeFrame(JSON.stringify({ jsonrpc: '2.0', method: 'hello', params: hello }), 0));
  return { serialIn() {}, stop() {} };
};
