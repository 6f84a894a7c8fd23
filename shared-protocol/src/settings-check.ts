/**
 * The rules for values of settings, on the host. `firmware/core/settings.c` applies the same rules on the device;
 * `golden/settings.json` holds both to them.
 *
 * In which order: type (SETTING_TYPE), then for texts the outer white space of `word` and `url` is cut off, then
 * length or bounds (SETTING_LIMIT), then all else (SETTING_FORM). No message ever holds the value of a text.
 */
import type { LINK_ERRORS } from './link.ts';
import {
  type NumberSetting,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  type SettingValue,
  type TextSetting,
} from './settings.ts';

export type SettingErrorCode = Extract<keyof typeof LINK_ERRORS, `SETTING_${string}`>;

/** A value that a setting does not take, or a name that is none. */
export class SettingError extends Error {
  readonly code: SettingErrorCode;
  readonly setting: string;
  readonly hint: string;
  constructor(code: SettingErrorCode, setting: string, message: string, hint: string) {
    super(message);
    this.name = 'SettingError';
    this.code = code;
    this.setting = setting;
    this.hint = hint;
  }
}

const encoder = new TextEncoder();

/**
 * Checks one value as `settings.set` takes it and answers it as it is kept. `null` is the default.
 * Throws {@link SettingError}.
 */
export function checkSetting(name: string, value: unknown): SettingValue {
  const setting = find(name);
  if (value === null) return setting.default;
  switch (setting.type) {
    case 'text':
      if (typeof value !== 'string') throw wrongType(name, setting, value);
      return checkText(name, setting, value);
    case 'number':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, setting, value);
      return checkNumber(name, setting, value);
    case 'flag':
      if (typeof value !== 'boolean') throw wrongType(name, setting, value);
      return value;
    case 'choice':
      if (typeof value !== 'string') throw wrongType(name, setting, value);
      if (!setting.choices.includes(value))
        throw new SettingError(
          'SETTING_FORM',
          name,
          `${name} has no such choice`,
          `It is ${describe(setting)}.${didYouMean(closest(value, setting.choices))}`,
        );
      return value;
  }
}

const YES = ['on', 'true', 'yes', '1'];
const NO = ['off', 'false', 'no', '0'];

/**
 * Reads a value as people write it on a command line, in a file or in the environment, and checks it.
 * Numbers are decimal; flags on/off, true/false, yes/no, 1/0. Line breaks at the end of a text (of a file, of
 * `echo`) are cut off; in texts of lines CR LF becomes LF and a tab a space; the scheme of a URL may be in capitals.
 * Throws {@link SettingError}.
 */
export function parseSetting(name: string, text: string): SettingValue {
  const setting = find(name);
  if (setting.type === 'text') {
    let value = text.replace(/[\r\n]+$/, '');
    if (setting.form === 'lines') value = value.replaceAll('\r\n', '\n').replaceAll('\t', ' ');
    if (setting.form === 'url')
      value = value.replace(/^\s*https?:\/\//i, (scheme) => scheme.trim().toLowerCase());
    return checkSetting(name, value);
  }
  const word = text.trim();
  if (setting.type === 'number')
    return checkSetting(name, /^[+-]?\d{1,15}$/.test(word) ? Number(word) : text);
  if (setting.type === 'flag') {
    const lower = word.toLowerCase();
    return checkSetting(name, YES.includes(lower) ? true : NO.includes(lower) ? false : text);
  }
  return checkSetting(name, word);
}

/** The name that was probably meant, or undefined where none is near. */
export function closestSetting(name: string): SettingName | undefined {
  return closest(name, SETTING_NAMES);
}

/** What a setting takes, in words: "0 to 100 %". */
export function describeSetting(name: SettingName): string {
  return describe(SETTINGS[name]);
}

function find(name: string): Setting {
  if (Object.hasOwn(SETTINGS, name)) return SETTINGS[name as SettingName];
  const near = closestSetting(name);
  throw new SettingError(
    'SETTING_UNKNOWN',
    name,
    `there is no setting ${JSON.stringify(name)}`,
    near ? `Did you mean ${near}?` : 'The names are in docs/reference.md.',
  );
}

function describe(setting: Setting): string {
  switch (setting.type) {
    case 'text':
      return `a text of at most ${setting.max} bytes`;
    case 'number':
      return setting.zeroOr
        ? `0, or ${setting.zeroOr} to ${setting.max} ${setting.unit}`
        : `a whole number from ${setting.min} to ${setting.max} (${setting.unit})`;
    case 'flag':
      return 'on or off';
    case 'choice':
      return `one of ${setting.choices.join(', ')}`;
  }
}

function wrongType(name: string, setting: Setting, value: unknown): SettingError {
  const got = Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  const fraction = typeof value === 'number' && setting.type === 'number';
  return new SettingError(
    'SETTING_TYPE',
    name,
    `${name} does not take ${fraction ? 'a fraction' : typeof value === 'string' ? 'this text' : got}`,
    `It is ${describe(setting)}.`,
  );
}

function checkNumber(name: string, setting: NumberSetting, value: number): number {
  if (value < setting.min || value > setting.max)
    throw new SettingError(
      'SETTING_LIMIT',
      name,
      `${name} is ${value}, outside its bounds`,
      `It is ${describe(setting)}.`,
    );
  if (setting.zeroOr && value !== 0 && value < setting.zeroOr)
    throw new SettingError('SETTING_FORM', name, `${name} cannot be ${value}`, `It is ${describe(setting)}.`);
  return value === 0 ? 0 : value; // no -0
}

function checkText(name: string, setting: TextSetting, given: string): string {
  const { form } = setting;
  const refuse = (what: string, hint: string) =>
    new SettingError('SETTING_FORM', name, `${name} ${what}`, hint);
  let value = given;
  if (form === 'word' || form === 'url' || form === 'pin' || form === 'query')
    value = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  if (form === 'url') value = value.replace(/\/+$/, '');
  if (/\p{Surrogate}/u.test(value)) throw refuse('is not Unicode text', 'Half of a surrogate pair is in it.');
  const bytes = encoder.encode(value).length;
  if (bytes > setting.max)
    throw new SettingError(
      'SETTING_LIMIT',
      name,
      `${name} has ${bytes} bytes, ${bytes - setting.max} too many`,
      `At most ${setting.max} bytes in UTF-8 have room.`,
    );
  if (form === 'word' || form === 'url' || form === 'query') {
    if (!/^[\x21-\x7e]*$/.test(value))
      throw refuse('holds white space or a character outside ASCII', 'Copy it again, without line breaks.');
  } else if (form === 'lines') {
    if (/[\0-\x09\x0b-\x1f\x7f]/.test(value))
      throw refuse('holds a control character', 'Only line breaks (LF) are allowed.');
  } else if (/[\0-\x1f\x7f]/.test(value)) {
    throw refuse('holds a control character', 'Line breaks, tabs and NUL are not allowed here.');
  }
  if (form === 'url') {
    const wrong = urlFault(value);
    if (wrong) throw refuse(wrong[0], wrong[1]);
  }
  if (form === 'query') {
    const wrong = queryFault(value);
    if (wrong) throw refuse(wrong[0], wrong[1]);
  }
  if (form === 'pin' && !/^([0-9a-fA-F]{64})?$/.test(value))
    throw refuse('is not a pin', 'A pin is 64 hex digits, as `tincan gateway --tls` prints it.');
  if (form === 'passphrase' && bytes !== 0) {
    if (bytes < 8)
      throw refuse('is too short', 'A WPA passphrase has 8 to 63 characters; empty is an open network.');
    if (bytes === 64 && !/^[0-9a-fA-F]{64}$/.test(value))
      throw refuse(
        'has 64 characters, but is not a key',
        'A key is 64 hex digits; a passphrase has at most 63.',
      );
  }
  return value;
}

/**
 * What is wrong with a URL, and the hint; undefined where it is good. Good is
 * `https://host[:port][/path]`, `http` only where host is localhost, 127.x.x.x or [::1]; host is a name of letters,
 * digits, '-', '_' and '.', or an IPv6 address in brackets; port 1 to 65535; no '?', '#' or '\'.
 */
function urlFault(url: string): [string, string] | undefined {
  const parts = /^(https?):\/\/([^/]*)(\/.*)?$/.exec(url);
  if (!parts) return ['is not an absolute URL', 'It begins with https:// and a host.'];
  const [, scheme, authority = '', path = ''] = parts;
  if (authority.includes('@')) return ['holds a user name or password', 'Put the token into server.token.'];
  if (/[?#\\]/.test(authority + path))
    return ['holds a "?", "#" or "\\"', 'Put what follows "?" into server.query.'];
  const place = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(authority);
  if (!place) return ['has no usable host', 'It looks like https://host:port/path.'];
  const [, host = '', port] = place;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    return ['has an impossible port', 'Ports are 1 to 65535.'];
  if (scheme === 'http' && !isLoopback(host))
    return [
      'would send the token in the clear',
      'Use https; http is only for localhost, 127.0.0.1 and [::1].',
    ];
  return undefined;
}

/** What a parameter's name ends with that holds a key. */
const KEY_NAMES = ['key', 'token', 'sig', 'signature', 'secret', 'password', 'authorization'];
/** What the keys of OpenAI, of its ephemeral secrets, and of our gateway begin with. */
const KEY_BEGINS = ['sk-', 'ek_', 'tc_'];

/** What is wrong with a query, and the hint; undefined where it is good. Names count without regard to case. */
function queryFault(query: string): [string, string] | undefined {
  if (/^[?&]|[#\\]/.test(query))
    return ['is not what follows "?" in a URL', 'For example model=NAME, without the "?".'];
  for (const pair of query.split('&')) {
    const [name = '', value = ''] = pair.split('=', 2);
    const small = name.toLowerCase();
    if (KEY_NAMES.some((end) => small.endsWith(end)) || KEY_BEGINS.some((begin) => value.startsWith(begin)))
      return [
        'looks as if it held a key, and URLs are logged wherever they pass',
        'Put the key into server.token; server.auth says how it is sent.',
      ];
  }
  return undefined;
}

/** 127.0.0.0/8 written with four numbers (RFC 6890), ::1, or localhost (RFC 6761). */
function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '[::1]') return true;
  const four = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  return four?.slice(1).every((part) => Number(part) <= 255) ?? false;
}

function didYouMean(word: string | undefined): string {
  return word === undefined ? '' : ` Did you mean ${word}?`;
}

/** The nearest word by edits, if at most a third of it differs. */
function closest<Word extends string>(word: string, words: readonly Word[]): Word | undefined {
  const given = word.slice(0, 64).toLowerCase();
  let best: Word | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of words) {
    const last = candidate.split('.').at(-1);
    const edits = given === last ? 1 : distance(given, candidate);
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best !== undefined && least <= Math.max(1, Math.floor(best.length / 3)) ? best : undefined;
}

/** Levenshtein distance, a swap of neighbours counted as one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
