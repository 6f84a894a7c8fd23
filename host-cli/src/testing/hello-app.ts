/**
 * For tests: an application for the virtual chip that speaks the serial link without the firmware core. It says hello,
 * answers device.hello, and keeps settings as the device does (staged, committed, secrets as fingerprints).
 */
import { createHash } from 'node:crypto';
import {
  type AppHost,
  type AppImage,
  type AppLoader,
  type RunningApp,
  startVirtualBoard,
  type VirtualBoard,
  type VirtualBoardOptions,
} from '@tincan/boards';
import {
  buildPartitionTable,
  checkSetting,
  encodeFrame,
  type Hello,
  initialOtaData,
  LINK_ERRORS,
  LinkDecoder,
  parseMessage,
  SETTING_NAMES,
  SETTINGS,
  SettingError,
  virtualBootloader,
  wrapWasm,
} from '@tincan/shared-protocol';
import { findBoard, partitionsOf } from '../build/board.ts';
import type { FlashFile } from '../flash/flasher.ts';

/** What a test may look at or change while the application runs. */
export interface HelloApp {
  settings: Record<string, unknown>;
  /** Methods that were asked for. */
  requests: string[];
  /** Sends a notification. */
  notify(method: string, params: object): void;
  /** Sends bytes as they are. */
  raw(bytes: Uint8Array | string): void;
  /** Leaves out this many frame numbers. */
  skip(frames: number): void;
}

export interface HelloAppOptions {
  /** Says another image hash than it has. */
  image?: string;
  /** Says nothing at all. */
  silent?: boolean;
  /** Drops this setting when it is committed. */
  forget?: string;
  /** It has sessions: that answer each sentence, or that the server refuses. */
  session?: 'answers' | 'refused';
  /** It is on a network, and tries another one before it keeps it: passwords by name. */
  networks?: Record<string, string>;
}

const SALT = '00112233445566ff';

/** A loader whose applications say hello; `current()` is the one that runs. */
export function helloApp(options: HelloAppOptions = {}): { loader: AppLoader; current(): HelloApp } {
  let app: HelloApp | undefined;
  const loader: AppLoader = async (image, host) => {
    const running = start(image, host, options);
    app = running.app;
    return running;
  };
  return {
    loader,
    current: () => {
      if (app === undefined) throw new Error('no application runs');
      return app;
    },
  };
}

function start(image: AppImage, host: AppHost, options: HelloAppOptions): RunningApp & { app: HelloApp } {
  let number = 0;
  let stopped = false;
  const decoder = new LinkDecoder();
  const staged: Record<string, unknown> = {};
  const write = (bytes: Uint8Array) => {
    let rest = bytes;
    const pump = () => {
      while (!stopped && rest.length > 0) {
        const taken = host.serialWrite(rest);
        if (taken === 0) return host.onSerialRoom(pump);
        rest = rest.subarray(taken);
      }
    };
    pump();
  };
  const send = (message: object) =>
    write(encodeFrame(JSON.stringify({ jsonrpc: '2.0', ...message }), number++));
  const app: HelloApp = {
    settings: Object.fromEntries(SETTING_NAMES.map((name) => [name, SETTINGS[name].default])),
    requests: [],
    notify: (method, params) => send({ method, params }),
    raw: (bytes) => write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
    skip: (frames) => {
      number += frames;
    },
  };
  const hello: Hello = {
    board: 'virtual',
    name: 'tester',
    firmware: image.version,
    protocol: 1,
    image: options.image ?? image.hash,
    mac: '02:54:43:00:00:01',
    reset: 'pin',
    echo: true,
    state: options.session === undefined ? 'unprovisioned' : 'ready',
  };

  const answer = (method: string, params: Record<string, unknown>): object => {
    switch (method) {
      case 'device.hello':
        return hello;
      case 'settings.set': {
        const values = (params.values ?? {}) as Record<string, unknown>;
        for (const [name, value] of Object.entries(values)) checkSetting(name, value);
        Object.assign(staged, values);
        return {};
      }
      case 'settings.commit': {
        const changed: string[] = [];
        const former = { ...app.settings };
        for (const [name, value] of Object.entries(staged)) {
          const wanted = checkSetting(name, value);
          if (name !== options.forget && app.settings[name] !== wanted) {
            app.settings[name] = wanted;
            changed.push(name);
          }
          delete staged[name];
        }
        const trial = params.trial === true && options.networks !== undefined;
        if (!trial || !changed.some((name) => name.startsWith('wifi.'))) return { changed, effect: 'now' };
        join(former);
        return { changed, effect: 'wifi', trial: true };
      }
      case 'settings.discard':
        for (const name of Object.keys(staged)) delete staged[name];
        return {};
      case 'settings.get': {
        const names = (params.names ?? SETTING_NAMES) as string[];
        return { values: Object.fromEntries(names.map((name) => [name, shown(name)])) };
      }
      default:
        if (options.session === undefined) throw { ...LINK_ERRORS.METHOD };
        return session(method, params);
    }
  };
  /** A trial of the network in the settings: in force, and kept or taken back a moment later. */
  const join = (former: Record<string, unknown>): void => {
    const password = options.networks?.[String(app.settings['wifi.ssid'])];
    const reason =
      password === undefined
        ? 'wifi_not_found'
        : password === app.settings['wifi.password']
          ? 'wifi_up'
          : 'wifi_password';
    host.clock.after(1, () => {
      if (stopped) return;
      app.notify('state', { state: 'joining', reason: 'settings', detail: app.settings['wifi.ssid'] });
      if (reason !== 'wifi_up') app.settings = former;
      app.notify('state', { state: reason === 'wifi_up' ? 'ready' : 'joining', reason });
    });
  };
  /** What the session methods answer, and the notifications that follow. */
  const session = (method: string, params: Record<string, unknown>): object => {
    const then = (notification: string, body: object) =>
      host.clock.after(1, () => !stopped && app.notify(notification, body));
    const event = (content: object) => then('realtime.event', { event: content });
    const state = (next: Hello['state'], reason = 'none') => {
      hello.state = next;
      then('state', { state: next, reason });
    };
    if (method === 'session.start') {
      state('connecting', 'host');
      if (options.session === 'refused') state('backoff', 'http_401');
      else state('live');
    } else if (method === 'session.stop') {
      state('closing', 'host');
      state('ready');
    } else if (method === 'session.say') {
      const response = { id: 'resp_1', status: 'completed' };
      const content = [{ type: 'input_text', text: params.text }];
      event({ type: 'conversation.item.added', item: { type: 'message', role: 'user', content } });
      event({ type: 'response.created', response });
      event({
        type: 'response.output_audio_transcript.done',
        response_id: response.id,
        transcript: `You said: ${String(params.text)}`,
      });
      event({ type: 'response.done', response });
    }
    return {};
  };
  const shown = (name: string): unknown => {
    const setting = SETTINGS[name as keyof typeof SETTINGS];
    const value = app.settings[name];
    if (!('secret' in setting)) return value;
    const sum = createHash('sha256').update(Buffer.from(SALT, 'hex')).update(String(value));
    return { set: value !== '', salt: SALT, fingerprint: sum.digest('hex').slice(0, 8) };
  };

  if (!options.silent) {
    app.raw('I (12) tincan: hello from the test application\n');
    send({ method: 'hello', params: hello });
  }
  return {
    app,
    serialIn(bytes) {
      if (options.silent) return;
      for (const item of decoder.push(bytes)) {
        if (item.kind !== 'frame') continue;
        const message = parseMessage(item.json);
        if (message.kind !== 'request') continue;
        app.requests.push(message.method);
        try {
          send({ id: message.id, result: answer(message.method, message.params) });
        } catch (error) {
          send({ id: message.id, error: rpcError(error) });
        }
      }
    },
    stop() {
      stopped = true;
    },
  };
}

function rpcError(error: unknown): object {
  if (error instanceof SettingError)
    return { ...LINK_ERRORS[error.code], data: `${error.message}: ${error.hint}` };
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) return error;
  return { ...LINK_ERRORS.INTERNAL };
}

/** Files as `tincan build` makes them, around any bytes instead of the core. */
export function testFiles(
  wasm = new Uint8Array(60_000).map((_, i) => (i * 31) ^ (i >> 7)),
  project?: string,
): FlashFile[] {
  const table = partitionsOf(findBoard('virtual'));
  const app = wrapWasm({ wasm, version: '9.8.7', ...(project === undefined ? {} : { project }) });
  return [
    { offset: 0, data: virtualBootloader(), name: 'bootloader.bin' },
    { offset: 0x8000, data: buildPartitionTable(table), name: 'partition-table.bin' },
    { offset: 0xf000, data: initialOtaData(), name: 'ota_data_initial.bin' },
    { offset: 0x20000, data: app, name: 'tincan.bin' },
  ];
}

/** A virtual board that already runs the test application. */
export async function flashedBoard(
  options: HelloAppOptions = {},
  board: Partial<VirtualBoardOptions> = {},
): Promise<{ board: VirtualBoard; current(): HelloApp }> {
  const { loader, current } = helloApp(options);
  const virtual = await startVirtualBoard({ loader, power: false, ...board });
  for (const file of testFiles()) {
    const length = Math.ceil(file.data.length / 4096) * 4096;
    virtual.flash.erase(file.offset, length);
    virtual.flash.program(file.offset, file.data);
  }
  virtual.chip.powerOn();
  return { board: virtual, current };
}
