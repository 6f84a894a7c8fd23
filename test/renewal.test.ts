/** A conversation that outlives its sessions, over real sockets: the next session knows what was said in the last. */
import { type Gateway, startGateway } from '@tincan/host-cli';
import { afterEach, expect, test } from 'vitest';
import { startTestBoard, type TestBoard, TOKEN } from './support/board.ts';
import { hurryClock } from './support/clock.ts';

let gateway: Gateway | undefined;
let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  await gateway?.close();
  board = gateway = undefined;
});

interface Event {
  type: string;
  item?: { id: string; role: string; content: { type: string; text: string }[] };
}

test('a session is renewed in a pause, is given the conversation first, and does not greet again', async () => {
  const clock = hurryClock();
  gateway = await startGateway({ mode: 'echo', token: TOKEN });
  const events: { call: string; event: Event }[] = [];
  gateway.on('event', ({ call, direction, event }) => {
    if (direction === 'client') events.push({ call: call.id, event: event as Event });
  });
  board = await startTestBoard({
    clock,
    settings: { 'server.url': gateway.callsUrl, 'device.idle_limit': 0, 'session.modality': 'text' },
  });
  await board.state('ready');
  await board.device.request('session.start');
  await board.state('live');
  const answered = (from: number) =>
    board!.until(
      ({ method, params }) =>
        method === 'realtime.event' && (params.event as Event).type === 'response.done' ? true : undefined,
      'an answer',
      from,
    );
  await answered(0); // the greeting
  let from = board.messages.length;
  await board.device.request('session.say', { text: 'My name is "Ada".' });
  await answered(from);

  from = board.messages.length;
  clock.skip(55 * 60_000);
  const renewing = await board.state('closing', from);
  expect(renewing.reason).toBe('renewal');
  // The last activity of the first session may have come since, and it is "live", too.
  const closing = board.messages.findIndex(({ params }, at) => at >= from && params.state === 'closing');
  await board.state('live', closing);
  from = board.messages.length;
  await board.device.request('session.say', { text: 'What is my name?' });
  await answered(from);
  await board.device.request('session.stop');

  const [first, second] = gateway.calls();
  expect(gateway.calls()).toHaveLength(2);
  expect(events.filter(({ call }) => call === first!.id).map(({ event }) => event.type)).toEqual([
    'session.update',
    'response.create', // the greeting
    'conversation.item.create',
    'response.create',
  ]);
  const after = events.filter(({ call }) => call === second!.id).map(({ event }) => event);
  expect(after.map(({ type }) => type)).toEqual([
    'session.update',
    'conversation.item.create', // the greeting
    'conversation.item.create', // the person
    'conversation.item.create', // the answer
    'conversation.item.create', // what is said now
    'response.create',
  ]);
  expect(after.slice(1, 5).map(({ item }) => [item!.role, item!.content[0]!.type])).toEqual([
    ['assistant', 'output_text'],
    ['user', 'input_text'],
    ['assistant', 'output_text'],
    ['user', 'input_text'],
  ]);
  expect(after[2]!.item!.content[0]!.text).toBe('My name is "Ada".');
  const { ends } = await board.device.request<{ ends: { reason: string }[] }>('device.stats');
  expect(ends.map(({ reason }) => reason)).toEqual(['renewal', 'host']);
});
