import type { AccessPoint, Clock } from '../contract.ts';
import { EVENT, type PortFunctions, type Post, WIFI } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** How long joining takes. A real station needs a second or two; nothing here waits for that. */
const JOIN_MS = 30;

/**
 * The board's radio. Its network is this computer's own, so its address is the loopback's; it can be used only
 * while the board has joined.
 */
export class Wifi {
  readonly #clock: Clock;
  readonly #accessPoints: () => readonly AccessPoint[];
  readonly #post: Post;
  #cancel: (() => void) | undefined;
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
