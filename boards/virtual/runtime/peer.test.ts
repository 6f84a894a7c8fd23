import { Audio, type DataChannel, PeerConnection, type Track } from 'node-datachannel';
import { afterEach, describe, expect, it } from 'vitest';
import { ERR, EVENT, PEER_DOWN } from './codes.ts';
import { PeerPort } from './peer.ts';
import { Events, textOf } from './testing.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function device() {
  const events = new Events();
  const rtp: Uint8Array[] = [];
  const forgotten: number[] = [];
  const state = { online: true };
  const peers = new PeerPort(
    {
      post: events.post,
      rtp: (_, packet) => rtp.push(packet),
      forget: (id) => forgotten.push(id),
      online: () => state.online,
    },
    { bindAddress: '127.0.0.1' },
  );
  ends.push(() => peers.stop());
  return { events, rtp, forgotten, peers, state };
}

/** A server: another node-datachannel connection, which answers an offer. */
async function answerer(offer: string) {
  const connection = new PeerConnection('server', {
    iceServers: [],
    disableAutoNegotiation: true,
    bindAddress: '127.0.0.1',
  });
  ends.push(() => connection.close());
  const got = { texts: [] as string[], rtp: [] as Buffer[] };
  const media = new Audio('audio', 'SendRecv');
  media.addOpusCodec(111);
  media.addSSRC(77, 'server', 'server', 'audio');
  const track: Track = connection.addTrack(media);
  track.onMessage((packet) => got.rtp.push(packet));
  track.onClosed(() => {});
  const channel = new Promise<DataChannel>((resolve) =>
    connection.onDataChannel((opened) => {
      opened.onMessage((message) => got.texts.push(String(message)));
      resolve(opened);
    }),
  );
  const answer = await new Promise<string>((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(connection.localDescription()!.sdp);
    });
    connection.setRemoteDescription(offer, 'offer');
    connection.setLocalDescription('answer');
  });
  return { connection, track, channel, answer, got };
}

async function call() {
  const board = device();
  expect(board.peers.open(5, 'oai-events')).toBe(0);
  const offer = await board.events.next(EVENT.peerOffer);
  const server = await answerer(textOf(offer.data));
  expect(board.peers.answer(5, server.answer)).toBe(0);
  expect(await board.events.next(EVENT.peerUp)).toMatchObject({ id: 5 });
  expect(await board.events.next(EVENT.channelOpen)).toMatchObject({ id: 5 });
  return { ...board, server, channel: await server.channel };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a peer connection', () => {
  it('offers Opus both ways and a data channel, and leaves it to the server to be found', async () => {
    const { events, peers } = device();
    peers.open(1, 'oai-events');
    const event = await events.next(EVENT.peerOffer);
    expect(event.id).toBe(1);
    const sdp = textOf(event.data);
    expect(sdp).toMatch(/^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 111\r$/m);
    expect(sdp).toMatch(/^a=rtpmap:111 opus\/48000\/2\r$/m);
    expect(sdp).toMatch(/^a=sendrecv\r$/m);
    expect(sdp).toMatch(/^a=ssrc:\d+ /m);
    expect(sdp).toMatch(/^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
    expect(sdp).toMatch(/^a=setup:actpass\r$/m);
    expect(sdp).not.toMatch(/^a=candidate:/m);
  });

  it('carries text both ways, up to 64 KiB, and reports what is larger', async () => {
    const { events, peers, server, channel } = await call();
    expect(channel.getLabel()).toBe('oai-events');
    const large = `{"x":"${'ü'.repeat(32_760)}"}`;
    expect(peers.sendText(5, new TextEncoder().encode('{"a":1}'))).toBe(0);
    expect(peers.sendText(5, new TextEncoder().encode(large))).toBe(0);
    await until(() => server.got.texts.length === 2);
    expect(server.got.texts).toEqual(['{"a":1}', large]);

    channel.sendMessage('y'.repeat(65_536));
    channel.sendMessage('z'.repeat(65_537));
    channel.sendMessage('w'.repeat(200_000));
    channel.sendMessageBinary(Buffer.from('{}'));
    expect((await events.next(EVENT.peerText)).data).toHaveLength(65_536);
    expect(await events.next(EVENT.peerTooLarge)).toMatchObject({ id: 5, code: 65_537 });
    expect(await events.next(EVENT.peerTooLarge)).toMatchObject({ id: 5, code: 200_000 });
    expect(textOf((await events.next(EVENT.peerText)).data)).toBe('{}');
  });

  it('asks to try again while too much is waiting', async () => {
    const { peers, server } = await call();
    const text = new Uint8Array(60_000).fill(0x20);
    let sent = 0;
    let result = 0;
    for (; result === 0 && sent < 200; sent++) result = peers.sendText(5, text);
    expect(result).toBe(ERR.full);
    await until(() => server.got.texts.length === sent - 1);
    expect(peers.sendText(5, text)).toBe(0);
  });

  it('carries Opus packets both ways, with an RTP header of its own', async () => {
    const { peers, server, rtp } = await call();
    for (let i = 0; i < 50; i++) {
      expect(peers.sendAudio(5, new Uint8Array([i, 2, 3]), 1000 + i * 960)).toBe(0);
      const packet = Buffer.from([0x80, 111, 0, i, 0, 0, 0, 0, 0, 0, 0, 77, 9, 9, i]);
      server.track.sendMessageBinary(packet);
    }
    await until(() => server.got.rtp.length === 50 && rtp.length === 50);
    const sent = server.got.rtp;
    const first = sent[0]!;
    expect(first[0]).toBe(0x80);
    expect(sent.map((packet) => packet[1])).toEqual([0x80 | 111, ...Array(49).fill(111)]);
    expect(new Set(sent.map((packet) => packet.readUInt32BE(8))).size).toBe(1);
    const start = first.readUInt16BE(2);
    expect(sent.map((packet) => (packet.readUInt16BE(2) - start) & 0xffff)).toEqual([...Array(50).keys()]);
    expect(sent.map((packet) => packet.readUInt32BE(4))).toEqual(
      [...Array(50).keys()].map((i) => 1000 + i * 960),
    );
    expect(sent.map((packet) => packet[12])).toEqual([...Array(50).keys()]);
    expect(rtp.map((packet) => packet[14])).toEqual([...Array(50).keys()]);
  });

  it('says once that the other side closed', async () => {
    const { events, server } = await call();
    server.connection.close();
    expect(await events.next(EVENT.peerDown)).toMatchObject({ id: 5, code: PEER_DOWN.closed });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(events.all.filter((event) => event.kind === EVENT.peerDown)).toHaveLength(1);
  });

  it('says when only the channel was closed', async () => {
    const { events, channel } = await call();
    channel.close();
    expect(await events.next(EVENT.peerDown)).toMatchObject({ id: 5, code: PEER_DOWN.channel });
  });

  it('posts nothing more once it was closed, and can be closed twice', async () => {
    const { events, peers, server, channel, forgotten } = await call();
    channel.sendMessage('on its way');
    peers.close(5);
    peers.close(5);
    const count = events.all.length;
    await until(() => server.connection.state() === 'closed');
    expect(events.all).toHaveLength(count);
    expect(forgotten).toContain(5);
    expect(peers.sendText(5, new Uint8Array(1))).toBe(ERR.notFound);
    expect(peers.open(5, 'again')).toBe(0);
  });

  it('refuses an answer that is none', async () => {
    const { events, peers } = device();
    peers.open(1, 'oai-events');
    const offer = textOf((await events.next(EVENT.peerOffer)).data);
    expect(peers.answer(1, '<!DOCTYPE html><html><body>502</body></html>')).toBe(ERR.format);
    expect(peers.answer(1, '')).toBe(ERR.format);
    expect(peers.answer(1, offer.replace(/^a=fingerprint.*\r\n/gm, ''))).toBe(ERR.format);
    expect(peers.answer(1, offer.slice(0, 300))).toBe(ERR.format);
    expect(peers.answer(2, offer)).toBe(ERR.notFound);
    expect(peers.sendText(1, new Uint8Array(1))).toBe(ERR.state);
    expect(peers.sendAudio(1, new Uint8Array(1), 0)).toBe(ERR.state);
  });

  it('lets nothing in or out without a network', async () => {
    const { peers, server, rtp, state } = await call();
    state.online = false;
    expect(peers.sendAudio(5, new Uint8Array([1]), 0)).toBe(0);
    server.track.sendMessageBinary(Buffer.from([0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 77, 1]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(rtp).toHaveLength(0);
    state.online = true;
    expect(peers.sendAudio(5, new Uint8Array([2]), 960)).toBe(0);
    await until(() => server.got.rtp.length > 0);
    expect(server.got.rtp.map((packet) => packet[12])).toEqual([2]);
  });
});
