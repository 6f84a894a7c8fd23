/** A WebRTC stack that nobody here wrote (werift, pure TypeScript) converses with the gateway. */
import { readFileSync } from 'node:fs';
import { startGateway } from '@tincan/host-cli';
import { createDecoder, createEncoder } from 'libopus-wasm';
import { expect, it, onTestFinished } from 'vitest';
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useOPUS } from 'werift';

const DATA = new URL('../host-cli/data/', import.meta.url);
const RATE = 16_000;
const FRAME = 320;
/** Guard against hanging for ever; no result depends on it. */
const GUARD_MS = 40_000;

interface Event {
  type: string;
  [field: string]: unknown;
}

it('a werift client is greeted, speaks, answers the tool call, and hears the answer', async () => {
  const gateway = await startGateway({ mode: 'script', script: new URL('demo.script.json', DATA).pathname });
  onTestFinished(() => gateway.close());
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: { audio: [useOPUS()] },
  });
  onTestFinished(() => peer.close());

  const microphone = new MediaStreamTrack({ kind: 'audio' });
  peer.addTransceiver(microphone, { direction: 'sendrecv' });
  const packets: Uint8Array[] = [];
  peer.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe((packet) => packets.push(new Uint8Array(packet.payload)));
  });
  const channel = peer.createDataChannel('oai-events');
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  channel.onMessage.subscribe((message) => {
    events.push(JSON.parse(String(message)) as Event);
    for (const look of [...waiting]) look();
  });
  const event = (type: string, from = 0): Promise<Event> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${type} after ${events.map((one) => one.type).join(', ')}`)),
        GUARD_MS,
      );
      const look = () => {
        const found = events.slice(from).find((one) => one.type === type);
        if (!found) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const send = (message: object) => channel.send(JSON.stringify(message));

  await peer.setLocalDescription(await peer.createOffer());
  const response = await fetch(gateway.callsUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token}`, 'content-type': 'application/sdp' },
    body: peer.localDescription!.sdp,
  });
  expect(response.status).toBe(201);
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });

  expect((await event('session.created')).session).toMatchObject({ type: 'realtime' });
  const tools = [{ type: 'function', name: 'set_light', parameters: { type: 'object' } }];
  send({ type: 'session.update', session: { type: 'realtime', tools } });
  await event('session.updated');

  send({ type: 'response.create' });
  await event('output_audio_buffer.stopped');
  expect(await loudness(packets)).toBeGreaterThan(0.02);

  const heard = events.length;
  await speak(microphone);
  const call = await event('response.function_call_arguments.done', heard);
  expect(call).toMatchObject({ name: 'set_light', arguments: '{"on":true}' });
  await event('response.done', heard);
  send({
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: call.call_id, output: '{"ok":true}' },
  });
  const answered = events.length;
  const before = packets.length;
  send({ type: 'response.create' });
  await event('output_audio_buffer.stopped', answered);
  expect(await event('response.output_audio_transcript.done', answered)).toMatchObject({
    transcript: 'The light is on now.',
  });
  expect(await loudness(packets.slice(before))).toBeGreaterThan(0.02);
  expect(events.filter((one) => one.type === 'error')).toEqual([]);
});

/** Root mean square of what these Opus packets hold, 0 to 1. */
async function loudness(packets: readonly Uint8Array[]): Promise<number> {
  const decoder = await createDecoder({ sampleRate: RATE, channels: 1 });
  let sum = 0;
  let count = 0;
  for (const packet of packets) {
    for (const value of decoder.decode(packet)) sum += value * value;
    count += FRAME;
  }
  decoder.free();
  return count === 0 ? 0 : Math.sqrt(sum / count) / 32_768;
}

/** Says "Please turn on the light." and a second of silence, a packet each 20 ms. */
async function speak(microphone: MediaStreamTrack): Promise<void> {
  const wav = readFileSync(new URL('voices/person-light-on.wav', DATA)).subarray(44);
  const frames = Math.ceil(wav.length / 2 / FRAME) + 50;
  const encoder = await createEncoder({ sampleRate: RATE, channels: 1, application: 2048, bitrate: 24_000 });
  const start = performance.now();
  for (let n = 0; n < frames; n++) {
    const pcm = new Int16Array(FRAME);
    for (let i = 0; i < FRAME; i++) {
      const at = 2 * (n * FRAME + i);
      if (at + 1 < wav.length) pcm[i] = wav.readInt16LE(at);
    }
    const header = new RtpHeader({ payloadType: 96, sequenceNumber: n, timestamp: n * 960, marker: n === 0 });
    microphone.writeRtp(new RtpPacket(header, Buffer.from(encoder.encode(pcm))));
    const wait = start + (n + 1) * 20 - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  encoder.free();
}
