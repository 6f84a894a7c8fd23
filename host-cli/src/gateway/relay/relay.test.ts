import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@tincan/boards';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionUpdate } from '../config.ts';
import { type Gateway, startGateway } from '../index.ts';
import { transact } from '../store/database.ts';
import { DeviceDesk, dayOf } from '../store/desk.ts';
import { type DeviceStatus, Store, statusOf } from '../store/index.ts';
import { Relay, Upstream } from './index.ts';
import { ANSWER, FakeUpstream, KEY, sessionIn } from './test-upstream.ts';

const NOON = new Date(2026, 10, 20, 12).getTime();
const OWN = 'tc_the-token-of-the-gateway';
const OFFER = `${[
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  'a=fingerprint:sha-256 00:11',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=rtpmap:111 opus/48000/2',
  'a=candidate:1 1 UDP 1 192.0.2.1 9 typ host',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
].join('\r\n')}\r\n`;

let folder: string;
let upstream: FakeUpstream;
let clock: ReturnType<typeof manualClock>;
let store: Store;
let lines: string[];
let desk: DeviceDesk;
let gateway: Gateway;
const open: Gateway[] = [];
const now = () => NOON + clock.now();

async function start(options: { session?: SessionUpdate; model?: null; url?: string } = {}): Promise<Relay> {
  desk = new DeviceDesk({ store, clock, now, log: (line) => lines.push(line) });
  const target = new Upstream({
    url: new URL(options.url ?? upstream.url),
    auth: upstream.auth,
    key: KEY,
    timeoutMs: 400,
    log: (line) => lines.push(line),
  });
  const relay = new Relay({
    upstream: target,
    desk,
    clock,
    now,
    log: (line) => lines.push(line),
    ...options,
  });
  gateway = await startGateway({
    mode: relay,
    desk,
    token: OWN,
    clock,
    unixNow: () => now() / 1000,
    log: (line) => lines.push(line),
  });
  open.push(gateway);
  return relay;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-relay-'));
  store = new Store(join(folder, 'gateway.db'));
  clock = manualClock();
  lines = [];
  upstream = await FakeUpstream.start();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  const { faults } = upstream;
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
  // Nothing of the key is in what was said or kept; the server saw nothing that it should not.
  expect(lines.join('\n')).not.toMatch(/real-key|tcd_|ek_\w/);
  expect(faults).toEqual([]);
});

const post = (path: string, token: string, body?: string | FormData, type?: string) =>
  fetch(gateway.url + path, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'content-type': type }) },
  });
const call = (token: string, body: string | FormData = OFFER) =>
  post('/v1/realtime/calls', token, body, typeof body === 'string' ? 'application/sdp' : undefined);
async function problem(
  response: Response,
): Promise<{ status: number; code: string; message: string; after: string | null }> {
  const text = await response.text();
  expect(text).not.toMatch(/real-key|sk-/);
  const { error } = JSON.parse(text) as { error: { code: string; message: string } };
  return {
    status: response.status,
    code: error.code,
    message: error.message,
    after: response.headers.get('retry-after'),
  };
}
const idOf = (response: Response) => response.headers.get('location')!.split('/').at(-1)!;
const watched = (calls = 1) => expect.poll(() => upstream.sockets.size).toBe(calls);
const status = (name: string): DeviceStatus =>
  statusOf(store, dayOf(now()), now()).find((one) => one.name === name)!;
const done = (id: string, audio = 1000) => ({
  type: 'response.done',
  event_id: 'event_1',
  response: {
    id,
    usage: { input_token_details: { audio_tokens: audio }, output_token_details: { audio_tokens: audio } },
  },
});
/** What is there after so much more time, again and again. */
const after = <T>(ms: number, look: () => T) =>
  expect.poll(() => {
    clock.advance(ms);
    return look();
  });
/** Lets time pass as the desk sees it. */
const pass = (ms: number) => {
  for (let left = ms; left > 0; left -= 1000) clock.advance(Math.min(1000, left));
};

describe('a call', () => {
  it('goes on with the session of the relay over that of the device, and the answer comes back as it is', async () => {
    await start({
      session: { type: 'realtime', instructions: 'Be kind.', audio: { output: { voice: 'cedar' } } },
    });
    const { token } = store.addDevice('kitchen', {}, NOON);
    const form = new FormData();
    form.set('sdp', new Blob([OFFER], { type: 'application/sdp' }));
    form.set(
      'session',
      JSON.stringify({
        type: 'realtime',
        model: 'gpt-realtime-2.1',
        instructions: 'Be rude.',
        audio: { input: { noise_reduction: null }, output: { voice: 'marin', speed: 1.2 } },
      }),
    );
    const response = await call(token, form);
    expect(response.status).toBe(201);
    expect(await response.text()).toBe(ANSWER);
    expect(response.headers.get('content-type')).toBe('application/sdp');
    // The relay's own id, not that of the server.
    expect(response.headers.get('location')).toMatch(/^\/v1\/realtime\/calls\/rtc_[A-Za-z0-9]{21}$/);
    const [seen] = upstream.seen;
    expect(seen).toMatchObject({ path: '/v1/realtime/calls', authorization: `Bearer ${KEY}` });
    expect(await sessionIn(seen!)).toEqual({
      type: 'realtime',
      model: 'gpt-realtime-2.1',
      instructions: 'Be kind.',
      audio: { input: { noise_reduction: null }, output: { voice: 'cedar', speed: 1.2 } },
    });
    // Candidates are the client's business.
    expect(seen!.body).toContain('a=candidate:1 1 UDP 1 192.0.2.1 9 typ host');
    expect(upstream.calls.size).toBe(1);
  });

  it('with a key for secrets only is made with a secret of the same session', async () => {
    upstream.auth = 'api-key';
    await start({ session: { type: 'realtime', model: 'my-deployment' } });
    expect((await call(OWN)).status).toBe(201);
    const [mint, offer] = upstream.seen;
    expect(mint).toMatchObject({
      path: '/openai/v1/realtime/client_secrets',
      apiKey: KEY,
      authorization: undefined,
    });
    expect(JSON.parse(mint!.body)).toEqual({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session: { type: 'realtime', model: 'my-deployment' },
    });
    expect(offer).toMatchObject({
      path: '/openai/v1/realtime/calls',
      type: 'application/sdp',
      apiKey: undefined,
      body: OFFER,
    });
    await watched();
  });

  it('without a model anywhere is refused where there is no model by itself', async () => {
    upstream.auth = 'api-key';
    await start({ model: null });
    expect(await problem(await call(OWN))).toMatchObject({ status: 400, code: 'missing_required_parameter' });
    expect(upstream.seen).toEqual([]);
  });

  it('keeps the query of its URL, but what belongs to the offer alone is not asked beside it', async () => {
    await start({ url: `${upstream.url}?webrtcfilter=on&tenant=7` });
    const response = await call(OWN);
    await watched();
    expect((await post(`${response.headers.get('location')}/hangup`, OWN)).status).toBe(200);
    expect(upstream.seen.map((one) => one.path)).toEqual([
      '/v1/realtime/calls?webrtcfilter=on&tenant=7',
      expect.stringMatching(/^\/v1\/realtime\/calls\/rtc_u1_\d+\/hangup\?tenant=7$/),
    ]);
  });

  it('ends at the server when the device hangs up, and only its own does', async () => {
    await start();
    const { token } = store.addDevice('kitchen', {}, NOON);
    const other = store.addDevice('hall', {}, NOON).token;
    const id = idOf(await call(token));
    await watched();
    expect((await post(`/v1/realtime/calls/${id}/hangup`, other)).status).toBe(404);
    expect(upstream.calls.size).toBe(1);
    clock.advance(90_000);
    expect((await post(`/v1/realtime/calls/${id}/hangup`, token)).status).toBe(200);
    expect(upstream.calls.size).toBe(0);
    expect((await post(`/v1/realtime/calls/${id}/hangup`, token)).status).toBe(404);
    expect(status('kitchen')).toMatchObject({ calls: 1, live: 0, minutes: 1.5, unmetered: 0 });
  });

  it('ends when the gateway closes, also at the server', async () => {
    await start();
    await call(OWN);
    await watched();
    await gateway.close();
    expect(upstream.calls.size).toBe(0);
    expect(store.openCalls(now())).toEqual([]);
  });
});

describe('what the server answers', () => {
  const error = (code: string | null, message: string, param: string | null = null) =>
    JSON.stringify({ error: { message, type: 'invalid_request_error', code, param } });
  const cases: [
    string,
    { status: number; headers?: Record<string, string>; body?: string },
    number,
    string,
    RegExp,
  ][] = [
    [
      'a wrong key',
      { status: 401, body: error('invalid_api_key', `Incorrect API key provided: ${KEY}.`) },
      502,
      'upstream_auth',
      /the device's token is right/,
    ],
    ['a key without rights', { status: 403, body: error(null, 'no') }, 502, 'upstream_auth', /own key/],
    [
      'a limit',
      { status: 429, headers: { 'Retry-After': '17' }, body: error('rate_limit_exceeded', 'Slow down.') },
      429,
      'rate_limit_exceeded',
      /^Slow down\.$/,
    ],
    [
      'no credit',
      { status: 429, body: error('insufficient_quota', 'You exceeded your quota.') },
      429,
      'insufficient_quota',
      /quota/,
    ],
    [
      'a voice that it has not',
      { status: 400, body: error('invalid_value', "Invalid value: 'x'.", 'session.audio.output.voice') },
      400,
      'invalid_value',
      /Invalid value/,
    ],
    [
      'a model that it has not',
      { status: 404, body: error('model_not_found', 'The model `x` does not exist.') },
      400,
      'model_not_found',
      /does not exist/,
    ],
    [
      'a wrong path',
      { status: 404, body: '<html>nothing here</html>' },
      502,
      'upstream_not_found',
      /at the URL that the relay has/,
    ],
    ['a fault of its own', { status: 500, body: 'oops' }, 502, 'upstream_error', /answered 500/],
    ['that it is not there', { status: 503, headers: { 'Retry-After': '5' } }, 502, 'upstream_error', /503/],
    ['that it waited too long', { status: 504 }, 504, 'upstream_timeout', /in time/],
    [
      'a redirect',
      { status: 307, headers: { Location: 'https://elsewhere.example/' } },
      502,
      'upstream_redirect',
      /does not follow/,
    ],
    [
      'a page instead of SDP',
      { status: 200, body: '<html>Log in</html>' },
      502,
      'upstream_answer',
      /not answer with SDP/,
    ],
    ['nothing at all', { status: 201, body: '' }, 502, 'upstream_answer', /SDP/],
    ['a status of tea', { status: 418 }, 502, 'upstream_error', /418/],
    [
      'an answer without end',
      { status: 200, body: 'v=0'.repeat(200_000) },
      502,
      'upstream_too_large',
      /cannot be reached/,
    ],
  ];
  it.each(cases)('%s is told as what it is to the device', async (_, answer, wanted, code, message) => {
    await start();
    upstream.next('calls', answer);
    const found = await problem(await call(OWN));
    expect(found).toMatchObject({ status: wanted, code, after: answer.headers?.['Retry-After'] ?? null });
    expect(found.message).toMatch(message);
    expect(store.openCalls(now())).toEqual([]);
  });

  it('nothing within the time is 504', async () => {
    await start();
    upstream.next('calls', 'never');
    expect(await problem(await call(OWN))).toMatchObject({ status: 504, code: 'upstream_timeout' });
  });

  it('not being there is 502', async () => {
    await start({ url: 'http://127.0.0.1:9/v1/realtime/calls' });
    expect(await problem(await call(OWN))).toMatchObject({ status: 502, code: 'upstream_unreachable' });
  });

  it('a refused secret is a matter of the key', async () => {
    upstream.auth = 'api-key';
    await start({ session: { type: 'realtime', model: 'm' } });
    upstream.next('client_secrets', { status: 401 }, { status: 200, body: '{"value":7}' });
    expect(await problem(await call(OWN))).toMatchObject({ status: 502, code: 'upstream_auth' });
    expect(await problem(await call(OWN))).toMatchObject({ status: 502, code: 'upstream_answer' });
  });
});

describe('tokens of devices', () => {
  it('are refused when they are wrong or revoked, also by another process while the gateway runs', async () => {
    await start();
    expect((await call('tcd_00000000000000000000000000000000')).status).toBe(401);
    const { token } = new Store(store.file).addDevice('kitchen', {}, NOON);
    expect((await call(token)).status).toBe(201);
    await watched();
    new Store(store.file).revokeDevice('kitchen', NOON);
    expect((await call(token)).status).toBe(401);
    // The call that runs ends too, at the server and here.
    pass(1000);
    await expect.poll(() => upstream.calls.size).toBe(0);
    expect(store.openCalls(now())).toEqual([]);
  });

  it('make secrets that are theirs, and that end with them', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { calls: 1 }, NOON);
    const made = await post(
      '/v1/realtime/client_secrets',
      token,
      '{"session":{"type":"realtime","model":"gpt-realtime-2"}}',
      'application/json',
    );
    const { value } = (await made.json()) as { value: string };
    expect(upstream.seen).toEqual([]);
    const id = idOf(await call(value));
    expect(await sessionIn(upstream.seen[0]!)).toEqual({ type: 'realtime', model: 'gpt-realtime-2' });
    expect(status('kitchen')).toMatchObject({ calls: 1, live: 1 });
    expect((await call(token)).status).toBe(429);
    expect((await post(`/v1/realtime/calls/${id}/hangup`, value)).status).toBe(200);
    store.revokeDevice('kitchen', NOON);
    expect((await call(value)).status).toBe(401);
  });
});

describe('limits', () => {
  it('of calls at once hold for calls that are being made too', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { calls: 2 }, NOON);
    const answers = await Promise.all([call(token), call(token), call(token), call(token)]);
    expect(answers.map((one) => one.status).sort()).toEqual([201, 201, 429, 429]);
    expect(answers.find((one) => one.status === 429)!.headers.get('retry-after')).toBe('30');
  });

  it('of minutes end the call, and refuse the next until midnight', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { minutesPerDay: 2 }, NOON);
    await call(token);
    await watched();
    pass(119_000);
    expect(upstream.calls.size).toBe(1);
    pass(11_000);
    await expect.poll(() => upstream.calls.size).toBe(0);
    expect(await problem(await call(token))).toMatchObject({
      status: 429,
      code: 'device_limit_exceeded',
      message: 'This device has used its 2 minutes of today.',
      after: String(12 * 3600 - 130),
    });
    // Another day.
    clock.advance(12 * 3_600_000);
    expect((await call(token)).status).toBe(201);
  });

  it('of money end the call when the answer that passed them has been said', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { centsPerDay: 5 }, NOON);
    await call(token);
    await watched();
    const say = (id: string) => {
      upstream.send({ type: 'response.created', response: { id } });
      upstream.send({ type: 'output_audio_buffer.started', response_id: id });
    };
    say('resp_1');
    // 1000 in, 1000 out: 3 cents.
    upstream.send(done('resp_1'));
    upstream.send({ type: 'output_audio_buffer.stopped', response_id: 'resp_1' });
    await expect.poll(() => status('kitchen').dollars).toBe(0.03);
    say('resp_2');
    upstream.send(done('resp_2'));
    await expect.poll(() => status('kitchen').dollars).toBe(0.06);
    expect(upstream.calls.size).toBe(1);
    upstream.send({ type: 'output_audio_buffer.stopped', response_id: 'resp_2' });
    await expect.poll(() => upstream.calls.size).toBe(0);
    expect((await call(token)).status).toBe(429);
  });

  it('are not waited for without end: an answer that goes on is cut', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { minutesPerDay: 1 }, NOON);
    await call(token);
    await watched();
    upstream.send({ type: 'output_audio_buffer.started', response_id: 'resp_1' });
    upstream.send(done('resp_1'));
    await expect.poll(() => status('kitchen').dollars).toBe(0.03);
    pass(60_000);
    expect(upstream.calls.size).toBe(1);
    pass(10_000);
    await expect.poll(() => upstream.calls.size).toBe(0);
  });

  it('that are set while a call runs hold for it', async () => {
    await start();
    const { token } = store.addDevice('kitchen', {}, NOON);
    await call(token);
    await watched();
    pass(300_000);
    expect(upstream.calls.size).toBe(1);
    store.limitDevice('kitchen', { minutesPerDay: 5 });
    pass(1000);
    await expect.poll(() => upstream.calls.size).toBe(0);
  });
});

describe('the connection beside a call', () => {
  it('is tried again while the server does not know the call yet', async () => {
    await start();
    upstream.refuse.push(404, 404);
    await call(OWN);
    await after(2000, () => upstream.sockets.size).toBe(1);
    upstream.send({ type: 'session.created', session: { model: 'gpt-realtime-2.1-2026-08-01' } });
    upstream.send(done('resp_1'));
    await expect
      .poll(() => statusOf(store, 0, now())[0]?.tokens)
      .toEqual({ input: 1000, cached: 0, output: 1000 });
    // By the price of the model that the server named, not of the one that was asked for.
    expect(statusOf(store, 0, now())[0]).toMatchObject({
      dollars: 0.096,
      models: ['gpt-realtime-2.1-2026-08-01'],
    });
  });

  it('is made again when it breaks, and what comes twice counts once', async () => {
    await start();
    await call(OWN);
    await watched();
    upstream.send(done('resp_1'));
    await expect.poll(() => statusOf(store, 0, now())[0]?.tokens.input).toBe(1000);
    for (const socket of upstream.sockets) socket.terminate();
    await watched(0);
    await after(1000, () => upstream.sockets.size).toBe(1);
    upstream.send(done('resp_1'));
    upstream.send(done('resp_2'));
    await expect.poll(() => statusOf(store, 0, now())[0]?.tokens.input).toBe(2000);
    expect(lines.some((line) => /broke off/.test(line))).toBe(true);
  });

  it('tells that a call has ended', async () => {
    await start();
    await call(OWN);
    await watched();
    upstream.calls.clear();
    for (const socket of upstream.sockets) socket.close(1000);
    await watched(0);
    await after(1000, () => store.openCalls(now())).toEqual([]);
  });

  it.each([[[501]], [[404, 404, 404, 404, 404, 404, 404]]])(
    'that the server has not (%j) leaves minutes, and that is said',
    async (refused) => {
      await start();
      upstream.refuse.push(...refused);
      const { token } = store.addDevice('kitchen', { minutesPerDay: 5 }, NOON);
      await call(token);
      await after(5000, () => status('kitchen').unmetered).toBe(1);
      expect(lines.some((line) => /only its minutes are counted/.test(line))).toBe(true);
      // And those have their limit.
      pass(300_000);
      await expect.poll(() => upstream.calls.size).toBe(0);
    },
  );

  it('takes no harm from what is no event', async () => {
    await start();
    await call(OWN);
    await watched();
    for (const socket of upstream.sockets)
      for (const text of [
        '',
        '{',
        'null',
        '[]',
        '7',
        '{}',
        '{"type":7}',
        '{"type":"session.created","session":7}',
        '\u0000',
      ])
        socket.send(text);
    for (const socket of upstream.sockets) socket.send(Buffer.from([0xff, 0x00]));
    upstream.send({ type: 'session.updated', session: { model: 'x'.repeat(5000), audio: 'no' } });
    upstream.send(done('resp_1'));
    await expect.poll(() => statusOf(store, 0, now())[0]?.tokens.input).toBe(1000);
  });

  it('puts a session right that the device changed', async () => {
    await start({
      session: {
        type: 'realtime',
        model: 'gpt-realtime-2.1',
        instructions: 'Be kind.',
        tools: [],
        audio: { input: { turn_detection: null }, output: { voice: 'cedar' } },
      },
    });
    await call(OWN);
    await watched();
    const sent: unknown[] = [];
    for (const socket of upstream.sockets)
      socket.on('message', (data) => sent.push(JSON.parse(String(data))));
    const right = {
      model: 'gpt-realtime-2.1',
      instructions: 'Be kind.',
      tools: [],
      output_modalities: ['audio'],
      audio: { input: { turn_detection: null, format: {} }, output: { voice: 'cedar', speed: 1 } },
    };
    upstream.send({ type: 'session.created', session: right });
    upstream.send({
      type: 'session.updated',
      session: { ...right, instructions: 'Be rude.', audio: { ...right.audio, output: { voice: 'marin' } } },
    });
    await expect
      .poll(() => sent)
      .toEqual([
        {
          type: 'session.update',
          session: { type: 'realtime', instructions: 'Be kind.', audio: { output: { voice: 'cedar' } } },
        },
      ]);
  });
});

describe('a gateway that was killed', () => {
  it('takes its calls up again, and closes those that it cannot', async () => {
    const first = await start();
    await call(OWN);
    await watched();
    expect(first.mode).toBe('relay');
    store.startCall({
      id: 'rtc_other',
      device: undefined,
      mode: 'relay',
      server: 'https://elsewhere.example/calls',
      upstream: 'u',
      metered: true,
      at: NOON,
    });
    // As if the process that kept them had died.
    for (const socket of upstream.sockets) socket.terminate();
    await watched(0);
    transact(store.file, (sql) =>
      sql.run(`UPDATE calls SET owner = '{"pid":1,"host":"gone","start":"x"}', seen = seen - 300000`),
    );
    const second = await start();
    second.resume();
    await watched();
    expect(store.openCalls(now())).toMatchObject([{ orphan: false, server: upstream.url }]);
    upstream.send(done('resp_9'));
    await expect.poll(() => statusOf(store, 0, now())[0]?.tokens.input).toBe(1000);
  });

  it('closes a call that ended meanwhile where it was last seen', async () => {
    const relay = await start();
    const left = { id: 'rtc_left', device: undefined, mode: 'relay', server: upstream.url, metered: true };
    store.startCall({ ...left, upstream: 'rtc_u1_gone', at: NOON - 600_000 });
    transact(store.file, (sql) =>
      sql.run(`UPDATE calls SET owner = '{"pid":1,"host":"gone","start":"x"}', seen = started + 30000`),
    );
    relay.resume();
    await expect.poll(() => store.openCalls(now())).toEqual([]);
    expect(statusOf(store, 0, now())[0]).toMatchObject({ calls: 1, live: 0, minutes: 0.5 });
    expect(lines.join()).toContain('call rtc_left ended: it ended while the gateway was away');
  });
});
