/** The gateway's door: a Realtime server on this machine. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { writeWav } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { parseHostPort } from '../listen.ts';
import { admit } from './admit.ts';
import { parseAnnounced } from './announce.ts';
import { RATE } from './audio.ts';
import type { Brain } from './brain.ts';
import { echoBrain } from './brain-echo.ts';
import { Call, type CallInfo } from './call.ts';
import type { CallHost } from './call-host.ts';
import { answerOffer } from './carrier-rtc.ts';
import { type Clock, systemClock } from './clock.ts';
import { defaultConfig, mergeConfig, type SessionConfig, type SessionUpdate } from './config.ts';
import { newId, RealtimeError } from './events.ts';
import { Faults, type ServerFault } from './faults.ts';
import { type CallRequest, handle } from './http.ts';
import { type Limits, RateLimits } from './limits.ts';
import { Access, type Bearer, mayReach } from './secrets.ts';
import { acceptSockets, type SocketRequest } from './socket.ts';
import type { DeviceDesk } from './store/desk.ts';

export type { Brain, Mind, Part, Piece, Question } from './brain.ts';
export type { CallInfo, TranscriptEntry } from './call.ts';
export type { CallHost } from './call-host.ts';

export interface GatewayOptions {
  /** HOST:PORT; port 0 takes a free one. Default 127.0.0.1:0. Media binds to loopback where this host is loopback. */
  listen?: string;
  /** Tokens that may call. Left out: one is made. Null: everybody may, on a loopback host only. */
  token?: string | readonly string[] | null;
  /** HTTPS with this key and certificate (PEM); HTTP where it is left out. */
  tls?: { key: string; cert: string };
  /** Addresses that lead to this machine from elsewhere; the candidates of answers name them too. */
  announce?: readonly string[];
  /** A brain answers calls whose peer is this gateway; a call host answers them in its own way. */
  mode: 'echo' | 'script' | Brain | CallHost;
  /** Devices with tokens of their own. */
  desk?: DeviceDesk;
  /** File of mode `script`. */
  script?: string;
  /** Writes what was heard of each call as WAV; a second call overwrites it. */
  record?: { heard?: string };
  /** Folder with images for devices, `<board>/tincan.bin`; served at /ota/<board>/tincan.bin. */
  ota?: string;
  /** Calls and sessions at the same time. Default 16. */
  maxCalls?: number;
  /** Requests and tokens in a minute, all calls together. */
  limits?: Limits;
  /** What goes wrong on purpose, beside what the script says; and the seed of its chance. */
  faults?: readonly ServerFault[];
  seed?: number;
  /** Lines for people; they hold no secret. */
  log?(line: string): void;
  clock?: Clock;
  /** Unix seconds, for expiry. */
  unixNow?(): number;
}

/** What observers are told. */
export interface GatewayEvents {
  call: { call: CallInfo };
  event: { call: CallInfo; direction: 'client' | 'server'; event: unknown; at: number };
  end: { call: CallInfo; reason: string };
}

export interface Gateway {
  /** http://HOST:PORT, or https */
  readonly url: string;
  /** Where offers are posted. */
  readonly callsUrl: string;
  readonly port: number;
  /** The (first) token, for whoever started this; undefined where none is needed. */
  readonly token: string | undefined;
  /** Calls since the start, of ended ones the last 100. */
  calls(): readonly CallInfo[];
  /** Observes; the answer ends it. Throws nothing into the gateway: an observer's error is logged. */
  on<K extends keyof GatewayEvents>(event: K, run: (what: GatewayEvents[K]) => void): () => void;
  /** Ends all calls and stops listening. */
  close(): Promise<void>;
}

/** Ended calls that observers may still look at, and those of them whose sound is kept. */
const KEPT_CALLS = 100;
const KEPT_SOUNDS = 3;

/** Starts a gateway. Throws TincanError: GATEWAY_LISTEN, GATEWAY_TOKEN, GATEWAY_ANNOUNCE, and those of the script. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host, port: wantedPort, loopback } = parseListen(options.listen ?? '127.0.0.1:0');
  const tokens = tokensOf(options.token, loopback);
  const announced = parseAnnounced(options.announce ?? []);
  const clock = options.clock ?? systemClock();
  const unixNow = options.unixNow ?? (() => Date.now() / 1000);
  const log = options.log ?? (() => {});
  const relay = typeof options.mode === 'object' && 'call' in options.mode ? options.mode : undefined;
  const { brain, faults } = await modeOf(options);
  const limits = new RateLimits(clock, options.limits);
  const { desk } = options;
  const access = new Access(tokens, unixNow, desk);
  const calls: Call[] = [];
  const observers = new Map<keyof GatewayEvents, Set<(what: never) => void>>();
  const writes = new Set<Promise<void>>();
  let closing = false;
  let starting = 0;

  function tell<K extends keyof GatewayEvents>(event: K, what: GatewayEvents[K]): void {
    for (const run of observers.get(event) ?? []) {
      try {
        (run as (what: GatewayEvents[K]) => void)(what);
      } catch (error) {
        log(`an observer of "${event}" failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  const shared = {
    clock,
    // A relay answers by itself: none of this is used then.
    brain: brain!,
    faults,
    limits,
    unixNow,
    log,
    event: (call: Call, direction: 'client' | 'server', event: unknown) =>
      tell('event', { call, direction, event, at: clock.now() }),
    ended: (call: Call, reason: string) => end(call, reason),
  };

  /** Throws RealtimeError where no more can go on at the same time. */
  function makeRoom(): void {
    const active = calls.filter((call) => call.ended === undefined).length + starting;
    const most = options.maxCalls ?? 16;
    if (!closing && active < most) return;
    throw new RealtimeError('rate_limit_exceeded', `This gateway answers ${most} calls at a time.`);
  }

  /** Calls of devices are written down before they begin. Throws HttpError where a device may not call now. */
  function note(id: string, { device }: Bearer, model: string | undefined): void {
    if (!device || !desk) return;
    const at = Math.round(unixNow() * 1000);
    admit(desk, device, { id, mode: brain!.mode, server: '', model, metered: false, at }, log);
  }

  function begin(call: Call, { device }: Bearer): void {
    if (device && desk) {
      desk.watch({ id: call.id, end: (reason) => call.hangUp(reason) }, device);
      if (call.ended !== undefined) desk.ended(call.id, call.ended);
    }
    calls.push(call);
    if (closing) call.hangUp('the gateway closes');
    log(`call ${call.id} answered`);
    tell('call', { call });
  }

  async function answer({
    offer,
    session,
    model,
    bearer,
  }: CallRequest): Promise<{ id: string; answer: string }> {
    makeRoom();
    const config = configOf([bearer.secret?.session, session], model);
    const id = newId('rtc');
    note(id, bearer, config.model);
    starting++;
    try {
      const started = await answerOffer({
        ...shared,
        id,
        offer,
        config,
        modelFixed: config.model !== undefined,
        bindAddress: loopback ? host : undefined,
        announced,
        owner: bearer,
      });
      begin(started.call, bearer);
      return { id, answer: started.answer };
    } catch (error) {
      if (bearer.device) desk?.dropped(id);
      if (error instanceof RealtimeError) throw error;
      log(`an offer was refused: ${error instanceof Error ? error.message : String(error)}`);
      throw new RealtimeError('invalid_offer', 'The SDP offer could not be used.', 'sdp');
    } finally {
      starting--;
    }
  }

  function socketSession({ bearer, model, transcription }: SocketRequest): Call {
    const secret = bearer.secret?.session;
    const type = secret?.type ?? (transcription ? 'transcription' : 'realtime');
    if (type === 'transcription' && model !== undefined) {
      throw new RealtimeError(
        'invalid_model',
        'You must not provide a model parameter for transcription sessions.',
        'model',
      );
    }
    const config = configOf([secret ?? { type }], model);
    if (type === 'realtime' && config.model === undefined) {
      throw new RealtimeError('missing_model', 'You must provide a model parameter.', 'model');
    }
    const call = new Call({ ...shared, track: false, config, modelFixed: true, owner: bearer });
    note(call.id, bearer, config.model);
    begin(call, bearer);
    return call;
  }

  function find(id: string, bearer: Bearer): Call | undefined {
    return calls.find((one) => one.id === id && one.ended === undefined && mayReach(bearer, one.owner));
  }

  function end(call: Call, reason: string): void {
    log(`call ${call.id} ended: ${reason}`);
    const file = options.record?.heard;
    if (file) {
      const write: Promise<void> = writeFile(file, writeWav(call.heard(), RATE))
        .catch((error: Error) => log(`could not write ${file}: ${error.message}`))
        .finally(() => writes.delete(write));
      writes.add(write);
    }
    desk?.ended(call.id, reason);
    tell('end', { call, reason });
    const ended = calls.filter((one) => one.ended !== undefined);
    for (const old of ended.slice(0, -KEPT_SOUNDS)) old.forgetSound();
    for (const old of ended.slice(0, -KEPT_CALLS)) calls.splice(calls.indexOf(old), 1);
  }

  const listener: RequestListener = (request, response) => {
    void handle(
      {
        access,
        about: `This is a Tincan gateway, mode ${(relay ?? brain)?.mode}: POST an SDP offer to /v1/realtime/calls${relay ? '' : ', or open a WebSocket at /v1/realtime?model=MODEL'}.`,
        call: (request) => (relay ? relay.call(request) : answer(request)),
        ota: options.ota,
        fault: () => faults.http(),
        knows: (id, bearer) => find(id, bearer) !== undefined,
        hangUp(id, bearer) {
          if (relay) return relay.hangUp(id, bearer);
          const call = find(id, bearer);
          call?.hangUp('hung up over HTTP');
          return call !== undefined;
        },
        log,
      },
      request,
      response,
    );
  };
  const patience = { requestTimeout: 15_000, headersTimeout: 10_000 };
  const { tls } = options;
  const server = tls ? createTlsServer({ ...patience, ...tls }, listener) : createServer(patience, listener);
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  // A device with another pin ends here, before it says anything.
  server.on('tlsClientError', (error: Error) => log(`a client broke off TLS: ${error.message}`));
  // A relay has neither sessions of its own nor events to listen in on.
  const closeSockets =
    relay === undefined
      ? acceptSockets(server, {
          access,
          makeRoom,
          session: socketSession,
          find,
          fault: () => faults.http(),
          log,
        })
      : undefined;
  const port = await listen(server, host, wantedPort);
  const url = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

  return {
    url,
    callsUrl: `${url}/v1/realtime/calls`,
    port,
    token: tokens?.[0],
    calls: () => calls,
    on(event, run) {
      const set = observers.get(event) ?? new Set();
      observers.set(event, set);
      set.add(run);
      return () => {
        set.delete(run);
      };
    },
    async close() {
      closing = true;
      for (const call of [...calls]) call.hangUp('the gateway closes');
      await Promise.all([closeSockets?.(), relay?.close(), brain?.close?.()]);
      desk?.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        // Also those that are no HTTP: in the middle of TLS, or of an upgrade.
        for (const connection of connections) connection.destroy();
      });
      await Promise.all(writes);
    },
  };
}

/** Settings of a new session, from what its makers said, the first one first. */
function configOf(updates: readonly (SessionUpdate | undefined)[], model: string | undefined): SessionConfig {
  const given = updates.filter((update) => update !== undefined);
  let config = defaultConfig(given.at(-1)?.type);
  for (const update of given) config = mergeConfig(config, update);
  return model !== undefined && config.model === undefined ? { ...config, model } : config;
}

/** The brain, and the faults that are wanted. A call host has no brain. */
async function modeOf(options: GatewayOptions): Promise<{ brain: Brain | undefined; faults: Faults }> {
  const { mode, script: file, log, faults = [], seed } = options;
  if (mode !== 'script') {
    const brain = mode === 'echo' ? echoBrain() : 'open' in mode ? mode : undefined;
    return { brain, faults: new Faults(faults, seed) };
  }
  if (!file) {
    throw new TincanError('GATEWAY_SCRIPT', 'Mode "script" needs a script.', {
      hint: 'Name its file: tincan gateway --mode script --script FILE.',
      exit: 'usage',
    });
  }
  const { loadScript } = await import('./script.ts');
  const { scriptBrain } = await import('./brain-script.ts');
  const script = await loadScript(file);
  return {
    brain: scriptBrain(script, log),
    faults: new Faults([...script.faults, ...faults], seed ?? script.seed),
  };
}

function tokensOf(token: GatewayOptions['token'], loopback: boolean): readonly string[] | null {
  if (token === undefined) return [`tc_${randomBytes(16).toString('hex')}`];
  if (token === null) {
    if (loopback) return null;
    throw new TincanError('GATEWAY_TOKEN', 'A gateway that others can reach needs a token.', {
      hint: 'Give one, or listen on 127.0.0.1.',
      exit: 'usage',
    });
  }
  const tokens = typeof token === 'string' ? [token] : token;
  if (tokens.length === 0 || tokens.some((one) => !/^[\x21-\x7e]{8,}$/.test(one))) {
    throw new TincanError(
      'GATEWAY_TOKEN',
      'A token has at least 8 printable ASCII characters and no white space.',
      {
        exit: 'usage',
      },
    );
  }
  return tokens;
}

function parseListen(listen: string): { host: string; port: number; loopback: boolean } {
  const parsed = parseHostPort(listen);
  if (!parsed) {
    throw new TincanError('GATEWAY_LISTEN', `"${listen}" is not HOST:PORT.`, {
      hint: 'For example 127.0.0.1:8080, or 0.0.0.0:8080 for boards on the network.',
      exit: 'usage',
    });
  }
  const { host, port } = parsed;
  const address = host === 'localhost' ? '127.0.0.1' : host;
  return { host: address, port, loopback: /^127\.\d+\.\d+\.\d+$|^::1$/.test(address) };
}

function listen(server: import('node:http').Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program listens there' : error.message;
      reject(
        new TincanError('GATEWAY_LISTEN', `Cannot listen on ${host}:${port}: ${why}.`, {
          hint: 'Choose another port with --listen HOST:PORT; port 0 takes a free one.',
          cause: error,
          exit: 'server',
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
