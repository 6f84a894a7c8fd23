import { setTimeout as sleep } from 'node:timers/promises';
import type { Hello, Problem, StateChange } from '@tincan/shared-protocol';
import { type Context, openBoard } from '../context.ts';
import { Device } from '../device/device.ts';
import { asTincanError, TincanError } from '../errors.ts';
import { rememberName } from '../serial/ports.ts';

/** Opens the device, runs, closes; the board goes on. */
export async function withDevice<T>(
  context: Context,
  run: (device: Device, hello: Hello) => Promise<T>,
): Promise<T> {
  const device = new Device(await openBoard(context));
  try {
    const hello = await device.hello({ timeoutMs: 3000, signal: context.signal });
    rememberName(hello, context.env);
    return await run(device, hello);
  } finally {
    await device.close();
  }
}

/** How long a session may take to come up. */
const CONNECT_MS = 30_000;
const JOIN_POLL_MS = 200;

/** Waits while the device joins its network; it gives up by itself. @throws TincanError NO_NETWORK */
async function joined(device: Device, hello: Hello, signal: AbortSignal): Promise<void> {
  let problem: Problem | undefined;
  const unlisten = device.listen({
    message: ({ method, params }) => {
      if (method === 'problem') problem = params as unknown as Problem;
    },
  });
  try {
    for (let { state } = hello; state === 'joining'; { state } = await device.hello({ signal }))
      await sleep(JOIN_POLL_MS);
    if (problem) throw new TincanError('NO_NETWORK', problem.message, { exit: 'device', hint: problem.hint });
  } finally {
    unlisten();
  }
}

/** Asks for a session. @throws TincanError NO_NETWORK, and those of the device */
async function requestSession(device: Device): Promise<void> {
  try {
    await device.request('session.start');
  } catch (error) {
    // Ready, or waiting to try a session again: all else that can refuse is the network.
    if (asTincanError(error).code !== 'DEVICE_STATE') throw error;
    throw new TincanError('NO_NETWORK', 'The device has no network; it goes on trying to join it.', {
      exit: 'device',
      cause: error,
      hint: '`tincan tail` shows what is wrong; `tincan provision` sets network and password.',
    });
  }
}

/** Starts a session (unless one runs) and waits until it is live. @throws TincanError NO_NETWORK, SESSION_FAILED */
export async function ensureLive(device: Device, hello: Hello, signal: AbortSignal): Promise<void> {
  if (hello.state === 'live') return;
  if (hello.state === 'unprovisioned') {
    throw new TincanError('NOT_PROVISIONED', 'The device has no network or no token yet.', {
      exit: 'device',
      hint: '`tincan provision` gives it both.',
    });
  }
  await joined(device, hello, signal);
  const live = device.waitFor<StateChange>(
    (message) => {
      if (message.method !== 'state') return undefined;
      const change = message.params as unknown as StateChange;
      // From connecting it goes to live, or, where that fails, to backoff or back to ready.
      const failed = change.state === 'backoff' || (change.state === 'ready' && change.reason !== 'wifi_up');
      return change.state === 'live' || failed ? change : undefined;
    },
    'session.start with a live session',
    { timeoutMs: CONNECT_MS, signal },
  );
  live.catch(() => undefined);
  if (hello.state !== 'connecting' && hello.state !== 'configuring') await requestSession(device);
  const change = await live;
  if (change.state !== 'live') throw sessionError(change);
}

function sessionError({ reason, detail }: StateChange): TincanError {
  const server = /^(dns|tcp|tls|timeout|http_|not_sdp|sdp_|too_large)/.test(reason);
  return new TincanError(
    'SESSION_FAILED',
    `The session did not come up: ${reason}${detail ? ` (${detail})` : ''}.`,
    {
      exit: server ? 'server' : 'device',
      hint:
        reason === 'http_401' || reason === 'http_403'
          ? 'The server refused the token: give it a fresh one with `tincan provision --token-file FILE`.'
          : 'Look at the way with `tincan tail`, and at the surroundings with `tincan doctor`.',
    },
  );
}

/** `tincan session start` */
export async function sessionStart(context: Context): Promise<void> {
  await withDevice(context, async (device, hello) => {
    const started = performance.now();
    await ensureLive(device, hello, context.signal);
    const ms = Math.round(performance.now() - started);
    context.out.result(
      { state: 'live', ms },
      hello.state === 'live' ? 'it was live already' : `live after ${ms} ms`,
    );
  });
}

/** `tincan session stop` */
export async function sessionStop(context: Context): Promise<void> {
  await withDevice(context, async (device, hello) => {
    if (hello.state === 'ready' || hello.state === 'unprovisioned' || hello.state === 'joining') {
      context.out.result({ state: hello.state }, `no session runs (${hello.state})`);
      return;
    }
    const ended = device.waitFor(
      ({ method, params }) =>
        method === 'state' && (params.state === 'ready' || params.state === 'joining') ? params : undefined,
      'session.stop with the end of the session',
      { timeoutMs: 10_000, signal: context.signal },
    );
    ended.catch(() => undefined);
    await device.request('session.stop');
    const { state } = await ended;
    context.out.result({ state }, 'the session has ended');
  });
}

/** `tincan session status` */
export async function sessionStatus(context: Context): Promise<void> {
  await withDevice(context, async (device, hello) => {
    const stats = await device.request<Record<string, unknown>>('device.stats');
    const lines = Object.entries(stats).map(([group, values]) => `${group}: ${flat(values)}`);
    context.out.result({ hello, stats }, [`${hello.name}: ${hello.state}`, ...lines].join('\n'));
  });
}

function flat(values: unknown): string {
  if (typeof values !== 'object' || values === null) return JSON.stringify(values);
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
