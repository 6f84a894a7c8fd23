import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { Bench, fixedBrain, silence, tone } from './test-session.ts';

const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });

describe('a session', () => {
  it('sends session.created first, with everything that is in force', () => {
    const bench = new Bench(echoBrain());
    expect(bench.types()).toEqual(['session.created']);
    expect(bench.events[0]).toMatchObject({
      event_id: expect.stringMatching(/^event_\w{21}$/),
      session: {
        type: 'realtime',
        object: 'realtime.session',
        id: expect.stringMatching(/^sess_/),
        expires_at: 1_800_003_600,
        output_modalities: ['audio'],
        audio: {
          input: { turn_detection: { type: 'server_vad', silence_duration_ms: 500 } },
          output: { voice: 'marin' },
        },
      },
    });
  });

  it('merges session.update: what is absent stays, null and "" clear', () => {
    const bench = new Bench(echoBrain());
    bench.send(
      update({ instructions: 'Be brief.', audio: { input: { transcription: { model: 'gpt-transcribe' } } } }),
    );
    bench.send(update({ audio: { input: { turn_detection: null } } }));
    expect(bench.last('session.updated').session).toMatchObject({
      instructions: 'Be brief.',
      audio: { input: { turn_detection: null, transcription: { model: 'gpt-transcribe' } } },
    });
    bench.send(update({ instructions: '', audio: { input: { transcription: null } } }));
    const { session } = bench.last('session.updated');
    expect(session).toMatchObject({ instructions: '' });
    expect(session.audio?.input?.transcription).toBeNull();
  });

  it('takes every field of the API', () => {
    const bench = new Bench(echoBrain());
    const session = {
      model: 'gpt-realtime-2.1',
      instructions: 'x',
      output_modalities: ['text'],
      tools: [{ type: 'function', name: 'f', description: 'd', parameters: { type: 'object' } }],
      tool_choice: { type: 'function', name: 'f' },
      parallel_tool_calls: false,
      reasoning: { effort: 'low' },
      max_output_tokens: 4096,
      truncation: { type: 'retention_ratio', retention_ratio: 0.8 },
      prompt: { id: 'p', variables: {} },
      tracing: { workflow_name: 'w' },
      include: ['item.input_audio_transcription.logprobs'],
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          noise_reduction: { type: 'near_field' },
          transcription: { model: 'gpt-transcribe', language: 'en', prompt: 'light' },
          turn_detection: {
            type: 'semantic_vad',
            eagerness: 'low',
            create_response: true,
            interrupt_response: true,
          },
        },
        output: { format: { type: 'audio/pcmu' }, voice: 'cedar', speed: 1.5 },
      },
    };
    bench.send(update(session));
    expect(bench.types()).toEqual(['session.created', 'session.updated']);
    expect(bench.last('session.updated').session).toMatchObject(session);
  });

  it.each([
    [{ session: { instructions: 'x' } }, 'missing_required_parameter', 'session.type'],
    [{ session: { type: 'realtime', temperature: 1 } }, 'unknown_parameter', 'session.temperature'],
    [{ session: { type: 'realtime', instructions: 7 } }, 'invalid_type', 'session.instructions'],
    [
      { session: { type: 'realtime', output_modalities: ['audio', 'text'] } },
      'invalid_value',
      'session.output_modalities',
    ],
    [
      {
        session: {
          type: 'realtime',
          audio: { input: { turn_detection: { type: 'server_vad', threshold: 2 } } },
        },
      },
      'invalid_value',
      'session.audio.input.turn_detection.threshold',
    ],
    [{}, 'missing_required_parameter', 'session'],
    [{ session: { type: 'realtime' }, sessions: 1 }, 'unknown_parameter', 'sessions'],
  ])('refuses session.update %j', (fields, code, param) => {
    const bench = new Bench(echoBrain());
    bench.send({ type: 'session.update', event_id: 'mine_1', ...fields });
    expect(bench.types()).toEqual(['session.created', 'error']);
    expect(bench.last('error').error).toMatchObject({
      type: 'invalid_request_error',
      code,
      param,
      event_id: 'mine_1',
    });
  });

  it('keeps the model that the call was made with', () => {
    const bench = new Bench(echoBrain(), undefined, true);
    bench.send(update({ model: 'another' }));
    expect(bench.last('error').error).toMatchObject({ code: 'cannot_update_model', param: 'session.model' });
  });

  it('changes the voice before the first sound only', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(update({ audio: { output: { voice: 'cedar' } } }));
    expect(bench.last('session.updated').session.audio).toMatchObject({ output: { voice: 'cedar' } });
    bench.send({ type: 'response.create' });
    await bench.run(100);
    bench.send(update({ audio: { output: { voice: 'cedar', speed: 1.2 } } }));
    bench.send(update({ audio: { output: { voice: 'marin' } } }));
    expect(bench.all('session.updated')).toHaveLength(2);
    expect(bench.last('error').error.code).toBe('cannot_update_voice');
  });

  it.each([
    ['{"type":', 'invalid_json', null],
    ['[]', 'missing_required_parameter', null],
    ['{"type":"response.creat","event_id":"e"}', 'invalid_value', 'e'],
    ['{"type":"__proto__","event_id":"e"}', 'invalid_value', 'e'],
    ['{"type":"input_audio_buffer.commit","event_id":"e"}', 'input_audio_buffer_commit_empty', 'e'],
    ['{"type":"response.cancel","event_id":"e"}', 'response_cancel_not_active', 'e'],
    [
      '{"type":"conversation.item.retrieve","event_id":"e","item_id":"no"}',
      'item_retrieve_invalid_item_id',
      'e',
    ],
    ['{"type":"conversation.item.delete","event_id":"e","item_id":"no"}', 'item_delete_invalid_item_id', 'e'],
    [
      '{"type":"conversation.item.truncate","event_id":"e","item_id":"no","content_index":0,"audio_end_ms":0}',
      'item_truncate_invalid_item_id',
      'e',
    ],
    ['{"type":"input_audio_buffer.append","event_id":"e","audio":"%"}', 'invalid_value', 'e'],
    [
      '{"type":"conversation.item.create","event_id":"e","item":{"type":"function_call_output","call_id":"c","output":""}}',
      'invalid_tool_call_id',
      'e',
    ],
    [
      '{"type":"conversation.item.create","event_id":"e","item":{"type":"message","role":"user","content":[{"type":"output_audio"}]}}',
      'invalid_value',
      'e',
    ],
  ])('answers %s with an error, and stays open', (text, code, eventId) => {
    const bench = new Bench(echoBrain());
    bench.session.receiveText(text);
    expect(bench.last('error').error).toMatchObject({ code, event_id: eventId });
    bench.send(update({}));
    expect(bench.types().at(-1)).toBe('session.updated');
  });

  it('ends after 60 minutes', async () => {
    const bench = new Bench(echoBrain());
    bench.clock.advance(60 * 60_000);
    expect(bench.last('error').error.code).toBe('session_expired');
    expect(bench.hungUp).toMatch(/60 minutes/);
  });
});

describe('a spoken turn', () => {
  it('has the events of the GA API, in their order', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(update({ audio: { input: { transcription: { model: 'gpt-transcribe' } } } }));
    await bench.hear(silence(1000));
    await bench.hear(tone(1000));
    await bench.hear(silence(2500));
    const deltas = (type: string) => type !== 'response.output_audio_transcript.delta';
    expect(bench.types(2).filter(deltas)).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'conversation.item.input_audio_transcription.delta',
      'conversation.item.input_audio_transcription.completed',
      'response.created',
      'rate_limits.updated',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      'output_audio_buffer.started',
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'output_audio_buffer.stopped',
    ]);
    const started = bench.last('input_audio_buffer.speech_started');
    // The tone begins at 1000 ms; 300 ms of prefix belong to the turn.
    expect(started.audio_start_ms).toBeGreaterThanOrEqual(660);
    expect(started.audio_start_ms).toBeLessThanOrEqual(720);
    expect(bench.last('input_audio_buffer.speech_stopped')).toMatchObject({ item_id: started.item_id });
    expect(bench.last('input_audio_buffer.speech_stopped').audio_end_ms).toBe(2500);
    expect(bench.last('input_audio_buffer.committed')).toMatchObject({
      item_id: started.item_id,
      previous_item_id: null,
    });
  });

  it('keeps ids consistent, and the deltas add up to the transcript', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create', response: { metadata: { topic: 'greeting' } } });
    await bench.run(2000);
    const { response } = bench.last('response.done');
    const item = bench.last('response.output_item.done').item;
    expect(bench.last('response.created').response).toMatchObject({ id: response.id, status: 'in_progress' });
    expect(response).toMatchObject({ status: 'completed', output: [item], metadata: { topic: 'greeting' } });
    expect(new Set(bench.all('response.output_audio_transcript.delta').map((one) => one.item_id))).toEqual(
      new Set([item.id]),
    );
    const text = bench
      .all('response.output_audio_transcript.delta')
      .map((one) => one.delta)
      .join('');
    expect(text).toBe('The light is on now.');
    expect(bench.last('response.output_audio_transcript.done').transcript).toBe(text);
    expect(bench.last('output_audio_buffer.stopped').response_id).toBe(response.id);
  });

  it('plays a frame each 20 ms, without drift, and says stopped when the last one was heard', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create' });
    await bench.run(2000);
    const started = bench.last('output_audio_buffer.started').at;
    expect(bench.frames).toHaveLength(50);
    expect(bench.frames.map((frame) => frame.at)).toEqual(
      Array.from({ length: 50 }, (_, i) => started + 20 * i),
    );
    expect(bench.frames.map((frame) => frame.first)).toEqual([true, ...Array(49).fill(false)]);
    expect(bench.last('output_audio_buffer.stopped').at).toBe(started + 1000);
    expect(bench.last('response.done').at).toBeLessThan(started + 500);
    const played = Int16Array.from(bench.frames.flatMap((frame) => [...frame.pcm]));
    expect(played).toEqual(speech.pcm);
  });

  it('counts tokens that add up', async () => {
    const bench = new Bench(fixedBrain([speech]));
    await bench.hear(tone(1000));
    await bench.hear(silence(3000));
    const { usage } = bench.last('response.done').response;
    const input = usage?.input_token_details;
    const output = usage?.output_token_details;
    expect(output).toEqual({ audio_tokens: 20, text_tokens: 5 });
    expect(input?.audio_tokens).toBeGreaterThanOrEqual(15);
    expect(usage?.input_tokens).toBe(input!.audio_tokens! + input!.text_tokens!);
    expect(usage?.output_tokens).toBe(25);
    expect(usage?.total_tokens).toBe(usage!.input_tokens! + 25);
  });

  it('is not answered by itself with create_response false', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(
      update({ audio: { input: { turn_detection: { type: 'server_vad', create_response: false } } } }),
    );
    await bench.hear(tone(1000));
    await bench.hear(silence(1000));
    expect(bench.types().at(-1)).toBe('conversation.item.done');
    bench.send({ type: 'response.create' });
    await bench.run(1500);
    expect(bench.last('response.done').response.status).toBe('completed');
  });

  it('ends only by commit without turn detection', async () => {
    const bench = new Bench(echoBrain());
    bench.send(update({ audio: { input: { turn_detection: null } } }));
    bench.send({ type: 'input_audio_buffer.clear' });
    await bench.hear(tone(600));
    await bench.hear(silence(2000));
    expect(bench.types(2)).toEqual(['input_audio_buffer.cleared']);
    bench.send({ type: 'input_audio_buffer.commit' });
    await bench.run(100);
    expect(bench.types(3)).toEqual([
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
    ]);
    bench.send({ type: 'response.create' });
    await bench.run(4000);
    expect(bench.frames).toHaveLength(130);
  });

  it('is said to be unwritten by a brain that cannot write it down', async () => {
    const bench = new Bench(echoBrain());
    bench.send(update({ audio: { input: { transcription: { model: 'gpt-transcribe' } } } }));
    await bench.hear(tone(500));
    await bench.hear(silence(800));
    expect(bench.last('conversation.item.input_audio_transcription.failed').error.code).toBe(
      'transcription_unavailable',
    );
  });
});

describe('an interruption', () => {
  it('while the answer is made: cancels it, clears the sound, cuts the item', async () => {
    const bench = new Bench(fixedBrain([{ ...speech, pcm: tone(8000) }]));
    bench.send({ type: 'response.create' });
    await bench.hear(silence(500));
    const frames = bench.frames.length;
    await bench.hear(tone(200));
    const at = bench.types().indexOf('input_audio_buffer.speech_started');
    expect(bench.types(at)).toEqual([
      'input_audio_buffer.speech_started',
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'output_audio_buffer.cleared',
      'conversation.item.truncated',
    ]);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'cancelled',
      status_details: { type: 'cancelled', reason: 'turn_detected' },
      output: [{ status: 'incomplete' }],
      usage: { total_tokens: expect.any(Number) },
    });
    const cleared = bench.last('output_audio_buffer.cleared');
    expect(bench.frames.filter((frame) => frame.at > cleared.at)).toEqual([]);
    expect(bench.frames.length).toBeGreaterThanOrEqual(frames);
    expect(bench.last('conversation.item.truncated').audio_end_ms).toBe(bench.frames.length * 20);
    await bench.run(5000);
    expect(bench.types()).not.toContain('output_audio_buffer.stopped');
  });

  it('after response.done: only clears and cuts', async () => {
    const bench = new Bench(fixedBrain([{ ...speech, pcm: tone(4000) }]));
    bench.send({ type: 'response.create' });
    await bench.hear(silence(2000));
    expect(bench.last('response.done').response.status).toBe('completed');
    await bench.hear(tone(200));
    const at = bench.types().indexOf('input_audio_buffer.speech_started');
    expect(bench.types(at)).toEqual([
      'input_audio_buffer.speech_started',
      'output_audio_buffer.cleared',
      'conversation.item.truncated',
    ]);
  });

  it('does not happen with interrupt_response false; the turn is answered afterwards', async () => {
    const bench = new Bench(fixedBrain([{ ...speech, pcm: tone(8000) }]));
    bench.send(
      update({ audio: { input: { turn_detection: { type: 'server_vad', interrupt_response: false } } } }),
    );
    bench.send({ type: 'response.create' });
    await bench.hear(tone(500));
    await bench.hear(silence(600));
    expect(bench.types()).not.toContain('output_audio_buffer.cleared');
    expect(bench.types()).toContain('input_audio_buffer.committed');
    await bench.run(2000);
    expect(bench.all('response.created')).toHaveLength(2);
    expect(bench.all('response.done').map((one) => one.response.status)).toEqual(['completed']);
  });

  it('by hand: response.cancel, then output_audio_buffer.clear', async () => {
    const bench = new Bench(fixedBrain([{ ...speech, pcm: tone(8000) }]));
    bench.send({ type: 'response.create' });
    await bench.run(400);
    bench.send({ type: 'response.cancel', response_id: 'resp_other' });
    expect(bench.last('error').error.code).toBe('response_cancel_not_active');
    bench.send({ type: 'response.cancel' });
    expect(bench.last('response.done').response.status_details).toMatchObject({ reason: 'client_cancelled' });
    // What was made is still played, until it is cleared.
    const frames = bench.frames.length;
    await bench.run(100);
    expect(bench.frames.length).toBe(frames + 5);
    bench.send({ type: 'output_audio_buffer.clear' });
    expect(bench.types().slice(-2)).toEqual(['output_audio_buffer.cleared', 'conversation.item.truncated']);
    await bench.run(100);
    expect(bench.frames.length).toBe(frames + 5);
  });

  it('hears on when the person speaks into an answer that the client has truncated to nothing', async () => {
    const bench = new Bench(fixedBrain([{ ...speech, pcm: tone(3000) }]));
    bench.send({ type: 'response.create' });
    await bench.run(1000);
    const { item } = bench.last('response.output_item.done');
    bench.send({ type: 'conversation.item.truncate', item_id: item.id, content_index: 0, audio_end_ms: 0 });
    await bench.hear(tone(400));
    expect(bench.types().slice(-2)).toEqual([
      'input_audio_buffer.speech_started',
      'output_audio_buffer.cleared',
    ]);
  });

  it('lives on when its brain fails to write down what was heard', async () => {
    const bench = new Bench({
      mode: 'broken',
      open: () => ({
        transcribe() {
          throw new Error('no ears');
        },
        async *answer() {
          yield speech;
        },
      }),
    });
    bench.send(update({ audio: { input: { transcription: { model: 'gpt-transcribe' } } } }));
    await bench.hear(tone(600));
    await bench.hear(silence(700));
    expect(bench.types()).toContain('conversation.item.input_audio_transcription.failed');
    expect(bench.types()).toContain('response.created');
  });
});
