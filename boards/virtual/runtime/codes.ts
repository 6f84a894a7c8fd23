/** Numbers of `firmware/core/err.h`, `core.h` and `port.h`, as far as this side of the port uses them. */

/** `tc_err` */
export const ERR = {
  notFound: -1,
  size: -2,
  format: -3,
  type: -4,
  range: -5,
  state: -6,
  full: -7,
  storage: -8,
  io: -10,
} as const;

/** `tc_event_kind` */
export const EVENT = {
  serial: 1,
  wifiUp: 2,
  wifiDown: 3,
  http: 4,
  peerOffer: 5,
  peerUp: 6,
  channelOpen: 7,
  peerText: 8,
  peerDown: 9,
  button: 10,
  peerTooLarge: 11,
  mute: 12,
  httpData: 13,
  wifiFound: 14,
  wifiScanned: 15,
} as const;

/** `tc_wifi_reason` */
export const WIFI = { lost: 0, password: 1, notFound: 2, failed: 3 } as const;

/** `tc_http_error` */
export const HTTP = { dns: -1, tcp: -2, tls: -3, timeout: -4, tooLarge: -5, io: -6, pin: -7 } as const;

/** `code` of `TC_EVENT_PEER_DOWN` */
export const PEER_DOWN = { closed: 0, failed: 1, channel: 2 } as const;

/** `tc_kv_type` */
export const KV = { u8: 1, u16: 2, u32: 4, text: 0x21, blob: 0x42 } as const;

/** An event on its way to the core; see `tc_event` in `core.h` for what each kind carries. */
export interface CoreEvent {
  kind: number;
  id?: number;
  code?: number;
  extra?: number;
  data?: Uint8Array;
}

/** Hands an event to the core; it arrives in order, at the next step. */
export type Post = (event: CoreEvent) => void;

/** The functions that one part of the port gives to the module, under their C names; they return a number or nothing. */
export type PortFunctions = Record<string, (...args: number[]) => unknown>;
