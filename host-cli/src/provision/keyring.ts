/**
 * The keyring of the operating system (Keychain, Credential Manager, Secret Service), through the optional package
 * @napi-rs/keyring. Where the package or the keyring is missing there is none, and nothing needs one.
 */

export interface Keyring {
  /** The secret of an account; undefined where there is none, or the keyring is locked. */
  get(account: string): string | undefined;
  /** False where the keyring did not take it. */
  set(account: string, secret: string): boolean;
}

/** The part of @napi-rs/keyring that is used. */
export interface KeyringPackage {
  Entry: new (
    service: string,
    account: string,
  ) => { getPassword(): string | null; setPassword(secret: string): void };
}

const SERVICE = 'tincan';
const PACKAGE = '@napi-rs/keyring';

/** The account of a secret: a password belongs to its network. Undefined where that is not known. */
export function accountOf(name: string, ssid: unknown): string | undefined {
  if (name !== 'wifi.password') return name;
  return typeof ssid === 'string' && ssid !== '' ? `${name} ${ssid}` : undefined;
}

/** The system's keyring, or undefined. */
export async function systemKeyring(
  load: () => Promise<KeyringPackage> = () => import(PACKAGE) as Promise<KeyringPackage>,
): Promise<Keyring | undefined> {
  let Entry: KeyringPackage['Entry'];
  try {
    ({ Entry } = await load());
    // A machine without a keyring says so here.
    new Entry(SERVICE, 'probe').getPassword();
  } catch {
    return undefined;
  }
  return {
    get(account) {
      try {
        return new Entry(SERVICE, account).getPassword() ?? undefined;
      } catch {
        return undefined;
      }
    },
    set(account, secret) {
      try {
        new Entry(SERVICE, account).setPassword(secret);
        return true;
      } catch {
        return false;
      }
    },
  };
}
