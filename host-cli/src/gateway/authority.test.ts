import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { type Gateway, startGateway } from './index.ts';
import { DeviceDesk } from './store/desk.ts';
import { Store } from './store/index.ts';
import { TestClient } from './test-client.ts';
import { SocketClient } from './test-socket.ts';

const TOKEN = 'tc_a-token-for-tests';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
let folder: string;
let gateway: Gateway;
let store: Store;
const clients: { close(): void }[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-authority-'));
  store = new Store(join(folder, 'gateway.db'));
  const desk = new DeviceDesk({ store, clock: systemClock(), now: Date.now, log: () => {} });
  gateway = await startGateway({ mode: 'echo', token: TOKEN, desk });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

async function call(token: string): Promise<string> {
  const client = await TestClient.connect({ url: gateway.callsUrl, headers: bearer(token) });
  clients.push(client);
  return client.location.split('/').at(-1)!;
}
async function listenIn(token: string, id: string): Promise<string> {
  try {
    const client = await SocketClient.connect(`${gateway.url}/v1/realtime?call_id=${id}`, bearer(token));
    clients.push(client);
    return (await client.event('session.created')).type;
  } catch (error) {
    return (error as Error).message.slice(0, 3);
  }
}
const hangUp = async (token: string, id: string): Promise<number> => {
  const url = `${gateway.url}/v1/realtime/calls/${id}/hangup`;
  return (await fetch(url, { method: 'POST', headers: bearer(token) })).status;
};
async function secretOf(token: string): Promise<string> {
  const url = `${gateway.url}/v1/realtime/client_secrets`;
  const response = await fetch(url, { method: 'POST', headers: bearer(token) });
  return ((await response.json()) as { value: string }).value;
}

describe('devices with tokens of their own', () => {
  it('reach their own calls, and no call of another', async () => {
    const kitchen = store.addDevice('kitchen', {}, Date.now()).token;
    const hall = store.addDevice('hall', {}, Date.now()).token;
    const id = await call(kitchen);
    expect(await listenIn(hall, id)).toBe('404');
    expect(await hangUp(hall, id)).toBe(404);
    expect(await listenIn(await secretOf(hall), id)).toBe('404');
    expect(await listenIn(kitchen, id)).toBe('session.created');
    expect(await listenIn(TOKEN, id)).toBe('session.created');
    expect(await hangUp(kitchen, id)).toBe(200);
  });

  it('reach calls that were made with their secrets', async () => {
    const kitchen = store.addDevice('kitchen', {}, Date.now()).token;
    const id = await call(await secretOf(kitchen));
    expect(await listenIn(await secretOf(kitchen), id)).toBe('404');
    expect(await hangUp(kitchen, id)).toBe(200);
  });

  it('do not reach calls of the token of the gateway', async () => {
    const kitchen = store.addDevice('kitchen', {}, Date.now()).token;
    const id = await call(TOKEN);
    expect(await listenIn(kitchen, id)).toBe('404');
    expect(await hangUp(kitchen, id)).toBe(404);
  });

  it('have as many calls at a time as they may, also when they ask for them all at once', async () => {
    const kitchen = store.addDevice('kitchen', { calls: 1 }, Date.now()).token;
    const calls = await Promise.allSettled([call(kitchen), call(kitchen), call(kitchen)]);
    const refused = calls.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    expect(refused).toEqual([1, 2].map(() => expect.stringMatching(/429: .*one call at a time/)));
  });

  it('get no call where it cannot be written down', async () => {
    const kitchen = store.addDevice('kitchen', {}, Date.now()).token;
    store.startCall = () => {
      throw new Error('the disk is full');
    };
    const socket = await SocketClient.connect(`${gateway.url}/v1/realtime?model=m`, bearer(kitchen));
    clients.push(socket);
    expect((await socket.event('error')).error.type).toBe('server_error');
    await socket.end();
    await expect(call(kitchen)).rejects.toThrow(/500/);
    expect(gateway.calls()).toEqual([]);
  });
});
