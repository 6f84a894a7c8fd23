import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { Audio, type DataChannel, PeerConnection, type Track } from 'node-datachannel';
import { ERR, EVENT, PEER_DOWN, type PortFunctions, type Post } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** The device takes messages up to this size (`TC_LINK_MAX_EVENT`); larger ones are reported, not delivered. */
const MAX_MESSAGE = 65_536;
/** Bytes of a message that is too large that the device still sees: they tell its type. */
const PEEK = 256;
/** What may wait in the data channel before the core is asked to try again later. */
const MAX_BUFFERED = 262_144;
const OPUS_PAYLOAD_TYPE = 111;
const RTP_HEADER = 12;
/** No datagram is larger than this. */
const MAX_RTP = 1_500;

export interface PeerOptions {
  /** Address that the peer connections use. Default: all of the computer's, or loopback where there is no other. */
  bindAddress?: string;
}

export interface PeerCalls {
  post: Post;
  /** One RTP packet for the core. */
  rtp(id: number, packet: Uint8Array): void;
  /** Events of this id must not reach the core any more. */
  forget(id: number): void;
  /** Without a network nothing goes in or out. */
  online(): boolean;
}

/** One WebRTC connection (libdatachannel): a track of Opus and a data channel. */
class Peer {
  readonly #id: number;
  readonly #calls: PeerCalls;
  readonly #connection: PeerConnection;
  readonly #track: Track;
  readonly #channel: DataChannel;
  readonly #ssrc = randomBytes(4).readUInt32BE();
  #sequence = randomBytes(2).readUInt16BE();
  #sent = 0;
  #down = false;
  #closed = false;

  constructor(id: number, label: string, calls: PeerCalls, bindAddress: string | undefined) {
    this.#id = id;
    this.#calls = calls;
    this.#connection = new PeerConnection(`tincan-${id}`, {
      iceServers: [],
      // Callbacks come first, then tracks and channels, then the offer: none of its events can be missed so.
      disableAutoNegotiation: true,
      ...(bindAddress === undefined ? {} : { bindAddress }),
    });
    // The offer goes out without candidates: the server's answer has its own, and the board is the first to send. If
    // the server could send first, DTLS would run while the answer is still being applied: then libdatachannel
    // 0.24.5 rejects the certificate, since it does not know its fingerprint yet, or drops the ClientHello, which is
    // sent again after a second only.
    this.#connection.onLocalDescription((sdp) =>
      this.#event(EVENT.peerOffer, 0, new TextEncoder().encode(sdp)),
    );
    this.#connection.onStateChange((state) => this.#changed(state));

    const audio = new Audio('audio', 'SendRecv');
    // Mono; by itself it would promise stereo.
    audio.addOpusCodec(OPUS_PAYLOAD_TYPE, 'minptime=10;useinbandfec=1');
    audio.addSSRC(this.#ssrc, 'tincan', 'tincan', 'audio');
    this.#track = this.#connection.addTrack(audio);
    this.#track.onMessage((packet) => this.#packet(packet));
    // A track, a channel or a connection whose close nobody listens to keeps the process alive for ever.
    this.#track.onClosed(() => {});

    this.#channel = this.#connection.createDataChannel(label);
    this.#channel.onOpen(() => this.#event(EVENT.channelOpen));
    this.#channel.onMessage((message) => this.#message(message));
    this.#channel.onClosed(() => {
      // A connection that goes down takes its channel with it, and says so itself.
      if (this.#connection.state() === 'connected') this.#ended(PEER_DOWN.channel);
    });
    this.#connection.setLocalDescription('offer');
  }

  answer(sdp: string): number {
    // libdatachannel takes almost any text for a description; what it needs is checked here.
    if (!/^v=0\r?\n/.test(sdp) || !/^m=audio /m.test(sdp) || !/^m=application /m.test(sdp)) return ERR.format;
    if (!/^a=ice-ufrag:/m.test(sdp) || !/^a=ice-pwd:/m.test(sdp) || !/^a=fingerprint:/m.test(sdp))
      return ERR.format;
    try {
      this.#connection.setRemoteDescription(sdp, 'answer');
      return 0;
    } catch {
      return ERR.format;
    }
  }

  sendText(text: Uint8Array): number {
    if (!this.#channel.isOpen()) return ERR.state;
    if (text.length > this.#channel.maxMessageSize()) return ERR.size;
    if (this.#channel.bufferedAmount() > MAX_BUFFERED) return ERR.full;
    if (!this.#calls.online()) return 0; // it is queued, and lost with the connection
    try {
      // `false` means that it waits in the channel's own queue, which is no failure.
      this.#channel.sendMessage(new TextDecoder().decode(text));
      return 0;
    } catch {
      return ERR.io;
    }
  }

  sendAudio(payload: Uint8Array, timestamp: number): number {
    if (!this.#track.isOpen()) return ERR.state;
    if (payload.length > MAX_RTP - RTP_HEADER) return ERR.size;
    // RFC 3550 section 5.1; the marker says where a talkspurt begins, here once per connection (RFC 7587 section 4.1).
    const packet = Buffer.alloc(RTP_HEADER + payload.length);
    packet[0] = 0x80;
    packet[1] = OPUS_PAYLOAD_TYPE | (this.#sent++ === 0 ? 0x80 : 0);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(timestamp >>> 0, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.set(payload, RTP_HEADER);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    if (!this.#calls.online()) return 0;
    try {
      this.#track.sendMessageBinary(packet);
      return 0;
    } catch {
      return ERR.io;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Each of them, since only its own close lets go of its callbacks. Never `cleanup()`: it brings the process down
    // (node-datachannel 0.33.4).
    this.#channel.close();
    this.#track.close();
    this.#connection.close();
  }

  #changed(state: string): void {
    if (state === 'connected') this.#event(EVENT.peerUp);
    else if (state === 'failed') this.#ended(PEER_DOWN.failed);
    else if (state === 'disconnected' || state === 'closed') {
      // Both also when the other side closed in order; only ICE tells a network that is gone.
      const ice = this.#connection.iceState();
      this.#ended(ice === 'disconnected' || ice === 'failed' ? PEER_DOWN.failed : PEER_DOWN.closed);
    }
  }

  #packet(packet: Uint8Array): void {
    if (this.#closed || packet.length < RTP_HEADER || packet.length > MAX_RTP || !this.#calls.online())
      return;
    const type = packet[1]! & 0x7f;
    if (type >= 64 && type <= 95) return; // RTCP on the same port: RFC 5761 section 4
    this.#calls.rtp(this.#id, packet);
  }

  #message(message: string | Buffer | ArrayBuffer): void {
    if (!this.#calls.online()) return;
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : new Uint8Array(message);
    if (bytes.length > MAX_MESSAGE) this.#event(EVENT.peerTooLarge, bytes.length, bytes.subarray(0, PEEK));
    else this.#event(EVENT.peerText, 0, bytes);
  }

  #ended(code: number): void {
    if (this.#down) return;
    this.#down = true;
    this.#event(EVENT.peerDown, code);
  }

  /** Callbacks come from another thread's queue, so also after close: those are dropped here. */
  #event(kind: number, code = 0, data?: Uint8Array): void {
    if (!this.#closed) this.#calls.post({ kind, id: this.#id, code, data });
  }
}

/** The peer connections of a board, by the core's number. */
export class PeerPort {
  readonly #calls: PeerCalls;
  readonly #options: PeerOptions;
  readonly #peers = new Map<number, Peer>();

  constructor(calls: PeerCalls, options: PeerOptions = {}) {
    this.#calls = calls;
    this.#options = options;
  }

  port(memory: CoreMemory): PortFunctions {
    return {
      tc_port_peer_open: (id, label) => this.open(id! >>> 0, memory.text(label!)),
      tc_port_peer_answer: (id, sdp, length) =>
        this.answer(id! >>> 0, new TextDecoder().decode(memory.bytes(sdp!, length!))),
      tc_port_peer_send_text: (id, text, length) => this.sendText(id! >>> 0, memory.bytes(text!, length!)),
      tc_port_peer_close: (id) => this.close(id! >>> 0),
      tc_port_peer_send_audio: (id, packet, length, timestamp) =>
        this.sendAudio(id! >>> 0, memory.bytes(packet!, length!), timestamp! >>> 0),
    };
  }

  open(id: number, label: string): number {
    if (this.#peers.has(id)) return ERR.state;
    try {
      this.#peers.set(id, new Peer(id, label, this.#calls, this.#options.bindAddress ?? defaultAddress()));
      return 0;
    } catch {
      return ERR.io;
    }
  }

  answer(id: number, sdp: string): number {
    return this.#peers.get(id)?.answer(sdp) ?? ERR.notFound;
  }

  sendText(id: number, text: Uint8Array): number {
    return this.#peers.get(id)?.sendText(text) ?? ERR.notFound;
  }

  sendAudio(id: number, packet: Uint8Array, timestamp: number): number {
    return this.#peers.get(id)?.sendAudio(packet, timestamp) ?? ERR.notFound;
  }

  close(id: number): void {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
    this.#calls.forget(id);
  }

  stop(): void {
    for (const id of [...this.#peers.keys()]) this.close(id);
  }
}

/** Without any network the loopback address, which libdatachannel would not find by itself. */
function defaultAddress(): string | undefined {
  const outside = Object.values(networkInterfaces()).some((list) => list?.some((entry) => !entry.internal));
  return outside ? undefined : '127.0.0.1';
}
