import type { AccessPoint, Clock } from '../contract.ts';
import { ERR, EVENT, type PortFunctions, type Post, WIFI } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** How long joining and looking round take. A real station needs a second or two; nothing here waits for that. */
const JOIN_MS = 30;
const SCAN_MS = 30;
/** Of every access point here, in dBm. */
const RSSI = -50;

/**
 * The board's radio. Its network is this computer's own, so its address is the loopback's; it can be used only
 * while the board has joined.
 */
export class Wifi {
  readonly #clock: Clock;
  readonly #accessPoints: () => readonly AccessPoint[];
  readonly #post: Post;
  #cancel: (() => void) | undefined;
  #cancelScan: (() => void) | undefined;
  #joined = false;
  /** The core has no need of a radio that is awake; this one costs nothing, so that nothing comes of it. */
  resting = false;

  constructor(clock: Clock, accessPoints: () => readonly AccessPoint[], post: Post) {
    this.#clock = clock;
    this.#accessPoints = accessPoints;
    this.#post = post;
  }

  /** Whether the board has a network. */
  get up(): boolean {
    return this.#joined;
  }

  port(memory: CoreMemory): PortFunctions {
    return {
      tc_port_wifi_join: (ssid, password) => this.join(memory.text(ssid!), memory.text(password!)),
      tc_port_wifi_leave: () => this.leave(),
      tc_port_wifi_scan: () => this.scan(),
      tc_port_radio_rest: (rest) => {
        this.resting = rest !== 0;
      },
    };
  }

  join(ssid: string, password: string): number {
    this.leave();
    this.#cancel = this.#clock.after(JOIN_MS, () => {
      this.#cancel = undefined;
      const near = this.#accessPoints().filter((point) => point.ssid === ssid);
      if (near.length === 0) this.#post({ kind: EVENT.wifiDown, code: WIFI.notFound });
      else if (!near.some((point) => point.password === password))
        this.#post({ kind: EVENT.wifiDown, code: WIFI.password });
      else {
        this.#joined = true;
        this.#post({ kind: EVENT.wifiUp, data: new TextEncoder().encode('127.0.0.1') });
      }
    });
    return 0;
  }

  /** Looks round; ERR.state while it joins, or looks round already. */
  scan(): number {
    if (this.#cancel || this.#cancelScan) return ERR.state;
    this.#cancelScan = this.#clock.after(SCAN_MS, () => {
      this.#cancelScan = undefined;
      const seen = new Map(this.#accessPoints().map((point) => [point.ssid, point]));
      for (const { ssid, password } of seen.values())
        this.#post({
          kind: EVENT.wifiFound,
          code: RSSI,
          extra: password === '' ? 0 : 1,
          data: new TextEncoder().encode(ssid),
        });
      this.#post({ kind: EVENT.wifiScanned, code: 0 });
    });
    return 0;
  }

  /** The board stops. */
  stop(): void {
    this.leave();
    this.#cancelScan?.();
    this.#cancelScan = undefined;
  }

  leave(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#joined = false;
  }

  /** The access point went away. */
  lose(): void {
    if (!this.#joined) return;
    this.leave();
    this.#post({ kind: EVENT.wifiDown, code: WIFI.lost });
  }
}
