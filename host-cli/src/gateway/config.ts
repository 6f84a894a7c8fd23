/** The session's settings: their schema, defaults, and how `session.update` merges (GA shape, 2026-11). */
import type { RealtimeSessionCreateRequest } from 'openai/resources/realtime/realtime';
import { z } from 'zod';
import { RealtimeError } from './events.ts';

const text = z.string().max(65_536);
const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('audio/pcm'), rate: z.literal(24_000).optional() }),
  z.strictObject({ type: z.literal('audio/pcmu') }),
  z.strictObject({ type: z.literal('audio/pcma') }),
]);
const voice = z.union([text, z.strictObject({ id: text })]);
const turnDetection = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('server_vad'),
    threshold: z.number().min(0).max(1).default(0.5),
    prefix_padding_ms: z.int().min(0).max(5000).default(300),
    silence_duration_ms: z.int().min(0).max(30_000).default(500),
    idle_timeout_ms: z.int().min(5000).max(30_000).nullable().default(null),
    create_response: z.boolean().default(true),
    interrupt_response: z.boolean().default(true),
  }),
  z.strictObject({
    type: z.literal('semantic_vad'),
    eagerness: z.enum(['low', 'medium', 'high', 'auto']).default('auto'),
    create_response: z.boolean().default(true),
    interrupt_response: z.boolean().default(true),
  }),
]);
const transcription = z.strictObject({
  model: text.optional(),
  language: text.optional(),
  prompt: text.optional(),
  delay: z.enum(['minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  keywords: z.array(text).optional(),
  languages: z.array(text).optional(),
});
const tool = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('function'),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'Expected 1 to 64 letters, digits, "_" or "-".'),
    description: text.optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
  }),
  z.looseObject({ type: z.literal('mcp'), server_label: text }),
]);
const toolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.strictObject({ type: z.literal('function'), name: text }),
  z.strictObject({ type: z.literal('mcp'), server_label: text, name: text.nullable().optional() }),
]);
const modalities = z.array(z.enum(['text', 'audio'])).length(1, 'Expected either ["audio"] or ["text"].');
const maxTokens = z.union([z.int().min(1).max(4096), z.literal('inf')]);
const reasoning = z.strictObject({
  effort: z.enum(['minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
});
const prompt = z.looseObject({ id: text }).nullable();

const session = z.strictObject({
  type: z.literal('realtime'),
  model: text.optional(),
  instructions: text.optional(),
  output_modalities: modalities.optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: toolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning: reasoning.optional(),
  max_output_tokens: maxTokens.optional(),
  truncation: z
    .union([z.enum(['auto', 'disabled']), z.looseObject({ type: z.literal('retention_ratio') })])
    .optional(),
  prompt: prompt.optional(),
  tracing: z
    .union([
      z.literal('auto'),
      z.strictObject({
        workflow_name: text.optional(),
        group_id: text.optional(),
        metadata: z.unknown().optional(),
      }),
    ])
    .nullable()
    .optional(),
  include: z
    .array(z.enum(['item.input_audio_transcription.logprobs']))
    .nullable()
    .optional(),
  audio: z
    .strictObject({
      input: z
        .strictObject({
          format: format.optional(),
          noise_reduction: z
            .strictObject({ type: z.enum(['near_field', 'far_field']), strength: z.unknown().optional() })
            .nullable()
            .optional(),
          transcription: transcription.nullable().optional(),
          turn_detection: turnDetection.nullable().optional(),
        })
        .optional(),
      output: z
        .strictObject({
          format: format.optional(),
          voice: voice.optional(),
          speed: z.number().min(0.25).max(1.5).optional(),
        })
        .optional(),
    })
    .optional(),
});

/** `response` of `response.create`; items of `input` are checked by the conversation. */
const response = z.strictObject({
  conversation: z.enum(['auto', 'none']).optional(),
  input: z.array(z.unknown()).optional(),
  instructions: text.optional(),
  output_modalities: modalities.optional(),
  audio: z
    .strictObject({
      output: z.strictObject({ format: format.optional(), voice: voice.optional() }).optional(),
    })
    .optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: toolChoice.optional(),
  max_output_tokens: maxTokens.optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullable().optional(),
  prompt: prompt.optional(),
  reasoning: reasoning.optional(),
  parallel_tool_calls: z.boolean().optional(),
});

export type SessionUpdate = z.infer<typeof session>;
export type ResponseParams = z.infer<typeof response>;
export type TurnDetection = z.infer<typeof turnDetection>;
export type Voice = z.infer<typeof voice>;
type Format = z.infer<typeof format>;

/** The effective settings of a session. Undefined where the server would show nothing. */
export interface SessionConfig {
  model: string | undefined;
  instructions: string;
  output_modalities: ('text' | 'audio')[];
  tools: z.infer<typeof tool>[];
  tool_choice: z.infer<typeof toolChoice>;
  parallel_tool_calls: boolean | undefined;
  reasoning: z.infer<typeof reasoning> | undefined;
  max_output_tokens: number | 'inf';
  truncation: SessionUpdate['truncation'];
  prompt: SessionUpdate['prompt'];
  tracing: SessionUpdate['tracing'];
  include: SessionUpdate['include'];
  input: {
    format: Format;
    noise_reduction: { type: 'near_field' | 'far_field' } | undefined;
    transcription: z.infer<typeof transcription> | undefined;
    turn_detection: TurnDetection | null;
  };
  output: { format: Format; voice: Voice; speed: number };
}

export const DEFAULT_MODEL = 'gpt-realtime-2.1-mini';

/** What a session is before anybody changed it. */
export function defaultConfig(): SessionConfig {
  const pcm = { type: 'audio/pcm', rate: 24_000 } as const;
  return {
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
      turn_detection: turnDetection.parse({ type: 'server_vad' }),
    },
    output: { format: pcm, voice: 'marin', speed: 1 },
  };
}

/** Checks the `session` of session.update, of client_secrets and of the multipart call. Throws RealtimeError. */
export function parseSession(value: unknown): SessionUpdate {
  return check(session, value, 'session');
}

/** Checks the `response` of response.create. Throws RealtimeError. */
export function parseResponse(value: unknown): ResponseParams {
  return check(response, value, 'response');
}

/** A new configuration with the update's fields in it; "", [] and null clear, what is absent stays. */
export function mergeConfig(current: SessionConfig, update: SessionUpdate): SessionConfig {
  const { type: _type, audio, ...top } = update;
  const next: SessionConfig = { ...current, input: { ...current.input }, output: { ...current.output } };
  Object.assign(next, defined(top));
  Object.assign(next.output, defined(audio?.output ?? {}));
  const input = audio?.input ?? {};
  if (input.format) next.input.format = input.format;
  if (input.turn_detection !== undefined) next.input.turn_detection = input.turn_detection;
  if (input.transcription !== undefined) next.input.transcription = input.transcription ?? undefined;
  if (input.noise_reduction !== undefined) next.input.noise_reduction = input.noise_reduction ?? undefined;
  return next;
}

/** The configuration in the shape of the API. */
export function configObject(config: SessionConfig): RealtimeSessionCreateRequest {
  const { input, output, model, tools, truncation, prompt: template, include, ...rest } = config;
  return {
    type: 'realtime',
    ...rest,
    model: model ?? DEFAULT_MODEL,
    // Fields of MCP servers, prompts and token limits pass through unread, as the types of the API have them.
    tools: tools as RealtimeSessionCreateRequest['tools'],
    truncation: truncation as RealtimeSessionCreateRequest['truncation'],
    prompt: template as RealtimeSessionCreateRequest['prompt'],
    include: include ?? undefined,
    audio: { input, output },
  };
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>;
}

/** Parses, and turns the first complaint of zod into the error that the API would send. */
export function check<T>(schema: z.ZodType<T>, value: unknown, root: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const param = [root, ...issue.path].reduce<string>(
    (path, part) =>
      typeof part === 'number' ? `${path}[${part}]` : path === '' ? String(part) : `${path}.${String(part)}`,
    '',
  );
  if (issue.code === 'unrecognized_keys') {
    const name = param === '' ? issue.keys[0]! : `${param}.${issue.keys[0]}`;
    throw new RealtimeError('unknown_parameter', `Unknown parameter: '${name}'.`, name);
  }
  const missing = at(value, issue.path) === undefined;
  if (missing)
    throw new RealtimeError('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
  const code = issue.code === 'invalid_type' ? 'invalid_type' : 'invalid_value';
  throw new RealtimeError(
    code,
    `Invalid value for '${param}': ${issue.message}.`.replace(/\.\.$/, '.'),
    param,
  );
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Record<PropertyKey, unknown>)[key];
  }
  return here;
}
