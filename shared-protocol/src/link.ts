/**
 * The serial link: one wire for log text and messages. A message is one line,
 *
 *     0x1E  JSON  TAB  number (8 hex digits)  TAB  CRC-32 (8 hex digits)  LF
 *
 * where JSON is a JSON-RPC 2.0 object in UTF-8, the number counts frames per direction from 0 after each reset,
 * and the CRC (IEEE 802.3, as zlib's) covers everything between 0x1E and the second tab, that tab excluded.
 * All other bytes are log text.
 *
 * Methods, params, limits and error codes are declared here and nowhere else.
 */

export const PROTOCOL_VERSION = 1;

export const LINK = {
  /** First byte of a frame (ASCII "record separator"). */
  mark: 0x1e,
  /** Largest Realtime event that travels whole, in bytes; a larger one is reported by type and size. */
  maxEvent: 65_536,
  /** Largest JSON part of any frame, in bytes: an event and its envelope. */
  maxJson: 65_536 + 256,
  /** Longest line of log text that the device keeps together, in bytes. */
  maxText: 512,
  /** The device's ring of bytes waiting for the host. */
  txRing: 196_608,
  /** Largest piece of an image in one `ota.write`, in bytes before base64. */
  maxOta: 16_384,
} as const;

/** What is dropped first when the ring is full: the order of this list. */
export const DROP_CLASSES = ['sound', 'text', 'log', 'metric', 'event'] as const;
export type DropClass = (typeof DROP_CLASSES)[number];

/** Host → device: JSON-RPC requests. */
export const METHODS = {
  'device.hello': { params: {}, help: 'Answers what the `hello` notification holds.' },
  'device.reboot': { params: {}, help: 'Answers, then restarts.' },
  'device.stats': { params: {}, help: 'Counters and measures; the table below says which.' },
  'settings.get': { params: { names: 'string[]?' }, help: 'Values; secrets as fingerprints only.' },
  'settings.set': {
    params: { values: 'object' },
    help: 'Checks and stages; null goes back to the default. Nothing is kept before settings.commit.',
  },
  'settings.commit': {
    params: { trial: 'boolean?' },
    help: 'Keeps all staged settings at once, or none, and answers which changed and what follows; a session that runs is told of them at once, but for what `waits` names. With `trial` a network that changed is joined first: a `state` of reason `wifi_up` says that all is kept, any other `wifi_…` that the former settings are back.',
  },
  'settings.discard': { params: {}, help: 'Forgets what is staged.' },
  'session.start': { params: {}, help: 'Connects; the way shows in `state` notifications.' },
  'session.stop': { params: {}, help: 'Ends the session.' },
  'session.say': { params: { text: 'string' }, help: 'A user message in text, and an answer to it.' },
  'realtime.send': { params: { event: 'object' }, help: 'One client event, sent as it is.' },
  'talk.press': {
    params: {},
    help: 'The talk button goes down: it silences an answer; with push-to-talk it opens the microphone, and calls off a goodbye of the model. Without a session it starts one.',
  },
  'talk.release': {
    params: {},
    help: 'The talk button comes up; with push-to-talk what was said is the turn (less than 100 ms is none).',
  },
  'tools.serve': {
    params: { tools: 'object[]', timeout_ms: 'number?' },
    help: 'Tools that the host runs, as in session.tools: type (function), name (at most 64 of A-Z a-z 0-9 _ -, none of the device), description, parameters; at most 64, all together 8 KiB of JSON. They are offered beside those of the device, also where tools.enabled is off; each call is a `tool.call`, answered by tool.result within timeout_ms (100 to 600000; default 10000). A list takes the place of the former; an empty one takes them back. They last until the device restarts; a running session learns of them at once.',
  },
  'tool.result': {
    params: { call_id: 'string', output: 'any' },
    help: 'The output of a call of the host: a text goes to the model as it is, any other JSON as its text; at most 16 KiB. STATE: no such call is open (any more).',
  },
  'token.lend': {
    params: { token: 'string', expires_at: 'number?' },
    help: 'A token for the next sessions, in place of server.token. It is held in RAM only, until it expires (Unix seconds) or the device restarts; an empty one takes it back. A device that lacks nothing else works with it, and one that waits for a token tries at once.',
  },
  'sound.tap': {
    params: { on: 'boolean' },
    help: 'Sends the packets of both voices as `sound` notifications, or no longer: those that were sent to the server, and those that the loudspeaker plays, in order. Off after each start.',
  },
  'ota.begin': {
    params: { size: 'number', sha256: 'string', downgrade: 'boolean?' },
    help: 'A new application of this size and hash (hex) follows. Ends a session; forgets another update. `downgrade`: an older version is meant.',
  },
  'ota.write': {
    params: { offset: 'number', data: 'string' },
    help: 'The next piece, in base64; answers written. One that is there already is passed over.',
  },
  'ota.end': { params: {}, help: 'All is there: checks it, makes it the next to start, answers, restarts.' },
  'ota.abort': { params: {}, help: 'Forgets the update; the running application stays.' },
  'ota.fetch': {
    params: { url: 'string', pin: 'string?', sha256: 'string?', downgrade: 'boolean?' },
    help: 'The device gets the image by itself, over HTTP or HTTPS; how it goes shows in `ota` notifications. `pin` as server.pin, which is taken where the server is that of server.url.',
  },
} as const;
export type Method = keyof typeof METHODS;

/** Device → host: JSON-RPC notifications. `drop` says in which class it waits. */
export const NOTIFICATIONS = {
  hello: {
    drop: 'event',
    help: 'After each boot: board, name, firmware, protocol, image, mac, reset, echo, state.',
  },
  state: {
    drop: 'event',
    help: 'state, activity (while live), reason, detail, retry_ms (while backing off), muted.',
  },
  'realtime.event': {
    drop: 'event',
    help: 'An event of the server, untouched; or type, bytes and why it could not travel.',
  },
  'realtime.sent': { drop: 'event', help: 'An event that the device sent.' },
  problem: { drop: 'log', help: 'code, message, hint: something went wrong, and what to do.' },
  metric: { drop: 'metric', help: 'name and numbers.' },
  ota: {
    drop: 'event',
    help: 'An update: stage (writing, restarting, failed), bytes, total (0: not known yet), problem.',
  },
  'tool.call': {
    drop: 'event',
    help: 'A call of a tool that the host serves: name, call_id, arguments (an object of at most 16 KiB), timeout_ms. At most eight wait at once; without a result in time the model is told so.',
  },
  sound: {
    drop: 'sound',
    help: 'Opus packets, 20 ms each (one that is not stands alone): from (microphone, loudspeaker), at (of the first, in samples of 48 kHz since the session began; both voices have one clock), packets (base64, at most five; null where one is missing). A longer gap begins a new frame.',
  },
  tool: {
    drop: 'event',
    help: 'A tool of the device ran, or a call was refused: name, call_id, arguments, output.',
  },
  dropped: { drop: 'event', help: 'How many of each class the full ring dropped since the last frame.' },
} as const satisfies Record<string, { drop: DropClass; help: string }>;
export type Notification = keyof typeof NOTIFICATIONS;

/** JSON-RPC error codes: the standard's, and ours from -32000 down. */
export const LINK_ERRORS = {
  PARSE: { code: -32700, message: 'not JSON' },
  REQUEST: { code: -32600, message: 'not a JSON-RPC 2.0 request' },
  METHOD: { code: -32601, message: 'no such method' },
  PARAMS: { code: -32602, message: 'wrong parameters' },
  INTERNAL: { code: -32603, message: 'the device could not do it' },
  SETTING_UNKNOWN: { code: -32001, message: 'no such setting' },
  SETTING_TYPE: { code: -32002, message: 'wrong type for this setting' },
  SETTING_LIMIT: { code: -32003, message: 'over the limit of this setting' },
  SETTING_FORM: { code: -32004, message: 'this setting does not allow that value' },
  STORAGE: { code: -32005, message: 'the flash did not take the settings' },
  STATE: { code: -32006, message: 'not possible in this state' },
  FULL: { code: -32007, message: 'the device is busy; try again' },
  OTA_IMAGE: { code: -32008, message: 'the image cannot run on this device' },
  OTA_DOWNGRADE: { code: -32009, message: 'the image is older than the firmware that runs' },
  OTA_BROKEN: { code: -32010, message: 'the image did not arrive as it was announced' },
} as const;

/** States of the device, in the order of the C enum; `state` notifications carry these words. */
export const STATES = [
  'unprovisioned',
  'joining',
  'ready',
  'connecting',
  'configuring',
  'live',
  'closing',
  'backoff',
] as const;
export type State = (typeof STATES)[number];
/** What a live session is doing. */
export const ACTIVITIES = ['listening', 'hearing', 'thinking', 'speaking'] as const;
export type Activity = (typeof ACTIVITIES)[number];

/** Why a state was left or a session ended; `state` notifications carry these words. */
export const REASONS = {
  none: 'Nothing in particular: the activity of a live session changed, or the way goes on.',
  boot: 'The device has started.',
  settings: 'Settings changed.',
  wifi_up: 'The network is joined; `detail` names it.',
  wifi_lost: 'The network was lost. It is joined again.',
  wifi_password: 'The network refused the password.',
  wifi_not_found: 'The network is not in reach.',
  wifi_failed: 'The network could not be joined.',
  host: 'A request of the host.',
  button: 'The button.',
  autostart: 'device.autostart.',
  retry: 'The wait of a back-off is over.',
  offer_failed: 'The device could not make an offer. It tries again.',
  dns: 'The name of the server was not found. It tries again.',
  tcp: 'The server could not be reached. It tries again.',
  tls: 'The certificate, or the pinned key, was not accepted. It tries again.',
  timeout: 'The server did not answer in time. It tries again.',
  http_400: 'The server did not understand the offer. A person must mend it.',
  http_401: 'The server refused the token. A person must mend it, or lend another one.',
  http_403: 'The server forbids it. A person must mend it.',
  http_404: 'Nothing is at this address. A person must mend it.',
  http_429: 'Too many requests. It tries again, not before Retry-After.',
  http_5xx: 'The server failed. It tries again.',
  http_status: 'Another status, without an SDP. It tries again.',
  http_redirect: 'The server sends the device elsewhere; it does not follow. It tries again.',
  not_sdp: 'The answer is no SDP: a web page, for example. It tries again.',
  too_large: 'The answer is larger than 20,480 bytes. It tries again.',
  sdp_rejected: "The server's SDP could not be used. It tries again.",
  peer_failed: 'ICE, DTLS or consent failed. It tries again.',
  channel_closed: 'The server closed the connection. It connects again, with the history.',
  session_error: 'The server refused the session. A person must mend the settings.',
  session_expired: 'The server ended the session, it was too old. It connects again, with the history.',
  end_session: 'The model ended the conversation, after its goodbye.',
  idle: 'Nobody said a word for device.idle_limit.',
  voice: 'A voice woke it.',
  token_expired: 'The token is known to have ended: nothing was sent. A fresh token goes on at once.',
  renewal: 'The session is renewed before the server ends it; the history goes with it.',
  budget: 'budget.minutes or budget.cents are used up, and the goodbye is said.',
  rate_limit: 'The server has no requests or tokens left: the next answer waits until there are some again.',
} as const;
export type Reason = keyof typeof REASONS;

/** Params of `hello`, and the answer of `device.hello`. */
export interface Hello {
  board: string;
  name: string;
  /** Version of the firmware, semver. */
  firmware: string;
  protocol: number;
  /** SHA-256 of the application, hex, as its descriptor holds it (`esp_app_desc_t.app_elf_sha256`). */
  image: string;
  mac: string;
  /** Why the chip started: `power`, `pin`, `software`, `panic`, `watchdog`, `brownout`, `unknown`. */
  reset: string;
  /** Whether the board has an echo reference, and so can be interrupted by voice while it speaks. */
  echo: boolean;
  state: State;
  /** First start after an update: it goes back to the former application unless it proves itself. */
  trial?: true;
}
/** Params of `ota`. */
export interface OtaProgress {
  stage: 'writing' | 'restarting' | 'failed';
  bytes: number;
  /** 0 where the server did not say. */
  total: number;
  /** `failed`: why, in a sentence. */
  problem?: string;
}
/** Answer of `ota.write`. */
export interface OtaWritten {
  /** Bytes of the image that the device has. */
  written: number;
}
export interface StateChange {
  state: State;
  activity?: Activity;
  reason: Reason;
  /** More for people: a status line, a Wi-Fi reason number, a server's message. Never a secret. */
  detail?: string;
  /** `backoff`: milliseconds until the next try. */
  retry_ms?: number;
  /** The microphone is switched off by a person; nothing of it is sent. */
  muted?: true;
}
/** How a session, or a try for one, ended. */
export interface SessionEnd {
  reason: Reason;
  /** Milliseconds after the start of the device, as `uptime_ms`. */
  at_ms: number;
  /** From the first step of connecting. */
  lasted_ms: number;
  detail?: string;
}
/** One task of the chip. */
export interface TaskStats {
  name: string;
  /** Bytes of its stack that were never used. */
  stack_free: number;
  /** Share of one processor since `device.stats` was asked before. */
  cpu_permille: number;
}
/** Bytes of heap; `low` is the lowest since the start. 0 where there is no such memory. */
export interface MemoryStats {
  internal: { free: number; low: number };
  external: { free: number; low: number };
}
/** What `device.stats` answers, part by part. */
export const STATS = {
  link: 'Frames out and in, broken, lost on the way in; dropped by class; bytes in the ring now and at most.',
  playout:
    'RTP packets received, played, concealed, late, duplicate, lost, flushed, overflow (no room), stray (of an unknown source, or no Opus); jitter_ms (RFC 3550, A.8); depth_ms and target_ms of the buffer.',
  capture: 'Packets of sound sent, refused by the peer connection, failed to encode.',
  session:
    'state; sessions, failures, responses, calls, interruptions; events_in, events_bad, events_large; illegal transitions; outbox_high; muted.',
  tools:
    'served (definitions of the host in force); host_calls given to it, host_answered by it, host_late (answered for it when its time was over), host_dropped (cancelled, or their session ended); changes of a running session sent, changes_refused by the server.',
  sound: 'sound.tap: frames and packets sent, packets dropped on their way from the audio task.',
  ends: 'The last ten ends of sessions and of tries for one, the oldest first: reason, at_ms, lasted_ms, detail.',
  memory: 'internal and external: free and low (the lowest since the start), in bytes.',
  tasks:
    'Of each task: name, stack_free (bytes never used), cpu_permille (since device.stats was asked before).',
  uptime_ms: 'Since the start.',
  inbox_high: 'The most bytes of events that ever waited for the core.',
} as const;
/** Params of `realtime.event` and `realtime.sent`. Either `event`, or the reason why it is not there. */
export interface RealtimeFrame {
  event?: unknown;
  type?: string;
  bytes?: number;
  /** `too_deep`: nested deeper than the device reads. */
  omitted?: 'too_large' | 'not_json' | 'too_deep';
}
export interface Problem {
  code: string;
  message: string;
  hint?: string;
}
export interface ToolRan {
  name: string;
  call_id: string;
  arguments: unknown;
  output: unknown;
}
/** Params of `tool.call`. */
export interface ToolCall {
  name: string;
  call_id: string;
  arguments: unknown;
  /** After so many ms the device answers the model by itself. */
  timeout_ms: number;
}
/** Params of `sound`. */
export interface Sound {
  from: 'microphone' | 'loudspeaker';
  /** Of the first packet, in samples of 48 kHz since the session began; one packet is 960. */
  at: number;
  packets: (string | null)[];
}
export type Dropped = Record<DropClass, number>;
/** A secret read back: SHA-256 over the bytes of `salt` (hex, 8 bytes, new at each boot) and the value; 4 bytes, hex. */
export interface Fingerprint {
  set: boolean;
  salt: string;
  fingerprint: string;
}
/** Answer of `settings.get`. */
export interface SettingsAnswer {
  values: Record<string, string | number | boolean | Fingerprint>;
}
/** Answer of `settings.commit`. */
export interface CommitAnswer {
  changed: string[];
  /** The strongest effect among the changed settings. */
  effect: 'none' | 'now' | 'session' | 'wifi';
  /** It is in force, but not kept before its network is joined. */
  trial?: true;
  /** Changed settings that the running session does not follow: they hold from the next one on. */
  waits?: string[];
}
