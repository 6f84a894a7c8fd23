import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { announce, parseAnnounced } from './announce.ts';
import { startGateway } from './index.ts';
import { TestClient } from './test-client.ts';

const SDP = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=candidate:1 1 UDP 2122317823 192.168.1.7 50000 typ host',
  'a=candidate:2 1 UDP 2122317567 10.1.1.1 50000 typ host',
  'a=candidate:3 1 TCP 1 10.1.1.1 9 typ host tcptype active',
  'a=end-of-candidates',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:1',
  '',
].join('\r\n');

describe('announced addresses', () => {
  it('come first, once per port, with the highest priorities', () => {
    const lines = announce(SDP, ['203.0.113.5', '2001:db8::1']).split('\r\n');
    expect(lines.slice(3, 6)).toEqual([
      'a=candidate:a1 1 UDP 2130706431 203.0.113.5 50000 typ host',
      'a=candidate:a2 1 UDP 2130702335 2001:db8::1 50000 typ host',
      'a=candidate:1 1 UDP 2122317823 192.168.1.7 50000 typ host',
    ]);
    expect(lines.filter((line) => !line.startsWith('a=candidate:a')).join('\r\n')).toBe(SDP);
  });
  it('leave an answer alone that has them, has no candidates, or where there are none', () => {
    expect(announce(SDP, ['192.168.1.7'])).toBe(SDP);
    expect(announce('v=0\r\nm=audio 9 x\r\n', ['192.0.2.1'])).toBe('v=0\r\nm=audio 9 x\r\n');
    expect(announce(SDP, [])).toBe(SDP);
  });
  it('are read one by one or with commas', () => {
    expect(parseAnnounced(['192.0.2.1, 10.0.2.2', '::1', '10.0.2.2'])).toEqual([
      '192.0.2.1',
      '10.0.2.2',
      '::1',
    ]);
    for (const wrong of ['', 'gateway.local', '1.2.3', '1.2.3.4:5', '10.0.2.2,'])
      expect(() => parseAnnounced([wrong])).toThrow(expect.objectContaining({ code: 'GATEWAY_ANNOUNCE' }));
  });
});

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
});

const bound = (host: string, port = 0): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(port, host, () => {
      close.push(() => socket.close());
      resolve(socket);
    });
  });

/** Forwards datagrams to `outside:port` to `inside:port` and back, as NAT with a forwarded port does. */
async function forward(outside: string, inside: string, port: number): Promise<{ packets: () => number }> {
  const front = await bound(outside, port);
  const back = await bound(inside);
  let client: { address: string; port: number } | undefined;
  let packets = 0;
  front.on('message', (bytes, from) => {
    client = from;
    packets++;
    back.send(bytes, port, inside);
  });
  back.on('message', (bytes) => {
    if (client) front.send(bytes, client.port, client.address);
  });
  return { packets: () => packets };
}

const OUTSIDE = '127.0.0.2';
const canBind = await bound(OUTSIDE).then(
  () => true,
  () => false,
);
for (const run of close.splice(0)) run();

// Only Linux has all of 127.0.0.0/8 by itself.
it.skipIf(!canBind)('a peer that knows nothing but the announced address gets its call', async () => {
  const gateway = await startGateway({ mode: 'echo', listen: '127.0.0.1:0', announce: [OUTSIDE] });
  close.push(() => gateway.close());
  let way: { packets: () => number } | undefined;
  const client = await TestClient.connect({
    url: gateway.callsUrl,
    headers: { authorization: `Bearer ${gateway.token}` },
    async answer(sdp) {
      const found = /a=candidate:a1 1 UDP \d+ 127\.0\.0\.2 (\d+) typ host/.exec(sdp);
      expect(found).not.toBeNull();
      way = await forward(OUTSIDE, '127.0.0.1', Number(found![1]));
      return sdp.replace(/a=candidate:(?!a1).*\r\n/g, '');
    },
  });
  close.push(() => client.close());
  client.send({ type: 'session.update', session: { type: 'realtime', instructions: 'Hello.' } });
  expect((await client.event('session.updated')).session).toMatchObject({ instructions: 'Hello.' });
  expect(way!.packets()).toBeGreaterThan(5);
});
