import type { AppHost, AppImage, AppLoader, Clock, RunningApp, World } from '../contract.ts';
import { AudioLoop } from './audio.ts';
import { type CoreEvent, ERR, EVENT, type PortFunctions, type Post } from './codes.ts';
import { Controls } from './controls.ts';
import { HttpPort } from './http.ts';
import { identityPort } from './identity.ts';
import { PortLock } from './lock.ts';
import { measuresPort } from './measures.ts';
import { type CoreMemory, type CoreModule, loadModule } from './module.ts';
import { OpusCodec } from './opus.ts';
import { OtaPort } from './ota.ts';
import { type PeerCalls, type PeerOptions, PeerPort } from './peer.ts';
import { storagePort } from './storage.ts';
import { Wifi } from './wifi.ts';

/** Serial bytes go in pieces that the core's inbox takes beside other events. */
const SERIAL_PIECE = 1_024;
/** An event that an inbox does not take after so many steps will never fit. */
const MAX_TRIES = 16;

export interface RuntimeOptions {
  peer?: PeerOptions;
  /** The calendar: Unix time in seconds, 0 for unknown. Default: this computer's. */
  unixNow?(): number;
  /** Fills with random bytes. Default: this computer's generator. */
  random?(bytes: Uint8Array): void;
  /** Carries requests and calls in place of this computer's network. */
  network?: Network;
  /** Each time the board has started an application. */
  started?(app: TincanApp): void;
}

/** What a board asks of the network, for worlds that are made up: the port's own calls (`firmware/port.h`). */
export interface Network {
  http(clock: Clock, online: () => boolean, post: Post): PortPart;
  peers(calls: PeerCalls, clock: Clock): PortPart;
}
/** A part of the port. */
export interface PortPart {
  port(memory: CoreMemory): PortFunctions;
  stop(): void;
}

export interface RuntimeStats {
  steps: number;
  /** Audio frames moved, and left out because the computer was late. */
  frames: number;
  skipped: number;
  /** Events that the core would not take. */
  refused: number;
  /** The core has said that this image is good. */
  proven: boolean;
  /** The core lets the radio rest. */
  resting: boolean;
}

/** A running core, with what a hand can do to the board. */
export interface TincanApp extends RunningApp {
  /** Presses or releases the button. */
  button(down: boolean): void;
  /** Mutes the microphone, or ends that, as a switch of the board does. */
  mute(on: boolean): void;
  /** Takes the Wi-Fi network away that the board has joined. */
  loseWifi(): void;
  stats(): RuntimeStats;
}

/** Unwinds the module's stack where the core asked for a restart, which does not return on the chip either. */
class Restarting extends Error {}

/**
 * Loads applications of the virtual board: the firmware core as WebAssembly, on the port made of this computer's
 * network, libdatachannel, Opus and the `world`. What the board cannot run ends in a panic of the chip.
 */
export function tincanLoader(world: World, options: RuntimeOptions = {}): AppLoader {
  return async (image, host) => {
    const app = new App(world, host, options);
    try {
      await app.load(image);
      options.started?.(app);
    } catch (error) {
      // The chip gets its (dead) application first, as it does with one that traps later.
      host.clock.after(0, () => app.fail(error));
    }
    return app;
  };
}

class App implements TincanApp {
  readonly #host: AppHost;
  readonly #unixNow: () => number;
  readonly #random: RuntimeOptions['random'];
  readonly #wifi: Wifi;
  readonly #http: PortPart;
  readonly #ota: OtaPort;
  readonly #peers: PortPart;
  readonly #controls: Controls;
  readonly #audio: AudioLoop;
  readonly #lock = new PortLock();
  #module: CoreModule | undefined;
  #opus: OpusCodec | undefined;
  #inbox: CoreEvent[] = [];
  #tries = 0;
  #steps = 0;
  #refused = 0;
  #proven = false;
  #stopped = false;
  #inside = false;
  /** The next step: cancels it, and the time at which it is due. */
  #next: { cancel: () => void; at: number } | undefined;

  constructor(world: World, host: AppHost, options: RuntimeOptions) {
    this.#host = host;
    this.#unixNow = options.unixNow ?? (() => Date.now() / 1000);
    const { clock } = host;
    this.#random = options.random;
    const { network } = options;
    const post = (event: CoreEvent) => this.#post(event);
    const online = () => this.#wifi.up;
    this.#wifi = new Wifi(clock, () => world.accessPoints, post);
    this.#http = network?.http(clock, online, post) ?? new HttpPort(clock, online, post);
    const guarded = {
      now: () => clock.now(),
      after: (ms: number, run: () => void) => clock.after(ms, () => this.#guard(run)),
    };
    this.#ota = new OtaPort(
      { flash: host.flash, ota: host.ota, clock: guarded },
      {
        log: (line) => this.#log(line),
        restart: () => {
          throw new Restarting();
        },
      },
    );
    this.#controls = new Controls(world);
    const calls: PeerCalls = {
      post,
      online,
      rtp: (id, packet) => this.#rtp(id, packet),
      forget: (id) => {
        this.#inbox = this.#inbox.filter((event) => event.id !== id || !isPeerEvent(event));
      },
    };
    this.#peers = network?.peers(calls, clock) ?? new PeerPort(calls, options.peer);
    this.#audio = new AudioLoop(guarded, world.microphone, world.loudspeaker, {
      audioIn: (pcm) =>
        this.#enter((core) => {
          core.pcm().set(pcm);
          core.call.audioIn(clock.now());
        }),
      audioOut: () =>
        this.#enter((core) => {
          core.call.audioOut();
          const pcm = core.pcm().slice();
          this.#controls.apply(pcm);
          return pcm;
        }),
    });
  }

  async load(image: AppImage): Promise<void> {
    const opus = await OpusCodec.create();
    this.#opus = opus;
    const port = (memory: CoreMemory): PortFunctions => ({
      ...identityPort(this.#host, image.hash, memory, this.#random),
      ...this.#systemPort(memory),
      ...storagePort(this.#host, memory, (line) => this.#log(line)),
      ...this.#wifi.port(memory),
      ...this.#http.port(memory),
      ...this.#ota.port(memory),
      ...this.#peers.port(memory),
      ...this.#audio.port(),
      ...opus.port(memory),
      ...this.#controls.port(),
      ...measuresPort(memory),
      ...this.#lock.port(),
    });
    this.#module = await loadModule(image.wasm, port);
    this.#host.onSerialRoom(() => this.#schedule(0));
    // The first word comes after the chip has its application in hand.
    const { clock } = this.#host;
    clock.after(0, () =>
      this.#guard(() => {
        this.#ota.start();
        this.#enter((core) => core.call.init(clock.now()));
        this.#schedule(0);
      }),
    );
  }

  serialIn(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SERIAL_PIECE)
      this.#post({ kind: EVENT.serial, data: bytes.slice(at, at + SERIAL_PIECE) });
  }

  button(down: boolean): void {
    this.#post({ kind: EVENT.button, code: down ? 1 : 0 });
  }

  mute(on: boolean): void {
    this.#post({ kind: EVENT.mute, code: on ? 1 : 0 });
  }

  loseWifi(): void {
    this.#wifi.lose();
  }

  stats(): RuntimeStats {
    return {
      steps: this.#steps,
      ...this.#audio.stats,
      refused: this.#refused,
      proven: this.#proven,
      resting: this.#wifi.resting,
    };
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#next?.cancel();
    this.#inbox = [];
    this.#audio.stop();
    this.#wifi.stop();
    this.#http.stop();
    this.#ota.stop();
    this.#peers.stop();
    this.#opus?.stop();
  }

  /** Ends the application in a panic of the chip. */
  fail(error: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.#host.panic(panicMessage(error));
  }

  #systemPort(memory: CoreMemory): PortFunctions {
    return {
      tc_port_unix_s: () => Math.floor(this.#unixNow()),
      tc_port_serial_write: (at, length) => this.#host.serialWrite(memory.bytes(at!, length!).slice()),
      tc_port_restart: () => {
        throw new Restarting();
      },
      tc_port_boot_good: () => {
        this.#proven = true;
        this.#ota.good();
      },
    };
  }

  #log(line: string): void {
    const time = Math.round(this.#host.clock.now());
    this.#host.serialWrite(new TextEncoder().encode(`W (${time}) ${line}\r\n`));
  }

  #post(event: CoreEvent): void {
    if (this.#stopped) return;
    this.#inbox.push(event);
    this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#stopped || !this.#module) return;
    const { clock } = this.#host;
    const at = clock.now() + ms;
    if (this.#next && this.#next.at <= at) return;
    this.#next?.cancel();
    const cancel = clock.after(ms, () => {
      this.#next = undefined;
      this.#guard(() => this.#step());
    });
    this.#next = { at, cancel };
  }

  #step(): void {
    this.#deliver();
    this.#steps++;
    const wait = this.#enter((core) => core.call.step(this.#host.clock.now()));
    // A core that wants to go on at once lets other work of this process in between.
    this.#schedule(this.#inbox.length > 0 ? 0 : Math.max(1, Math.min(1000, wait)));
  }

  /** Posts what waits, in order, until the core's inbox is full; the rest goes after the step. */
  #deliver(): void {
    while (this.#inbox.length > 0) {
      const { kind, id = 0, code = 0, extra = 0, data } = this.#inbox[0]!;
      const result = this.#enter((core) => {
        if (data && !core.load(data)) return ERR.size;
        return core.call.post(kind, id, code, extra, data?.length ?? 0);
      });
      if (result === ERR.full && ++this.#tries < MAX_TRIES) return;
      this.#tries = 0;
      if (result < 0) this.#refused++;
      this.#inbox.shift();
    }
  }

  #rtp(id: number, packet: Uint8Array): void {
    if (this.#stopped) return;
    this.#guard(() =>
      this.#enter((core) => {
        if (core.load(packet)) core.call.rtp(id, packet.length, this.#host.clock.now());
      }),
    );
  }

  /** Runs `work` inside the core. */
  #enter<T>(work: (core: CoreModule) => T): T {
    // One call at a time: what happens meanwhile must be posted instead.
    if (!this.#module || this.#inside || this.#stopped) throw new Error('the core was called out of turn');
    this.#inside = true;
    try {
      const result = work(this.#module);
      this.#lock.check();
      return result;
    } finally {
      this.#inside = false;
    }
  }

  /** Runs what may enter the core; a restart or a trap in it ends the application. */
  #guard(work: () => void): void {
    if (this.#stopped) return;
    try {
      work();
    } catch (error) {
      if (this.#stopped) return;
      if (!(error instanceof Restarting)) this.fail(error);
      else {
        this.stop();
        this.#host.restart();
      }
    }
  }
}

function isPeerEvent(event: CoreEvent): boolean {
  return event.kind >= EVENT.peerOffer;
}

/** The message, and for a trap the functions of the core in which it happened. */
function panicMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const places = (error.stack ?? '').matchAll(
    /at (?:([\w.]+) \()?wasm:\/\/\S*?:(wasm-function\[\d+\]:0x[0-9a-f]+)/g,
  );
  const frames = [...places].map((match) => match[1] ?? match[2]);
  return frames.length > 0 ? `${error.message} in ${frames.slice(0, 6).join(' < ')}` : error.message;
}
