/** What a setting is: the types of the table in settings.ts. */

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
