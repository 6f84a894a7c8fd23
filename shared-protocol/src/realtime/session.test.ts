import { describe, expect, it } from 'vitest';
import { readGolden } from '../golden.ts';
import { SETTING_NAMES, SETTINGS } from '../settings.ts';
import { SettingError } from '../settings-check.ts';
import { allSettings, type SettingValues, sessionFromSettings } from './session.ts';

const { sessions } = readGolden<{ sessions: { name: string; settings: SettingValues; session: unknown }[] }>(
  'session.json',
);

describe('sessionFromSettings', () => {
  it.each(sessions.map((vector) => [vector.name, vector] as const))('%s', (_name, { settings, session }) => {
    expect(JSON.parse(JSON.stringify(sessionFromSettings(settings)))).toEqual(session);
  });

  it('makes exact hundredths of every percentage', () => {
    for (let percent = 0; percent <= 100; percent++) {
      const session = sessionFromSettings({ 'turn.threshold': percent });
      expect(session.audio?.input?.turn_detection).toMatchObject({ threshold: Number(`${percent}e-2`) });
    }
  });

  it('holds no secret', () => {
    const text = JSON.stringify(
      sessionFromSettings({ 'server.token': 'ek_secret', 'wifi.password': 'secret-secret' }),
    );
    expect(text).not.toContain('secret');
  });

  it('checks its settings', () => {
    expect(() => sessionFromSettings({ 'session.speed': 500 })).toThrow(SettingError);
    expect(() => sessionFromSettings({ 'no.such': 1 } as SettingValues)).toThrow(SettingError);
  });
});

describe('allSettings', () => {
  it('fills in the defaults', () => {
    const all = allSettings({ 'audio.volume': 5, 'session.voice': ' cedar ' });
    expect(Object.keys(all)).toEqual(SETTING_NAMES);
    expect(all['audio.volume']).toBe(5);
    expect(all['session.voice']).toBe('cedar');
    expect(all['device.name']).toBe(SETTINGS['device.name'].default);
  });
});
