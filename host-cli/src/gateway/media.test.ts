import { manualClock } from '@tincan/boards';
import { describe, expect, it } from 'vitest';
import { FRAME, join, rms } from './audio.ts';
import { Receiver, Sender } from './media.ts';
import { parseRtp } from './rtp.ts';
import { tone } from './test-session.ts';

/** A sender and a receiver with a wire between them. */
async function wire() {
  const clock = manualClock();
  const frames: Int16Array[] = [];
  const packets: Uint8Array[] = [];
  const receiver = await Receiver.create(clock, 111, (frame) => frames.push(frame));
  const sender = await Sender.create(clock, 111, 99, (bytes) => packets.push(bytes));
  const say = (ms: number) => {
    const pcm = tone(ms);
    for (let at = 0; at < pcm.length; at += FRAME) {
      sender.play(pcm.slice(at, at + FRAME), packets.length === 0);
      clock.advance(20);
    }
  };
  return { clock, frames, packets, receiver, sender, say };
}

describe('sound over RTP', () => {
  it('arrives as it was sent', async () => {
    const { frames, packets, receiver, say } = await wire();
    say(1000);
    for (const bytes of packets) receiver.push(bytes);
    expect(frames).toHaveLength(50);
    expect(rms(join(frames))).toBeCloseTo(rms(tone(1000)), 1);
    expect(receiver.stats).toEqual({ packets: 50, lost: 0, late: 0, concealed: 0, bad: 0 });
  });

  it('is 20 ms a packet at 48 kHz, with a marker where a talk begins and time in between', async () => {
    const { clock, packets, sender } = await wire();
    const frame = tone(20);
    sender.play(frame, true);
    clock.advance(20);
    sender.play(frame, false);
    clock.advance(1000);
    sender.play(frame, true);
    const [a, b, c] = packets.map((bytes) => parseRtp(bytes)!);
    expect([a, b, c].map((one) => one!.marker)).toEqual([true, false, true]);
    expect((b!.timestamp - a!.timestamp) >>> 0).toBe(960);
    expect((c!.timestamp - b!.timestamp) >>> 0).toBe(48_000);
    expect((c!.sequence - a!.sequence) & 0xffff).toBe(2);
    expect(new Set([a, b, c].map((one) => one!.ssrc))).toEqual(new Set([99]));
  });

  it('has concealed sound where packets were lost, and keeps its length', async () => {
    const { clock, frames, packets, receiver, say } = await wire();
    say(1000);
    packets.forEach((bytes, n) => {
      if (n !== 20 && n !== 21) receiver.push(bytes);
    });
    clock.advance(200);
    expect(frames).toHaveLength(50);
    expect(receiver.stats).toMatchObject({ lost: 2, concealed: 2 });
    expect(rms(join(frames.slice(20, 22)))).toBeGreaterThan(0.02);
  });

  it('conceals at most 100 ms of a long loss; the rest is silence', async () => {
    const { frames, packets, receiver, say } = await wire();
    say(1000);
    packets.forEach((bytes, n) => {
      if (n < 10 || n >= 30) receiver.push(bytes);
    });
    expect(frames).toHaveLength(50);
    expect(receiver.stats).toMatchObject({ lost: 20, concealed: 5 });
    expect(rms(join(frames.slice(15, 30)))).toBe(0);
  });

  it('is silence while the sender pauses, and the pause is not counted twice', async () => {
    const { clock, frames, packets, receiver, sender } = await wire();
    const deliver = () => {
      for (const bytes of packets.splice(0)) receiver.push(bytes);
    };
    sender.play(tone(20), true);
    deliver();
    clock.advance(999);
    expect(frames).toHaveLength(1);
    clock.advance(1001);
    expect(frames.length).toBe(1 + 2000 / 20);
    expect(rms(join(frames.slice(1)))).toBe(0);
    // The next talk says by its timestamp that 2000 ms have passed: one frame of sound, 99 of pause.
    sender.play(tone(20), true);
    deliver();
    expect(frames.length).toBe(102);
    receiver.close();
    expect(clock.pending).toBe(0);
  });

  it('passes over RTCP, other payload types and rubbish', async () => {
    const { frames, packets, receiver, say } = await wire();
    say(20);
    receiver.push(Uint8Array.of(0x80, 200, 0, 0));
    receiver.push(Uint8Array.of(1, 2, 3));
    receiver.push(packets[0]!.map((byte, at) => (at === 1 ? 5 : byte)));
    expect(frames).toEqual([]);
    expect(receiver.stats).toMatchObject({ packets: 0, bad: 1 });
    // Code 3 without its frame count: not Opus (RFC 6716 §3.2.5). The time it stands for is filled.
    receiver.push(Uint8Array.from([...packets[0]!.subarray(0, 12), 0xff]));
    expect(receiver.stats).toMatchObject({ packets: 1, bad: 2 });
    expect(frames).toHaveLength(1);
  });

  it('may be closed while it is heard, and leaves nothing behind', async () => {
    const { clock, packets, say } = await wire();
    say(600);
    let heard = 0;
    const receiver = await Receiver.create(clock, 111, () => {
      if (++heard === 3) receiver.close();
    });
    // A gap after the first: more than one lost frame is to be concealed when it ends.
    for (const bytes of packets.filter((_, at) => at < 2 || at > 12)) receiver.push(bytes);
    expect(heard).toBe(3);
    clock.advance(10_000);
    expect(heard).toBe(3);
  });
});
