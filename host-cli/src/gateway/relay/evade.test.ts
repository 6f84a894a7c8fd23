/** What a device, or whoever has its token, may try so as to get more than it may. */
import { describe, expect, it, vi } from 'vitest';
import {
  call,
  done,
  idOf,
  lines,
  NOON,
  OFFER,
  open,
  pass,
  post,
  problem,
  start,
  status,
  store,
  upstream,
  watched,
} from './test-relay.ts';

const secretOf = async (token: string): Promise<string> => {
  const made = await post('/v1/realtime/client_secrets', token, '{}', 'application/json');
  expect(made.status).toBe(200);
  return ((await made.json()) as { value: string }).value;
};

describe('limits', () => {
  it('hold for calls that are made at the same time at two gateways on one store', async () => {
    await start();
    await start();
    const { token } = store.addDevice('kitchen', { calls: 1 }, NOON);
    const answers = await Promise.all(
      open.map((one) =>
        fetch(one.callsUrl, {
          method: 'POST',
          body: OFFER,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
        }),
      ),
    );
    expect(answers.map((one) => one.status).sort()).toEqual([201, 429]);
    expect(upstream.calls.size).toBe(1);
  });

  it('are not used up by calls that came to nothing', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { calls: 1 }, NOON);
    upstream.next('calls', { status: 500 }, { status: 200, body: 'no SDP' });
    expect((await call(token)).status).toBe(502);
    expect((await call(token)).status).toBe(502);
    expect((await call(token)).status).toBe(201);
    expect(status('kitchen')).toMatchObject({ calls: 1, live: 1 });
  });
});

describe('a limit of cost', () => {
  const form = (session: object): FormData => {
    const made = new FormData();
    made.set('sdp', OFFER);
    made.set('session', JSON.stringify(session));
    return made;
  };

  it.each([[{ type: 'realtime', model: 'one-without-a-price' }], [{ type: 'transcription' }]])(
    'is not got rid of by a device that chooses %j',
    async (session) => {
      await start();
      const { token } = store.addDevice('kitchen', { centsPerDay: 5 }, NOON);
      expect(await problem(await call(token, form(session)))).toMatchObject({
        status: 400,
        code: 'model_without_price',
        message: expect.stringMatching(/limit of cost/),
      });
      expect(upstream.seen).toEqual([]);
      expect((await call(token, form({ type: 'realtime', model: 'gpt-realtime-2.1' }))).status).toBe(201);
    },
  );

  it('holds nobody back where the relay chose the model', async () => {
    await start({ session: { type: 'realtime', model: 'my-deployment' } });
    const { token } = store.addDevice('kitchen', { centsPerDay: 5 }, NOON);
    expect((await call(token, form({ type: 'realtime', model: 'another' }))).status).toBe(201);
  });
});

describe('a session that the relay says', () => {
  const session = { type: 'realtime', instructions: 'Be kind.' } as const;
  const shown = (instructions: string) =>
    upstream.send({ type: 'session.updated', session: { instructions } });
  const listen = () => {
    const sent: unknown[] = [];
    for (const socket of upstream.sockets)
      socket.on('message', (data) => sent.push(JSON.parse(String(data)).session));
    return sent;
  };

  it('is not worn down: a device that changes it again and again is cut off', async () => {
    await start({ session });
    await call(store.addDevice('kitchen', {}, NOON).token);
    await watched();
    const sent = listen();
    for (let i = 1; i <= 20; i++) {
      // Many at once are answered by one.
      for (let k = 0; k < 30; k++) shown('Be rude.');
      await expect.poll(() => sent).toHaveLength(i);
      shown('Be kind.');
    }
    expect(upstream.calls.size).toBe(1);
    shown('Be rude.');
    await expect.poll(() => upstream.calls.size).toBe(0);
    expect(lines.join()).toContain('the device keeps changing what it may not');
  });

  it('is not told for ever to a server that shows it in another way', async () => {
    await start({ session });
    await call(store.addDevice('kitchen', {}, NOON).token);
    await watched();
    const sent = listen();
    for (let i = 0; i < 12; i++) {
      shown('BE KIND.');
      // What comes behind it was seen: so was it.
      upstream.send(done(`resp_${i}`, 1));
      await expect.poll(() => status('kitchen').tokens.input).toBe(i + 1);
      pass(2000);
    }
    await expect.poll(() => sent.length).toBeGreaterThan(4);
    expect(sent).toHaveLength(5);
    expect(upstream.calls.size).toBe(1);
  });
});

describe('a token that got into wrong hands', () => {
  it('is of no use after its device has a new one: no call, no secret, no call that runs', async () => {
    await start();
    const { token } = store.addDevice('kitchen', {}, NOON);
    const secret = await secretOf(token);
    await call(token);
    await watched();
    store.revokeDevice('kitchen', NOON);
    const fresh = store.addDevice('kitchen', {}, NOON).token;
    expect((await call(token)).status).toBe(401);
    expect((await call(secret)).status).toBe(401);
    pass(1000);
    await expect.poll(() => upstream.calls.size).toBe(0);
    expect((await call(fresh)).status).toBe(201);
    pass(2000);
    expect(upstream.calls.size).toBe(1);
  });

  it('does not take the secrets of all others', async () => {
    await start();
    const { token } = store.addDevice('kitchen', {}, NOON);
    const other = store.addDevice('hall', {}, NOON).token;
    const statuses: number[] = [];
    for (let i = 0; i < 101; i++) {
      const made = await post('/v1/realtime/client_secrets', token, '{}', 'application/json');
      statuses.push(made.status);
      await made.arrayBuffer();
    }
    expect(statuses.indexOf(429)).toBe(100);
    expect(await secretOf(other)).toMatch(/^ek_/);
  });
});

describe('a store that fails', () => {
  const full = () => {
    throw new Error('no space left');
  };

  it('takes no calls that nobody would count', async () => {
    await start();
    vi.spyOn(store, 'startCall').mockImplementationOnce(full);
    const { token } = store.addDevice('kitchen', {}, NOON);
    expect(await problem(await call(token))).toMatchObject({ status: 500, code: 'server_error' });
    expect(upstream.seen).toEqual([]);
  });

  it('learns later how a call ended, and what it used; else the device could never call again', async () => {
    await start();
    const { token } = store.addDevice('kitchen', { calls: 1 }, NOON);
    const id = idOf(await call(token));
    await watched();
    const failing = [
      vi.spyOn(store, 'addUsage').mockImplementation(full),
      vi.spyOn(store, 'endCall').mockImplementation(full),
      vi.spyOn(store, 'beat').mockImplementation(full),
    ];
    const usage = { input_token_details: { audio_tokens: 7 } };
    upstream.send({ type: 'response.done', response: { id: 'resp_1', usage } });
    await expect.poll(() => lines.join()).toContain('the store failed');
    pass(30_000);
    expect((await post(`/v1/realtime/calls/${id}/hangup`, token)).status).toBe(200);
    pass(30_000);
    expect(status('kitchen')).toMatchObject({ live: 1, tokens: { input: 0 } });
    for (const one of failing) one.mockRestore();
    pass(11_000);
    expect(status('kitchen')).toMatchObject({ live: 0, minutes: 0.5, tokens: { input: 7 } });
    expect((await call(token)).status).toBe(201);
  });
});
