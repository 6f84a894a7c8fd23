import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.ts';
import { SETTING_NAMES, SETTINGS, type Setting } from './settings.ts';
import {
  checkSetting,
  closestSetting,
  describeSetting,
  parseSetting,
  SettingError,
} from './settings-check.ts';

interface Vector {
  name: string;
  value: unknown;
  result: string;
  kept?: unknown;
}

function outcome(run: () => unknown): { result: string; kept?: unknown; error?: SettingError } {
  try {
    return { result: 'ok', kept: run() };
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return { result: error.code, error };
  }
}

describe('the table of settings', () => {
  it('has NVS keys that fit and differ', () => {
    const keys = SETTING_NAMES.map((name) => SETTINGS[name].key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[a-z0-9_]{1,15}$/);
  });

  it('has defaults that pass its own rules', () => {
    for (const name of SETTING_NAMES)
      expect(checkSetting(name, SETTINGS[name].default)).toBe(SETTINGS[name].default);
  });

  it('has bounds that fit the width', () => {
    for (const name of SETTING_NAMES) {
      const setting: Setting = SETTINGS[name];
      if (setting.type !== 'number') continue;
      expect(setting.min, name).toBeGreaterThanOrEqual(0);
      expect(setting.max, name).toBeLessThan(2 ** { u8: 8, u16: 16, u32: 32 }[setting.width]);
    }
  });
});

describe('checkSetting', () => {
  const { values } = readGolden<{ values: Vector[] }>('settings.json');
  it.each(values.map((vector) => [vector.name, JSON.stringify(vector.value).slice(0, 60), vector] as const))(
    '%s = %s',
    (_name, _value, vector) => {
      const { result, kept } = outcome(() => checkSetting(vector.name, vector.value));
      expect(result).toBe(vector.result);
      if (vector.result === 'ok') expect(kept).toBe('kept' in vector ? vector.kept : vector.value);
    },
  );

  it('is settled: what it answers, it takes again', () => {
    for (const { name, value, result } of values)
      if (result === 'ok') {
        const kept = checkSetting(name, value);
        expect(checkSetting(name, kept)).toBe(kept);
      }
  });

  it('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 7n, Symbol('x'), () => 7])
      expect(outcome(() => checkSetting('audio.volume', value)).result).toBe('SETTING_TYPE');
    expect(Object.is(checkSetting('audio.volume', -0), 0)).toBe(true);
  });

  it('never says what a text held', () => {
    const needle = 'Sup3rS3cr3t';
    const bad: [string, string][] = [
      ['wifi.password', `${needle}\0`],
      ['wifi.password', needle.slice(0, 7)],
      ['wifi.password', needle.repeat(9)],
      ['wifi.password', `${needle}${'z'.repeat(53)}`],
      ['server.token', `${needle} x`],
      ['server.token', needle.repeat(300)],
      ['server.url', `https://u:${needle}@a`],
      ['server.url', `ftp://${needle}`],
      ['server.url', `https://a/?key=${needle}`],
    ];
    for (const [name, value] of bad) {
      const { error } = outcome(() => checkSetting(name, value));
      expect(error, name).toBeDefined();
      expect(`${error?.message} ${error?.hint} ${JSON.stringify(error)}`).not.toContain(needle.slice(0, 7));
    }
  });

  it('says a sentence, a setting and a hint', () => {
    const { error } = outcome(() => checkSetting('session.speed', 500));
    expect(error).toMatchObject({
      code: 'SETTING_LIMIT',
      setting: 'session.speed',
      message: 'session.speed is 500, outside its bounds',
      hint: 'It is a whole number from 25 to 150 (%).',
    });
    expect(outcome(() => checkSetting('turn.detection', 'server_vda')).error?.hint).toContain(
      'Did you mean server_vad?',
    );
  });
});

describe('parseSetting', () => {
  it.each([
    ['audio.volume', '70', 70],
    ['audio.volume', ' 007 ', 7],
    ['audio.volume', '+5', 5],
    ['tools.enabled', 'on', true],
    ['tools.enabled', 'Yes', true],
    ['tools.enabled', 'TRUE', true],
    ['tools.enabled', '1', true],
    ['tools.enabled', ' off\n', false],
    ['tools.enabled', 'no', false],
    ['tools.enabled', 'false', false],
    ['tools.enabled', '0', false],
    ['turn.detection', 'none\n', 'none'],
    ['wifi.ssid', ' my net \r\n', ' my net '],
    ['wifi.ssid', '42', '42'],
    ['wifi.password', 'correct horse\n', 'correct horse'],
    ['session.instructions', 'one\r\ntwo\tthree\r\n\r\n', 'one\ntwo three'],
    ['server.url', ' HTTPS://Api.Example/v1/ ', 'https://Api.Example/v1'],
    ['server.token', 'ek_1\r\n', 'ek_1'],
  ])('%s from %j', (name, text, value) => {
    expect(parseSetting(name, text)).toBe(value);
  });

  it.each([
    ['audio.volume', '', 'SETTING_TYPE'],
    ['audio.volume', '7.5', 'SETTING_TYPE'],
    ['audio.volume', '1e2', 'SETTING_TYPE'],
    ['audio.volume', '0x10', 'SETTING_TYPE'],
    ['audio.volume', '70%', 'SETTING_TYPE'],
    ['audio.volume', '-1', 'SETTING_LIMIT'],
    ['audio.volume', '101', 'SETTING_LIMIT'],
    ['audio.volume', '9'.repeat(400), 'SETTING_TYPE'],
    ['tools.enabled', 'maybe', 'SETTING_TYPE'],
    ['tools.enabled', '', 'SETTING_TYPE'],
    ['turn.detection', 'vad', 'SETTING_FORM'],
    ['wifi.ssid', 'a\nb', 'SETTING_FORM'],
    ['nonsense', 'x', 'SETTING_UNKNOWN'],
  ])('%s refuses %j', (name, text, code) => {
    expect(outcome(() => parseSetting(name, text)).result).toBe(code);
  });
});

describe('closestSetting', () => {
  it.each([
    ['wifi.ssdi', 'wifi.ssid'],
    ['ssid', 'wifi.ssid'],
    ['wifi_ssid', 'wifi.ssid'],
    ['Wifi.Pasword', 'wifi.password'],
    ['session.voise', 'session.voice'],
    ['volume', 'audio.volume'],
    ['xyzzy', undefined],
    ['', undefined],
  ])('%j -> %s', (name, near) => {
    expect(closestSetting(name)).toBe(near);
  });
  it('is bounded', () => {
    expect(closestSetting('x'.repeat(1_000_000))).toBeUndefined();
  });
});

describe('describeSetting', () => {
  it('says what a setting takes', () => {
    expect(describeSetting('turn.idle')).toBe('0, or 5000 to 30000 ms');
    expect(describeSetting('wifi.ssid')).toBe('a text of at most 32 bytes');
    expect(describeSetting('tools.enabled')).toBe('on or off');
    expect(describeSetting('server.auth')).toBe('one of bearer, api-key');
  });
});
