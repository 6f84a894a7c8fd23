import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { defaultConfig } from './config.ts';
import { Bench, fixedBrain, tone } from './test-session.ts';

const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const user = (text: string, id?: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], id },
});

describe('the arithmetic', () => {
  const usages = (bench: Bench) => bench.all('response.done').map((one) => one.response.usage!);

  it('of usage adds up, and counts as cached what was read before', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(update({ instructions: 'Be brief, and friendly.' }));
    for (const text of ['first question', 'second question', 'third question']) {
      bench.send(user(text));
      bench.send({ type: 'response.create' });
      await bench.run(1500);
    }
    let before = 0;
    for (const usage of usages(bench)) {
      const { text_tokens, audio_tokens, image_tokens, cached_tokens, cached_tokens_details } =
        usage.input_token_details!;
      expect(usage.total_tokens).toBe(usage.input_tokens! + usage.output_tokens!);
      expect(usage.input_tokens).toBe(text_tokens! + audio_tokens! + image_tokens!);
      expect(usage.output_tokens).toBe(
        usage.output_token_details!.text_tokens! + usage.output_token_details!.audio_tokens!,
      );
      const cached = cached_tokens_details!;
      expect(cached_tokens).toBe(cached.text_tokens! + cached.audio_tokens! + cached.image_tokens!);
      expect(cached.text_tokens).toBeLessThanOrEqual(text_tokens!);
      expect(cached.audio_tokens).toBeLessThanOrEqual(audio_tokens!);
      // All that the one before read and made.
      expect(cached_tokens).toBe(before);
      before = usage.total_tokens!;
    }
    // Another instruction, and nothing of what follows is known.
    bench.send(update({ instructions: 'Be long.' }));
    bench.send(user('fourth question'));
    bench.send({ type: 'response.create' });
    await bench.run(1500);
    expect(usages(bench).at(-1)!.input_token_details!.cached_tokens).toBe(0);
  });

  it('of images is that of their detail', async () => {
    const bench = new Bench(echoBrain());
    const image = (detail: string) => ({
      type: 'input_image',
      image_url: 'data:image/png;base64,AAAA',
      detail,
    });
    bench.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [image('low'), image('high')] },
    });
    bench.send({ type: 'response.create' });
    await bench.run(300);
    expect(usages(bench)[0]!.input_token_details!.image_tokens).toBe(850);
  });

  it('of rate limits goes down, and up again with time', async () => {
    const bench = new Bench(fixedBrain([{ type: 'text', text: 'x'.repeat(4000) }]), undefined, false, {
      limits: { requests: 10, tokens: 20_000 },
    });
    const remaining = () =>
      Object.fromEntries(
        bench.last('rate_limits.updated').rate_limits.map((one) => [one.name, one.remaining]),
      );
    bench.send({ type: 'response.create' });
    // The answer may take 4096 tokens: they are taken at once.
    expect(remaining()).toEqual({ requests: 9, tokens: 15_904 });
    await bench.run(50);
    bench.send({ type: 'response.create' });
    // The first took 1000, and the rest is back; the second reads those 1000.
    expect(remaining().tokens).toBeGreaterThan(13_904);
    expect(remaining().tokens).toBeLessThan(14_000);
    expect(remaining().requests).toBe(8);
    const { reset_seconds, limit } = bench.last('rate_limits.updated').rate_limits[0]!;
    expect(limit).toBe(10);
    expect(reset_seconds).toBeGreaterThan(11);
    await bench.run(60_000);
    bench.send({ type: 'response.create' });
    // A minute later all is back; the third reads 2000.
    expect(remaining()).toEqual({ requests: 9, tokens: 13_904 });
  });

  it('of rate limits can refuse a response', async () => {
    const bench = new Bench(fixedBrain([{ type: 'text', text: 'x' }]), undefined, false, {
      limits: { requests: 2, tokens: 100_000 },
    });
    for (let i = 0; i < 3; i++) {
      bench.send({ type: 'response.create' });
      await bench.run(30);
    }
    expect(bench.all('response.done').map((one) => one.response.status)).toEqual([
      'completed',
      'completed',
      'failed',
    ]);
    expect(bench.last('response.done').response).toMatchObject({
      status_details: { type: 'failed', error: { type: 'requests', code: 'rate_limit_exceeded' } },
      output: [],
    });
    expect(bench.last('rate_limits.updated').rate_limits[0]).toMatchObject({ remaining: 0 });
  });
});

describe('a long conversation', () => {
  /** Items of 100 tokens each. */
  const fill = (bench: Bench, count: number, from = 0) => {
    for (let i = from; i < from + count; i++) bench.send(user('x'.repeat(400), `i${i}`));
  };
  const reads = () => {
    const seen: (string | undefined)[][] = [];
    const brain = fixedBrain(({ entries }) => {
      seen.push(entries.map(({ item }) => item.id));
      return [{ type: 'text', text: 'ok' }];
    });
    return { seen, brain };
  };

  it('is read without its oldest items once it is too long, down to the retention ratio', async () => {
    const { seen, brain } = reads();
    const bench = new Bench(brain);
    const truncation = {
      type: 'retention_ratio',
      retention_ratio: 0.5,
      token_limits: { post_instructions: 1000 },
    };
    bench.send(update({ truncation }));
    fill(bench, 10);
    bench.send({ type: 'response.create' });
    await bench.run(100);
    expect(seen[0]).toHaveLength(10);
    fill(bench, 1, 10);
    bench.send({ type: 'response.create' });
    await bench.run(100);
    expect(seen[1]!.length).toBeLessThanOrEqual(6);
    expect(seen[1]!.at(-1)).toBe('i10');
    const usage = bench.last('response.done').response.usage!;
    expect(usage.input_tokens).toBeLessThanOrEqual(500);
    expect(usage.input_token_details!.cached_tokens).toBe(0);
    // Still part of the conversation, only not read any more; and what is dropped stays dropped.
    bench.send({ type: 'conversation.item.retrieve', item_id: 'i0' });
    expect(bench.types()).not.toContain('error');
    fill(bench, 1, 11);
    bench.send({ type: 'response.create' });
    await bench.run(100);
    expect(seen[2]![0]).toBe(seen[1]![0]);
    expect(bench.last('response.done').response.usage!.input_token_details!.cached_tokens).toBeGreaterThan(
      400,
    );
  });

  it('is cut to the window of the model by itself, and refused where that is forbidden', async () => {
    const { seen, brain } = reads();
    const config = { ...defaultConfig(), model: 'gpt-realtime-1.5' };
    const bench = new Bench(brain, config);
    for (let i = 0; i < 12; i++) bench.send(user('x'.repeat(10_000), `i${i}`));
    bench.send({ type: 'response.create' });
    await bench.run(100);
    // 12 times 2500 tokens are more than 28 224.
    expect(seen[0]).toHaveLength(11);
    bench.send(update({ truncation: 'disabled' }));
    for (let i = 12; i < 14; i++) bench.send(user('x'.repeat(10_000), `i${i}`));
    bench.send({ type: 'response.create' });
    await bench.run(100);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'failed',
      status_details: { error: { code: 'context_length_exceeded' } },
    });
  });

  it('loses the output of a call together with the call', async () => {
    const { seen, brain } = reads();
    const bench = new Bench(brain);
    const create = (item: object) => bench.send({ type: 'conversation.item.create', item });
    bench.send(
      update({
        truncation: {
          type: 'retention_ratio',
          retention_ratio: 1,
          token_limits: { post_instructions: 250 },
        },
      }),
    );
    create({ type: 'function_call', id: 'call', name: 'f', arguments: 'x'.repeat(400), call_id: 'c' });
    create({ type: 'function_call_output', id: 'out', call_id: 'c', output: 'ok' });
    fill(bench, 2);
    bench.send({ type: 'response.create' });
    await bench.run(100);
    expect(seen[0]).toEqual(['i0', 'i1']);
  });
});
