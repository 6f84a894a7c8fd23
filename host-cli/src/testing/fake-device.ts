/** For tests: a device at the other end of a line in memory. It answers requests, and says what the test wants. */
import { encodeFrame, type Hello, LinkDecoder, parseMessage, type RpcError } from '@tincan/shared-protocol';
import { Device } from '../device/device.ts';
import { LineEvents, type SerialLine } from '../serial/line.ts';

export interface FakeDevice {
  device: Device;
  line: SerialLine;
  /** Requests as they came. */
  requests: { method: string; params: Record<string, unknown> }[];
  /** Answers of methods; what is not here is answered by `{}`. A throw of an RpcError is an error. */
  answers: Record<string, (params: Record<string, unknown>) => unknown>;
  notify(method: string, params: object): void;
  /** It says hello again, and counts from 0. */
  restart(): void;
  vanish(): void;
}

export const HELLO: Hello = {
  board: 'virtual',
  name: 'tester',
  firmware: '9.8.7',
  protocol: 1,
  image: '00',
  mac: '02:54:43:00:00:01',
  reset: 'pin',
  echo: true,
  state: 'ready',
};

export function fakeDevice(): FakeDevice {
  const events = new LineEvents();
  const decoder = new LinkDecoder();
  let number = 0;
  const say = (message: object) =>
    events.data(encodeFrame(JSON.stringify({ jsonrpc: '2.0', ...message }), number++));
  const fake: Omit<FakeDevice, 'device'> = {
    requests: [],
    answers: {},
    notify: (method, params) => say({ method, params }),
    restart: () => {
      number = 0;
      say({ method: 'hello', params: HELLO });
    },
    vanish: () => events.closed(new Error('gone'), true),
    line: {
      path: 'memory',
      hasLines: false,
      write: async (bytes) => {
        for (const item of decoder.push(bytes)) {
          const message = item.kind === 'frame' ? parseMessage(item.json) : undefined;
          if (message?.kind !== 'request') continue;
          const { id, method } = message;
          const params = message.params as Record<string, unknown>;
          fake.requests.push({ method, params });
          queueMicrotask(() => {
            try {
              const answer = fake.answers[method] ?? (() => (method === 'device.hello' ? HELLO : {}));
              say({ id, result: answer(params) });
            } catch (error) {
              say({ id, error: error as RpcError });
            }
          });
        }
      },
      onData: (listener) => events.onData(listener),
      onClose: (listener) => events.onClose(listener),
      setBaud: async () => undefined,
      setLines: async () => undefined,
      purge: async () => undefined,
      close: async () => undefined,
    },
  };
  return { ...fake, device: new Device(fake.line) };
}
