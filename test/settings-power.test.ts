/**
 * The power is cut at every write of a commit, one after the other, on the virtual board's NOR flash with the real core:
 * after the next start the settings are the old ones or the new ones, never a mixture. The settings stand as they are
 * read back over the link, secrets as fingerprints.
 */
import { NorFlash } from '@tincan/boards';
import { type Device, fingerprintOf } from '@tincan/host-cli';
import type { SettingsAnswer } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { PASSWORD, SSID, startTestBoard, type TestBoard, TOKEN } from './support/board.ts';

let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  board = undefined;
});

const OLD = { 'audio.volume': 20, 'session.voice': 'cedar', 'session.instructions': 'old '.repeat(200) };
const NEW = {
  'audio.volume': 90,
  'session.voice': null,
  'session.instructions': 'new '.repeat(300),
  'wifi.password': `${PASSWORD}-two`,
  'server.token': `${TOKEN}-two`,
};
const NAMES = [...Object.keys(NEW), 'wifi.ssid'];

/** All settings as one string, the secrets by what they are known to be. */
async function held(device: Device): Promise<string> {
  const { values } = await device.request<SettingsAnswer>('settings.get', { names: NAMES });
  const known = {
    'wifi.password': [PASSWORD, NEW['wifi.password']],
    'server.token': [TOKEN, NEW['server.token']],
  };
  const plain = NAMES.map((name) => {
    const value = values[name];
    if (typeof value !== 'object') return [name, value];
    const secrets = known[name as keyof typeof known];
    return [name, secrets.findIndex((secret) => fingerprintOf(value.salt, secret) === value.fingerprint)];
  });
  return JSON.stringify(Object.fromEntries(plain));
}

test('whatever write the power is cut at, the settings are old or new', { timeout: 300_000 }, async () => {
  board = await startTestBoard({ settings: OLD });
  await board.state('ready');
  const before = board.board.flash.read(0, board.board.flash.size);
  const old = await held(board.device);
  await board.close();

  const seen = { old: 0, new: 0 };
  let wanted: string | undefined;
  for (let write = 1; ; write++) {
    const flash = NorFlash.inMemory(before.length, before);
    board = await startTestBoard({ flash });
    await board.until(({ method }) => method === 'hello' || undefined, 'hello');
    await board.device.request('settings.set', { values: NEW });
    flash.cutPowerAt(write);
    const answered = await Promise.race([
      board.device.request('settings.commit').then(
        () => true,
        () => false,
      ),
      new Promise<false>((resolve) => {
        const owner = flash.onPowerCut;
        flash.onPowerCut = () => {
          owner?.();
          resolve(false);
        };
      }),
    ]);
    if (answered) {
      wanted ??= await held(board.device);
      await board.close();
      expect(write).toBeGreaterThan(10);
      break;
    }
    await board.close();
    flash.restorePower();
    board = await startTestBoard({ flash: NorFlash.inMemory(flash.size, flash.read(0, flash.size)) });
    await board.until(({ method }) => method === 'hello' || undefined, 'hello');
    const now = await held(board.device);
    if (now === old) {
      expect(seen.new, `write ${write}: new settings were there, and went again`).toBe(0);
      seen.old++;
    } else {
      wanted ??= now;
      expect(now, `write ${write}`).toBe(wanted);
      seen.new++;
    }
    await board.close();
  }
  expect(JSON.parse(wanted ?? '')).toMatchObject({
    'audio.volume': 90,
    'session.instructions': NEW['session.instructions'],
    'wifi.password': 1,
    'server.token': 1,
    'wifi.ssid': SSID,
  });
  expect(JSON.parse(wanted ?? '')['session.voice']).not.toBe('cedar');
  expect(seen.old).toBeGreaterThan(0);
  expect(seen.new).toBeGreaterThan(0);
  console.log(
    `power cut at each of ${seen.old + seen.new} writes: ${seen.old} times the old settings, ${seen.new} times the new`,
  );
});
