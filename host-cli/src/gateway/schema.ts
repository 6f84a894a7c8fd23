/** What a client may say about a session and a response, field by field (GA shape, 2026-11). Unknown fields are errors. */
import { z } from 'zod';
import { RealtimeError } from './events.ts';

const text = z.string().max(65_536);
// The types of the API call `rate` optional; the server has been seen to insist on it.
const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('audio/pcm'), rate: z.literal(24_000) }),
  z.strictObject({ type: z.literal('audio/pcmu') }),
  z.strictObject({ type: z.literal('audio/pcma') }),
]);
const voice = z.union([text, z.strictObject({ id: text })]);
// Defaults are laid under by mergeConfig: what an update leaves out stays as it was.
const turnDetection = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('server_vad'),
    threshold: z.number().min(0).max(1).optional(),
    prefix_padding_ms: z.int().min(0).max(5000).optional(),
    silence_duration_ms: z.int().min(0).max(30_000).optional(),
    idle_timeout_ms: z.int().min(5000).max(30_000).nullable().optional(),
    create_response: z.boolean().optional(),
    interrupt_response: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('semantic_vad'),
    eagerness: z.enum(['low', 'medium', 'high', 'auto']).optional(),
    create_response: z.boolean().optional(),
    interrupt_response: z.boolean().optional(),
  }),
]);
const transcription = z.strictObject({
  model: text.optional(),
  language: text.nullable().optional(),
  prompt: text.nullable().optional(),
  delay: z.enum(['minimal', 'low', 'medium', 'high', 'xhigh']).nullable().optional(),
  keywords: z.array(text).max(1000).nullable().optional(),
  languages: z.array(text).max(100).nullable().optional(),
});
const noiseReduction = z.strictObject({
  type: z.enum(['near_field', 'far_field']),
  strength: z.unknown().optional(),
});
const toolFilter = z.strictObject({
  read_only: z.boolean().optional(),
  tool_names: z.array(text).optional(),
});
const mcpTool = z
  .strictObject({
    type: z.literal('mcp'),
    server_label: z.string().min(1).max(256),
    server_url: text.optional(),
    connector_id: text.optional(),
    tunnel_id: text.optional(),
    server_description: text.optional(),
    authorization: text.optional(),
    headers: z.record(z.string(), text).nullable().optional(),
    allowed_callers: z
      .array(z.enum(['direct', 'programmatic']))
      .nullable()
      .optional(),
    allowed_tools: z
      .union([z.array(text), toolFilter])
      .nullable()
      .optional(),
    require_approval: z
      .union([
        z.enum(['always', 'never']),
        z.strictObject({ always: toolFilter.optional(), never: toolFilter.optional() }),
      ])
      .nullable()
      .optional(),
    defer_loading: z.boolean().optional(),
  })
  .refine((tool) => tool.server_url ?? tool.connector_id ?? tool.tunnel_id, {
    message: 'One of server_url, connector_id or tunnel_id is needed',
  });
const tool = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('function'),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'Expected 1 to 64 letters, digits, "_" or "-".'),
    description: text.nullable().optional(),
    parameters: z.record(z.string(), z.unknown()).nullable().optional(),
    strict: z.boolean().nullable().optional(),
  }),
  mcpTool,
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
const prompt = z
  .strictObject({
    id: z.string().min(1).max(256),
    version: text.nullable().optional(),
    variables: z.record(z.string(), z.unknown()).nullable().optional(),
  })
  .nullable();
const truncation = z.union([
  z.enum(['auto', 'disabled']),
  z.strictObject({
    type: z.literal('retention_ratio'),
    retention_ratio: z.number().min(0).max(1),
    token_limits: z.strictObject({ post_instructions: z.int().min(1).max(128_000).optional() }).optional(),
  }),
]);
const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { message: 'Expected at most 16 pairs' })
  .nullable();
const include = z.array(z.enum(['item.input_audio_transcription.logprobs'])).nullable();

const input = z.strictObject({
  format: format.optional(),
  noise_reduction: noiseReduction.nullable().optional(),
  transcription: transcription.nullable().optional(),
  turn_detection: turnDetection.nullable().optional(),
});
const realtimeSession = z.strictObject({
  type: z.literal('realtime'),
  model: text.optional(),
  instructions: text.optional(),
  output_modalities: modalities.optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: toolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning: reasoning.nullable().optional(),
  max_output_tokens: maxTokens.optional(),
  truncation: truncation.optional(),
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
  include: include.optional(),
  audio: z
    .strictObject({
      input: input.optional(),
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
/** A session that only writes down what it hears. */
const transcriptionSession = z.strictObject({
  type: z.literal('transcription'),
  include: include.optional(),
  audio: z.strictObject({ input: input.optional() }).optional(),
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
  metadata: metadata.optional(),
  prompt: prompt.optional(),
  reasoning: reasoning.optional(),
  parallel_tool_calls: z.boolean().optional(),
});

type Realtime = z.infer<typeof realtimeSession>;
/** A change of a session: the members of both kinds; those of `realtime` are absent in a `transcription` session. */
export type SessionUpdate = Omit<Realtime, 'type'> & { type: 'realtime' | 'transcription' };
export type ResponseParams = z.infer<typeof response>;
export type TurnDetectionUpdate = z.infer<typeof turnDetection>;
export type Transcription = z.infer<typeof transcription>;
export type NoiseReduction = z.infer<typeof noiseReduction>;
export type Reasoning = z.infer<typeof reasoning>;
export type ToolConfig = z.infer<typeof tool>;
export type McpTool = Extract<ToolConfig, { type: 'mcp' }>;
export type ToolChoice = z.infer<typeof toolChoice>;
export type Truncation = z.infer<typeof truncation>;
export type Voice = z.infer<typeof voice>;
export type Format = z.infer<typeof format>;

/** Checks the `session` of session.update, of client_secrets and of the multipart call. Throws RealtimeError. */
export function parseSession(value: unknown): SessionUpdate {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (type === 'transcription') return check(transcriptionSession, value, 'session');
  if (type === undefined || type === 'realtime') return check(realtimeSession, value, 'session');
  throw new RealtimeError(
    'invalid_value',
    `Invalid value: '${String(type).slice(0, 64)}'. Supported values are: 'realtime' and 'transcription'.`,
    'session.type',
  );
}

/** Checks the `response` of response.create. Throws RealtimeError. */
export function parseResponse(value: unknown): ResponseParams {
  return check(response, value, 'response');
}

/** Levels that what a client says may be nested; what is written out again by recursion must not exhaust the stack. */
const MAX_DEPTH = 100;

function deeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeper(inner, levels - 1));
}

/** Parses, and turns the first complaint of zod into the error that the API would send. */
export function check<T>(schema: z.ZodType<T>, value: unknown, root: string): T {
  if (deeper(value, MAX_DEPTH)) {
    throw new RealtimeError(
      'invalid_value',
      `It is nested more than ${MAX_DEPTH} levels deep.`,
      root || null,
    );
  }
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
