/** The session's settings: their defaults, how `session.update` merges, and how they are shown (GA shape, 2026-11). */
import { RealtimeError, type SessionObject } from './events.ts';
import type {
  Format,
  NoiseReduction,
  Reasoning,
  ResponseParams,
  SessionUpdate,
  ToolChoice,
  ToolConfig,
  Transcription,
  TurnDetectionUpdate,
  Voice,
} from './schema.ts';

export { check, parseResponse, parseSession, type ResponseParams, type SessionUpdate } from './schema.ts';

/** Turn detection with all its numbers. */
export type TurnDetection =
  | Required<Extract<TurnDetectionUpdate, { type: 'server_vad' }>>
  | Required<Extract<TurnDetectionUpdate, { type: 'semantic_vad' }>>;

/** The effective settings of a session. Undefined where the server would show nothing. */
export interface SessionConfig {
  /** `transcription` writes down what it hears and never answers. */
  type: 'realtime' | 'transcription';
  model: string | undefined;
  instructions: string;
  output_modalities: ('text' | 'audio')[];
  tools: ToolConfig[];
  tool_choice: ToolChoice;
  parallel_tool_calls: boolean | undefined;
  reasoning: Reasoning | undefined;
  max_output_tokens: number | 'inf';
  truncation: NonNullable<SessionUpdate['truncation']>;
  prompt: SessionUpdate['prompt'];
  tracing: SessionUpdate['tracing'];
  include: SessionUpdate['include'];
  input: {
    format: Format;
    noise_reduction: NoiseReduction | undefined;
    transcription: Transcription | undefined;
    turn_detection: TurnDetection | null;
  };
  output: { format: Format; voice: Voice; speed: number };
}

export const DEFAULT_MODEL = 'gpt-realtime-2.1-mini';
/** The voices that the API has of its own. */
export const VOICES = [
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
] as const;

const SERVER_VAD = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
} as const;
const SEMANTIC_VAD = {
  type: 'semantic_vad',
  eagerness: 'auto',
  create_response: true,
  interrupt_response: true,
} as const;

/** What a session is before anybody changed it. */
export function defaultConfig(type: SessionConfig['type'] = 'realtime'): SessionConfig {
  const pcm = { type: 'audio/pcm', rate: 24_000 } as const;
  return {
    type,
    model: undefined,
    instructions: '',
    output_modalities: ['audio'],
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: undefined,
    reasoning: undefined,
    max_output_tokens: 'inf',
    truncation: 'auto',
    prompt: null,
    tracing: null,
    include: null,
    input: {
      format: pcm,
      noise_reduction: undefined,
      transcription: undefined,
      turn_detection: { ...SERVER_VAD },
    },
    output: { format: pcm, voice: 'marin', speed: 1 },
  };
}

/**
 * A new configuration with the update's fields in it; "", [] and null clear, what is absent stays. The kind of the
 * session is not changed here.
 */
export function mergeConfig(current: SessionConfig, update: SessionUpdate): SessionConfig {
  const { type: _type, audio, reasoning, ...top } = update;
  const next: SessionConfig = { ...current, input: { ...current.input }, output: { ...current.output } };
  Object.assign(next, defined(top));
  if (reasoning !== undefined) next.reasoning = reasoning ?? undefined;
  Object.assign(next.output, defined(audio?.output ?? {}));
  const input = audio?.input ?? {};
  if (input.format) next.input.format = input.format;
  if (input.turn_detection !== undefined) {
    next.input.turn_detection = detection(current.input.turn_detection, input.turn_detection);
  }
  if (input.transcription !== undefined) {
    const { transcription } = input;
    next.input.transcription = transcription
      ? { ...current.input.transcription, ...defined(transcription) }
      : undefined;
  }
  if (input.noise_reduction !== undefined) next.input.noise_reduction = input.noise_reduction ?? undefined;
  return next;
}

/** Members that the update leaves out stay, where the kind of detection stays; else they are the defaults. */
function detection(current: TurnDetection | null, update: TurnDetectionUpdate | null): TurnDetection | null {
  if (update === null) return null;
  const base =
    current?.type === update.type ? current : update.type === 'server_vad' ? SERVER_VAD : SEMANTIC_VAD;
  return { ...base, ...defined(update) } as TurnDetection;
}

/** The configuration of one response: the session's, with that of `response.create` laid over it. */
export function responseConfig(config: SessionConfig, params: ResponseParams | undefined): SessionConfig {
  if (!params) return config;
  const { audio, conversation: _conversation, input: _input, metadata: _metadata, ...top } = params;
  return {
    ...config,
    ...defined(top),
    output: { ...config.output, ...defined(audio?.output ?? {}) },
  };
}

/** The configuration in the shape of the API, without id and expiry. */
export function configObject(config: SessionConfig): Omit<SessionObject, 'id' | 'expires_at'> {
  const { noise_reduction, transcription, turn_detection, format } = config.input;
  const input = {
    format,
    transcription: transcription ?? null,
    noise_reduction: noise_reduction ?? null,
    turn_detection,
  };
  if (config.type === 'transcription') {
    return {
      type: 'transcription',
      object: 'realtime.transcription_session',
      include: config.include ?? null,
      audio: { input },
    };
  }
  const { parallel_tool_calls, reasoning, model } = config;
  return {
    type: 'realtime',
    object: 'realtime.session',
    model: model ?? DEFAULT_MODEL,
    output_modalities: config.output_modalities,
    instructions: config.instructions,
    tools: config.tools,
    tool_choice: config.tool_choice,
    ...(parallel_tool_calls === undefined ? {} : { parallel_tool_calls }),
    ...(reasoning === undefined ? {} : { reasoning }),
    max_output_tokens: config.max_output_tokens,
    truncation: config.truncation,
    prompt: config.prompt ?? null,
    tracing: config.tracing ?? null,
    include: config.include ?? null,
    audio: { input, output: config.output },
  };
}

/** Throws RealtimeError where the voice is none of the API's own. A voice by id is not known here. */
export function checkVoice(voice: Voice | undefined, param: string): void {
  if (typeof voice !== 'string' || (VOICES as readonly string[]).includes(voice)) return;
  const known = VOICES.map((name) => `'${name}'`).join(', ');
  throw new RealtimeError(
    'invalid_value',
    `Invalid value: '${voice.slice(0, 64)}'. Supported values are: ${known}.`,
    param,
  );
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>;
}
