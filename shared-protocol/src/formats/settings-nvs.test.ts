import { expect, test } from 'vitest';
import { SETTING_NAMES, SETTINGS, type SettingValue } from '../settings.ts';
import { buildNvsImage, type NvsEntry, readNvs } from './nvs.ts';
import { settingsFromNvs, settingsToNvs } from './settings-nvs.ts';

const DEFAULTS = Object.fromEntries(
  SETTING_NAMES.map((name) => [name, SETTINGS[name].default as SettingValue]),
);

test('writes each kind of setting as the firmware reads it', () => {
  expect(
    settingsToNvs({
      'wifi.ssid': 'tin can',
      'turn.detection': 'none',
      'tools.enabled': false,
      'session.max_tokens': 4096,
      'audio.volume': 70,
    }),
  ).toEqual([
    { namespace: 'tincan', key: 'wifi_ssid', type: 'string', value: 'tin can' },
    { namespace: 'tincan', key: 'max_tokens', type: 'u16', value: 4096 },
    { namespace: 'tincan', key: 'turn', type: 'u8', value: 2 },
    { namespace: 'tincan', key: 'volume', type: 'u8', value: 70 },
    { namespace: 'tincan', key: 'tools', type: 'u8', value: 0 },
  ]);
});

test('all settings go through an image and back', () => {
  const longest = Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const setting = SETTINGS[name];
      if (setting.type === 'text')
        return [
          name,
          name === 'server.url' ? 'https://host/'.padEnd(setting.max, 'x') : 'a'.repeat(setting.max),
        ];
      if (setting.type === 'number') return [name, setting.max];
      if (setting.type === 'flag') return [name, true];
      return [name, setting.choices.at(-1) as string];
    }),
  );
  for (const values of [DEFAULTS, longest]) {
    const { entries } = readNvs(buildNvsImage(settingsToNvs(values), { size: 0x6000 }));
    expect(settingsFromNvs(entries)).toEqual({ values, problems: [] });
  }
});

test('refuses what the device would refuse, and what is no setting', () => {
  const refused = (values: object, code: string) =>
    expect(() => settingsToNvs(values)).toThrow(expect.objectContaining({ name: 'SettingError', code }));
  refused({ 'wifi.ssid': 'ü'.repeat(17) }, 'SETTING_LIMIT');
  refused({ 'audio.volume': 101 }, 'SETTING_LIMIT');
  refused({ 'audio.volume': '7' }, 'SETTING_TYPE');
  refused({ 'turn.detection': 'loud' }, 'SETTING_FORM');
  refused({ nothing: 1 }, 'SETTING_UNKNOWN');
});

test('leaves out and names what is no legal value, and ignores what is not ours', () => {
  const entries: NvsEntry[] = [
    { namespace: 'tincan', key: 'volume', type: 'u16', value: 7 },
    { namespace: 'tincan', key: 'turn', type: 'u8', value: 9 },
    { namespace: 'tincan', key: 'tools', type: 'u8', value: 2 },
    { namespace: 'tincan', key: 'vad_silence', type: 'u16', value: 50 },
    { namespace: 'phy', key: 'name', type: 'string', value: 'other' },
    { namespace: 'tincan', key: 'name', type: 'string', value: 'kitchen' },
  ];
  const { values, problems } = settingsFromNvs(entries);
  expect(values).toEqual({ 'device.name': 'kitchen' });
  expect(problems.map(({ message }) => message)).toEqual(
    ['turn.detection', 'turn.silence', 'audio.volume', 'tools.enabled'].map(
      (name) => `the flash holds no legal value for ${name}`,
    ),
  );
});
