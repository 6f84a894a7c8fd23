import { manualClock } from '@tincan/boards';
import { describe, expect, it } from 'vitest';
import { isRtcp, parseRtp, Reorder, type RtpPacket, writeRtp } from './rtp.ts';

const packet = (sequence: number, fields: Partial<RtpPacket> = {}): RtpPacket => ({
  payloadType: 111,
  marker: false,
  sequence: sequence & 0xffff,
  timestamp: (sequence * 960) >>> 0,
  ssrc: 7,
  payload: Uint8Array.of(1, 2, 3),
  ...fields,
});

describe('RTP', () => {
  it('reads what it writes', () => {
    const one = packet(65_535, { marker: true, timestamp: 0xffff_fff0, ssrc: 0xdead_beef });
    expect(parseRtp(writeRtp(one))).toEqual(one);
  });

  it('skips CSRC, extension and padding', () => {
    const bytes = Uint8Array.from([
      0xb1, 0x6f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 8, 8, 8, 8, 5, 6, 0, 2,
    ]);
    expect(parseRtp(bytes)).toMatchObject({ sequence: 1, payload: Uint8Array.of(5, 6) });
  });

  it.each([
    ['too short', [0x80, 111, 0, 1]],
    ['another version', [0x40, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1]],
    ['CSRCs that are not there', [0x8f, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1]],
    ['an extension longer than the packet', [0x90, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 255, 255]],
    ['padding longer than the packet', [0xa0, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 200]],
    ['padding of nothing', [0xa0, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0]],
  ])('refuses a packet with %s', (_, bytes) => {
    expect(parseRtp(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('tells RTCP from RTP', () => {
    expect(isRtcp(Uint8Array.of(0x80, 200))).toBe(true);
    expect(isRtcp(writeRtp(packet(1, { marker: true })))).toBe(false);
  });
});

describe('the order of packets', () => {
  function bench() {
    const clock = manualClock();
    const out: (number | string)[] = [];
    const order = new Reorder(clock, (one, lost, restarted) => {
      if (restarted) out.push('start');
      if (lost) out.push(`lost ${lost}`);
      out.push(one.sequence);
    });
    const push = (...list: number[]) => {
      for (const n of list) order.push(packet(n));
    };
    return { clock, out, order, push };
  }

  it('is restored, over the wrap of the numbers too', () => {
    const { out, push } = bench();
    push(65_533, 65_535, 65_534, 65_537, 65_536);
    expect(out).toEqual(['start', 65_533, 65_534, 65_535, 0, 1]);
  });

  it('drops what comes twice or too late', () => {
    const { out, order, push } = bench();
    push(10, 11, 11, 10, 12);
    expect(out).toEqual(['start', 10, 11, 12]);
    expect(order.late).toBe(2);
  });

  it('gives up a missing packet when five later ones wait', () => {
    const { out, order, push } = bench();
    push(1, 4, 5, 6, 7, 8);
    expect(out).toEqual(['start', 1]);
    push(9);
    expect(out).toEqual(['start', 1, 'lost 2', 4, 5, 6, 7, 8, 9]);
    expect(order.lost).toBe(2);
  });

  it('gives up a missing packet after a time', () => {
    const { clock, out, push } = bench();
    push(1, 3);
    clock.advance(119);
    expect(out).toEqual(['start', 1]);
    clock.advance(1);
    expect(out).toEqual(['start', 1, 'lost 1', 3]);
    expect(clock.pending).toBe(0);
  });

  it('starts anew with another source or a jump', () => {
    const { out, order, push } = bench();
    push(1, 3, 20_000);
    expect(out).toEqual(['start', 1, 'lost 1', 3, 'start', 20_000]);
    order.push(packet(5, { ssrc: 8 }));
    expect(out.slice(-2)).toEqual(['start', 5]);
  });
});
