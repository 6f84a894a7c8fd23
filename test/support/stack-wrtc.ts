/** @roamhq/wrtc under the test server: libwebrtc, the stack of browsers. It has no build for some platforms. */
import type { Stack } from './foreign-server.ts';
import { level, paced } from './sound.ts';

/** The few of its functions that are used here; its own types need those of a browser. */
interface Connection {
  ondatachannel: (event: { channel: Channel }) => void;
  ontrack: (event: { track: object }) => void;
  onconnectionstatechange: () => void;
  onicegatheringstatechange: () => void;
  readonly connectionState: string;
  readonly iceGatheringState: string;
  readonly localDescription: { sdp: string };
  addTrack(track: object): void;
  setRemoteDescription(description: { type: string; sdp: string }): Promise<void>;
  setLocalDescription(description: object): Promise<void>;
  createAnswer(): Promise<object>;
  getStats(): Promise<Map<string, { type: string; packetsReceived?: number; packetsLost?: number }>>;
  close(): void;
}
interface Channel {
  readonly readyState: string;
  onopen: () => void;
  onclose: () => void;
  onmessage: (event: { data: unknown }) => void;
  send(text: string): void;
  close(): void;
}
interface Wrtc {
  RTCPeerConnection: new (config: object) => Connection;
  nonstandard: {
    RTCAudioSource: new () => { createTrack(): object; onData(data: object): void };
    RTCAudioSink: new (
      track: object,
    ) => { ondata: (data: { samples: Int16Array; sampleRate: number }) => void; stop(): void };
  };
}

const RATE = 48_000;
/** It takes and gives sound in pieces of 10 ms. */
const PIECE = RATE / 100;

/** The package, or why it cannot be loaded here. */
export async function loadWrtc(): Promise<Stack | string> {
  try {
    const loaded = (await import('@roamhq/wrtc')) as unknown as { default: Wrtc };
    return wrtcStack(loaded.default);
  } catch (error) {
    return `@roamhq/wrtc does not load on ${process.platform}-${process.arch}: ${(error as Error).message.split('\n')[0]}`;
  }
}

function wrtcStack(wrtc: Wrtc): Stack {
  return async (offer, events) => {
    const connection = new wrtc.RTCPeerConnection({ iceServers: [] });
    let ended = false;
    const end = () => {
      if (!ended) events.closed();
      ended = true;
    };
    let channel: Channel | undefined;
    connection.onconnectionstatechange = () => {
      if (['closed', 'disconnected', 'failed'].includes(connection.connectionState)) end();
    };
    connection.ondatachannel = (event) => {
      channel = event.channel;
      channel.onmessage = ({ data }) => events.text(String(data));
      channel.onclose = end;
      if (channel.readyState === 'open') events.open();
      else channel.onopen = () => events.open();
    };
    const sinks: { stop(): void }[] = [];
    connection.ontrack = ({ track }) => {
      const sink = new wrtc.nonstandard.RTCAudioSink(track);
      sinks.push(sink);
      sink.ondata = ({ samples, sampleRate }) =>
        events.sound(level(samples), (samples.length * 1000) / sampleRate);
    };
    const source = new wrtc.nonstandard.RTCAudioSource();
    connection.addTrack(source.createTrack());
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    const gathered = new Promise<void>((resolve) => {
      connection.onicegatheringstatechange = () => {
        if (connection.iceGatheringState === 'complete') resolve();
      };
    });
    await connection.setLocalDescription(await connection.createAnswer());
    await gathered;
    let playing = 0;
    return {
      answer: connection.localDescription.sdp,
      send: (text) => {
        if (channel?.readyState === 'open') channel.send(text);
      },
      async play(pcm) {
        const mine = ++playing;
        await paced(
          Math.floor(pcm.length / PIECE),
          10,
          (piece) =>
            source.onData({
              // A copy with a buffer of its own: it takes the whole buffer.
              samples: pcm.slice(piece * PIECE, (piece + 1) * PIECE),
              sampleRate: RATE,
              bitsPerSample: 16,
              channelCount: 1,
              numberOfFrames: PIECE,
            }),
          () => ended || playing !== mine,
        );
      },
      hush() {
        playing++;
      },
      async audio() {
        const stats = [...(await connection.getStats()).values()];
        const inbound = stats.find(({ type }) => type === 'inbound-rtp');
        return { received: inbound?.packetsReceived ?? 0, lost: inbound?.packetsLost ?? 0 };
      },
      closeChannel: () => channel?.close(),
      close() {
        playing++;
        for (const sink of sinks) sink.stop();
        end();
        connection.close();
      },
    };
  };
}
