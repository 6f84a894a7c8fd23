import { beforeAll, describe, expect, it } from 'vitest';
import { join } from './audio.ts';
import { LIMITS, Recogniser } from './recognise.ts';
import { loadScript } from './script.ts';
import { DATA, louder, noisy, overOpus, upsample, voice } from './test-sounds.ts';

const SENTENCES = ['light-on', 'light-off', 'light-blue', 'volume-30', 'goodbye'];

describe('the recogniser, with the sentences of the demo', () => {
  let recogniser: Recogniser;
  beforeAll(async () => {
    recogniser = new Recogniser((await loadScript(new URL('demo.script.json', DATA).pathname)).sentences);
  });
  const heard = async (pcm16: Int16Array) => recogniser.recognise(await overOpus(pcm16));

  describe.each(SENTENCES)('%s', (id) => {
    it.each(['person', 'person2'])('of %s is recognised over Opus', async (person) => {
      expect(await heard(voice(`${person}-${id}`))).toMatchObject({ id });
    });

    it.each([-12, -6, 6, 12])('is recognised at a level changed by %d dB', async (db) => {
      expect(await heard(louder(voice(`person-${id}`), db))).toMatchObject({ id });
    });

    it.each([1, 2, 3, 4])('is recognised in white noise at 20 dB SNR (%d)', async (seed) => {
      expect(await heard(noisy(voice(`person-${id}`), 20, seed))).toMatchObject({ id });
    });

    it('is recognised in a noise that is there before and after it', async () => {
      const quiet = new Int16Array(16_000);
      const room = noisy(join([quiet, voice(`person-${id}`), quiet]), 17.5);
      expect(await heard(room)).toMatchObject({ id });
    });

    it('is not recognised when it is played backwards', async () => {
      expect((await heard(voice(`person-${id}`).toReversed())).id).toBeUndefined();
    });

    it('is not recognised with its spectrum turned over', async () => {
      const garbled = voice(`person-${id}`).map((value, at) => (at % 2 ? -value : value));
      expect((await heard(garbled)).id).toBeUndefined();
    });

    it('is not recognised when its second half is missing', async () => {
      const pcm = voice(`person-${id}`);
      expect((await heard(pcm.subarray(0, pcm.length / 2))).id).toBeUndefined();
    });

    it('is not taken for a sentence of the script that lacks it', async () => {
      const script = await loadScript(new URL('demo.script.json', DATA).pathname);
      const others = new Recogniser(script.sentences.filter((sentence) => sentence.id !== id));
      expect(others.recognise(await overOpus(voice(`person-${id}`))).id).toBeUndefined();
    });
  });

  it.each([
    'stranger-radio',
    'stranger-volume-80',
    'stranger-night',
    'stranger-off',
    'noise',
    'assistant-greeting',
  ])('does not know %s', async (name) => {
    expect((await heard(voice(name))).id).toBeUndefined();
  });

  it.each([
    ['a tone', (t: number) => Math.sin(2 * Math.PI * 440 * t)],
    [
      'a chord with a beat',
      (t: number) =>
        ((Math.sin(1643 * t) + Math.sin(2070 * t) + Math.sin(2463 * t)) / 3) * (1 - ((3 * t) % 1)),
    ],
    ['a sweep', (t: number) => Math.sin(2 * Math.PI * (200 + 700 * t) * t)],
  ])('does not know %s', async (_, wave) => {
    const pcm = Int16Array.from({ length: 32_000 }, (_, i) => Math.round(12_000 * wave(i / 16_000)));
    expect((await heard(pcm)).id).toBeUndefined();
  });

  it('hears nothing in silence', () => {
    expect(recogniser.recognise(new Int16Array(24_000))).toMatchObject({ id: undefined, nearest: undefined });
  });

  it('gives the same figures each time', async () => {
    const pcm = upsample(voice('person-light-on'));
    expect(recogniser.recognise(pcm)).toEqual(recogniser.recognise(pcm));
  });

  it('keeps its distance from the limits: the demo must not hang on a hair', async () => {
    for (const id of SENTENCES) {
      const { distance, contrast, margin } = await heard(voice(`person-${id}`));
      expect(contrast - distance).toBeLessThan(LIMITS.stray - 0.5);
      expect(distance).toBeLessThan(LIMITS.distance / 2);
      expect(contrast).toBeLessThan(LIMITS.contrast / 2);
      expect(margin).toBeGreaterThan(LIMITS.margin * 2);
    }
  });
});
