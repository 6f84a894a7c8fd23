/**
 * The `openai` package, unmodified, as the client of the gateway: secrets, calls, hang-up, and its WebSocket. (Its
 * version 6 has no method that makes a call; its own `post` sends the form.)
 */
import { request } from 'node:https';
import { type Gateway, makeCertificate, repositoryPath, startGateway } from '@tincan/host-cli';
import { afterEach, describe, expect, test } from 'vitest';
import { RTCPeerConnection, useOPUS } from 'werift';
import { judge } from './support/judges.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
});

async function gateway(tls?: { key: string; cert: string }): Promise<Gateway> {
  const script = repositoryPath('host-cli/data/demo.script.json');
  const server = await startGateway({ mode: 'script', script, ...(tls ? { tls } : {}) });
  close.push(() => server.close());
  return server;
}

async function makeOffer() {
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: { audio: [useOPUS()] },
  });
  close.push(() => peer.close());
  peer.addTransceiver('audio', { direction: 'sendrecv' });
  const channel = peer.createDataChannel('oai-events');
  const events: Record<string, unknown>[] = [];
  channel.onMessage.subscribe((message) => {
    events.push(JSON.parse(String(message)) as Record<string, unknown>);
  });
  await peer.setLocalDescription(await peer.createOffer());
  return { peer, events };
}

describe.skipIf(!judge('openai'))('the openai package', () => {
  test('makes a client secret, and a call with it that carries the session of the secret', async () => {
    const { default: OpenAI } = await import('openai');
    const server = await gateway();
    const client = new OpenAI({ apiKey: server.token!, baseURL: `${server.url}/v1` });
    const secret = await client.realtime.clientSecrets.create({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session: {
        type: 'realtime',
        model: 'gpt-realtime-2.1',
        instructions: 'From the secret.',
        audio: { output: { voice: 'cedar' } },
      },
    });
    expect(secret.value).toMatch(/^ek_/);
    expect(secret.expires_at * 1000).toBeGreaterThan(Date.now() + 50_000);
    expect(secret.session).toMatchObject({ model: 'gpt-realtime-2.1', id: expect.stringMatching(/^sess_/) });

    const { peer, events } = await makeOffer();
    const device = new OpenAI({ apiKey: secret.value, baseURL: `${server.url}/v1` });
    const response = await device.post<Response>('/realtime/calls', {
      body: peer.localDescription!.sdp,
      headers: { 'content-type': 'application/sdp', accept: 'application/sdp' },
      __binaryResponse: true,
    });
    expect(response.status).toBe(201);
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    await expect
      .poll(() => events[0])
      .toMatchObject({
        type: 'session.created',
        session: { instructions: 'From the secret.', audio: { output: { voice: 'cedar' } } },
      });
  });

  test('makes a call by a form, and hangs it up', async () => {
    const { default: OpenAI, NotFoundError, BadRequestError } = await import('openai');
    const server = await gateway();
    const client = new OpenAI({ apiKey: server.token!, baseURL: `${server.url}/v1`, maxRetries: 0 });
    const { peer, events } = await makeOffer();
    const form = new FormData();
    form.set('sdp', new Blob([peer.localDescription!.sdp], { type: 'application/sdp' }));
    const session = { type: 'realtime', model: 'gpt-realtime-2.1' };
    form.set('session', new Blob([JSON.stringify(session)], { type: 'application/json' }));
    const response = await client.post<Response>('/realtime/calls', {
      body: form,
      headers: { accept: 'application/sdp' },
      __binaryResponse: true,
    });
    const id = response.headers.get('location')!.split('/').at(-1)!;
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    await expect.poll(() => events.map((event) => event.type)).toEqual(['session.created']);
    await expect(client.realtime.calls.refer(id, { target_uri: 'tel:+1' })).rejects.toThrow(BadRequestError);
    await client.realtime.calls.hangup(id);
    await expect.poll(() => server.calls()[0]?.ended).toMatch(/hung up/);
    await expect(client.realtime.calls.hangup(id)).rejects.toThrow(NotFoundError);
  });

  test('understands the errors of the gateway', async () => {
    const { default: OpenAI, AuthenticationError, BadRequestError } = await import('openai');
    const server = await gateway();
    const stranger = new OpenAI({ apiKey: 'tc_nobody', baseURL: `${server.url}/v1`, maxRetries: 0 });
    await expect(stranger.realtime.clientSecrets.create({})).rejects.toThrow(AuthenticationError);
    const client = new OpenAI({ apiKey: server.token!, baseURL: `${server.url}/v1`, maxRetries: 0 });
    const error: unknown = await client.realtime.clientSecrets
      .create({ expires_after: { anchor: 'created_at', seconds: 9 } })
      .catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ param: 'expires_after.seconds', type: 'invalid_request_error' });
  });

  test('has a conversation in text over its WebSocket', async () => {
    const { default: OpenAI } = await import('openai');
    const { OpenAIRealtimeWS } = await import('openai/realtime/ws');
    const tls = await makeCertificate();
    const server = await gateway(tls);
    const client = new OpenAI({ apiKey: server.token!, baseURL: `${server.url}/v1` });
    const socket = new OpenAIRealtimeWS({ model: 'gpt-realtime-2.1', options: { ca: tls.cert } }, client);
    close.push(() => socket.close());
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    const types: string[] = [];
    socket.on('event', (event) => types.push(event.type));
    const answers: string[] = [];
    socket.on('response.output_text.done', ({ text }) => answers.push(text));
    socket.on('session.created', () => {
      socket.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } });
    });
    socket.on('session.updated', () => {
      const content = [{ type: 'input_text' as const, text: 'What is on the radio?' }];
      socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
      socket.send({ type: 'response.create' });
    });
    await expect.poll(() => types.at(-1)).toBe('response.done');
    expect(answers).toEqual(['Sorry, I did not understand that.']);
    expect(types[0]).toBe('session.created');
    expect(types).not.toContain('response.output_audio.delta');
    expect(errors).toEqual([]);
    socket.send({ type: 'response.cancel', event_id: 'mine' });
    await expect
      .poll(() => errors)
      .toMatchObject([{ error: { code: 'response_cancel_not_active', event_id: 'mine' } }]);
  });

  test('listens in to a call over its WebSocket, and speaks for its client', async () => {
    const { default: OpenAI } = await import('openai');
    const { OpenAIRealtimeWS } = await import('openai/realtime/ws');
    const tls = await makeCertificate();
    const server = await gateway(tls);
    const { peer, events } = await makeOffer();
    const answer = await postOffer(server, tls.cert, peer.localDescription!.sdp);
    await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    const client = new OpenAI({ apiKey: server.token!, baseURL: `${server.url}/v1` });
    const socket = new OpenAIRealtimeWS({ callID: answer.id, options: { ca: tls.cert } }, client);
    close.push(() => socket.close());
    const types: string[] = [];
    socket.on('event', (event) => types.push(event.type));
    socket.on('session.created', () =>
      socket.send({ type: 'response.create', response: { output_modalities: ['text'] } }),
    );
    await expect.poll(() => types.at(-1)).toBe('response.done');
    await expect.poll(() => events.map((event) => event.type)).toEqual(types);
  });
});

/** An offer over HTTPS to a server that shows this certificate. */
function postOffer(server: Gateway, ca: string, offer: string): Promise<{ id: string; sdp: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/sdp' };
    const posting = request(server.callsUrl, { method: 'POST', ca, headers }, (response) => {
      let sdp = '';
      response.on('data', (chunk) => {
        sdp += String(chunk);
      });
      response.on('end', () => resolve({ id: response.headers.location?.split('/').at(-1) ?? '', sdp }));
    });
    posting.on('error', reject);
    posting.end(offer);
  });
}
