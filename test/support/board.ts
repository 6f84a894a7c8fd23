/**
 * A provisioned, running virtual board with the real core, for tests: its flash is written in memory, and its serial
 * line is unpaced RFC 2217 on loopback.
 */
import {
  BOARDS,
  type Clock,
  listensWhileSpeaking,
  type Microphone,
  NorFlash,
  startVirtualBoard,
  type TincanApp,
  tincanLoader,
  type VirtualBoard,
  WavPerson,
  WavSpeaker,
} from '@tincan/boards';
import { compileCore } from '@tincan/firmware';
import {
  Device,
  type DeviceMessage,
  openLine,
  partitionsOf,
  repositoryPath,
  type SerialLine,
} from '@tincan/host-cli';
import {
  buildNvsImage,
  buildPartitionTable,
  PARTITION_TABLE_OFFSET,
  type SettingName,
  type SettingValue,
  type StateChange,
  settingsToNvs,
  virtualBootloader,
  wrapWasm,
} from '@tincan/shared-protocol';

export const SSID = 'tincan-test';
/** Not real ones, and long enough to be found wherever they leak. */
export const PASSWORD = 'wifi-secret-93f1c07a';
export const TOKEN = 'ek_secret_5b1e77c0d2a94f36';
export const FIRMWARE = '0.0.0-test';
/** Guard against waiting for ever; no test depends on how long anything takes. */
export const GUARD_MS = 45_000;

export type Settings = Partial<Record<SettingName, SettingValue>>;

export interface TestBoardOptions {
  /** Over Wi-Fi, token, and an address where nobody is; null: a board that nobody provisioned. */
  settings?: Settings | null;
  /** 16 kHz mono, spoken one after the other. */
  sentences?: readonly Int16Array[];
  microphone?: Microphone;
  /** A line as slow as a real one. */
  pace?: boolean;
  clock?: Clock;
  /** A flash that was used before; then `settings` do not matter. */
  flash?: NorFlash;
  /** False: nobody reads the serial line until `attach()`. */
  attach?: boolean;
}

export interface TestBoard {
  readonly board: VirtualBoard;
  readonly device: Device;
  /** The line under `device`, for bytes that are no frames. */
  readonly line: SerialLine;
  readonly person: WavPerson;
  readonly speaker: WavSpeaker;
  readonly light: { on: boolean; rgb: number };
  /** The application that runs now. */
  readonly app: TincanApp;
  /** All notifications since the line was attached. */
  readonly messages: readonly DeviceMessage[];
  /** Lines of log text. */
  readonly text: readonly string[];
  /** Every byte that the chip sent since power-on. */
  wire(): Buffer;
  /** The first message at `from` or later that `match` takes. */
  until<T>(match: (message: DeviceMessage) => T | undefined, what: string, from?: number): Promise<T>;
  /** The first change to this state at `from` or later. */
  state(state: StateChange['state'], from?: number): Promise<StateChange>;
  attach(): Promise<Device>;
  /** The access point takes another password from now on; answers it. */
  changePassword(): string;
  close(): Promise<void>;
}

let compiled: Promise<Uint8Array> | undefined;

/** The core, compiled once per test file (and kept in build/cache). */
function coreWasm(): Promise<Uint8Array> {
  compiled ??= (async () => {
    const { wasm } = await compileCore({
      cacheDir: 'build/cache',
      firmwareDir: repositoryPath('firmware'),
      defines: {
        TC_FIRMWARE_VERSION: FIRMWARE,
        TC_BOARD_ID: 'virtual',
        TC_BOARD_ECHO: listensWhileSpeaking(BOARDS.virtual!) ? 1 : 0,
      },
    });
    return wasm;
  })();
  return compiled;
}

/**
 * The application, as it would be built with this version. It has as many characters as the usual one: it is put into
 * the compiled core in its place, for another compilation would take longer than the tests.
 */
export async function appImage(version = FIRMWARE): Promise<Uint8Array> {
  if (version.length !== FIRMWARE.length) throw new Error(`${version} and ${FIRMWARE} differ in length`);
  const wasm = Buffer.from(await coreWasm());
  for (let at = wasm.indexOf(FIRMWARE); at >= 0; at = wasm.indexOf(FIRMWARE, at + 1)) {
    if (version === FIRMWARE) break;
    wasm.write(version, at);
  }
  return wrapWasm({ wasm, version });
}

/** A flash as after `tincan flash` and `tincan provision --offline`. */
export async function flashWith(settings: Settings | null): Promise<NorFlash> {
  const table = partitionsOf(BOARDS.virtual!);
  const at = (name: string) => table.find((one) => one.name === name)!;
  const flash = NorFlash.inMemory();
  flash.program(0, virtualBootloader());
  flash.program(PARTITION_TABLE_OFFSET, buildPartitionTable(table));
  flash.program(at('ota_0').offset, await appImage());
  if (settings) {
    const nvs = at('nvs');
    flash.program(nvs.offset, buildNvsImage(settingsToNvs(settings), { size: nvs.size }));
  }
  return flash;
}

const PROVISIONED: Settings = {
  'wifi.ssid': SSID,
  'wifi.password': PASSWORD,
  'server.url': 'http://127.0.0.1:9/v1/realtime/calls',
  'server.token': TOKEN,
};

export async function startTestBoard(options: TestBoardOptions = {}): Promise<TestBoard> {
  const { settings = {}, attach = true } = options;
  const flash = options.flash ?? (await flashWith(settings && { ...PROVISIONED, ...settings }));
  const person = new WavPerson(options.sentences ?? []);
  const speaker = new WavSpeaker();
  const messages: DeviceMessage[] = [];
  const text: string[] = [];
  const written: Buffer[] = [];
  const waiting = new Set<() => void>();
  const accessPoint = { ssid: SSID, password: PASSWORD };
  let light = { on: false, rgb: 0 };
  let app: TincanApp | undefined;
  let device: Device | undefined;
  let line: SerialLine | undefined;
  const board = await startVirtualBoard({
    flash,
    pace: options.pace ?? false,
    power: false,
    ...(options.clock && { clock: options.clock }),
    loader: tincanLoader(
      {
        accessPoints: [accessPoint],
        microphone: options.microphone ?? person,
        loudspeaker: speaker,
        light: (state) => {
          light = state;
        },
      },
      {
        started: (running) => {
          app = running;
        },
      },
    ),
  });
  board.chip.onTransmit((bytes) => written.push(Buffer.from(bytes)));

  const self: TestBoard = {
    board,
    person,
    speaker,
    messages,
    text,
    get device() {
      if (!device) throw new Error('nobody has attached to the serial line');
      return device;
    },
    get line() {
      if (!line) throw new Error('nobody has attached to the serial line');
      return line;
    },
    get light() {
      return light;
    },
    get app() {
      if (!app) throw new Error('no application has started');
      return app;
    },
    wire: () => Buffer.concat(written),
    until: (match, what, from = 0) =>
      new Promise((resolve, reject) => {
        let next = from;
        const look = () => {
          while (next < messages.length) {
            const found = match(messages[next++]!);
            if (found === undefined) continue;
            clearTimeout(timer);
            waiting.delete(look);
            resolve(found);
            return;
          }
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          const last = messages.slice(-6).map(({ method, params }) => `${method} ${JSON.stringify(params)}`);
          reject(
            new Error(`the board never said: ${what}; its last words:\n${last.join('\n').slice(0, 2000)}`),
          );
        }, GUARD_MS);
        waiting.add(look);
        look();
      }),
    state: (state, from) =>
      self.until(
        ({ method, params }) =>
          method === 'state' && params.state === state ? (params as unknown as StateChange) : undefined,
        `state ${state}`,
        from,
      ),
    changePassword() {
      accessPoint.password += '+';
      return accessPoint.password;
    },
    async attach() {
      line = await openLine(board.port);
      device = new Device(line, { reconnect: false });
      device.listen({
        message: (message) => {
          messages.push(message);
          for (const look of [...waiting]) look();
        },
        text: (line) => text.push(line),
      });
      return device;
    },
    async close() {
      await device?.close().catch(() => undefined);
      await board.close();
    },
  };
  try {
    // Before the power, so that not even the first frame is missed.
    if (attach) await self.attach();
    board.chip.powerOn();
    return self;
  } catch (error) {
    await self.close();
    throw error;
  }
}
