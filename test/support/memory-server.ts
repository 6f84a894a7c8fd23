/** The gateway without sockets: its HTTP handler, its calls, its sessions and its sound, on the clock of a test. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '@tincan/boards';
import { gatewayParts } from '@tincan/host-cli';
import { type HttpAnswer, type MemoryNetwork, memoryNetwork } from './memory-link.ts';

const { Access, Call, defaultConfig, Faults, handle, mergeConfig, RateLimits, Receiver, Sender } =
  gatewayParts;
type Brain = gatewayParts.Brain;
type Call = InstanceType<typeof Call>;

export interface MemoryServerOptions {
  clock: Clock;
  brain: Brain;
  unixNow(): number;
  chance(below: number): number;
  /** Percent of packets that are lost. */
  lose: number;
  /** What an offer gets instead of an answer. */
  fault?(): gatewayParts.HttpFault | undefined;
  /** How long a session lasts, seconds; undefined: an hour. */
  lasts?(): number | undefined;
}

export interface MemoryServer {
  readonly network: MemoryNetwork;
  /** A secret for so many seconds. */
  issue(seconds: number): { value: string; expiresAt: number };
  /** Calls since the start. */
  readonly calls: readonly Call[];
  /** Ends the present call. */
  hangUp(): void;
  /** Statuses that were answered. */
  readonly statuses: readonly number[];
}

/** A request as the handler reads it. */
function requestOf(url: string, headers: Record<string, string>, body: Uint8Array): IncomingMessage {
  const { pathname, search } = new URL(url);
  const stream = Readable.from([Buffer.from(body)]);
  return Object.assign(stream, {
    method: 'POST',
    url: `${pathname}${search}`,
    headers: { ...headers, 'content-length': String(body.length) },
    complete: true,
  }) as unknown as IncomingMessage;
}

class Answer {
  status = 0;
  readonly headers = new Map<string, string>();
  readonly #end: (body: string) => void;
  headersSent = false;

  constructor(end: (body: string) => void) {
    this.#end = end;
  }

  setHeader(name: string, value: string): void {
    this.headers.set(name.toLowerCase(), String(value));
  }

  writeHead(status: number, headers: Record<string, string> = {}): this {
    this.status = status;
    this.headersSent = true;
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    return this;
  }

  end(body: string | undefined = ''): void {
    this.#end(body);
  }
}

export function memoryServer(options: MemoryServerOptions): MemoryServer {
  const { clock, brain, unixNow } = options;
  const access = new Access([], unixNow);
  const limits = new RateLimits(clock);
  const calls: Call[] = [];
  const statuses: number[] = [];

  /** A call whose carrier is the memory's network. */
  async function answer({ offer, session, model, bearer }: gatewayParts.CallRequest) {
    const connection = network.connection(offer.sdp);
    if (!connection) throw new Error('the board that made this offer has gone');
    let config = defaultConfig();
    for (const update of [bearer.secret?.session, session]) if (update) config = mergeConfig(config, update);
    if (model && config.model === undefined) config = { ...config, model };
    const seconds = options.lasts?.();
    const call = new Call({
      clock,
      brain,
      track: true,
      config,
      modelFixed: config.model !== undefined,
      owner: bearer,
      faults: new Faults(seconds === undefined ? [] : [{ expire_after: seconds, probability: 1, after: 0 }]),
      limits,
      unixNow,
      event: () => {},
      ended: () => {},
      log: () => {},
    });
    const receiver = await Receiver.create(clock, offer.opus, (frame) => call.hear(frame));
    const board = connection.join({
      open: () => call.start(),
      text: (message) => call.receiveText(message),
      packet: (bytes) => receiver.push(bytes),
      closed: () => call.hangUp('the board hung up'),
    });
    const sender = await Sender.create(clock, offer.opus, 4242, (bytes) => board.packet(bytes));
    let open = true;
    call.carry({
      sendText: (text) => {
        board.text(text);
        return true;
      },
      play: (pcm, first) => {
        if (open) sender.play(pcm, first);
      },
      maxMessage: () => 262_144,
      stats: () => ({ ...receiver.stats, sent: sender.packets }),
      close: () => {
        open = false;
        board.close();
        receiver.close();
        sender.close();
      },
    });
    calls.push(call);
    return { id: call.id, answer: 'v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n' };
  }

  const host: gatewayParts.HttpHost = {
    access,
    about: '',
    call: answer,
    hangUp: () => false,
    fault: () => options.fault?.(),
    log: () => {},
  };

  function post(headers: Record<string, string>, url: string, body: Uint8Array): Promise<HttpAnswer> {
    return new Promise((resolve) => {
      const response = new Answer((text) => {
        statuses.push(response.status);
        resolve({
          status: response.status,
          retryAfter: Number(response.headers.get('retry-after') ?? 0),
          body: new TextEncoder().encode(text),
        });
      });
      void handle(host, requestOf(url, headers, body), response as unknown as ServerResponse);
    });
  }

  const network = memoryNetwork({ clock, chance: options.chance, lose: options.lose, post });
  return {
    network,
    issue: (seconds) => access.issue(undefined, seconds),
    calls,
    hangUp: () => calls.at(-1)?.hangUp('the server hangs up'),
    statuses,
  };
}
