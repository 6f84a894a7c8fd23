import { describe, expect, it } from 'vitest';
import { redact } from '../../redact.ts';
import { Store } from '../store/index.ts';
import {
  call,
  clock,
  gateway,
  idOf,
  NOON,
  now,
  OFFER,
  OWN,
  pass,
  post,
  problem,
  start,
  status,
  store,
  upstream,
  watched,
} from './test-relay.ts';
import { ANSWER, KEY, sessionIn } from './test-upstream.ts';

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
    // It is used once. Many calls later, the list of what is not printed is as long as before.
    const secret = offer!.authorization!.replace('Bearer ', '');
    expect(redact(secret)).toBe(secret);
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
    await start({ timeoutMs: 200 });
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
