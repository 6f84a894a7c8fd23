/** A board and a gateway whose certificate nobody vouches for: the pinned key, and only it, lets the session begin. */
import { makeCertificate, startGateway } from '@tincan/host-cli';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestBoard, type TestBoard, TOKEN } from './support/board.ts';

const certificate = await makeCertificate();
let gateway: Awaited<ReturnType<typeof startGateway>>;
let board: TestBoard | undefined;
beforeEach(async () => {
  const { key, cert } = certificate;
  gateway = await startGateway({ mode: 'echo', token: TOKEN, tls: { key, cert } });
});
afterEach(async () => {
  await board?.close();
  await gateway.close();
});

async function start(pin: string): Promise<TestBoard> {
  board = await startTestBoard({ settings: { 'server.url': gateway.callsUrl, 'server.pin': pin } });
  await board.state('ready');
  await board.device.request('session.start');
  return board;
}
const problem = ({ until }: TestBoard) =>
  until(
    ({ method, params }) =>
      method === 'problem' ? (params as { code: string; message: string; hint: string }) : undefined,
    'a problem',
  );

test('the right pin: the session is live, also when it is written in capitals', async () => {
  expect(gateway.url).toMatch(/^https:/);
  await (await start(certificate.pin.toUpperCase())).state('live');
});

test('another pin: no request is made, and the problem says so', async () => {
  expect(await problem(await start('0'.repeat(64)))).toMatchObject({
    code: 'tls',
    message: 'The server has another key than the pinned one.',
    hint: expect.stringContaining('tincan gateway --tls'),
  });
  expect(await board!.state('backoff')).toMatchObject({ reason: 'tls' });
  expect(gateway.calls()).toEqual([]);
});

test('no pin: the certificate is verified, and refused', async () => {
  expect(await problem(await start(''))).toMatchObject({
    code: 'tls',
    message: expect.stringContaining('certificate'),
  });
  expect(await board!.state('backoff')).toMatchObject({ reason: 'tls' });
  expect(gateway.calls()).toEqual([]);
});
