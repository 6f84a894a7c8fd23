/** Calls of the virtual board, by the clock of the board and of its sound. */
import { WavPerson } from '@tincan/boards';
import { startTestBoard } from '../support/board.ts';
import type { Calls, Target } from './calls.ts';

/** `sentence`: 16 kHz mono. A call is over when it was answered. */
export async function boardCalls(
  { url, token }: Target,
  sentence: Int16Array,
  times: number,
): Promise<Calls> {
  const person = new WavPerson(
    Array.from({ length: times }, () => sentence),
    { patience: 600 },
  );
  const board = await startTestBoard({
    settings: { 'server.url': url, 'server.token': token, 'session.greeting': '' },
    microphone: person,
  });
  try {
    await board.state('ready');
    const calls: Calls = { connect: [], reply: [] };
    for (let call = 0; call < times; call++) {
      const from = board.messages.length;
      await board.device.request('session.start');
      const connect = await board.until(
        ({ method, params }) => (method === 'metric' && params.name === 'connect' ? params : undefined),
        'how long it took to connect',
        from,
      );
      calls.connect.push(Number(connect.post_ms) + Number(connect.peer_ms));
      // The answer is over when the server says that its sound is.
      await board.until(
        ({ method, params }) =>
          method === 'realtime.event' &&
          (params.event as { type?: string }).type === 'output_audio_buffer.stopped'
            ? true
            : undefined,
        'the end of the answer',
        from,
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      const end = person.spokenAt[call]?.end;
      const sound = end === undefined ? undefined : board.speaker.firstSoundAfter(end);
      if (end === undefined || sound === undefined) throw new Error('the board heard no answer');
      calls.reply.push(sound - end);
      const stopped = board.messages.length;
      await board.device.request('session.stop');
      await board.state('ready', stopped);
    }
    return calls;
  } finally {
    await board.close();
  }
}
