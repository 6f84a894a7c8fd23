import { describe, expect, it } from 'vitest';
import { RATE } from './audio.ts';
import type { Brain } from './brain.ts';
import { echoBrain } from './brain-echo.ts';
import { decodeSound } from './sound-format.ts';
import { Bench, fixedBrain, silence, tone } from './test-session.ts';

const PCM = { type: 'audio/pcm', rate: 24_000 } as const;
const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });

describe('what is heard', () => {
  const listener = (whole?: (pcm: Int16Array) => boolean): Brain => {
    const brain = fixedBrain([speech]);
    return { ...brain, open: () => ({ ...brain.open(), whole }) };
  };
  const stoppedAfter = async (bench: Bench, eagerness: string): Promise<number> => {
    bench.send(update({ audio: { input: { turn_detection: { type: 'semantic_vad', eagerness } } } }));
    await bench.hear(silence(400));
    await bench.hear(tone(600));
    await bench.hear(silence(9000));
    return bench.last('input_audio_buffer.speech_stopped').audio_end_ms - 1000;
  };

  it.each([
    ['low', 1200, 8000],
    ['medium', 800, 4000],
    ['auto', 800, 4000],
    ['high', 500, 2000],
  ])(
    'ends by eagerness %s: %i ms after a whole thought, %i ms after half of one',
    async (eagerness, short, long) => {
      const near = (value: number, wanted: number) =>
        expect(Math.abs(value - wanted)).toBeLessThanOrEqual(40);
      near(await stoppedAfter(new Bench(listener(() => true)), eagerness), short);
      near(await stoppedAfter(new Bench(listener(() => false)), eagerness), long);
      near(await stoppedAfter(new Bench(listener()), eagerness), short);
    },
  );

  it('goes on when the person does', async () => {
    const asked: number[] = [];
    const bench = new Bench(listener((pcm) => asked.push(pcm.length) > 1));
    bench.send(update({ audio: { input: { turn_detection: { type: 'semantic_vad', eagerness: 'high' } } } }));
    await bench.hear(tone(600));
    await bench.hear(silence(1000));
    await bench.hear(tone(400));
    await bench.hear(silence(1000));
    expect(asked).toHaveLength(2);
    expect(bench.all('input_audio_buffer.speech_stopped')).toHaveLength(1);
  });

  it('is committed by hand in the middle of speech, without speech_stopped', async () => {
    const bench = new Bench(fixedBrain([speech]));
    await bench.hear(tone(400));
    const { item_id } = bench.last('input_audio_buffer.speech_started');
    bench.send({ type: 'input_audio_buffer.commit' });
    await bench.hear(silence(1000));
    expect(bench.last('input_audio_buffer.committed').item_id).toBe(item_id);
    expect(bench.types()).not.toContain('input_audio_buffer.speech_stopped');
    expect(bench.all('input_audio_buffer.committed')).toHaveLength(1);
  });

  it.each([
    ['whisper-1', { type: 'duration', seconds: 2 }],
    ['gpt-live-transcribe', { type: 'duration', seconds: 2 }],
    [
      'gpt-4o-transcribe',
      {
        type: 'tokens',
        total_tokens: 18,
        input_tokens: 16,
        output_tokens: 2,
        input_token_details: { audio_tokens: 15, text_tokens: 1 },
      },
    ],
  ])('is written down by %s, and billed as %j', async (model, usage) => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(
      update({
        include: ['item.input_audio_transcription.logprobs'],
        audio: { input: { transcription: { model, prompt: 'word' }, turn_detection: null } },
      }),
    );
    await bench.hear(tone(1500));
    bench.send({ type: 'input_audio_buffer.commit' });
    await bench.run(10);
    const done = bench.last('conversation.item.input_audio_transcription.completed');
    expect(done).toMatchObject({ transcript: 'words', usage });
    expect(done.logprobs).toEqual([{ token: 'words', logprob: 0, bytes: [...Buffer.from('words')] }]);
    expect(bench.types()).not.toContain('conversation.item.input_audio_transcription.segment');
  });

  it('has one speaker where speakers are to be told apart', async () => {
    const bench = new Bench(fixedBrain([speech]));
    const transcription = { model: 'gpt-4o-transcribe-diarize' };
    bench.send(update({ audio: { input: { transcription, turn_detection: null } } }));
    await bench.hear(tone(500));
    bench.send({ type: 'input_audio_buffer.commit' });
    await bench.run(10);
    expect(bench.last('conversation.item.input_audio_transcription.segment')).toMatchObject({
      id: expect.stringMatching(/^seg_/),
      text: 'words',
      start: 0,
      end: 0.5,
    });
  });

  it('loses its rumble by noise reduction', async () => {
    const hum = Int16Array.from({ length: RATE }, (_, i) =>
      Math.round(8000 * Math.sin((2 * Math.PI * 30 * i) / RATE)),
    );
    const heard = async (noise_reduction: object | null) => {
      const bench = new Bench(echoBrain());
      bench.send(update({ audio: { input: { turn_detection: null, noise_reduction } } }));
      await bench.hear(hum);
      bench.send({ type: 'input_audio_buffer.commit' });
      bench.send({
        type: 'conversation.item.retrieve',
        item_id: bench.last('input_audio_buffer.committed').item_id,
      });
      const { audio } = (bench.last('conversation.item.retrieved').item as { content: { audio: string }[] })
        .content[0]!;
      const pcm = decodeSound(audio, PCM, 'audio').subarray(RATE / 2);
      return Math.max(...pcm);
    };
    expect(await heard(null)).toBe(8000);
    expect(await heard({ type: 'near_field' })).toBeLessThan(1500);
    expect(await heard({ type: 'far_field' })).toBeLessThan(600);
  });

  it('is silence for too long: it becomes an item, and is answered', async () => {
    const bench = new Bench(fixedBrain([speech]));
    const detection = { type: 'server_vad', idle_timeout_ms: 5000 };
    bench.send(update({ audio: { input: { turn_detection: detection } } }));
    bench.send({ type: 'response.create' });
    await bench.hear(silence(7000));
    const at = bench.types().indexOf('input_audio_buffer.timeout_triggered');
    expect(bench.types(at).slice(0, 5)).toEqual([
      'input_audio_buffer.timeout_triggered',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'response.created',
    ]);
    const { item_id, audio_start_ms, audio_end_ms } = bench.last('input_audio_buffer.timeout_triggered');
    expect(bench.last('input_audio_buffer.committed').item_id).toBe(item_id);
    expect(Math.abs(audio_end_ms - audio_start_ms - 5000)).toBeLessThanOrEqual(20);
  });
});
