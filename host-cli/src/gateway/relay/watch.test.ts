import { describe, expect, it } from 'vitest';
import { transact } from '../store/database.ts';
import { statusOf } from '../store/index.ts';
import {
  after,
  call,
  clock,
  done,
  lines,
  NOON,
  now,
  OWN,
  pass,
  problem,
  start,
  status,
  store,
  upstream,
  watched,
} from './test-relay.ts';

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

  it('that the server opens and closes at once is not there, and is not tried without end', async () => {
    await start();
    upstream.refuse.push(...Array<number>(100).fill(3000));
    const { token } = store.addDevice('kitchen', {}, NOON);
    await call(token);
    await after(1000, () => status('kitchen').unmetered).toBe(1);
    expect(lines.join()).toContain('it was closed with 3000');
    expect(upstream.refuse).toHaveLength(95);
    // Nor does one that was there before leave a call that nobody counts.
    upstream.refuse.length = 0;
    await call(token);
    await watched();
    upstream.send(done('resp_1'));
    await expect.poll(() => status('kitchen').tokens.input).toBe(1000);
    upstream.refuse.push(...Array<number>(100).fill(3000));
    for (const socket of upstream.sockets) socket.terminate();
    await after(1000, () => upstream.calls.size).toBe(1);
    expect(lines.join()).toContain('the connection beside it is lost');
  });

  it('lasts while long items come by, which a device may ask for', async () => {
    await start();
    await call(OWN);
    await watched();
    upstream.send({ type: 'conversation.item.retrieved', item: { audio: 'A'.repeat(6_000_000) } });
    upstream.send(done('resp_1'));
    await expect.poll(() => statusOf(store, 0, now())[0]?.tokens.input).toBe(1000);
    expect(lines.join()).not.toContain('broke off');
  });

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
          session: { type: 'realtime', instructions: 'Be kind.' },
        },
        // Alone: it may be refused, when something has been said already.
        { type: 'session.update', session: { type: 'realtime', audio: { output: { voice: 'cedar' } } } },
      ]);
  });
});

describe('an end', () => {
  it('is told to the server until it takes it, since nobody counts the call any more', async () => {
    await start();
    const { token } = store.addDevice('kitchen', {}, NOON);
    await call(token);
    await watched();
    upstream.next('hangup', ...Array<{ status: number }>(6).fill({ status: 503 }));
    store.revokeDevice('kitchen', NOON);
    await after(1000, () => upstream.calls.size).toBe(0);
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
