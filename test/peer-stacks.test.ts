/**
 * Three WebRTC stacks answer the chip's offer, and speak ICE and DTLS with what stands between its socket and libpeer
 * (firmware/peer, compiled as the C tests are): their answers are read, their checks, responses and first DTLS flight
 * pass the guard, and one changed byte does not.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compileTests } from '@tincan/firmware';
import { expect, it, onTestFinished } from 'vitest';
import type { Stack } from './support/foreign-server.ts';
import { ndcStack } from './support/stack-ndc.ts';
import { weriftStack } from './support/stack-werift.ts';
import { loadWrtc } from './support/stack-wrtc.ts';

const cacheDir = fileURLToPath(new URL('../node_modules/.cache/tincan', import.meta.url));
const { wasm } = await compileTests({ cacheDir });
const wrtc = await loadWrtc();
if (typeof wrtc === 'string') console.log(`skipped: ${wrtc}`);

/** Verdicts of firmware/peer/guard.h that pass; all others drop. */
const REQUEST = 0;
const RESPONSE = 1;
const DTLS = 2;
const CLIENT_HELLO = 1;
/** Guard against hanging for ever; no result depends on it. */
const GUARD_MS = 40_000;
const CHECK_MS = 200;

/** The C side, with its one buffer. */
async function load() {
  const { instance } = await WebAssembly.instantiate(wasm);
  const exports = instance.exports as Record<string, unknown>;
  const call = (name: string, ...args: number[]) => (exports[name] as (...args: number[]) => number)(...args);
  call('_initialize');
  const buffer = (length: number) =>
    new Uint8Array((exports.memory as WebAssembly.Memory).buffer, call('golden_buffer'), length);
  const read = (length: number) => Buffer.from(buffer(length));
  return {
    call,
    write(bytes: Uint8Array): number {
      buffer(bytes.length).set(bytes);
      return bytes.length;
    },
    read,
    text: (length: number) => read(length).toString(),
  };
}

const octets = (address: string) => address.split('.').map(Number);

async function meet(stack: Stack): Promise<void> {
  const core = await load();
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  await new Promise<void>((resolve) => socket.bind(0, '0.0.0.0', resolve));
  const { port } = socket.address();
  const now = () => Math.floor(performance.now());

  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ family }) => family === 'IPv4')
    .slice(0, 8);
  core.write(
    Uint8Array.from(addresses.flatMap(({ address }) => [...octets(address), port >> 8, port & 255])),
  );
  const offer = core.text(core.call('golden_peer_offer', addresses.length));
  const nothing = () => {};
  const peer = await stack(offer, { open: nothing, text: nothing, sound: nothing, closed: nothing });
  onTestFinished(() => peer.close());

  const taken = core.call('golden_peer_answer', core.write(Buffer.from(peer.answer)), now());
  expect(taken, `${core.text(Math.abs(taken))}:\n${peer.answer}`).toBeGreaterThan(0);
  const forLibpeer = core.text(taken);
  const value = (name: string) => new RegExp(`^a=${name}:(.*)\r$`, 'm').exec(forLibpeer)?.[1];
  for (const name of ['ice-ufrag', 'ice-pwd'])
    expect(peer.answer.split(/\r?\n/)).toContain(`a=${name}:${value(name)}`);
  expect(peer.answer.toUpperCase()).toContain(value('fingerprint')!.toUpperCase());
  const candidates = [...forLibpeer.matchAll(/^a=candidate:\d+ 1 UDP \d+ (\S+) (\d+) typ /gm)].map(
    ([, address, port]) => `${address}:${port}`,
  );
  expect(candidates.length).toBeGreaterThan(0);

  const verdicts = new Map<string, number>();
  await new Promise<void>((resolve, reject) => {
    let id = 0;
    let chosen = false;
    const ask = () => {
      for (const [index, candidate] of candidates.entries()) {
        const [address, port] = candidate.split(':') as [string, string];
        id = (id + 1) & 255;
        socket.send(
          core.read(core.call('golden_peer_request', index, id, now())),
          Number(port),
          address,
          () => {},
        );
      }
    };
    const timer = setInterval(ask, CHECK_MS);
    const guard = setTimeout(
      () => reject(new Error(`no ClientHello; the guard saw ${JSON.stringify([...verdicts])}`)),
      GUARD_MS,
    );
    onTestFinished(() => {
      clearInterval(timer);
      clearTimeout(guard);
    });
    const receive = (datagram: Buffer, from: RemoteInfo) => {
      const index = candidates.indexOf(`${from.address}:${from.port}`);
      if (index < 0) return;
      const verdict = core.call('golden_peer_check', index, core.write(datagram), now());
      const word = core.text(core.call('golden_peer_word', verdict));
      verdicts.set(word, (verdicts.get(word) ?? 0) + 1);
      core.write(datagram);
      if (verdict === REQUEST) {
        socket.send(core.read(core.call('golden_peer_response', index)), from.port, from.address);
        // The same with one bit changed, anywhere: never.
        for (let place = 0; place < datagram.length; place += 5) {
          const forged = Buffer.from(datagram);
          forged[place]! ^= 1;
          const length = core.write(forged);
          expect(core.call('golden_peer_check', index, length, now())).toBeGreaterThan(4);
        }
      } else if (verdict === RESPONSE && !chosen) {
        expect(core.call('golden_peer_choose', index)).toBe(0);
        chosen = true;
      } else if (verdict === DTLS && datagram[13] === CLIENT_HELLO) {
        resolve();
      }
    };
    socket.on('message', (datagram, from) => {
      try {
        receive(datagram, from);
      } catch (error) {
        reject(error);
      }
    });
    ask();
  });
  // Nothing of what a true peer sent was taken for a forgery.
  expect([...verdicts.keys()].filter((word) => /integrity|fingerprint|username|format/.test(word))).toEqual(
    [],
  );
}

it('node-datachannel answers the offer, and passes the guard', () => meet(ndcStack));
it('werift answers the offer, and passes the guard', () => meet(weriftStack));
it.skipIf(typeof wrtc === 'string')('libwebrtc answers the offer, and passes the guard', () =>
  typeof wrtc === 'string' ? undefined : meet(wrtc),
);
