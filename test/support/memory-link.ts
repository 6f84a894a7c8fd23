/**
 * A network that is made up, between a board's port and a server in the same process: requests, a data channel that is
 * reliable and in order but late where it lost something, and sound of which packets are lost. Time comes from the
 * clock, chance from a seed.
 */
import {
  type Clock,
  type CoreMemory,
  ERR,
  EVENT,
  HTTP,
  type Network,
  PEER_DOWN,
  type PeerCalls,
  type PortFunctions,
  type Post,
} from '@tincan/boards';
import { gatewayParts } from '@tincan/host-cli';

const { writeRtp } = gatewayParts;
const OPUS = 111;

export interface HttpAnswer {
  status: number;
  retryAfter: number;
  body: Uint8Array;
}
/** The server's side of one connection. */
export interface ServerEnd {
  /** The data channel is open. */
  open(): void;
  text(message: string): void;
  /** One RTP packet. */
  packet(bytes: Uint8Array): void;
  /** The board hung up. */
  closed(): void;
}
/** What the server does with it. */
export interface BoardEnd {
  text(message: string): void;
  packet(bytes: Uint8Array): void;
  /** The server hangs up. */
  close(): void;
}

export interface MemoryNetworkOptions {
  clock: Clock;
  /** A whole number below the argument. */
  chance(below: number): number;
  /** Percent of packets that are lost. */
  lose: number;
  post(headers: Record<string, string>, url: string, body: Uint8Array): Promise<HttpAnswer>;
}

/** A message takes this long, and one whose packet was lost as much longer (a retransmission timer of SCTP). */
const DELAY_MS = 20;
const AGAIN_MS = 300;
const JITTER_MS = 8;
const HTTP_MS = 60;
const PEER_MS = 120;

/** One direction of a data channel. */
class Lane {
  readonly #options: MemoryNetworkOptions;
  #next = 0;
  open = true;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  send(arrive: () => void): void {
    const { clock, chance, lose } = this.#options;
    let delay = DELAY_MS + chance(JITTER_MS);
    while (chance(100) < lose) delay += AGAIN_MS;
    // What was sent before arrives before.
    this.#next = Math.max(this.#next, clock.now() + delay);
    clock.after(this.#next - clock.now(), () => {
      if (this.open) arrive();
    });
  }
}

class Connection {
  readonly #options: MemoryNetworkOptions;
  readonly #calls: PeerCalls;
  readonly #id: number;
  readonly #up: Lane;
  readonly #down: Lane;
  #server: ServerEnd | undefined;
  #sequence: number;
  #closed = false;

  constructor(id: number, calls: PeerCalls, options: MemoryNetworkOptions) {
    this.#id = id;
    this.#calls = calls;
    this.#options = options;
    this.#up = new Lane(options);
    this.#down = new Lane(options);
    this.#sequence = options.chance(65_536);
  }

  /** The server answers the offer: its end gets what the board sends. */
  join(server: ServerEnd): BoardEnd {
    this.#server = server;
    return {
      text: (message) => {
        const bytes = new TextEncoder().encode(message);
        this.#down.send(() => this.#post(EVENT.peerText, 0, bytes));
      },
      packet: (bytes) => this.#sound(() => this.#calls.rtp(this.#id, bytes)),
      close: () => {
        this.#server = undefined;
        this.#down.send(() => this.#post(EVENT.peerDown, PEER_DOWN.closed));
      },
    };
  }

  /** The board applies the answer. */
  answered(): void {
    this.#options.clock.after(PEER_MS, () => {
      if (this.#closed || !this.#server) return;
      this.#post(EVENT.peerUp);
      this.#post(EVENT.channelOpen);
      this.#server.open();
    });
  }

  sendText(message: string): number {
    this.#up.send(() => this.#server?.text(message));
    return 0;
  }

  sendAudio(payload: Uint8Array, timestamp: number): number {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const packet = writeRtp({
      payloadType: OPUS,
      marker: false,
      sequence: this.#sequence,
      timestamp,
      ssrc: 7,
      payload,
    });
    this.#sound(() => this.#server?.packet(packet));
    return 0;
  }

  close(): void {
    this.#closed = true;
    this.#down.open = false;
    const server = this.#server;
    this.#server = undefined;
    this.#options.clock.after(DELAY_MS, () => server?.closed());
  }

  #sound(arrive: () => void): void {
    const { clock, chance, lose } = this.#options;
    if (chance(100) < lose) return;
    clock.after(DELAY_MS + chance(JITTER_MS), () => {
      if (!this.#closed) arrive();
    });
  }

  #post(kind: number, code = 0, data?: Uint8Array): void {
    if (!this.#closed) this.#calls.post({ kind, id: this.#id, code, ...(data && { data }) });
  }
}

export interface MemoryNetwork extends Network {
  /** The connection that an offer is of. */
  connection(offer: string): { join(server: ServerEnd): BoardEnd } | undefined;
  /** Requests that the server works on: time should stand still meanwhile. */
  readonly busy: number;
}

export function memoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const connections = new Map<number, Connection>();
  let busy = 0;
  const { clock } = options;

  function http(_clock: Clock, online: () => boolean, post: Post) {
    let wanted = 0;
    const finish = (id: number, code: number, extra = 0, data?: Uint8Array) => {
      if (wanted !== id) return;
      wanted = 0;
      post({ kind: EVENT.http, id, code, extra, ...(data && { data }) });
    };
    const send = (id: number, url: string, lines: string, body: Uint8Array): number => {
      if (wanted !== 0) return ERR.state;
      wanted = id;
      const headers = Object.fromEntries(
        lines
          .split('\r\n')
          .filter(Boolean)
          .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
      );
      clock.after(HTTP_MS, () => {
        if (!online()) return finish(id, HTTP.dns);
        busy++;
        void options
          .post(headers, url, body)
          .then(({ status, retryAfter, body: answer }) =>
            clock.after(HTTP_MS, () => finish(id, status, retryAfter, answer)),
          )
          .finally(() => busy--);
      });
      return 0;
    };
    return {
      port: (memory: CoreMemory): PortFunctions => ({
        tc_port_http_post: (id, url, _pin, headers, body, length) =>
          send(
            id! >>> 0,
            memory.text(url!),
            memory.text(headers!),
            memory.bytes(body!, length! >>> 0).slice(),
          ),
        tc_port_http_get: () => ERR.state,
        tc_port_http_cancel: (id) => {
          if (wanted === id! >>> 0) wanted = 0;
        },
      }),
      stop: () => {
        wanted = 0;
      },
    };
  }

  function peers(calls: PeerCalls) {
    const close = (id: number) => {
      connections.get(id)?.close();
      connections.delete(id);
      calls.forget(id);
    };
    return {
      port: (memory: CoreMemory): PortFunctions => ({
        tc_port_peer_open: (id) => {
          connections.set(id! >>> 0, new Connection(id! >>> 0, calls, options));
          clock.after(1, () => {
            if (!connections.has(id! >>> 0)) return;
            calls.post({
              kind: EVENT.peerOffer,
              id: id! >>> 0,
              data: new TextEncoder().encode(offerOf(id! >>> 0)),
            });
          });
          return 0;
        },
        tc_port_peer_answer: (id) => {
          connections.get(id! >>> 0)?.answered();
          return 0;
        },
        tc_port_peer_send_text: (id, text, length) =>
          connections
            .get(id! >>> 0)
            ?.sendText(new TextDecoder().decode(memory.bytes(text!, length! >>> 0).slice())) ?? ERR.notFound,
        tc_port_peer_close: (id) => close(id! >>> 0),
        tc_port_peer_send_audio: (id, packet, length, timestamp) =>
          connections
            .get(id! >>> 0)
            ?.sendAudio(memory.bytes(packet!, length! >>> 0).slice(), timestamp! >>> 0) ?? ERR.state,
      }),
      stop: () => {
        for (const id of [...connections.keys()]) close(id);
      },
    };
  }

  return {
    http,
    peers,
    connection: (offer) => connections.get(Number(/^a=x-memory:(\d+)/m.exec(offer)?.[1])),
    get busy() {
      return busy;
    },
  };
}

/** An offer that a server takes for one; by its number both ends find each other. */
function offerOf(id: number): string {
  const transport = ['a=ice-ufrag:memo', 'a=ice-pwd:memory-memory-memory-memory', 'a=fingerprint:sha-256 00'];
  return [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    `a=x-memory:${id}`,
    `m=audio 9 UDP/TLS/RTP/SAVPF ${OPUS}`,
    'c=IN IP4 0.0.0.0',
    ...transport,
    'a=mid:0',
    `a=rtpmap:${OPUS} opus/48000/2`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...transport,
    'a=mid:1',
    'a=sctp-port:5000',
    '',
  ].join('\r\n');
}
