/**
 * The device's data channel (firmware/peer/channel.c on usrsctp, natively, with sanitizers) against the SCTP of
 * others. What needs no other stack is in firmware/test/native_channel_test.c.
 */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type BadNetwork, badNetwork } from './support/bad-network.ts';
import {
  type Answerer,
  bridge,
  type ChannelEvents,
  loadWrtcAnswerer,
  ndcAnswerer,
  type Peer,
  weriftPeer,
} from './support/channel-peers.ts';
import { buildChannel, NativeChannel } from './support/native-channel.ts';

const build = buildChannel();
if (typeof build === 'string') console.log(`skipped: the data channel natively: ${build}`);
afterAll(() => {
  if (typeof build !== 'string') build.remove();
});

const LABEL = 'oai-events';
const BAD = { lose: 5, twice: 5, late: 10, lateMs: 30 };

/** Message number `n`, of so many bytes, which says which it is. */
function message(n: number, bytes: number): string {
  const head = `${n}:`;
  return (head + String.fromCharCode(97 + (n % 26)).repeat(bytes)).slice(0, Math.max(bytes, head.length));
}
/** 1 to 12 kB. */
const size = (n: number) => 1000 + ((n * 7919) % 11_000);

async function until(what: string, look: () => boolean, ms = 50_000): Promise<void> {
  const end = Date.now() + ms;
  while (!look()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function startNative(): NativeChannel {
  const native = new NativeChannel((build as { program: string }).program);
  closers.push(() => native.end());
  return native;
}

interface Meeting {
  native: NativeChannel;
  peer: Peer;
  labels: string[];
  texts: string[];
  closed(): boolean;
  network: BadNetwork;
}

type Meet = () => Promise<Meeting>;

/** Opens a channel over a network that turns bad once it is open. */
async function meet(join: (seen: Omit<Meeting, 'peer'>, events: ChannelEvents) => Peer | Promise<Peer>) {
  const network = badNetwork({ seed: 20_251_127, ...BAD });
  network.bad = false;
  let closed = false;
  const seen = {
    native: startNative(),
    labels: [] as string[],
    texts: [] as string[],
    closed: () => closed,
    network,
  };
  const peer = await join(seen, {
    open: (label) => seen.labels.push(label),
    text: (text) => seen.texts.push(text),
    closed: () => {
      closed = true;
    },
  });
  closers.push(() => {
    network.cut();
    return peer.close();
  });
  seen.native.open(LABEL);
  await until('the channel', () => seen.native.opened === 1 && seen.labels.length === 1);
  return { ...seen, peer };
}

const meetWerift = (begins = false): Promise<Meeting> =>
  meet(({ native, network }, events) => {
    const peer = weriftPeer(
      (packet) => network.carry(packet, (arrived) => native.receive(arrived)),
      events,
      begins,
    );
    native.onPacket = (packet) => network.carry(packet, (arrived) => peer.receive(arrived));
    return peer;
  });

const meetThrough =
  (answerer: Answerer): Meet =>
  () =>
    meet(({ native, network }, events) => bridge(native, answerer, events, network.carry));

/** 500 messages each way at once; both sides see all of them, once and in order. */
async function exchange({ native, peer, texts, network }: Meeting, count = 500): Promise<void> {
  const out = Array.from({ length: count }, (_, n) => message(n, size(n)));
  const back = Array.from({ length: count }, (_, n) => message(n, size(n + 250)));
  network.bad = true;
  const begin = Date.now();
  for (const text of back) peer.send(text);
  for (const text of out) await native.send(text);
  await until('all messages', () => texts.length >= count && native.texts.length >= count, 170_000);
  console.log(`${count} each way in ${Date.now() - begin} ms`, network.counts);
  expect(texts).toEqual(out);
  expect(native.texts).toEqual(back);
  expect(network.counts.lost).toBeGreaterThan(0);
}

const wrtc = await loadWrtcAnswerer();
if (typeof wrtc === 'string') console.log(`skipped: the data channel with libwebrtc: ${wrtc}`);

const stacks: [name: string, meet: Meet][] = [
  ['werift', () => meetWerift()],
  ['libdatachannel', meetThrough(ndcAnswerer)],
];
if (typeof wrtc !== 'string') stacks.push(['libwebrtc', meetThrough(wrtc)]);

describe.skipIf(typeof build === 'string').each(stacks)('the data channel to %s', (_name, meet) => {
  test('exchanges 500 messages each way over a bad network', { timeout: 180_000 }, async () => {
    await exchange(await meet());
  });

  test('takes back what is echoed, message by message', { timeout: 180_000 }, async () => {
    const { native, peer, texts, network } = await meet();
    network.bad = true;
    let echoed = 0;
    const sent: string[] = [];
    for (let n = 0; n < 30; n++) {
      sent.push(message(n, size(n)));
      await native.send(sent[n]!);
      await until(`echo ${n}`, () => {
        while (echoed < texts.length) peer.send(texts[echoed++]!);
        return native.texts.length > n;
      });
    }
    expect(native.texts).toEqual(sent);
  });

  test('takes and sends 65,536 bytes', async () => {
    const { native, peer, texts } = await meet();
    const most = message(1, 65_536);
    peer.send(most);
    await until('64 KiB', () => native.texts.length === 1);
    expect(native.texts[0] === most).toBe(true);
    await native.send(most);
    await until('64 KiB out', () => texts.length === 1);
    expect(texts[0] === most).toBe(true);
    expect(await native.try(message(3, 65_537))).toBe(-2);
  });

  test('refuses a channel of the other side, and keeps its own', async () => {
    const { native, peer, texts } = await meet();
    expect(await peer.openAnother('another')).toBe('closed');
    await native.send('still here');
    await until('a text', () => texts.length === 1);
    expect(native.closed).toBeUndefined();
  });

  test('says that the other side closed the channel', async () => {
    const { native, peer } = await meet();
    peer.closeChannel();
    await until('the end', () => native.closed !== undefined);
    expect(native.closed).toBe('the peer closed the channel');
  });

  test('tells the other side when it closes', async () => {
    const { native, closed } = await meet();
    native.close();
    await until('the end', closed);
    expect(native.closed).toBeUndefined();
  });
});

describe.skipIf(typeof build === 'string')('the data channel', () => {
  test('opens whoever sends the INIT', async () => {
    const { native, labels } = await meetWerift(true);
    expect(labels).toEqual([LABEL]);
    expect(native.closed).toBeUndefined();
  });

  test('reports 102,400 bytes as too large, and goes on', async () => {
    const { native, peer } = await meetWerift();
    const larger = message(2, 102_400);
    peer.send(larger);
    peer.send('after');
    await until('the message after it', () => native.texts.length === 1);
    expect(native.tooLarge).toEqual([{ size: 102_400, begin: larger.slice(0, 1024) }]);
    expect(native.texts[0]).toBe('after');
  });
});
