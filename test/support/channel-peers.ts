/** Foreign SCTP and DCEP for a channel: werift's without DTLS, and any WebRTC stack through werift's ICE and DTLS. */
import { Event, RTCDataChannel, RTCDataChannelParameters, RTCPeerConnection, RTCSctpTransport } from 'werift';
import type { NativeChannel } from './native-channel.ts';

type Dtls = Parameters<RTCSctpTransport['setDtlsTransport']>[0];

/** What a stack has to do with the channel that the device opens. */
export interface ChannelEvents {
  open(label: string): void;
  text(text: string): void;
  closed(): void;
}
export interface Peer {
  send(text: string): void;
  /** Closes the device's channel. */
  closeChannel(): void;
  /** Opens a channel of its own; how that ends. */
  openAnother(label: string): Promise<'open' | 'closed'>;
  close(): void | Promise<void>;
}

/**
 * werift's SCTP and data channels on a transport that is only functions. `begins`: it sends an INIT, too (then it
 * takes none).
 */
export function weriftPeer(
  send: (packet: Buffer) => void,
  events: ChannelEvents,
  begins = false,
): Peer & { receive(packet: Buffer): void } {
  const dtls = {
    id: 'test',
    iceTransport: { role: begins ? 'controlling' : 'controlled' },
    onStateChange: new Event<[string]>(),
    dataReceiver: (_packet: Buffer) => {},
    sendData: async (packet: Buffer) => send(packet),
  };
  const transport = new RTCSctpTransport(5000);
  transport.setDtlsTransport(dtls as unknown as Dtls);
  transport.setRemoteMaxMessageSize(0);
  let channel: RTCDataChannel | undefined;
  transport.onDataChannel.subscribe((incoming) => {
    channel = incoming;
    events.open(incoming.label);
    incoming.stateChanged.subscribe((state) => state === 'closed' && events.closed());
    incoming.onMessage.subscribe((message) => events.text(String(message)));
  });
  void transport.start(5000);
  return {
    receive: (packet) => dtls.dataReceiver?.(packet), // it goes when werift stops
    send: (text) => channel?.send(text),
    closeChannel: () => channel?.close(),
    openAnother: (label) =>
      new Promise((resolve) => {
        const another = new RTCDataChannel(transport, new RTCDataChannelParameters({ label, id: 2 }));
        another.stateChanged.subscribe((state) => {
          if (state === 'open' || state === 'closed') resolve(state);
        });
      }),
    close: () => transport.stop(),
  };
}

/** A WebRTC stack that answers: of the offer it needs the data channel alone. */
export type Answerer = (
  offer: string,
  events: ChannelEvents,
) => Promise<Peer & { answer: string }> | (Peer & { answer: string });

/**
 * ICE and DTLS of werift with the native channel in the place of its SCTP, so that the other stack's SCTP talks to
 * the channel: `carry` takes each packet on its way. Returns when DTLS is up.
 */
export async function bridge(
  native: NativeChannel,
  answerer: Answerer,
  events: ChannelEvents,
  carry: (packet: Buffer, arrive: (packet: Buffer) => void) => void,
): Promise<Peer> {
  const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] });
  connection.createDataChannel('unused');
  const transport = connection.sctpTransport!;
  transport.start = async () => {};
  await connection.setLocalDescription(await connection.createOffer());
  const peer = await answerer(connection.localDescription!.sdp, events);
  const dtls = transport.dtlsTransport;
  const connected = new Promise<void>((resolve) => {
    dtls.onStateChange.subscribe((state) => state === 'connected' && resolve());
  });
  // Before DTLS is up: the other side may begin at once.
  dtls.dataReceiver = (packet: Buffer) => carry(packet, (arrived) => native.receive(arrived));
  let up = true;
  native.onPacket = (packet) =>
    carry(packet, (arrived) => {
      if (up) void dtls.sendData(arrived).catch(() => {});
    });
  await connection.setRemoteDescription({ type: 'answer', sdp: peer.answer });
  await connected;
  return {
    ...peer,
    close: async () => {
      up = false;
      await peer.close();
      await connection.close();
    },
  };
}

/** libdatachannel, whose SCTP is usrsctp as well. */
export const ndcAnswerer: Answerer = async (offer, events) => {
  const { PeerConnection } = await import('node-datachannel');
  const connection = new PeerConnection('test', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
    maxMessageSize: 1 << 20,
  });
  let channel: import('node-datachannel').DataChannel | undefined;
  connection.onDataChannel((incoming) => {
    channel = incoming;
    events.open(incoming.getLabel());
    incoming.onMessage((message) => events.text(String(message)));
    incoming.onClosed(() => events.closed());
  });
  await new Promise<void>((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
    connection.setRemoteDescription(offer, 'offer');
    connection.setLocalDescription('answer');
  });
  return {
    answer: connection.localDescription()!.sdp,
    send: (text) => channel!.sendMessage(text),
    closeChannel: () => channel!.close(),
    openAnother: (label) =>
      new Promise((resolve) => {
        const another = connection.createDataChannel(label);
        another.onOpen(() => resolve('open'));
        another.onClosed(() => resolve('closed'));
      }),
    close: () => connection.close(),
  };
};

/** The few functions of @roamhq/wrtc that are used here; its own types need those of a browser. */
interface Channel {
  readonly label: string;
  onopen: () => void;
  onclose: () => void;
  onmessage: (event: { data: unknown }) => void;
  send(text: string): void;
  close(): void;
}
interface Connection {
  ondatachannel: (event: { channel: Channel }) => void;
  onicegatheringstatechange: () => void;
  readonly iceGatheringState: string;
  readonly localDescription: { sdp: string };
  setRemoteDescription(description: { type: string; sdp: string }): Promise<void>;
  setLocalDescription(description: object): Promise<void>;
  createAnswer(): Promise<object>;
  createDataChannel(label: string): Channel;
  close(): void;
}

/** libwebrtc, whose SCTP is dcsctp, as in browsers; or why it cannot be loaded here. */
export async function loadWrtcAnswerer(): Promise<Answerer | string> {
  try {
    const loaded = (await import('@roamhq/wrtc')) as unknown as {
      default: { RTCPeerConnection: new (config: object) => Connection };
    };
    return wrtcAnswerer(() => new loaded.default.RTCPeerConnection({ iceServers: [] }));
  } catch (error) {
    return `@roamhq/wrtc does not load on ${process.platform}-${process.arch}: ${(error as Error).message.split('\n')[0]}`;
  }
}

function wrtcAnswerer(connect: () => Connection): Answerer {
  return async (offer, events) => {
    const connection = connect();
    let channel: Channel | undefined;
    connection.ondatachannel = ({ channel: incoming }) => {
      channel = incoming;
      incoming.onmessage = ({ data }) => events.text(String(data));
      incoming.onclose = () => events.closed();
      events.open(incoming.label);
    };
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    const gathered = new Promise<void>((resolve) => {
      connection.onicegatheringstatechange = () => {
        if (connection.iceGatheringState === 'complete') resolve();
      };
    });
    await connection.setLocalDescription(await connection.createAnswer());
    await gathered;
    return {
      answer: connection.localDescription.sdp,
      send: (text) => channel!.send(text),
      closeChannel: () => channel!.close(),
      openAnother: (label) =>
        new Promise((resolve) => {
          const another = connection.createDataChannel(label);
          another.onopen = () => resolve('open');
          another.onclose = () => resolve('closed');
        }),
      close: () => connection.close(),
    };
  };
}
