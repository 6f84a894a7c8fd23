/**
 * The keys of an encrypted NVS partition: from an nvs_keys image, made anew, or derived from a key that was burnt into
 * an eFuse. Nothing here writes an eFuse; that cannot be undone and belongs to the tools of the chip's maker.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  encodeNvsKeys,
  generateNvsKeys,
  type NvsKeys,
  nvsKeysFromHmac,
  parseNvsKeys,
} from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { registerSecret } from '../redact.ts';

export interface NvsKeyOptions {
  /** --keys: an nvs_keys image of 4,096 bytes, or its first 68. */
  keys?: string | undefined;
  /** --make-keys: where new keys are written, as an nvs_keys image; a file that is there is not overwritten. */
  makeKeys?: string | undefined;
  /** --hmac-key-file: the 32 bytes of the eFuse key, or 64 hex digits. */
  hmacKeyFile?: string | undefined;
}

/**
 * The keys that the options name; undefined where the partition is plain.
 * @throws TincanError NVS_KEYS, USAGE; no key in it
 */
export function readKeys(options: NvsKeyOptions): NvsKeys | undefined {
  const { keys, makeKeys, hmacKeyFile } = options;
  const given = [keys, makeKeys, hmacKeyFile].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new TincanError('USAGE', 'An NVS partition has one pair of keys.', {
      exit: 'usage',
      hint: 'Give one of --keys, --make-keys and --hmac-key-file.',
    });
  }
  const [file] = given;
  if (file === undefined) return undefined;
  try {
    if (makeKeys !== undefined) {
      const made = generateNvsKeys();
      writeFileSync(makeKeys, encodeNvsKeys(made), { mode: 0o600, flag: 'wx' });
      return made;
    }
    const bytes = new Uint8Array(readFileSync(file));
    return keys === undefined ? nvsKeysFromHmac(efuseKey(bytes)) : parseNvsKeys(bytes);
  } catch (error) {
    throw new TincanError('NVS_KEYS', `${file} does not give keys for NVS.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint:
        makeKeys !== undefined
          ? 'New keys go into a new file: old ones may be all that opens a partition.'
          : keys !== undefined
            ? 'It is an nvs_keys image, as --make-keys or nvs_partition_gen.py writes it.'
            : 'It holds the 32 bytes of the eFuse key, raw or as 64 hex digits.',
    });
  }
}

function efuseKey(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) return bytes;
  registerSecret(text);
  return new Uint8Array(Buffer.from(text, 'hex'));
}
