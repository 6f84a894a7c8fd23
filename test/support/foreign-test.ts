/** The conversation that the virtual board has with a server of somebody else's WebRTC. */
import { COLORS, type RealtimeFrame, type ToolRan } from '@tincan/shared-protocol';
import { expect } from 'vitest';
import { startTestBoard, TOKEN } from './board.ts';
import { type RealtimeEvent, type Script, type Stack, startForeignServer } from './foreign-server.ts';
import { toneMs, voice } from './sound.ts';

const GREETING = { transcript: 'Hello there.', hertz: 440, ms: 600 };
const ANSWER = { transcript: 'The light is blue now.', hertz: 660, ms: 800 };

/** Greets, switches the light after the first spoken turn, then says so. */
export const lightScript: Script = ({ responses, heard }) => {
  if (heard > 0) return { tool: 'set_light', arguments: { on: true, color: 'blue' } };
  return responses === 0 ? GREETING : ANSWER;
};

/** An event with UTF-8 of two, three and four bytes, just under the 65,536 bytes that every stack carries. */
function largeEvent(bytes: number): RealtimeEvent {
  const words = 'Größe, 大小, 🫙, "quoted", \\ and a line\nbreak. ';
  const text = words.repeat(Math.ceil(bytes / Buffer.byteLength(words)));
  const item = {
    id: 'item_large',
    object: 'realtime.item',
    type: 'message',
    role: 'system',
    status: 'completed',
  };
  const event = (content: string): RealtimeEvent => ({
    type: 'conversation.item.done',
    previous_item_id: null,
    item: { ...item, content: [{ type: 'input_text', text: content }] },
  });
  let end = text.length;
  while (Buffer.byteLength(JSON.stringify(event(text.slice(0, end)))) > bytes) end -= 64;
  return event(text.slice(0, end));
}

export async function converse(stack: Stack): Promise<void> {
  const server = await startForeignServer({ stack, token: TOKEN, script: lightScript });
  const board = await startTestBoard({
    sentences: [voice('person-light-blue')],
    settings: { 'server.url': server.url, 'audio.volume': 100 },
  });
  try {
    await board.state('ready');
    await board.device.request('session.start');
    const call = await server.until('a call', (one) => one);
    await board.until(
      ({ method, params }) =>
        method === 'realtime.event' && (params.event as RealtimeEvent).type === 'session.updated'
          ? true
          : undefined,
      'session.updated on the link',
    );
    call.send(largeEvent(60_000));

    const tool = await board.until(
      ({ method, params }) => (method === 'tool' ? (params as unknown as ToolRan) : undefined),
      'a tool',
    );
    expect(tool).toMatchObject({ name: 'set_light', arguments: { on: true, color: 'blue' } });
    expect(tool.output).not.toHaveProperty('error');
    expect(board.light).toEqual({ on: true, rgb: COLORS.blue });

    const after = (type: string, times: number) => {
      let seen = 0;
      return board.until(
        ({ method, params }) =>
          method === 'realtime.event' && (params.event as RealtimeEvent)?.type === type && ++seen === times
            ? true
            : undefined,
        `${type} number ${times}`,
      );
    };
    await after('output_audio_buffer.stopped', 2);
    // The loudspeaker plays what is in the jitter buffer, then the device listens again.
    await board.until(
      ({ method, params }) =>
        method === 'state' &&
        params.activity === 'listening' &&
        board.speaker.firstSoundAfter(0) !== undefined
          ? true
          : undefined,
      'listening',
      board.messages.findLastIndex(
        ({ method, params }) =>
          method === 'realtime.event' &&
          (params.event as RealtimeEvent)?.type === 'output_audio_buffer.stopped',
      ),
    );
    const stats = await board.device.request<{
      playout: Record<string, number>;
      capture: Record<string, number>;
      session: Record<string, number>;
    }>('device.stats');
    const audio = await call.peer!.audio();

    // The server heard the sentence, and lost nothing of it.
    expect(call.turns.length).toBeGreaterThan(0);
    expect(call.turns[0]).toBeGreaterThan(500);
    expect(audio.received).toBeGreaterThan(100);
    expect(audio.lost).toBe(0);
    expect(stats.capture).toMatchObject({ refused: 0, failed: 0 });
    // The loudspeaker played greeting and answer: those tones, and as long as they were.
    const played = board.speaker.pcm();
    expect(toneMs(played, GREETING.hertz)).toBeGreaterThan(0.8 * GREETING.ms);
    expect(toneMs(played, ANSWER.hertz)).toBeGreaterThan(0.8 * ANSWER.ms);
    expect(stats.playout).toMatchObject({ lost: 0 });
    expect(stats.session).toMatchObject({ events_bad: 0, events_large: 0, illegal: 0 });

    // Every event is on the link, whole and in order, in both directions.
    const events = (method: string) =>
      board.messages.filter((one) => one.method === method).map((one) => (one.params as RealtimeFrame).event);
    const sent = call.sent.map((text) => JSON.parse(text) as RealtimeEvent);
    expect(events('realtime.event')).toEqual(sent.slice(0, events('realtime.event').length));
    expect(events('realtime.event').length).toBe(sent.length);
    expect(events('realtime.sent')).toEqual(call.received);
    expect(sent.some((event) => JSON.stringify(event).length > 30_000)).toBe(true);
    const transcripts = events('realtime.event')
      .filter((event) => /transcript\.done$|transcription\.completed$/.test((event as RealtimeEvent).type))
      .map((event) => (event as RealtimeEvent).transcript);
    expect(transcripts).toEqual([GREETING.transcript, `${call.turns[0]} ms of speech`, ANSWER.transcript]);
    expect(call.received.map(({ type }) => type)).toEqual([
      'session.update',
      'response.create',
      'conversation.item.create',
      'response.create',
    ]);
    expect(call.received[2]).toMatchObject({ item: { type: 'function_call_output', call_id: tool.call_id } });
    expect(board.device).toMatchObject({ lost: 0, broken: 0 });

    // The device hangs up, and the server sees it.
    const before = board.messages.length;
    await board.device.request('session.stop');
    await board.state('ready', before);
    await server.until('the end of the call', (one) => one?.closed || undefined);
  } finally {
    await board.close();
    await server.close();
  }
}
