import { afterEach, expect, test } from 'vitest';
import { forgetSecrets, redact } from '../redact.ts';
import { collectSettings, fillRequired } from './collect.ts';
import { accountOf, type Keyring, type KeyringPackage, systemKeyring } from './keyring.ts';

afterEach(forgetSecrets);

/** The package over a map; `locked`: it throws as the real one does without a keyring. */
function fakePackage(kept: Map<string, string>, locked = false): KeyringPackage {
  return {
    Entry: class {
      readonly #id: string;
      constructor(service: string, account: string) {
        this.#id = `${service}/${account}`;
      }
      getPassword() {
        if (locked) throw new Error("Couldn't access platform storage");
        return kept.get(this.#id) ?? null;
      }
      setPassword(secret: string) {
        kept.set(this.#id, secret);
      }
    },
  };
}

test('a machine without the package or without a keyring has none', async () => {
  expect(await systemKeyring(() => Promise.reject(new Error('Cannot find package')))).toBeUndefined();
  expect(await systemKeyring(async () => fakePackage(new Map(), true))).toBeUndefined();
});

test('a password belongs to its network', async () => {
  const kept = new Map<string, string>();
  const keyring = (await systemKeyring(async () => fakePackage(kept))) as Keyring;
  expect(keyring.get(accountOf('wifi.password', 'home')!)).toBeUndefined();
  expect(keyring.set(accountOf('wifi.password', 'home')!, 'correct horse')).toBe(true);
  expect(keyring.get(accountOf('wifi.password', 'home')!)).toBe('correct horse');
  expect(keyring.get(accountOf('wifi.password', 'work')!)).toBeUndefined();
  expect(accountOf('wifi.password', undefined)).toBeUndefined();
  expect([...kept.keys()]).toEqual(['tincan/wifi.password home']);
});

test('what is asked for is put into the keyring, and not asked for again', async () => {
  const keyring = await systemKeyring(async () => fakePackage(new Map()));
  const first = await collectSettings({ ssid: 'home', env: {}, keyring });
  expect(first).toEqual({ 'wifi.ssid': 'home' });
  await fillRequired(first, new Set(), {
    env: {},
    keyring,
    prompt: async (message) => (message.includes('token') ? 'tok_0123456789' : 'correct horse'),
  });
  const again = await collectSettings({ ssid: 'home', env: {}, keyring });
  expect(again).toEqual(first);
  expect(redact('correct horse')).toBe('•••');
  // Whoever gives one by file or environment means that one.
  const other = await collectSettings({
    ssid: 'home',
    env: { TINCAN_WIFI_PASSWORD: 'another one' },
    keyring,
  });
  expect(other['wifi.password']).toBe('another one');
});
