import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { defaultConfig, mergeConfig, parseSession } from './config.ts';
import { Bench, fixedBrain, silence, tone } from './test-session.ts';

const PCM = { type: 'audio/pcm', rate: 24_000 } as const;
const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const input = (bench: Bench) =>
  (bench.last('session.updated').session as unknown as { audio: { input: Record<string, unknown> } }).audio
    .input;

describe('the settings of a session', () => {
  it('show null for what is off, as the server does', () => {
    const bench = new Bench(echoBrain());
    expect(bench.events[0]).toMatchObject({
      session: {
        prompt: null,
        tracing: null,
        include: null,
        truncation: 'auto',
        tool_choice: 'auto',
        max_output_tokens: 'inf',
        audio: {
          input: { transcription: null, noise_reduction: null, format: PCM },
          output: { format: PCM, speed: 1 },
        },
      },
    });
  });

  it('keep the members of turn detection and transcription that an update leaves out', () => {
    const bench = new Bench(echoBrain());
    const set = (value: object) => bench.send(update({ audio: { input: value } }));
    set({ turn_detection: { type: 'server_vad', threshold: 0.7 }, transcription: { model: 'whisper-1' } });
    set({
      turn_detection: { type: 'server_vad', silence_duration_ms: 300 },
      transcription: { language: 'en' },
    });
    expect(input(bench)).toMatchObject({
      turn_detection: { threshold: 0.7, silence_duration_ms: 300, prefix_padding_ms: 300 },
      transcription: { model: 'whisper-1', language: 'en' },
    });
    set({ turn_detection: { type: 'semantic_vad' } });
    expect(input(bench).turn_detection).toEqual({
      type: 'semantic_vad',
      eagerness: 'auto',
      create_response: true,
      interrupt_response: true,
    });
    set({ turn_detection: { type: 'server_vad' } });
    expect(input(bench).turn_detection).toMatchObject({ threshold: 0.5, silence_duration_ms: 500 });
    set({ turn_detection: null, transcription: null });
    expect(input(bench)).toMatchObject({ turn_detection: null, transcription: null });
  });

  it.each([
    [{ audio: { output: { voice: 'nobody' } } }, 'invalid_value', 'session.audio.output.voice'],
    [
      { audio: { output: { format: { type: 'audio/pcm' } } } },
      'missing_required_parameter',
      'session.audio.output.format.rate',
    ],
    [
      { audio: { input: { format: { type: 'audio/pcm', rate: 16_000 } } } },
      'invalid_value',
      'session.audio.input.format.rate',
    ],
    [{ audio: { output: { speed: 2 } } }, 'invalid_value', 'session.audio.output.speed'],
    [{ max_output_tokens: 4097 }, 'invalid_value', 'session.max_output_tokens'],
    [{ max_output_tokens: 0 }, 'invalid_value', 'session.max_output_tokens'],
    [{ reasoning: { effort: 'none' } }, 'invalid_value', 'session.reasoning.effort'],
    [{ tools: [{ type: 'function' }] }, 'missing_required_parameter', 'session.tools[0].name'],
    [{ tools: [{ type: 'mcp', server_label: 'x' }] }, 'invalid_value', 'session.tools[0]'],
    [{ truncation: { type: 'retention_ratio', retention_ratio: 2 } }, 'invalid_value', 'session.truncation'],
    [{ prompt: {} }, 'missing_required_parameter', 'session.prompt.id'],
    [{ tool_choice: 'sometimes' }, 'invalid_value', 'session.tool_choice'],
    [{ include: ['everything'] }, 'invalid_value', 'session.include[0]'],
  ])('do not take %j', (session, code, param) => {
    const bench = new Bench(echoBrain());
    bench.send(update(session));
    expect(bench.last('error').error).toMatchObject({ code, param: expect.stringContaining(param) });
    expect(bench.types()).toEqual(['session.created', 'error']);
  });

  it('take any voice where the brain has voices of its own', () => {
    const bench = new Bench({ ...echoBrain(), anyVoice: true });
    bench.send(update({ audio: { output: { voice: 'slt' } } }));
    expect(bench.types().at(-1)).toBe('session.updated');
  });

  it('lock the model, the voice after sound, and tracing once it is on', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(update({ tracing: 'auto' }));
    bench.send(update({ tracing: 'auto' }));
    bench.send(update({ tracing: { workflow_name: 'w' } }));
    expect(bench.last('error').error.param).toBe('session.tracing');
    bench.send(update({ tracing: null }));
    expect(bench.last('session.updated').session).toMatchObject({ tracing: null });
    bench.send({ type: 'response.create' });
    await bench.run(200);
    bench.send({ type: 'response.cancel' });
    bench.send({ type: 'response.create', response: { audio: { output: { voice: 'cedar' } } } });
    expect(bench.last('error').error).toMatchObject({ code: 'cannot_update_voice', param: null });
  });

  it('do not end a turn that is open, where turn detection stays as it is', async () => {
    const bench = new Bench(fixedBrain([speech]));
    await bench.hear(tone(400));
    const { item_id } = bench.last('input_audio_buffer.speech_started');
    bench.send(update({ instructions: 'x', audio: { input: { turn_detection: { type: 'server_vad' } } } }));
    await bench.hear(silence(700));
    expect(bench.last('input_audio_buffer.committed').item_id).toBe(item_id);
  });

  it('of a transcription session have only what that has', () => {
    const config = mergeConfig(defaultConfig('transcription'), parseSession({ type: 'transcription' }));
    const bench = new Bench(echoBrain(), config);
    expect(Object.keys((bench.events[0] as unknown as { session: object }).session).sort()).toEqual([
      'audio',
      'expires_at',
      'id',
      'include',
      'object',
      'type',
    ]);
    bench.send({ type: 'session.update', session: { type: 'transcription', instructions: 'x' } });
    expect(bench.last('error').error).toMatchObject({
      code: 'unknown_parameter',
      param: 'session.instructions',
    });
    bench.send(update({}));
    expect(bench.last('error').error.code).toBe('invalid_parameter');
    const whisper = { transcription: { model: 'gpt-realtime-whisper' } };
    const set = (value: object) =>
      bench.send({ type: 'session.update', session: { type: 'transcription', audio: { input: value } } });
    set({ ...whisper, turn_detection: { type: 'server_vad' } });
    expect(bench.last('error').error.param).toBe('session.audio.input.turn_detection');
    set(whisper);
    expect(input(bench).turn_detection).toBeNull();
  });
});

describe('MCP servers', () => {
  it('are taken, and it is said that their tools cannot be listed', () => {
    const bench = new Bench(echoBrain());
    const tool = { type: 'mcp', server_label: 'books', server_url: 'https://books.example/mcp' };
    bench.send(update({ tools: [tool] }));
    expect(bench.types(1)).toEqual([
      'session.updated',
      'conversation.item.added',
      'mcp_list_tools.in_progress',
      'mcp_list_tools.failed',
      'conversation.item.done',
    ]);
    const { item_id } = bench.last('mcp_list_tools.failed');
    expect(bench.last('conversation.item.done').item).toMatchObject({
      type: 'mcp_list_tools',
      id: item_id,
      server_label: 'books',
      tools: [],
    });
    bench.send({ type: 'conversation.item.retrieve', item_id });
    expect(bench.last('conversation.item.retrieved').item).toMatchObject({ id: item_id });
    bench.send(update({ tools: [tool], instructions: 'x' }));
    expect(bench.all('mcp_list_tools.failed')).toHaveLength(1);
  });
});
