import { createConnection } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { join, rms } from './audio.ts';
import type { CallHost } from './call-host.ts';
import { makeCertificate } from './certificate.ts';
import type { ServerEvent } from './events.ts';
import { type Gateway, type GatewayOptions, startGateway } from './index.ts';
import { decodeSound, encodeSound } from './sound-format.ts';
import { TestClient } from './test-client.ts';
import { silence } from './test-session.ts';
import { SocketClient } from './test-socket.ts';
import { DATA, upsample, voice } from './test-sounds.ts';

const SCRIPT = new URL('demo.script.json', DATA).pathname;
const TOKEN = 'tc_a-token-for-tests';
const bearer = { authorization: `Bearer ${TOKEN}` };
const MODEL = '/v1/realtime?model=gpt-realtime-2.1';
const PCM = { type: 'audio/pcm', rate: 24_000 } as const;
const lines: string[] = [];
let gateway: Gateway;
const clients: { close(): void }[] = [];

const start = (options: Partial<GatewayOptions> = {}) =>
  startGateway({
    mode: 'script',
    script: SCRIPT,
    token: TOKEN,
    maxCalls: 4,
    log: (line) => lines.push(line),
    ...options,
  });
beforeAll(async () => {
  gateway = await start();
});
afterAll(() => gateway.close());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await expect.poll(() => gateway.calls().filter((call) => call.ended === undefined)).toEqual([]);
});

async function connect(path = MODEL, headers: Record<string, string> = bearer, protocols: string[] = []) {
  const client = await SocketClient.connect(gateway.url + path, headers, protocols);
  clients.push(client);
  return client;
}
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const userText = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});
const deltas = (events: readonly ServerEvent[]) =>
  events.flatMap((event) => (event.type === 'response.output_audio.delta' ? [event.delta] : []));

describe('a session over WebSocket', () => {
  it('is heard and answered by voice, all of it in events', async () => {
    const client = await connect();
    expect(client.events.length === 0 || client.events[0]!.type === 'session.created').toBe(true);
    expect((await client.event('session.created')).session).toMatchObject({ model: 'gpt-realtime-2.1' });
    client.send(
      update({
        tools: [{ type: 'function', name: 'set_light' }],
        audio: { input: { transcription: { model: 'gpt-transcribe' } } },
      }),
    );
    await client.event('session.updated');
    const said = join([silence(300), upsample(voice('person-light-on')), silence(800)]);
    for (let at = 0; at < said.length; at += 2400)
      client.send({
        type: 'input_audio_buffer.append',
        audio: encodeSound(said.subarray(at, at + 2400), PCM),
      });
    const asked = await client.event('response.function_call_arguments.done');
    expect(asked).toMatchObject({ name: 'set_light', arguments: '{"on":true}' });
    const written = await client.event('conversation.item.input_audio_transcription.completed');
    expect(written.transcript).toBe('Please turn on the light.');
    await client.event('response.done');
    const from = client.events.length;
    const item = { type: 'function_call_output', call_id: asked.call_id, output: '{"ok":true}' };
    client.send({ type: 'conversation.item.create', item });
    client.send({ type: 'response.create' });
    await client.event('response.done', from);
    const sound = deltas(client.events.slice(from)).map((delta) => decodeSound(delta, PCM, 'delta'));
    expect(rms(join(sound))).toBeGreaterThan(0.02);
    const types = client.types();
    expect(types.filter((type) => type.startsWith('output_audio_buffer'))).toEqual([]);
    expect(types).not.toContain('error');
    expect(types.lastIndexOf('response.output_audio.delta')).toBeLessThan(
      types.indexOf('response.output_audio.done', from),
    );
    const call = gateway.calls().at(-1)!;
    expect(call.id).toMatch(/^sess_/);
    expect(call.heard().length).toBeGreaterThan(said.length - 480);
  });

  it.each(['audio/pcmu', 'audio/pcma'] as const)('speaks and hears %s', async (type) => {
    const client = await connect();
    client.send(
      update({
        audio: {
          input: { format: { type }, transcription: { model: 'whisper-1' } },
          output: { format: { type } },
        },
      }),
    );
    client.send({ type: 'response.create' });
    const done = await client.event('response.done');
    expect(done.response.audio?.output?.format).toEqual({ type });
    const bytes = deltas(client.events).reduce((sum, delta) => sum + Buffer.from(delta, 'base64').length, 0);
    // The greeting lasts 2.225 s, at 8000 bytes a second.
    expect(Math.abs(bytes - 17_800)).toBeLessThan(3);
    const said = join([silence(300), upsample(voice('person-light-on')), silence(800)]);
    const phone = Buffer.from(encodeSound(said, { type }), 'base64');
    for (let at = 0; at < phone.length; at += 777)
      client.send({
        type: 'input_audio_buffer.append',
        audio: phone.subarray(at, at + 777).toString('base64'),
      });
    const { audio_end_ms } = await client.event('input_audio_buffer.speech_stopped');
    expect(audio_end_ms).toBeGreaterThan(1000);
    await client.event('conversation.item.input_audio_transcription.completed');
  });

  it('is truncated by its client, who alone knows what was heard', async () => {
    const client = await connect();
    client.send({ type: 'response.create' });
    const done = await client.event('response.done');
    const id = done.response.output![0]!.id!;
    client.send({ type: 'output_audio_buffer.clear', event_id: 'mine' });
    expect((await client.event('error')).error).toMatchObject({ event_id: 'mine', code: 'invalid_value' });
    client.send({ type: 'conversation.item.truncate', item_id: id, content_index: 0, audio_end_ms: 500 });
    await client.event('conversation.item.truncated');
    client.send({ type: 'conversation.item.retrieve', item_id: id });
    const { item } = await client.event('conversation.item.retrieved');
    expect(item).toMatchObject({ content: [{ type: 'output_audio', audio: expect.any(String) }] });
    const { audio } = (item as { content: { audio: string }[] }).content[0]!;
    expect(decodeSound(audio, PCM, 'audio')).toHaveLength(12_000);
  });

  it('that only transcribes never answers', async () => {
    const client = await connect('/v1/realtime?intent=transcription');
    expect((await client.event('session.created')).session).toMatchObject({
      type: 'transcription',
      object: 'realtime.transcription_session',
    });
    client.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { transcription: { model: 'gpt-4o-transcribe' } } } },
    });
    await client.event('session.updated');
    const said = join([silence(300), upsample(voice('person-light-on')), silence(800)]);
    client.send({ type: 'input_audio_buffer.append', audio: encodeSound(said, PCM) });
    const written = await client.event('conversation.item.input_audio_transcription.completed');
    expect(written).toMatchObject({ transcript: 'Please turn on the light.', usage: { type: 'tokens' } });
    client.send({ type: 'response.create' });
    await client.event('error');
    expect(client.types()).not.toContain('response.created');
    client.send(update({}));
    await expect
      .poll(() => client.events.filter((event) => event.type === 'error').map((event) => event.error.code))
      .toEqual(['invalid_value', 'invalid_parameter']);
  });

  it('ends with its socket, and the gateway closes sockets that are open', async () => {
    const other = await start();
    const client = await SocketClient.connect(other.url + MODEL, bearer);
    await client.event('session.created');
    const call = other.calls()[0]!;
    await other.close();
    expect(call.ended).toMatch(/gateway closes/);
    expect((await client.end()).code).toBeLessThan(1002);
  });

  it('lives on after what is no event', async () => {
    const client = await connect();
    client.socket.send('{"type":');
    client.socket.send(Buffer.from([1, 2, 3]));
    client.socket.send('"text"');
    await client.until('three errors', () => client.types().filter((type) => type === 'error').length === 3);
    client.send(update({}));
    await client.event('session.updated');
  });
});

describe('who may connect', () => {
  const refused = async (path: string, headers: Record<string, string>) => {
    const error = await SocketClient.connect(gateway.url + path, headers).then(
      () => undefined,
      (problem: Error) => problem.message,
    );
    return error ?? 'it was let in';
  };

  it.each(['/v1/realtime?model=m', '/openai/v1/realtime?model=m', '/openai/v1/realtime?deployment=m'])(
    'is served at %s, by api-key too',
    async (path) => {
      const client = await connect(path, { 'api-key': TOKEN });
      expect((await client.event('session.created')).session).toMatchObject({ model: 'm' });
    },
  );

  it('shows a key as subprotocol, as browsers must, and does not get it back', async () => {
    const client = await connect(MODEL, {}, ['realtime', `openai-insecure-api-key.${TOKEN}`]);
    await client.event('session.created');
    expect(client.socket.protocol).toBe('realtime');
    expect(lines.join('\n')).not.toContain(TOKEN);
  });

  it('is told over HTTP that a key is missing, that there is no such path, no such call', async () => {
    expect(await refused(MODEL, {})).toMatch(/^401 .*missing_api_key/);
    expect(await refused('/v1/elsewhere', bearer)).toMatch(/^404 .*unknown_url/);
    expect(await refused('/v1/realtime?call_id=rtc_none', bearer)).toMatch(/^404 .*call_id_not_found/);
  });

  it.each([
    ['a wrong key', MODEL, { authorization: 'Bearer tc_wrong-wrong' }, 'invalid_api_key', 3000],
    ['the beta API', MODEL, { ...bearer, 'OpenAI-Beta': 'realtime=v1' }, 'beta_api_shape_disabled', 4000],
    ['no model', '/v1/realtime', bearer, 'missing_model', 4000],
    [
      'a model for a transcription',
      '/v1/realtime?intent=transcription&model=m',
      bearer,
      'invalid_model',
      4000,
    ],
  ])('with %s gets one error and a close code', async (_, path, headers, code, close) => {
    const client = await connect(path, headers);
    const end = await client.end();
    expect(client.events).toMatchObject([{ type: 'error', error: { code, type: 'invalid_request_error' } }]);
    expect(end).toEqual({ code: close, reason: `invalid_request_error.${code}` });
  });

  it('as a client of the beta API, found by its subprotocol or by its session, is told so', async () => {
    const old = await connect(MODEL, bearer, ['realtime', 'openai-beta.realtime-v1']);
    expect((await old.end()).reason).toBe('invalid_request_error.beta_api_shape_disabled');
    const late = await connect();
    late.send({ type: 'session.update', session: { modalities: ['text'], voice: 'alloy' } });
    expect((await late.end()).code).toBe(4000);
    expect(late.events.at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'beta_api_shape_disabled' },
    });
  });

  it.each([
    ['//', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', /^HTTP\/1\.1 404 /],
    [MODEL, 'Sec-WebSocket-Key: x', /^HTTP\/1\.1 400 /],
    [MODEL, 'X-Nothing: x', /^HTTP\/1\.1 400 /],
  ])('is answered to a broken handshake on %s, %s', async (target, header, answer) => {
    const lines = [
      `GET ${target} HTTP/1.1`,
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Authorization: Bearer ${TOKEN}`,
      header,
    ];
    const text = await new Promise<string>((resolve, reject) => {
      let all = '';
      const socket = createConnection(gateway.port, '127.0.0.1', () =>
        socket.write(`${lines.join('\r\n')}\r\n\r\n`),
      );
      socket.on('data', (chunk) => {
        all += String(chunk);
      });
      socket.on('close', () => resolve(all));
      socket.on('error', reject);
    });
    expect(text).toMatch(answer);
  });

  it('is limited in number', async () => {
    for (let i = 0; i < 4; i++) await connect();
    expect(await refused(MODEL, bearer)).toMatch(/^429 .*rate_limit_exceeded/);
  });

  it('by a client secret gets the session of the secret', async () => {
    const response = await fetch(`${gateway.url}/v1/realtime/client_secrets`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify({ session: { type: 'transcription' } }),
    });
    const { value, session } = (await response.json()) as { value: string; session: object };
    expect(session).toMatchObject({ type: 'transcription', object: 'realtime.transcription_session' });
    const client = await connect('/v1/realtime', { authorization: `Bearer ${value}` });
    expect((await client.event('session.created')).session).toMatchObject({ type: 'transcription' });
  });

  it('does not bring the gateway down by a frame that breaks the protocol', async () => {
    const client = await connect();
    await client.event('session.created');
    // A masked text frame whose opcode is reserved.
    (client.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
    );
    await client.end();
    expect((await connect()).socket.readyState).toBe(WebSocket.OPEN);
  });
});

it('is no WebSocket in a mode that has no sessions of its own, and the answer says so', async () => {
  const host = { mode: 'relay', call: () => Promise.reject(new Error()), hangUp: () => false, close() {} };
  const other = await start({ mode: host as unknown as CallHost });
  await expect(SocketClient.connect(other.url + MODEL, bearer)).rejects.toThrow(/^404 .*POST an SDP offer/);
  await other.close();
});

describe('who does not close its side', () => {
  const hold = async (port: number, request: string) => {
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    if (request === '') return socket;
    socket.resume().write(request);
    await new Promise((resolve) => socket.once('end', resolve));
    return socket;
  };

  it.each([
    ['after a refused upgrade', false, 'GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'],
    ['after an upgrade to something else', false, 'POST / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n'],
    ['before the handshake of TLS', true, ''],
  ])('does not keep the gateway from closing, %s', async (_, tls, request) => {
    const other = await start(tls ? { tls: await makeCertificate() } : {});
    const socket = await hold(other.port, request && `${request}Connection: Upgrade\r\n\r\n`);
    await other.close();
    socket.destroy();
  });
});

describe('a sideband', () => {
  async function call() {
    const client = await TestClient.connect({ url: gateway.callsUrl, headers: bearer });
    clients.push(client);
    const id = client.location.split('/').at(-1)!;
    return { client, id };
  }

  it('sees what the server says to the client, and speaks for it', async () => {
    const { client, id } = await call();
    const side = await connect(`/v1/realtime?call_id=${id}`);
    expect((await side.event('session.created')).session).toMatchObject({
      type: 'realtime',
      id: (client.events[0] as unknown as { session: { id: string } }).session.id,
    });
    side.send(update({ instructions: 'From the side.' }));
    expect((await client.event('session.updated')).session).toMatchObject({ instructions: 'From the side.' });
    client.send(userText('Please turn on the light.'));
    client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    const here = await client.event('response.done');
    const there = await side.event('response.done');
    expect(there).toEqual(here);
    expect(side.types(1)).toEqual(client.events.slice(1).map((event) => event.type));
    side.send({ type: 'response.cancel', event_id: 'side' });
    expect((await side.event('error')).error.event_id).toBe('side');
  });

  it('ends with the call, and the call does not end with it', async () => {
    const { client, id } = await call();
    const first = await connect(`/openai/v1/realtime?call_id=${id}`, { 'api-key': TOKEN });
    const second = await connect(`/v1/realtime?call_id=${id}`);
    await second.event('session.created');
    first.close();
    await first.end();
    client.send(update({}));
    await second.event('session.updated');
    await fetch(`${gateway.url}/v1/realtime/calls/${id}/hangup`, { method: 'POST', headers: bearer });
    expect((await second.end()).code).toBe(1000);
    await client.until('hang-up', () => client.closed);
  });

  it('of a call of somebody else is refused to a client secret', async () => {
    const { id } = await call();
    const response = await fetch(`${gateway.url}/v1/realtime/client_secrets`, {
      method: 'POST',
      headers: bearer,
    });
    const { value } = (await response.json()) as { value: string };
    await expect(
      SocketClient.connect(`${gateway.url}/v1/realtime?call_id=${id}`, { authorization: `Bearer ${value}` }),
    ).rejects.toThrow(/^404/);
  });

  it('that does not read is cut off: it would miss events and not know it; the client goes on', async () => {
    const client = await connect();
    const { session } = await client.event('session.created');
    const lines = [
      `GET /v1/realtime?call_id=${(session as unknown as { id: string }).id} HTTP/1.1`,
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Authorization: Bearer ${TOKEN}`,
    ];
    const deaf = createConnection(gateway.port, '127.0.0.1');
    deaf.on('error', () => {});
    const gone = new Promise((resolve) => deaf.once('close', resolve));
    deaf.write(`${lines.join('\r\n')}\r\n\r\n`);
    await new Promise((resolve) => deaf.once('data', resolve));
    deaf.pause();
    const content = [{ type: 'input_audio', audio: Buffer.alloc(5_000_000).toString('base64') }];
    client.send({
      type: 'conversation.item.create',
      item: { id: 'long', type: 'message', role: 'user', content },
    });
    for (let i = 1; i <= 14; i++) {
      const from = client.events.length;
      client.send({ type: 'conversation.item.retrieve', item_id: 'long' });
      await client.event('conversation.item.retrieved', from);
    }
    deaf.resume();
    await gone;
    client.send(update({}));
    await client.event('session.updated');
  });
});
