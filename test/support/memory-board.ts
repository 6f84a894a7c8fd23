/** The virtual board's real core, without chip and without sockets: its serial line is read and written here. */
import {
  type AppHost,
  type Clock,
  type Microphone,
  type Network,
  NorFlash,
  NullSpeaker,
  type TincanApp,
  tincanLoader,
} from '@tincan/boards';
import { compileCore } from '@tincan/firmware';
import { repositoryPath } from '@tincan/host-cli';
import {
  buildNvsImage,
  encodeFrame,
  LinkDecoder,
  type SettingName,
  type SettingValue,
  settingsToNvs,
} from '@tincan/shared-protocol';

const NVS = { offset: 0, size: 0x6000 };

export interface MemoryBoardOptions {
  clock: Clock;
  network: Network;
  microphone: Microphone;
  settings: Partial<Record<SettingName, SettingValue>>;
  unixNow(): number;
  random(bytes: Uint8Array): void;
  /** A notification, or an answer. */
  message(method: string, params: Record<string, unknown>): void;
}

export interface MemoryBoard {
  readonly app: TincanApp;
  /** Answers of requests come at the next steps: an error rejects. */
  request(method: string, params?: object): Promise<unknown>;
  /** Why it panicked, or that frames were lost. */
  readonly faults: readonly string[];
}

export async function memoryBoard(options: MemoryBoardOptions): Promise<MemoryBoard> {
  const { wasm } = await compileCore({
    cacheDir: 'build/cache',
    firmwareDir: repositoryPath('firmware'),
    defines: { TC_FIRMWARE_VERSION: '0.0.0-test', TC_BOARD_ID: 'virtual', TC_BOARD_ECHO: 1 },
  });
  const flash = NorFlash.inMemory();
  flash.program(NVS.offset, buildNvsImage(settingsToNvs(options.settings), { size: NVS.size }));
  const decoder = new LinkDecoder();
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const faults: string[] = [];
  let number = 0;
  let last = 0;

  function take(json: string): void {
    const message = JSON.parse(json) as {
      id?: number;
      method?: string;
      params?: Record<string, unknown>;
      result?: unknown;
      error?: { message: string; data?: string };
    };
    if (message.method !== undefined) options.message(message.method, message.params ?? {});
    const request = message.id === undefined ? undefined : waiting.get(message.id);
    if (!request) return;
    waiting.delete(message.id!);
    if (message.error) request.reject(new Error(`${message.error.message}: ${message.error.data ?? ''}`));
    else request.resolve(message.result);
  }

  const host: AppHost = {
    clock: options.clock,
    flash,
    nvs: NVS,
    ota: undefined,
    mac: new Uint8Array([0x7c, 0xdf, 0xa1, 1, 2, 3]),
    reset: 'power',
    serialWrite(bytes) {
      for (const item of decoder.push(bytes)) {
        if (item.kind === 'frame') take(item.json);
        else if (item.kind === 'broken') faults.push(`a broken frame: ${item.why}`);
        if (item.kind === 'frame' && item.lost > 0) faults.push(`${item.lost} frames were lost`);
      }
      return bytes.length;
    },
    onSerialRoom: () => {},
    restart: () => faults.push('it restarted'),
    panic: (message) => faults.push(message),
  };
  let app: TincanApp | undefined;
  await tincanLoader(
    {
      accessPoints: [{ ssid: 'soak', password: 'soak-soak' }],
      microphone: options.microphone,
      loudspeaker: new NullSpeaker(),
    },
    {
      network: options.network,
      unixNow: options.unixNow,
      random: options.random,
      started: (running) => {
        app = running;
      },
    },
  )({ wasm, hash: 'a'.repeat(64), version: '0.0.0-test', project: 'tincan-virtual' }, host);
  const running = app;
  if (!running) throw new Error(`the core did not start: ${faults.join(', ')}`);
  return {
    app: running,
    faults,
    request(method, params = {}) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        running.serialIn(encodeFrame(JSON.stringify({ jsonrpc: '2.0', id, method, params }), number++));
      });
    },
  };
}
