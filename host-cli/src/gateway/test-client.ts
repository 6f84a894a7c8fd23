/** For tests: a WebRTC client of the gateway, on node-datachannel: offers, speaks, listens, keeps all events. */
import { createDecoder, createEncoder } from 'libopus-wasm';
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from 'node-datachannel';
import { FRAME, FRAME_MS, join, RATE } from './audio.ts';
import type { ServerEvent } from './events.ts';
import { isRtcp, parseRtp, writeRtp } from './rtp.ts';
import { SeenEvents } from './test-seen.ts';

export interface ClientOptions {
  url: string;
  headers: Record<string, string>;
  label?: string;
  /** What the client takes for the server's answer. */
  answer?(sdp: string): Promise<string>;
}

const OPUS = 111;

export class TestClient extends SeenEvents {
  readonly connection: PeerConnection;
  readonly track: Track;
  readonly channel: DataChannel;
  /** Markers seen in the RTP of the server. */
  markers = 0;
  location = '';
  #heard: Int16Array[] = [];
  #sequence = 65_000;
  #timestamp = 4_294_960_000;
  closed = false;

  static async connect(options: ClientOptions): Promise<TestClient> {
    const decoder = await createDecoder({ sampleRate: RATE, channels: 1 });
    const client = new TestClient(options.label ?? 'oai-events', (payload) => decoder.decode(payload));
    const offer = await client.#offer();
    const response = await fetch(options.url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', ...options.headers },
      body: offer,
    });
    const body = await response.text();
    if (response.status !== 201) throw new Error(`${response.status}: ${body}`);
    client.location = response.headers.get('location') ?? '';
    client.connection.setRemoteDescription((await options.answer?.(body)) ?? body, 'answer');
    await client.event('session.created');
    return client;
  }

  private constructor(label: string, decode: (payload: Uint8Array) => Int16Array) {
    super();
    this.connection = new nodeDataChannel.PeerConnection('client', {
      iceServers: [],
      bindAddress: '127.0.0.1',
      disableAutoNegotiation: true,
    });
    this.connection.onStateChange((state) => {
      if (state === 'closed' || state === 'disconnected' || state === 'failed') this.closed = true;
      this.wake();
    });
    const audio = new nodeDataChannel.Audio('0', 'SendRecv');
    audio.addOpusCodec(OPUS);
    audio.addSSRC(4242, 'client', 'client', 'microphone');
    this.track = this.connection.addTrack(audio);
    this.track.onMessage((bytes) => {
      const packet = isRtcp(bytes) ? undefined : parseRtp(bytes);
      if (!packet || packet.payloadType !== OPUS) return;
      if (packet.marker) this.markers++;
      this.#heard.push(decode(packet.payload));
      this.wake();
    });
    this.channel = this.connection.createDataChannel(label);
    this.channel.onMessage((message) => {
      this.events.push(JSON.parse(String(message)) as ServerEvent);
      this.wake();
    });
    this.channel.onClosed(() => {
      this.closed = true;
      this.wake();
    });
  }

  async #offer(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.connection.onGatheringStateChange((state) => {
        if (state === 'complete') resolve();
      });
      this.connection.setLocalDescription('offer');
    });
    return this.connection.localDescription()?.sdp ?? '';
  }

  send(event: object): void {
    this.channel.sendMessage(JSON.stringify(event));
  }

  /** All sound of the server so far, 24 kHz. */
  heard(): Int16Array {
    return join(this.#heard);
  }

  /** Speaks 24 kHz sound in real time, then as much silence. */
  async say(pcm: Int16Array, silenceMs = 1000, speed = 1): Promise<void> {
    const encoder = await createEncoder({
      sampleRate: RATE,
      channels: 1,
      application: 2048,
      bitrate: 24_000,
    });
    const frames = Math.ceil(pcm.length / FRAME) + silenceMs / FRAME_MS;
    const start = performance.now();
    for (let n = 0; n < frames; n++) {
      const frame = new Int16Array(FRAME);
      frame.set(pcm.subarray(Math.min(pcm.length, n * FRAME), Math.min(pcm.length, (n + 1) * FRAME)));
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#timestamp = (this.#timestamp + 960) >>> 0;
      const payload = encoder.encode(frame);
      const { track } = this;
      if (!track.isOpen()) break;
      track.sendMessageBinary(
        Buffer.from(
          writeRtp({
            payloadType: OPUS,
            marker: n === 0,
            sequence: this.#sequence,
            timestamp: this.#timestamp,
            ssrc: 4242,
            payload,
          }),
        ),
      );
      const wait = start + ((n + 1) * FRAME_MS) / speed - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    encoder.free();
  }

  close(): void {
    this.closed = true;
    this.channel.close();
    this.track.close();
    this.connection.close();
  }
}
