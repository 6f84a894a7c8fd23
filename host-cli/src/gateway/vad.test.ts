import { describe, expect, it } from 'vitest';
import { FRAME, FRAME_MS, join, RATE } from './audio.ts';
import { silence, tone } from './test-session.ts';
import { louder, noisy, upsample, voice } from './test-sounds.ts';
import { Vad } from './vad.ts';

const server = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
} as const;

/** Times (ms) of what it found. */
function turns(vad: Vad, pcm: Int16Array): [string, number][] {
  const found: [string, number][] = [];
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
    const event = vad.push(pcm.slice(at, at + FRAME));
    if (event) found.push([event, (at / FRAME + 1) * FRAME_MS]);
  }
  return found;
}

describe('turn detection', () => {
  it('finds one turn, within 100 ms of its start, and ends it after the silence', () => {
    const found = turns(new Vad(server), join([silence(1000), tone(800), silence(1000)]));
    expect(found.map(([event]) => event)).toEqual(['start', 'stop']);
    expect(found[0]![1]).toBeLessThanOrEqual(1100);
    expect(found[1]![1]).toBe(2300);
  });

  it('hears nothing in a quiet room', () => {
    expect(turns(new Vad(server), noisy(tone(4000, 0.001), 3))).toEqual([]);
  });

  it('does not start at a click', () => {
    expect(turns(new Vad(server), join([silence(500), tone(60), silence(500)]))).toEqual([]);
  });

  it.each(['light-on', 'light-off', 'light-blue', 'volume-30', 'goodbye'])(
    'takes "%s" for one turn',
    (id) => {
      for (const db of [-12, 0, 12]) {
        const pcm = join([silence(600), upsample(louder(voice(`person-${id}`), db)), silence(1000)]);
        expect(turns(new Vad(server), pcm).map(([event]) => event)).toEqual(['start', 'stop']);
      }
    },
  );

  it('finds a sentence in steady noise', () => {
    const quiet = new Int16Array(4 * 16_000);
    const room = noisy(join([quiet, voice('person-light-off'), quiet]), 14);
    const found = turns(new Vad(server), upsample(room));
    // The sentence lies between 4000 and 6000 ms.
    const inside = found.filter(([event, at]) => event === 'start' && at > 3900 && at < 4600);
    expect(inside).toHaveLength(1);
    expect(found.some(([event, at]) => event === 'stop' && at > 5500 && at < 7200)).toBe(true);
  });

  it('gets used to noise that stays: a turn does not last for ever', () => {
    const noise = Int16Array.from(noisy(tone(8000, 0.02), -10));
    const found = turns(new Vad(server), noise);
    expect(found.map(([event]) => event)).toEqual(['start', 'stop']);
  });

  it('waits as long as it is told, and for semantic_vad as eagerness says', () => {
    const pcm = join([tone(400), silence(3000)]);
    const stop = (vad: Vad) => turns(vad, pcm).find(([event]) => event === 'stop')?.[1];
    expect(stop(new Vad({ ...server, silence_duration_ms: 200 }))).toBe(600);
    const semantic = { type: 'semantic_vad', create_response: true, interrupt_response: true } as const;
    expect(stop(new Vad({ ...semantic, eagerness: 'high' }))).toBe(900);
    expect(stop(new Vad({ ...semantic, eagerness: 'low' }))).toBe(1600);
  });

  it('needs louder speech with a higher threshold', () => {
    const pcm = join([silence(500), tone(500, 0.006), silence(800)]);
    expect(turns(new Vad({ ...server, threshold: 0.9 }), pcm)).toEqual([]);
    expect(turns(new Vad({ ...server, threshold: 0.1 }), pcm).map(([event]) => event)).toEqual([
      'start',
      'stop',
    ]);
  });

  it('takes frames of 20 ms only', () => {
    expect(() => new Vad(server).push(new Int16Array(RATE))).toThrow(RangeError);
  });
});
