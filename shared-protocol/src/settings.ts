/**
 * Every setting of the device, declared once. From this table come the CLI's validation and prompts, the NVS
 * entries of an image written offline, the `settings.set` call, the C struct with its loader, defaults and
 * redaction list, and the table in the docs.
 *
 * NVS keys are a persistent interface: a released key is never renamed and never changes its type.
 */

/** What may happen to a running device when a setting changes: nothing, a new session, or joining Wi-Fi again. */
export type Effect = 'now' | 'session' | 'wifi';

interface Common {
  /** Key in the NVS namespace `tincan`, at most 15 characters. */
  readonly key: string;
  /** Never shown, never logged; read back as a salted fingerprint only. */
  readonly secret?: boolean;
  readonly effect: Effect;
  readonly help: string;
}
export interface TextSetting extends Common {
  readonly type: 'text';
  /** Longest value in UTF-8 bytes, without the terminating NUL. */
  readonly max: number;
  readonly default: string;
  /**
   * `word`: printable ASCII, no white space inside; `url`: an absolute https URL (http only to a loopback host);
   * `lines`: may hold line breaks; `passphrase`: empty, 8 to 63 bytes, or 64 hex digits (WPA);
   * `pin`: empty, or 64 hex digits (SHA-256); `query`: what follows the "?" of a URL, without keys: URLs are shown.
   */
  readonly form?: 'word' | 'url' | 'lines' | 'passphrase' | 'pin' | 'query';
  /** The device cannot work while this is empty. */
  readonly required?: boolean;
}
export interface NumberSetting extends Common {
  readonly type: 'number';
  /** How wide it is in NVS and in the C struct. */
  readonly width: 'u8' | 'u16' | 'u32';
  readonly min: number;
  readonly max: number;
  /** 0, or at least this. */
  readonly zeroOr?: number;
  readonly default: number;
  readonly unit: string;
}
export interface FlagSetting extends Common {
  readonly type: 'flag';
  readonly default: boolean;
}
export interface ChoiceSetting extends Common {
  readonly type: 'choice';
  /** Stored as u8: the index in this list. Append only. */
  readonly choices: readonly string[];
  readonly default: string;
}
export type Setting = TextSetting | NumberSetting | FlagSetting | ChoiceSetting;
export type SettingValue = string | number | boolean;

/** NVS namespace of all settings. */
export const SETTINGS_NAMESPACE = 'tincan';

export const SETTINGS = {
  'wifi.ssid': {
    type: 'text',
    key: 'wifi_ssid',
    max: 32,
    default: '',
    required: true,
    effect: 'wifi',
    help: 'Name of the Wi-Fi network to join.',
  },
  'wifi.password': {
    type: 'text',
    key: 'wifi_pass',
    max: 64,
    default: '',
    secret: true,
    form: 'passphrase',
    effect: 'wifi',
    help: 'Passphrase of the network (8 to 63 characters, or 64 hex digits); empty for an open one.',
  },
  'wifi2.ssid': {
    type: 'text',
    key: 'wifi2_ssid',
    max: 32,
    default: '',
    effect: 'wifi',
    help: 'Name of a second network, tried where those before it cannot be joined; empty for none.',
  },
  'wifi2.password': {
    type: 'text',
    key: 'wifi2_pass',
    max: 64,
    default: '',
    secret: true,
    form: 'passphrase',
    effect: 'wifi',
    help: 'Passphrase of the second network; empty for an open one.',
  },
  'wifi3.ssid': {
    type: 'text',
    key: 'wifi3_ssid',
    max: 32,
    default: '',
    effect: 'wifi',
    help: 'Name of a third network, tried where those before it cannot be joined; empty for none.',
  },
  'wifi3.password': {
    type: 'text',
    key: 'wifi3_pass',
    max: 64,
    default: '',
    secret: true,
    form: 'passphrase',
    effect: 'wifi',
    help: 'Passphrase of the third network; empty for an open one.',
  },
  'server.url': {
    type: 'text',
    key: 'srv_url',
    max: 255,
    form: 'url',
    effect: 'session',
    default: 'https://api.openai.com/v1/realtime/calls',
    help: 'Where the SDP offer is posted.',
  },
  'server.auth': {
    type: 'choice',
    key: 'srv_auth',
    choices: ['bearer', 'api-key'],
    default: 'bearer',
    effect: 'session',
    help: 'How the token is sent: "Authorization: Bearer" (OpenAI) or "api-key" (Azure).',
  },
  'server.token': {
    type: 'text',
    key: 'srv_token',
    max: 2047,
    default: '',
    secret: true,
    required: true,
    form: 'word',
    effect: 'session',
    help: 'Ephemeral secret, or the token that a gateway gave to this device. Not an sk- key.',
  },
  'server.token_expires': {
    type: 'number',
    key: 'srv_tok_exp',
    width: 'u32',
    min: 0,
    max: 4_294_967_295,
    default: 0,
    unit: 's since 1970',
    effect: 'now',
    help: 'When the token ends, so that the device need not ask with a dead one; 0 for unknown. A new server.token alone sets it back to 0.',
  },
  'server.pin': {
    type: 'text',
    key: 'srv_pin',
    max: 64,
    default: '',
    form: 'pin',
    effect: 'session',
    help: "SHA-256 of the server's public key (DER SubjectPublicKeyInfo) in hex: only this key is accepted, and no certificate is asked for; empty to verify the certificate.",
  },
  'server.query': {
    type: 'text',
    key: 'srv_query',
    max: 127,
    default: '',
    form: 'query',
    effect: 'session',
    help: 'Added to the URL after "?", for servers that want a model there. No key: that is server.token.',
  },
  'server.body': {
    type: 'choice',
    key: 'srv_body',
    choices: ['sdp', 'session'],
    default: 'sdp',
    effect: 'session',
    help: 'What is posted: the SDP offer alone (the session, with its model, was fixed when the secret was made), or offer and session together (multipart), as a standard key or an Azure key wants it.',
  },
  'server.label': {
    type: 'text',
    key: 'srv_label',
    max: 32,
    default: 'oai-events',
    form: 'word',
    effect: 'session',
    help: 'Label of the data channel.',
  },
  'session.model': {
    type: 'text',
    key: 'model',
    max: 64,
    default: 'gpt-realtime-2.1-mini',
    form: 'word',
    effect: 'session',
    help: 'Model to ask for where server.body is session (on Azure the name of the deployment). Else the token or server.query has chosen it; a running session never changes it.',
  },
  'session.voice': {
    type: 'text',
    key: 'voice',
    max: 32,
    default: 'marin',
    form: 'word',
    effect: 'session',
    help: 'Voice of the answers. A session that has spoken keeps its voice; a new one holds from the next on.',
  },
  'session.speed': {
    type: 'number',
    key: 'speed',
    width: 'u8',
    min: 25,
    max: 150,
    default: 100,
    unit: '%',
    effect: 'session',
    help: 'Speed of the voice; it changes between two answers.',
  },
  'session.instructions': {
    type: 'text',
    key: 'instructions',
    max: 3000,
    form: 'lines',
    effect: 'session',
    default: 'You are a friendly voice assistant in a small device. Answer in one or two short sentences.',
    help: 'What the model is told about itself.',
  },
  'session.greeting': {
    type: 'text',
    key: 'greeting',
    max: 500,
    default: 'Greet the person briefly.',
    form: 'lines',
    effect: 'session',
    help: 'Instruction for the first words of a session; empty for none.',
  },
  'session.goodbye': {
    type: 'text',
    key: 'goodbye',
    max: 500,
    default: 'Say goodbye in one short sentence.',
    form: 'lines',
    effect: 'session',
    help: 'Instruction for the last words, when the model ends the session; empty for none.',
  },
  'session.modality': {
    type: 'choice',
    key: 'modality',
    choices: ['audio', 'text'],
    default: 'audio',
    effect: 'session',
    help: 'What the model answers with.',
  },
  'session.max_tokens': {
    type: 'number',
    key: 'max_tokens',
    width: 'u16',
    min: 0,
    max: 4096,
    default: 0,
    unit: 'tokens',
    effect: 'session',
    help: 'Longest answer; 0 for no limit.',
  },
  'session.tool_choice': {
    type: 'text',
    key: 'tool_choice',
    max: 64,
    default: 'auto',
    form: 'word',
    effect: 'session',
    help: 'Whether the model calls tools: auto, none, required, or the name of the one that it must call (auto while no such tool is offered). What came of a call is said in any case.',
  },
  'session.reasoning': {
    type: 'choice',
    key: 'reasoning',
    choices: ['default', 'minimal', 'low', 'medium', 'high', 'xhigh'],
    default: 'default',
    effect: 'session',
    help: 'How much the model thinks before it answers; default leaves it to the server, and is what models without reasoning take.',
  },
  'session.prompt': {
    type: 'text',
    key: 'prompt',
    max: 64,
    default: '',
    form: 'word',
    effect: 'session',
    help: 'Id of a prompt that is kept at the server (pmpt_…); empty for none.',
  },
  'session.truncation': {
    type: 'choice',
    key: 'truncation',
    choices: ['auto', 'disabled', 'retention_ratio'],
    default: 'auto',
    effect: 'session',
    help: 'What the server does with a conversation that is too long for the model.',
  },
  'session.retention': {
    type: 'number',
    key: 'retention',
    width: 'u8',
    min: 0,
    max: 100,
    default: 80,
    unit: '%',
    effect: 'session',
    help: 'retention_ratio: how much of the conversation is kept when it is cut.',
  },
  'session.context_tokens': {
    type: 'number',
    key: 'ctx_tokens',
    width: 'u32',
    min: 0,
    max: 128_000,
    default: 0,
    unit: 'tokens',
    effect: 'session',
    help: 'retention_ratio: longest conversation after the instructions; 0 for what the model can take.',
  },
  'session.history': {
    type: 'number',
    key: 'history',
    width: 'u8',
    min: 0,
    max: 32,
    default: 16,
    unit: 'turns',
    effect: 'now',
    help: 'How much of the conversation is given back to the server after a reconnect; 0 for nothing.',
  },
  'session.renew': {
    type: 'number',
    key: 'renew',
    width: 'u8',
    min: 1,
    max: 59,
    default: 55,
    unit: 'min',
    effect: 'now',
    help: 'From this age on a session is renewed in the next pause; the server ends it at 60 minutes.',
  },
  'turn.detection': {
    type: 'choice',
    key: 'turn',
    choices: ['server_vad', 'semantic_vad', 'none'],
    default: 'server_vad',
    effect: 'session',
    help: 'Who decides that the person has finished; none is push-to-talk.',
  },
  'turn.threshold': {
    type: 'number',
    key: 'vad_threshold',
    width: 'u8',
    min: 0,
    max: 100,
    default: 50,
    unit: '%',
    effect: 'session',
    help: 'server_vad: how loud speech must be.',
  },
  'turn.prefix': {
    type: 'number',
    key: 'vad_prefix',
    width: 'u16',
    min: 0,
    max: 5000,
    default: 300,
    unit: 'ms',
    effect: 'session',
    help: 'server_vad: sound kept from before the speech began.',
  },
  'turn.silence': {
    type: 'number',
    key: 'vad_silence',
    width: 'u16',
    min: 100,
    max: 5000,
    default: 500,
    unit: 'ms',
    effect: 'session',
    help: 'server_vad: silence that ends a turn.',
  },
  'turn.idle': {
    type: 'number',
    key: 'vad_idle',
    width: 'u16',
    min: 0,
    max: 30000,
    zeroOr: 5000,
    default: 0,
    unit: 'ms',
    effect: 'session',
    help: 'server_vad: prompt the person after this much silence; 0 for never, else 5000 or more. Prompts that nobody answers do not keep the session from ending at device.idle_limit.',
  },
  'turn.eagerness': {
    type: 'choice',
    key: 'vad_eager',
    choices: ['auto', 'low', 'medium', 'high'],
    default: 'auto',
    effect: 'session',
    help: 'semantic_vad: how soon it answers.',
  },
  'turn.respond': {
    type: 'flag',
    key: 'vad_respond',
    default: true,
    effect: 'session',
    help: 'Answer by itself when a turn ends, with push-to-talk when the button comes up; off: the host asks for each answer (`tincan send`).',
  },
  'turn.interrupt': {
    type: 'flag',
    key: 'vad_interrupt',
    default: true,
    effect: 'session',
    help: 'Speech interrupts an answer.',
  },
  'transcription.model': {
    type: 'text',
    key: 'tr_model',
    max: 64,
    default: 'gpt-transcribe',
    form: 'word',
    effect: 'session',
    help: 'Model that writes down what the person says; empty for none.',
  },
  'transcription.language': {
    type: 'text',
    key: 'tr_language',
    max: 8,
    default: '',
    form: 'word',
    effect: 'session',
    help: 'Language of the person (ISO 639-1), if known.',
  },
  'transcription.prompt': {
    type: 'text',
    key: 'tr_prompt',
    max: 255,
    default: '',
    form: 'lines',
    effect: 'session',
    help: 'Words that the transcription should expect.',
  },
  'audio.noise_reduction': {
    type: 'choice',
    key: 'noise',
    choices: ['none', 'near_field', 'far_field'],
    default: 'none',
    effect: 'session',
    help: 'Noise reduction at the server.',
  },
  'audio.volume': {
    type: 'number',
    key: 'volume',
    width: 'u8',
    min: 0,
    max: 100,
    default: 70,
    unit: '%',
    effect: 'now',
    help: 'Loudness of the loudspeaker.',
  },
  'tools.enabled': {
    type: 'flag',
    key: 'tools',
    default: true,
    effect: 'session',
    help: 'Offer the device tools (light, volume, end of session) to the model; those that the host serves are offered in any case.',
  },
  'device.name': {
    type: 'text',
    key: 'name',
    max: 32,
    default: 'tincan',
    effect: 'now',
    help: 'Name of the device, to tell several apart.',
  },
  'device.autostart': {
    type: 'flag',
    key: 'autostart',
    default: false,
    effect: 'now',
    help: 'Start a session as soon as the network is there, and go on trying where it fails.',
  },
  'device.wake': {
    type: 'choice',
    key: 'wake',
    choices: ['button', 'voice'],
    default: 'button',
    effect: 'now',
    help: 'What starts a session: the button (and the host), or also a voice; then the microphone is on while the device is ready.',
  },
  'device.idle_limit': {
    type: 'number',
    key: 'idle_limit',
    width: 'u16',
    min: 0,
    max: 3600,
    default: 120,
    unit: 's',
    effect: 'now',
    help: 'End a session after this long without a word; 0 for never.',
  },
  'budget.minutes': {
    type: 'number',
    key: 'budget_min',
    width: 'u16',
    min: 0,
    max: 1440,
    default: 0,
    unit: 'min',
    effect: 'now',
    help: 'Longest conversation, renewals included; then the device says goodbye. 0 for no limit.',
  },
  'budget.cents': {
    type: 'number',
    key: 'budget_cents',
    width: 'u16',
    min: 0,
    max: 65_535,
    default: 0,
    unit: 'US cents',
    effect: 'now',
    help: 'Dearest conversation, estimated from its usage and the list prices of the model; then the device says goodbye. 0 for no limit.',
  },
  'device.log_level': {
    type: 'choice',
    key: 'log_level',
    choices: ['error', 'warn', 'info', 'debug'],
    default: 'info',
    effect: 'now',
    help: 'How much the device logs.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
