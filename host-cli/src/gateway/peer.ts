/** The WebRTC side of a call: node-datachannel as the answerer. Other stacks can stand here; nothing else knows it. */
import { randomBytes } from 'node:crypto';
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from 'node-datachannel';
import { announce } from './announce.ts';
import { MAX_LINE, type Offer } from './sdp.ts';

export interface PeerEvents {
  /** The data channel is open, whatever its label. */
  open(): void;
  text(message: string): void;
  /** A datagram of the audio track: RTP, or RTCP. */
  packet(bytes: Uint8Array): void;
  /** The peer hung up, vanished, or never came. Once. */
  closed(reason: string): void;
}

/** Longest wait for ICE candidates of our own, ms. */
const GATHER_MS = 3000;
/** More than this waiting in the data channel means that nobody reads there, bytes. */
const MAX_BUFFERED = 8 * 1024 * 1024;

/** Of a peer that says nothing, RFC 8841 section 6.1. */
const DEFAULT_MESSAGE = 65_536;

export class Peer {
  /** The answer, all candidates in it. */
  answer = '';
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly #events: PeerEvents;
  readonly #connection: PeerConnection;
  readonly #track: Track;
  #channel: DataChannel | undefined;
  #closed = false;

  /**
   * Answers an offer. `bindAddress` is where media listens, all addresses where it is undefined; `announced` are
   * addresses of elsewhere that lead to it. Throws Error.
   */
  static async answer(
    offer: Offer,
    { bindAddress, announced = [] }: { bindAddress: string | undefined; announced?: readonly string[] },
    events: PeerEvents,
  ): Promise<Peer> {
    const peer = new Peer(offer, bindAddress, events);
    try {
      await peer.#negotiate(offer, announced);
      return peer;
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  private constructor(offer: Offer, bindAddress: string | undefined, events: PeerEvents) {
    this.#events = events;
    const connection = new nodeDataChannel.PeerConnection('gateway', {
      iceServers: [],
      bindAddress,
      disableAutoNegotiation: true,
    });
    this.#connection = connection;
    connection.onStateChange((state) => {
      if (state === 'disconnected' || state === 'failed' || state === 'closed')
        this.#end(`the peer is ${state}`);
    });
    connection.onDataChannel((channel) => this.#adopt(channel));
    // Before the offer is applied: a track that is added later carries no sound.
    const audio = new nodeDataChannel.Audio(offer.audioMid, 'SendRecv');
    // Mono; node-datachannel would promise stereo.
    audio.addOpusCodec(offer.opus, 'minptime=10;useinbandfec=1');
    audio.addSSRC(this.ssrc, 'gateway', 'gateway', 'voice');
    this.#track = connection.addTrack(audio);
    // A track without it keeps the process alive until it is garbage.
    this.#track.onClosed(() => {});
    this.#track.onMessage((bytes) => {
      if (!this.#closed) events.packet(bytes);
    });
  }

  async #negotiate(offer: Offer, announced: readonly string[]): Promise<void> {
    const connection = this.#connection;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no network candidates')), GATHER_MS);
      connection.onGatheringStateChange((state) => {
        if (state !== 'complete') return;
        clearTimeout(timer);
        resolve();
      });
      try {
        connection.setRemoteDescription(offer.sdp, 'offer');
        connection.setLocalDescription('answer');
      } catch (error) {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    const sdp = connection.localDescription()?.sdp;
    if (!sdp) throw new Error('no local description');
    const long = sdp.split('\r\n').find((line) => line.length > MAX_LINE);
    if (long) throw new Error(`a line of the answer has ${long.length} characters`);
    this.answer = announce(sdp, announced);
  }

  #adopt(channel: DataChannel): void {
    // One channel carries the events; a second one has no meaning here.
    if (this.#channel) {
      channel.close();
      return;
    }
    this.#channel = channel;
    channel.onMessage((message) => {
      if (this.#closed) return;
      this.#events.text(
        typeof message === 'string' ? message : Buffer.from(message as ArrayBuffer).toString('utf8'),
      );
    });
    channel.onClosed(() => this.#end('the data channel was closed'));
    let opened = false;
    const open = () => {
      if (opened || this.#closed) return;
      opened = true;
      this.#events.open();
    };
    channel.onOpen(open);
    if (channel.isOpen()) open();
  }

  /** The largest message that the peer says it takes, bytes. */
  get maxMessage(): number {
    return this.#channel?.isOpen() ? this.#channel.maxMessageSize() : DEFAULT_MESSAGE;
  }

  /** False where the message could not be sent: the channel is not open, or the message too large for the peer. */
  sendText(text: string): boolean {
    const channel = this.#channel;
    if (this.#closed || !channel?.isOpen()) return false;
    if (channel.bufferedAmount() > MAX_BUFFERED) {
      this.#end('the peer does not read its data channel');
      return false;
    }
    try {
      return channel.sendMessage(text) || true;
    } catch {
      return false;
    }
  }

  sendPacket(bytes: Uint8Array): void {
    if (this.#closed || !this.#track.isOpen()) return;
    try {
      this.#track.sendMessageBinary(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch {
      // The connection went away between the check and the call; its state change follows.
    }
  }

  /** Closes without an event. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel?.close();
    this.#track.close();
    this.#connection.close();
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.closed(reason);
  }
}
