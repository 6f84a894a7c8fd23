/** Servers of several kinds: how their URL, key and session are given, and what of it is refused when it is set. */
import { type Gateway, startGateway } from '@tincan/host-cli';
import { checkSetting, SettingError } from '@tincan/shared-protocol';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Settings, startTestBoard, type TestBoard, TOKEN } from './support/board.ts';

interface Created {
  type: string;
  session: {
    model?: string;
    instructions?: string;
    tools?: unknown[];
    audio?: { output?: { voice?: string } };
  };
}

let gateway: Gateway;
let board: TestBoard;
/** What the server held of the session before any event of the device. */
let created: Created[] = [];

beforeAll(async () => {
  gateway = await startGateway({ mode: 'echo', token: TOKEN });
  gateway.on('event', ({ direction, event }) => {
    if (direction === 'server' && (event as Created).type === 'session.created')
      created.push(event as Created);
  });
  board = await startTestBoard({ settings: { 'session.greeting': '' } });
  await board.state('ready');
});
afterAll(async () => {
  await board?.close();
  await gateway?.close();
});
beforeEach(() => {
  created = [];
});

/** A session with these settings, and what the server held of it. */
async function session(settings: Settings): Promise<Created['session']> {
  // Not by way of the host's own check, which would cut the white space off before the device sees it.
  await board.device.request('settings.set', { values: settings });
  await board.device.request('settings.commit');
  let from = board.messages.length;
  await board.device.request('session.start');
  await board.state('live', from);
  from = board.messages.length;
  await board.device.request('session.stop');
  await board.state('ready', from);
  expect(created).toHaveLength(1);
  return created[0]!.session;
}

test('OpenAI with a secret: the offer alone is posted; the session is told over the data channel', async () => {
  const held = await session({ 'server.url': gateway.callsUrl, 'session.instructions': 'Be a lamp.' });
  expect(held.instructions).not.toBe('Be a lamp.');
});

test('OpenAI with a standard key: offer and session are posted together', async () => {
  const held = await session({
    'server.url': gateway.callsUrl,
    'server.body': 'session',
    'session.model': 'gpt-realtime-2.1',
    'session.instructions': 'Be a lamp.\nIts light is "warm".',
    'session.voice': 'cedar',
  });
  expect(held).toMatchObject({
    model: 'gpt-realtime-2.1',
    instructions: 'Be a lamp.\nIts light is "warm".',
    audio: { output: { voice: 'cedar' } },
  });
  expect(held.tools!.length).toBeGreaterThan(2);
});

test('Azure GA: api-key, and the deployment as model', async () => {
  const held = await session({
    // As it is copied, with what the copying left around it.
    'server.url': ` ${gateway.url}/openai/v1/realtime/calls/\r\n`,
    'server.auth': 'api-key',
    'server.body': 'session',
    'session.model': ' my-deployment ',
  });
  expect(held.model).toBe('my-deployment');
  const { values } = await board.device.request<{ values: Record<string, unknown> }>('settings.get', {
    names: ['server.url', 'server.token'],
  });
  expect(values['server.url']).toBe(`${gateway.url}/openai/v1/realtime/calls`);
  expect(JSON.stringify(values)).not.toContain(TOKEN);
  // What is in force can be read in the log: all of it but the key.
  expect(board.text.join('\n')).toMatch(
    /POST http:\/\/127\.0\.0\.1:\d+\/openai\/v1\/realtime\/calls \(api-key, stored token, channel oai-events\)/,
  );
  expect(board.wire().includes(TOKEN)).toBe(false);
});

test('an older server: the model in the query, another label', async () => {
  const held = await session({
    'server.url': gateway.callsUrl,
    'server.auth': 'bearer',
    'server.body': 'sdp',
    'server.query': ' model=gpt-realtime-2.1 ',
    'server.label': 'realtime-channel',
    'session.model': 'gpt-realtime-2.1',
  });
  expect(held.model).toBe('gpt-realtime-2.1');
});

function refusal(name: string, value: string): SettingError {
  try {
    checkSetting(name, value);
  } catch (error) {
    if (error instanceof SettingError) return error;
  }
  throw new Error(`${name} takes ${value}`);
}

test.each([
  ['server.url', 'https://my res.openai.azure.com/openai/v1/realtime/calls', 'white space'],
  ['server.url', 'https://api.openai.com/v1/realtime/calls?model=x', 'server.query'],
  ['server.url', 'http://api.openai.com/v1/realtime/calls', 'in the clear'],
  ['server.url', 'https://key@api.openai.com/v1/realtime/calls', 'server.token'],
  ['session.model', 'my deployment', 'white space'],
  ['server.label', 'oai events', 'white space'],
  ['server.pin', 'abcd', '64 hex digits'],
  ['server.query', 'api-key=0123456789abcdef', 'server.token'],
  ['server.query', 'model=x&sig=0123456789abcdef', 'server.token'],
  ['server.query', 'x=sk-0123456789abcdef', 'server.token'],
  ['server.query', '?model=x', 'without the "?"'],
])('%s is not set to what cannot work: %s', async (name, value, words) => {
  // On the host with a sentence, which does not say the value again …
  const error = refusal(name, value);
  expect(`${error.message} ${error.hint}`).toContain(words);
  expect(`${error.message} ${error.hint}`).not.toContain('0123456789abcdef');
  // … and on the device, whoever asks.
  await expect(board.device.request('settings.set', { values: { [name]: value } })).rejects.toThrow(/value/);
});
