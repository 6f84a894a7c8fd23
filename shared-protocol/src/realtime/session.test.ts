import { describe, expect, it } from 'vitest';
import { readGolden } from '../golden.ts';
import { SETTING_NAMES, SETTINGS } from '../settings.ts';
import { SettingError } from '../settings-check.ts';
import {
  allSettings,
  type ServedTool,
  type SettingValues,
  sessionChange,
  sessionFromSettings,
  sessionUpdate,
} from './session.ts';

const { sessions, changes } = readGolden<{
  sessions: {
    name: string;
    settings: SettingValues;
    served?: ServedTool[];
    model: string | null;
    session: object;
  }[];
  changes: {
    name: string;
    from: SettingValues;
    to: SettingValues;
    served?: { from: ServedTool[]; to: ServedTool[] };
    spoken?: boolean;
    session: unknown;
    waits: string[];
  }[];
}>('session.json');

describe('sessionFromSettings and sessionUpdate', () => {
  it.each(sessions.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const posted = sessionFromSettings(vector.settings, vector.served);
    const model = vector.model === null ? {} : { model: vector.model };
    expect(JSON.parse(JSON.stringify(posted))).toEqual({ ...vector.session, ...model });
    const update = sessionUpdate(vector.settings, vector.served);
    expect(JSON.parse(JSON.stringify(update))).toEqual(vector.session);
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

describe('sessionChange', () => {
  it.each(changes.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const change = sessionChange(vector.from, vector.to, {
      ...vector.served,
      spoken: vector.spoken ?? false,
    });
    expect(JSON.parse(JSON.stringify(change.session ?? null))).toEqual(vector.session);
    expect(change.waits).toEqual(vector.waits);
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
