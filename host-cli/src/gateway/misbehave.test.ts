/** A gateway that misbehaves, as its clients see it. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from './index.ts';
import { TestClient } from './test-client.ts';
import { SocketClient } from './test-socket.ts';
import { DATA } from './test-sounds.ts';

const TOKEN = 'tc_a-token-for-tests';
const bearer = { authorization: `Bearer ${TOKEN}` };
const MODEL = '/v1/realtime?model=m';
const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
});

async function start(faults: object[], reply: object[] = []): Promise<Gateway> {
  const audio = new URL('voices/assistant-failed.wav', DATA).pathname;
  const say = { say: 'Sorry, that did not work.', audio };
  const sentences = [{ id: 'a', text: 'A.', samples: [audio], reply: [...reply, { say: 'Answer.' }] }];
  const script = join(mkdtempSync(join(tmpdir(), 'misbehave-')), 'script.json');
  writeFileSync(
    script,
    JSON.stringify({ greeting: say, goodbye: say, not_understood: say, sentences, faults }),
  );
  const gateway = await startGateway({ mode: 'script', script, token: TOKEN });
  close.push(() => gateway.close());
  return gateway;
}
async function connect(gateway: Gateway, path = MODEL): Promise<SocketClient> {
  const client = await SocketClient.connect(gateway.url + path, bearer);
  close.push(() => client.close());
  return client;
}
function ask(client: SocketClient): void {
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'A.' }] };
  client.send({ type: 'conversation.item.create', item });
  client.send({ type: 'response.create' });
}

describe('over HTTP', () => {
  it('refuses offers as it is written, then answers', async () => {
    const gateway = await start([
      { http: 429, retry_after: 3, count: 1 },
      { http: 'html', count: 1 },
      { http: 'redirect', location: '/elsewhere', count: 1 },
    ]);
    const post = () =>
      fetch(gateway.callsUrl, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...bearer, 'content-type': 'application/sdp' },
        body: 'v=0\r\n',
      });
    const limited = await post();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await limited.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    const page = await post();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const moved = await post();
    expect([moved.status, moved.headers.get('location')]).toEqual([302, '/elsewhere']);
    const client = await TestClient.connect({ url: gateway.callsUrl, headers: bearer });
    close.push(() => client.close());
  });

  it('refuses WebSockets too', async () => {
    const gateway = await start([{ http: 503, count: 1 }]);
    await expect(SocketClient.connect(gateway.url + MODEL, bearer)).rejects.toThrow(/^503/);
    await connect(gateway);
  });
});

describe('in a session', () => {
  it('hangs up before session.created, and in the middle of an answer', async () => {
    const gateway = await start([
      { event: 'session.created', do: 'hang_up', count: 1 },
      { event: 'response.output_audio.delta', do: 'hang_up', after: 2 },
    ]);
    const first = await connect(gateway);
    await first.end();
    expect(first.events).toEqual([]);
    const second = await connect(gateway);
    second.send({ type: 'response.create' });
    await second.end();
    expect(second.types().filter((type) => type === 'response.output_audio.delta')).toHaveLength(2);
    expect(gateway.calls().map((call) => call.ended)).toEqual(['the script says so', 'the script says so']);
  });

  it('ends it early, with the error and the close code of the real server', async () => {
    const gateway = await start([{ expire_after: 0.1, count: 1 }]);
    const client = await connect(gateway);
    expect((await client.end()).code).toBe(1001);
    expect(client.events.at(-1)).toMatchObject({ type: 'error', error: { code: 'session_expired' } });
  });

  it('spoils what the client gets, not what a sideband sees', async () => {
    const gateway = await start(
      [],
      [
        { event: 'response.output_text.done', do: 'drop' },
        { event: 'response.done', do: 'duplicate' },
      ],
    );
    const client = await TestClient.connect({ url: gateway.callsUrl, headers: bearer });
    close.push(() => client.close());
    const side = await connect(gateway, `/v1/realtime?call_id=${client.location.split('/').at(-1)}`);
    await side.event('session.created');
    ask(side);
    await client.until(
      'two ends',
      () => client.events.filter((one) => one.type === 'response.done').length === 2,
    );
    expect(client.events.map((one) => one.type)).not.toContain('response.output_text.done');
    expect(side.types().filter((type) => type === 'response.done')).toHaveLength(1);
    expect(side.types()).toContain('response.output_text.done');
  });

  it('sends broken JSON, and what is too large', async () => {
    const gateway = await start([
      { event: 'session.updated', do: 'garble', count: 1 },
      { event: 'session.updated', do: 'oversize', bytes: 100_000, count: 1 },
    ]);
    const client = await connect(gateway);
    const texts: string[] = [];
    client.socket.removeAllListeners('message');
    const two = new Promise<void>((resolve) => {
      client.socket.on('message', (data) => {
        texts.push(String(data));
        if (texts.filter((text) => text.includes('session.updated')).length === 2) resolve();
      });
    });
    for (let i = 0; i < 2; i++) client.send({ type: 'session.update', session: { type: 'realtime' } });
    await two;
    const [broken, large] = texts.slice(-2);
    expect(() => JSON.parse(broken!) as unknown).toThrow();
    expect(large).toHaveLength(100_000);
  });
});
