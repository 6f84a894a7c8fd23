import { createConnection } from 'node:net';
import nodeDataChannel from 'node-datachannel';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, type GatewayOptions, startGateway } from './index.ts';
import { TestClient } from './test-client.ts';

const TOKEN = 'tc_a-token-for-tests';
const lines: string[] = [];
let now = 1_800_000_000;
let gateway: Gateway;
let offer: string;

beforeAll(async () => {
  gateway = await startGateway({
    mode: 'echo',
    token: TOKEN,
    unixNow: () => now,
    log: (line) => lines.push(line),
    maxCalls: 3,
  });
  offer = await makeOffer();
});
afterAll(() => gateway.close());
afterEach(async () => {
  for (const call of gateway.calls()) if (call.ended === undefined) await hangUp(call.id);
});

async function makeOffer(): Promise<string> {
  const peer = new nodeDataChannel.PeerConnection('offer', { iceServers: [], disableAutoNegotiation: true });
  const audio = new nodeDataChannel.Audio('0', 'SendRecv');
  audio.addOpusCodec(111);
  const track = peer.addTrack(audio);
  peer.createDataChannel('oai-events');
  await new Promise<void>((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
    peer.setLocalDescription('offer');
  });
  const sdp = peer.localDescription()!.sdp;
  track.close();
  peer.close();
  return sdp;
}

const bearer = { authorization: `Bearer ${TOKEN}` };
const sdpType = { 'content-type': 'application/sdp' };
const post = (path: string, body: string | FormData | undefined, headers: Record<string, string> = {}) =>
  fetch(gateway.url + path, { method: 'POST', body, headers });
const hangUp = (id: string) => post(`/v1/realtime/calls/${id}/hangup`, undefined, bearer);
async function problem(
  response: Response,
): Promise<{ status: number; code: string; type: string; param: string | null; message: string }> {
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error } = (await response.json()) as {
    error: { code: string; type: string; param: string | null; message: string };
  };
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  return { status: response.status, ...error };
}

describe('POST /v1/realtime/calls', () => {
  it.each(['/v1/realtime/calls', '/openai/v1/realtime/calls'])('answers an offer on %s', async (path) => {
    const response = await post(path, offer, { ...bearer, ...sdpType });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/sdp');
    expect(response.headers.get('location')).toMatch(new RegExp(`^${path}/rtc_\\w+$`));
    const lines = (await response.text()).split('\r\n');
    expect(lines[0]).toBe('v=0');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(255);
    expect(lines.filter((line) => line === 'a=setup:active')).toHaveLength(2);
    expect(lines.some((line) => /^a=ssrc:\d+ /.test(line))).toBe(true);
    expect(lines.some((line) => /^a=rtpmap:111 opus\/48000\/2$/.test(line))).toBe(true);
    const candidates = lines.filter((line) => line.startsWith('a=candidate:'));
    expect(candidates.length).toBeGreaterThan(0);
    // The listener is on loopback, so is the media.
    for (const candidate of candidates) expect(candidate).toContain(' 127.0.0.1 ');
  });

  it('takes the session beside the offer, as multipart/form-data', async () => {
    const form = new FormData();
    form.set('sdp', new Blob([offer], { type: 'application/sdp' }));
    form.set('session', JSON.stringify({ type: 'realtime', model: 'gpt-realtime-2.1', instructions: 'Hi.' }));
    expect((await post('/v1/realtime/calls', form, bearer)).status).toBe(201);
    form.set('session', JSON.stringify({ type: 'realtime', modalities: ['text'] }));
    expect(await problem(await post('/v1/realtime/calls', form, bearer))).toMatchObject({
      status: 400,
      code: 'unknown_parameter',
      param: 'session.modalities',
    });
    form.set('session', '{');
    expect(await problem(await post('/v1/realtime/calls', form, bearer))).toMatchObject({
      status: 400,
      code: 'invalid_json',
    });
    form.delete('sdp');
    expect(await problem(await post('/v1/realtime/calls', form, bearer))).toMatchObject({
      status: 400,
      param: 'sdp',
    });
  });

  it('takes the token as api-key, as Azure does', async () => {
    expect((await post('/openai/v1/realtime/calls', offer, { 'api-key': TOKEN, ...sdpType })).status).toBe(
      201,
    );
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer tc_a-token-for-testS' }],
    ['a wrong scheme', { authorization: `Basic ${TOKEN}` }],
    ['a wrong api-key', { 'api-key': 'x' }],
  ])('refuses %s with 401', async (_, headers) => {
    expect(await problem(await post('/v1/realtime/calls', offer, { ...headers, ...sdpType }))).toMatchObject({
      status: 401,
      type: 'invalid_request_error',
    });
  });

  it.each([
    ['HTML', () => '<html><body>offer</body></html>', /not an SDP offer/],
    ['nothing', () => '', /not an SDP offer/],
    ['an offer without audio', () => offer.replace('m=audio', 'm=video'), /no audio/],
    ['an offer without Opus', () => offer.replaceAll('opus/48000', 'PCMU/8000'), /Opus/],
    [
      'an offer without data channel',
      () => offer.slice(0, offer.indexOf('m=application')),
      /no data channel/,
    ],
    ['an offer without fingerprint', () => offer.replaceAll(/a=fingerprint:.*\r\n/g, ''), /fingerprint/],
    ['an offer without ICE', () => offer.replaceAll(/a=ice-pwd:.*\r\n/g, ''), /ICE/],
    ['lines that are no SDP', () => offer.replace('a=mid:0', 'hello there'), /line/],
  ])('refuses %s with 400', async (_, body, message) => {
    expect(await problem(await post('/v1/realtime/calls', body(), { ...bearer, ...sdpType }))).toMatchObject({
      status: 400,
      code: 'invalid_offer',
      message: expect.stringMatching(message),
    });
  });

  it('refuses the beta shape', async () => {
    const beta = { ...bearer, ...sdpType, 'openai-beta': 'realtime=v1' };
    expect(await problem(await post('/v1/realtime/calls', offer, beta))).toMatchObject({
      status: 400,
      code: 'beta_api_shape_disabled',
    });
    expect(await problem(await post('/v1/realtime', offer, { ...bearer, ...sdpType }))).toMatchObject({
      code: 'beta_api_shape_disabled',
    });
  });

  it('refuses other content types, methods and paths', async () => {
    const json = { ...bearer, 'content-type': 'application/json' };
    expect(await problem(await post('/v1/realtime/calls', '{}', json))).toMatchObject({ status: 415 });
    const get = await fetch(`${gateway.url}/v1/realtime/calls`, { headers: bearer });
    expect(get.headers.get('allow')).toBe('POST, OPTIONS');
    expect(await problem(get)).toMatchObject({ status: 405 });
    expect(await problem(await post('/v1/chat', '', bearer))).toMatchObject({
      status: 404,
      code: 'unknown_url',
    });
  });

  it('says that sessions over WebSocket need an upgrade', async () => {
    const get = await fetch(`${gateway.url}/v1/realtime?model=m`, { headers: bearer });
    expect(get.headers.get('upgrade')).toBe('websocket');
    expect(await problem(get)).toMatchObject({ status: 426, code: 'upgrade_required' });
  });

  it('is no telephone', async () => {
    const call = await post('/v1/realtime/calls', offer, { ...bearer, ...sdpType });
    const path = call.headers.get('location')!;
    for (const verb of ['accept', 'reject', 'refer']) {
      expect(await problem(await post(`${path}/${verb}`, '{}', bearer))).toMatchObject({
        status: 400,
        code: 'invalid_call',
      });
    }
    expect(await problem(await post('/v1/realtime/calls/rtc_none/refer', '{}', bearer))).toMatchObject({
      status: 404,
    });
  });

  it('refuses a body over 64 KiB with 413, announced or not', async () => {
    const big = 'a'.repeat(65_537);
    expect(await problem(await post('/v1/realtime/calls', big, { ...bearer, ...sdpType }))).toMatchObject({
      status: 413,
    });
    const chunked = await raw(
      `POST /v1/realtime/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/sdp\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n11000\r\n${'a'.repeat(0x11000)}\r\n0\r\n\r\n`,
    );
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('answers a limited number of calls at a time', async () => {
    const made = [];
    for (let i = 0; i < 4; i++) made.push(await post('/v1/realtime/calls', offer, { ...bearer, ...sdpType }));
    expect(made.map((response) => response.status)).toEqual([201, 201, 201, 429]);
    expect(Number(made[3]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await problem(made[3]!)).toMatchObject({ code: 'rate_limit_exceeded' });
  });
});

describe('client secrets', () => {
  const secret = async (body: object | undefined, headers: Record<string, string> = bearer) =>
    post('/v1/realtime/client_secrets', body && JSON.stringify(body), {
      ...headers,
      'content-type': 'application/json',
    });

  it('open calls with their session until they expire', async () => {
    const response = await secret({
      expires_after: { anchor: 'created_at', seconds: 10 },
      session: { type: 'realtime', model: 'gpt-realtime-2.1', audio: { output: { voice: 'cedar' } } },
    });
    expect(response.status).toBe(200);
    const { value, expires_at, session } = (await response.json()) as {
      value: string;
      expires_at: number;
      session: { id: string };
    };
    expect(value).toMatch(/^ek_\w{20,}$/);
    expect(expires_at).toBe(now + 10);
    expect(session).toMatchObject({
      type: 'realtime',
      object: 'realtime.session',
      model: 'gpt-realtime-2.1',
      audio: { output: { voice: 'cedar' } },
    });
    const client = await TestClient.connect({
      url: gateway.callsUrl,
      headers: { authorization: `Bearer ${value}` },
    });
    expect(client.events[0]).toMatchObject({
      type: 'session.created',
      session: { model: 'gpt-realtime-2.1', audio: { output: { voice: 'cedar' } } },
    });
    client.close();
    const headers = { authorization: `Bearer ${value}`, ...sdpType };
    now += 10;
    expect((await post('/v1/realtime/calls', offer, headers)).status).toBe(401);
  });

  it('last ten minutes where nothing is said', async () => {
    expect((await (await secret(undefined)).json()) as object).toMatchObject({ expires_at: now + 600 });
  });

  it.each([
    [{ expires_after: { anchor: 'created_at', seconds: 9 } }, 'expires_after.seconds'],
    [{ expires_after: { anchor: 'created_at', seconds: 7201 } }, 'expires_after.seconds'],
    [{ session: { type: 'realtime', voice: 'x' } }, 'session.voice'],
    [{ sessions: {} }, 'sessions'],
  ])('are refused for %j', async (body, param) => {
    expect(await problem(await secret(body))).toMatchObject({ status: 400, param });
  });

  it('are asked for in JSON', async () => {
    const plain = { ...bearer, 'content-type': 'text/plain' };
    expect(await problem(await post('/v1/realtime/client_secrets', '{}', plain))).toMatchObject({
      status: 415,
    });
    const headers = { ...bearer, 'content-type': 'application/json' };
    expect(await problem(await post('/v1/realtime/client_secrets', '{', headers))).toMatchObject({
      status: 400,
      code: 'invalid_json',
    });
  });

  it('cannot make client secrets, nor hang up calls of others', async () => {
    const { value } = (await (await secret({})).json()) as { value: string };
    const headers = { authorization: `Bearer ${value}` };
    expect((await secret({}, headers)).status).toBe(401);
    const call = await post('/v1/realtime/calls', offer, { ...bearer, ...sdpType });
    const path = `${call.headers.get('location')}/hangup`;
    expect((await post(path, undefined, headers)).status).toBe(404);
    expect((await post(path, undefined, bearer)).status).toBe(200);
    expect((await post(path, undefined, bearer)).status).toBe(404);
  });
});

describe('around it', () => {
  it('says what it is', async () => {
    const response = await fetch(gateway.url);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^This is a Tincan gateway, mode echo.*\n$/);
  });

  it('lets pages of other origins call', async () => {
    const preflight = await fetch(gateway.callsUrl, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://page',
        'access-control-request-headers': 'authorization,content-type,x-some-sdk',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-some-sdk');
    const response = await post('/v1/realtime/calls', offer, {
      ...bearer,
      ...sdpType,
      origin: 'http://page',
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toBe('Location');
  });

  it('never logs a token', () => {
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toMatch(/tc_a-token|ek_/);
  });

  it.each<[Partial<GatewayOptions>, string]>([
    [{ listen: 'nowhere' }, 'GATEWAY_LISTEN'],
    [{ token: 'short' }, 'GATEWAY_TOKEN'],
    [{ token: null, listen: '0.0.0.0:0' }, 'GATEWAY_TOKEN'],
    [{ mode: 'script' }, 'GATEWAY_SCRIPT'],
  ])('does not start with %j', async (options, code) => {
    await expect(startGateway({ mode: 'echo', ...options })).rejects.toMatchObject({ code });
  });

  it('says so when the port is taken', async () => {
    await expect(startGateway({ mode: 'echo', listen: `127.0.0.1:${gateway.port}` })).rejects.toMatchObject({
      code: 'GATEWAY_LISTEN',
      message: expect.stringMatching(/another program/),
    });
  });

  it('has a loopback address without a token where that is wanted', async () => {
    const open = await startGateway({ mode: 'echo', token: null });
    expect(open.token).toBeUndefined();
    expect((await fetch(open.callsUrl, { method: 'POST', body: offer, headers: sdpType })).status).toBe(201);
    await open.close();
  });
});

it.each(['//', 'http://['])('answers 404 to the request target %s, which is no URL', async (target) => {
  const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 404 [\s\S]*"code":"unknown_url"/);
});

/** Sends bytes and reads until the server closes. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(gateway.port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => (text ? resolve(text) : reject(error)));
  });
}
