import { describe, expect, it } from 'vitest';
import { rms } from './level.ts';
import { SilentRoom, WavPerson } from './person.ts';
import { tone } from './testing.ts';

/** Runs frames at 20 ms; `loud` says when the device sounds. Collects when the person spoke. */
function run(person: WavPerson, from: number, to: number, loud: (now: number) => boolean) {
  const spoken: number[] = [];
  for (let now = from; now <= to; now += 20) {
    if (rms(person.frame(now, loud(now) ? 0.1 : 0)) > 0.01) spoken.push(now);
  }
  return spoken;
}
const never = () => false;
const between = (from: number, to: number) => (now: number) => now >= from && now < to;

describe('a person', () => {
  it('waits for the greeting to end, and 700 ms more', () => {
    const person = new WavPerson([tone(100)]);
    person.active(true, 1000);
    const spoken = run(person, 1020, 6000, between(1500, 4000));
    // The device is heard last at 3980.
    expect(spoken).toEqual([4680, 4700, 4720, 4740, 4760]);
  });

  it('speaks after 2.5 s to a device that says nothing', () => {
    const person = new WavPerson([tone(100)]);
    person.active(true, 1000);
    expect(run(person, 1020, 6000, never)[0]).toBe(3500);
  });

  it('waits for an answer before the next sentence, however long it takes', () => {
    const person = new WavPerson([tone(100), tone(60)]);
    person.active(true, 0);
    expect(run(person, 20, 20_000, never)).toHaveLength(5);
    expect(person.done).toBe(false);
    const second = run(person, 20_020, 30_000, between(20_100, 21_000));
    expect(second).toEqual([21_680, 21_700, 21_720]);
    expect(person.done).toBe(false);
    run(person, 30_020, 32_000, between(30_100, 30_500));
    expect(person.done).toBe(true);
  });

  it('notes the time of the first and the last sample that is sound', () => {
    const sentence = new Int16Array(16 * 300);
    sentence.fill(10_000, 16 * 50, 16 * 250);
    const person = new WavPerson([sentence], { patience: 100 });
    person.active(true, 0);
    run(person, 20, 1000, never);
    // Chosen at 100: that frame holds the sound of 80 to 100.
    expect(person.spokenAt).toEqual([{ start: 80 + 50, end: 80 + 250 }]);
  });

  it('says a sentence again that the end of the session cut', () => {
    const person = new WavPerson([tone(200)], { patience: 100 });
    person.active(true, 0);
    run(person, 20, 140, never);
    person.active(false, 150);
    expect(person.spokenAt).toEqual([]);
    person.active(true, 1000);
    run(person, 1020, 2000, never);
    expect(person.spokenAt).toHaveLength(1);
    expect(person.spokenAt[0]!.start).toBeGreaterThanOrEqual(1080);
  });

  it('takes the answer as given when the device hangs up after it', () => {
    const person = new WavPerson([tone(100)], { patience: 100 });
    person.active(true, 0);
    run(person, 20, 1000, between(500, 990));
    person.active(false, 1000);
    expect(person.done).toBe(true);
  });

  it('hears noise at the level that was asked for, the same for the same seed', () => {
    const noisy = () => new WavPerson([], { noise: { level: 0.02, seed: 7 } }).frame(20, 0);
    expect(rms(noisy())).toBeGreaterThan(0.017);
    expect(rms(noisy())).toBeLessThan(0.023);
    expect(noisy()).toEqual(noisy());
    expect(new WavPerson([], { noise: { level: 0.02, seed: 8 } }).frame(20, 0)).not.toEqual(noisy());
  });
});

it('a silent room is silent', () => {
  expect(new SilentRoom().frame()).toEqual(new Int16Array(320));
});
