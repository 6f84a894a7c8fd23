import type { RealtimeSessionCreateRequest } from 'openai/resources/realtime/realtime';
import { SETTING_NAMES, SETTINGS, type SettingName, type SettingValue } from '../settings.ts';
import { checkSetting } from '../settings-check.ts';
import { toolDefinitions } from './tools-json.ts';

type Audio = NonNullable<RealtimeSessionCreateRequest['audio']>;
type Input = NonNullable<Audio['input']>;

/** Some settings; those not named have their defaults. */
export type SettingValues = Partial<Record<SettingName, SettingValue>>;

/** Type of the value of one setting: choices as their words. */
type ValueOf<Name extends SettingName> = (typeof SETTINGS)[Name] extends { choices: readonly (infer Word)[] }
  ? Word
  : (typeof SETTINGS)[Name]['type'] extends 'text'
    ? string
    : (typeof SETTINGS)[Name]['type'] extends 'number'
      ? number
      : boolean;
export type AllSettings = { [Name in SettingName]: ValueOf<Name> };

/** All settings: the given ones, checked, over the defaults. Throws SettingError. */
export function allSettings(values: SettingValues): AllSettings {
  const all: Record<string, SettingValue> = {};
  for (const name of SETTING_NAMES) all[name] = SETTINGS[name].default;
  for (const [name, value] of Object.entries(values)) all[name] = checkSetting(name, value);
  return all as AllSettings;
}

/** A member that is left out where its text is empty. */
const unlessEmpty = <Key extends string>(key: Key, text: string) =>
  (text === '' ? {} : { [key]: text }) as Partial<Record<Key, string>>;

/** A tool that the host serves, as `session.tools` holds it. */
export interface ServedTool {
  type: 'function';
  name: string;
  description?: string;
  parameters?: Record<string, unknown>;
}

type Session = RealtimeSessionCreateRequest;
type Output = NonNullable<Audio['output']>;

/**
 * The GA session that the device posts with its offer where server.body is "session" (RealtimeSessionCreateRequest).
 * The device's own writer must give the same JSON value (`golden/session.json`; the order of members is free).
 *
 * - Settings in percent become fractions: hundredths, exactly (turn.threshold 50 -> 0.5; session.speed 100 -> 1).
 * - A text setting that is empty leaves its member out; an empty transcription.model makes transcription null.
 * - What is "none" is null, so that a default of the server does not stand: noise_reduction, transcription,
 *   turn_detection.
 * - session.max_tokens 0 is "inf"; turn.idle 0 leaves idle_timeout_ms out; session.reasoning "default" leaves
 *   reasoning out; session.context_tokens 0 leaves token_limits out.
 * - tools.enabled off: no tools of the device. Those that the host serves are offered in any case.
 * - tool_choice is "none" where no tool is offered, and "auto" where session.tool_choice names one that is not.
 * - No audio formats: over WebRTC the SDP decides.
 */
export function sessionFromSettings(values: SettingValues, served: readonly ServedTool[] = []): Session {
  const s = allSettings(values);
  return {
    type: 'realtime',
    ...unlessEmpty('model', s['session.model']),
    ...unlessEmpty('instructions', s['session.instructions']),
    ...topOf(s, served),
    ...(s['session.prompt'] === '' ? {} : { prompt: { id: s['session.prompt'] } }),
    audio: {
      input: inputOf(s),
      output: { ...unlessEmpty('voice', s['session.voice']), speed: s['session.speed'] / 100 },
    },
  };
}

/**
 * The session of the device's first `session.update`: all of it but the model. That is fixed before the call, by the
 * secret, the query or the posted session, and the API refuses an update as a whole that names another
 * (`cannot_update_model`).
 */
export function sessionUpdate(values: SettingValues, served: readonly ServedTool[] = []): Session {
  const { model: _, ...session } = sessionFromSettings(values, served);
  return session;
}

/** Top-level members that are cleared by no empty value. */
function topOf(s: AllSettings, served: readonly ServedTool[]) {
  const tools = [...(s['tools.enabled'] ? toolDefinitions() : []), ...served];
  const effort = s['session.reasoning'];
  return {
    output_modalities: [s['session.modality']],
    max_output_tokens: s['session.max_tokens'] === 0 ? ('inf' as const) : s['session.max_tokens'],
    tools,
    tool_choice: toolChoice(
      s['session.tool_choice'],
      tools.map(({ name }) => name),
    ),
    ...(effort === 'default' ? {} : { reasoning: { effort } }),
    truncation: truncation(s),
  } satisfies Partial<Session>;
}

function toolChoice(wanted: string, offered: readonly string[]): NonNullable<Session['tool_choice']> {
  if (offered.length === 0) return 'none';
  if (wanted === 'auto' || wanted === 'none' || wanted === 'required') return wanted;
  return offered.includes(wanted) ? { type: 'function', name: wanted } : 'auto';
}

function truncation(s: AllSettings): NonNullable<Session['truncation']> {
  const kind = s['session.truncation'];
  if (kind !== 'retention_ratio') return kind;
  const limit = s['session.context_tokens'];
  return {
    type: kind,
    retention_ratio: s['session.retention'] / 100,
    ...(limit === 0 ? {} : { token_limits: { post_instructions: limit } }),
  };
}

function inputOf(s: AllSettings) {
  return {
    noise_reduction:
      s['audio.noise_reduction'] === 'none'
        ? // The types lack the null that the API takes (its field reads "can be set to null to turn off").
          (null as unknown as Input['noise_reduction'])
        : { type: s['audio.noise_reduction'] },
    transcription:
      s['transcription.model'] === ''
        ? (null as unknown as Input['transcription'])
        : {
            model: s['transcription.model'],
            ...unlessEmpty('language', s['transcription.language']),
            ...unlessEmpty('prompt', s['transcription.prompt']),
          },
    turn_detection: turnDetection(s),
  } satisfies Input;
}

/** What a change of the settings means for a running session. */
export interface SessionChange {
  /** What `session.update` holds; undefined where nothing is to be said. */
  session?: Session;
  /** Settings whose new value holds for the next session only. */
  waits: SettingName[];
}

/**
 * What a running session is told when its settings, or the tools that the host serves, change: the members that are
 * another now, each as a whole, as the API replaces them. `""` clears the instructions, null the prompt. The model
 * waits, and so does the voice once the session has spoken, or where none is named; "default" of session.reasoning
 * has no value that could be sent.
 */
export function sessionChange(
  from: SettingValues,
  to: SettingValues,
  tools: { from?: readonly ServedTool[]; to?: readonly ServedTool[]; spoken?: boolean } = {},
): SessionChange {
  const before = allSettings(from);
  const after = allSettings(to);
  const top = differing(clearedTop(before, tools.from ?? []), clearedTop(after, tools.to ?? []));
  const input = differing(inputOf(before), inputOf(after));
  const output: Output = {};
  const waits: SettingName[] = [];
  if (before['session.model'] !== after['session.model']) waits.push('session.model');
  if (before['session.voice'] !== after['session.voice']) {
    if (tools.spoken || after['session.voice'] === '') waits.push('session.voice');
    else output.voice = after['session.voice'];
  }
  if (before['session.speed'] !== after['session.speed']) output.speed = after['session.speed'] / 100;
  if (before['session.reasoning'] !== after['session.reasoning'] && after['session.reasoning'] === 'default')
    waits.push('session.reasoning');
  const audio = { ...unlessNone('input', input), ...unlessNone('output', output) };
  const session = { ...top, ...unlessNone('audio', audio) };
  if (Object.keys(session).length === 0) return { waits };
  return { session: { type: 'realtime', ...session }, waits };
}

function clearedTop(s: AllSettings, served: readonly ServedTool[]) {
  return {
    ...topOf(s, served),
    instructions: s['session.instructions'],
    prompt: s['session.prompt'] === '' ? null : { id: s['session.prompt'] },
  } satisfies Partial<Session>;
}

/** The members of `after` that `before` does not have with the same value. */
function differing<Shape extends object>(before: Shape, after: Shape): Partial<Shape> {
  return Object.fromEntries(
    Object.entries(after).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof Shape]),
    ),
  ) as Partial<Shape>;
}

const unlessNone = <Key extends string, Value extends object>(key: Key, value: Value) =>
  (Object.keys(value).length === 0 ? {} : { [key]: value }) as Partial<Record<Key, Value>>;

function turnDetection(s: AllSettings): Input['turn_detection'] {
  const answers = { create_response: s['turn.respond'], interrupt_response: s['turn.interrupt'] };
  switch (s['turn.detection']) {
    case 'none':
      return null;
    case 'semantic_vad':
      return { type: 'semantic_vad', eagerness: s['turn.eagerness'], ...answers };
    case 'server_vad':
      return {
        type: 'server_vad',
        threshold: s['turn.threshold'] / 100,
        prefix_padding_ms: s['turn.prefix'],
        silence_duration_ms: s['turn.silence'],
        ...(s['turn.idle'] === 0 ? {} : { idle_timeout_ms: s['turn.idle'] }),
        ...answers,
      };
  }
}
