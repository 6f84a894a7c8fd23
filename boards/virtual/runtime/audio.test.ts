import { describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { AudioLoop } from './audio.ts';
import { tone } from './testing.ts';

function loop(out: () => Int16Array = () => new Int16Array(320)) {
  const clock = manualClock(1000.5);
  const log: string[] = [];
  const heard: number[] = [];
  const played: number[] = [];
  const levels: number[] = [];
  const audio = new AudioLoop(
    clock,
    {
      frame(now, level) {
        heard.push(now);
        levels.push(level);
        return new Int16Array(320);
      },
      active: (on) => log.push(on ? 'on' : 'off'),
    },
    { frame: (_, now) => played.push(now) },
    { audioIn: () => log.push('in'), audioOut: out },
  );
  return { clock, audio, heard, played, levels, log };
}

describe('the audio loop', () => {
  it('moves one frame every 20 ms, without drift', () => {
    const { clock, audio, heard, played } = loop();
    audio.start();
    // An uneven clock: wakes are late by up to 7 ms, yet the grid stays.
    for (let i = 0; i < 1000; i++) clock.advance(7);
    expect(heard).toHaveLength(350);
    expect(heard[0]).toBe(1020.5);
    expect(heard[349]).toBe(1000.5 + 350 * 20);
    expect(played).toEqual(heard);
  });

  it('tells the microphone how loud the loudspeaker is', () => {
    const { clock, audio, levels } = loop(() => tone(20, 0.5));
    audio.start();
    clock.advance(20);
    expect(levels[0]).toBeCloseTo(0.5 / Math.SQRT2, 1);
  });

  it('catches up a little, but leaves frames out after a long stop', () => {
    let now = 0;
    const waiting: (() => void)[] = [];
    const heard: number[] = [];
    const late = new AudioLoop(
      {
        now: () => now,
        after(_, run) {
          waiting.push(run);
          return () => {};
        },
      },
      {
        frame(at) {
          heard.push(at);
          return new Int16Array(320);
        },
      },
      { frame() {} },
      { audioIn() {}, audioOut: () => new Int16Array(320) },
    );
    late.start();
    now = 85;
    waiting.shift()!();
    expect(heard).toEqual([20, 40, 60, 80]);
    now = 1015;
    waiting.shift()!();
    expect(heard.slice(4)).toEqual([1000]);
    expect(late.stats).toEqual({ frames: 5, skipped: 45 });
  });

  it('says on and off once, and is quiet after it stopped', () => {
    const { clock, audio, heard, log } = loop();
    audio.start();
    audio.start();
    clock.advance(40);
    audio.stop();
    audio.stop();
    clock.advance(1000);
    expect(heard).toHaveLength(2);
    expect(log).toEqual(['on', 'in', 'in', 'off']);
    expect(clock.pending).toBe(0);
  });

  it('stops within a frame where the core says so', () => {
    const one = loop(() => {
      one.audio.stop();
      return new Int16Array(320);
    });
    one.audio.start();
    one.clock.advance(500);
    expect(one.played).toHaveLength(1);
    expect(one.clock.pending).toBe(0);
  });
});
