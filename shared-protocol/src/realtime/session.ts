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

/**
 * The GA `session` of the device's `session.update` (POST body and events: RealtimeSessionCreateRequest). The
 * device's own writer must give the same JSON value (`golden/session.json`; the order of members is free).
 *
 * - Settings in percent become fractions: hundredths, exactly (turn.threshold 50 -> 0.5; session.speed 100 -> 1).
 * - A text setting that is empty leaves its member out; an empty transcription.model makes transcription null.
 * - What is "none" is null, so that a default of the server does not stand: noise_reduction, transcription,
 *   turn_detection.
 * - session.max_tokens 0 is "inf"; turn.idle 0 leaves idle_timeout_ms out.
 * - tools.enabled off: no tools, and tool_choice "none".
 * - No audio formats: over WebRTC the SDP decides.
 */
export function sessionFromSettings(values: SettingValues): RealtimeSessionCreateRequest {
  const s = allSettings(values);
  return {
    type: 'realtime',
    ...unlessEmpty('model', s['session.model']),
    output_modalities: [s['session.modality']],
    ...unlessEmpty('instructions', s['session.instructions']),
    audio: {
      input: {
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
      },
      output: {
        ...unlessEmpty('voice', s['session.voice']),
        speed: s['session.speed'] / 100,
      },
    },
    tools: s['tools.enabled'] ? toolDefinitions() : [],
    tool_choice: s['tools.enabled'] ? 'auto' : 'none',
    max_output_tokens: s['session.max_tokens'] === 0 ? 'inf' : s['session.max_tokens'],
  };
}

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
