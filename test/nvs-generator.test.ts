/**
 * A judge that nobody here wrote: Espressif's esp-idf-nvs-partition-gen makes the same partitions of the same CSV
 * files, plain, encrypted with given keys, and with keys derived from an eFuse key.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildNvsImage,
  decryptNvs,
  encodeNvsKeys,
  encryptNvs,
  generateNvsKeys,
  type NvsEntry,
  nvsKeysFromHmac,
  parseNvsCsv,
  parseNvsKeys,
  readNvs,
} from '@tincan/shared-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance } from './support/chance.ts';

/** Python takes its time on a busy machine. */
const CALL_MS = 170_000;
const MODULE = 'esp_idf_nvs_partition_gen';
/** TINCAN_NVS_PYTHON, or the Python of this machine; undefined where neither has the generator. */
const python = [process.env.TINCAN_NVS_PYTHON, 'python3'].find(
  (program) => program && spawnSync(program, ['-c', `import ${MODULE}`]).status === 0,
);
if (!python)
  console.log(
    'esp-idf-nvs-partition-gen is not installed (pip install it, or name its Python in TINCAN_NVS_PYTHON): its tests are skipped',
  );

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-nvs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function generator(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(python!, ['-m', MODULE, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '200' },
  });
  if (status !== 0) throw new Error(`${args[0]}: ${stdout}${stderr}`);
}
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const put = (name: string, data: string | Uint8Array) => writeFileSync(join(folder, name), data);
const read = (csv: string): NvsEntry[] => parseNvsCsv(csv, file);

/** Every type and encoding of the format, files too; the last blob takes `blob` bytes. */
function sample(blob: number): string {
  put('text.txt', 'several\nlines, and ümlauts');
  put('digits.hex', '00112233445566778899aabbccddeeff\n');
  put('packed.b64', Buffer.from('packed for the post').toString('base64'));
  const roll = chance(blob);
  put(
    'blob.bin',
    Uint8Array.from({ length: blob }, () => roll(256)),
  );
  return `# A comment
key,type,encoding,value
first,namespace,,
u8,data,u8,127
i8,data,i8,-128
u16,data,u16,32768
i16,data,i16,-32768
u32,data,u32,4294967295
i32,data,i32,-2147483648
u64,data,u64,18446744073709551615
i64,data,i64,-9223372036854775808
text,data,string,0A:0B:0C
quoted,data,string,"commas, and ""quotes"""
hex,data,hex2bin,010203abcdef
base,data,base64,MTIzYWJj
raw,data,binary,as it is
blank,data,hex2bin,${'ff'.repeat(64)}
second,namespace,,
# another comment
u8,data,u8,1
text,file,string,text.txt
hex,file,hex2bin,digits.hex
base,file,base64,packed.b64
fill,data,blob_fill(40;0xAB),begin
size,data,blob_sz_fill(40;0x00),begin
blob,file,binary,blob.bin
after,data,string,behind the blob
`;
}

describe.skipIf(!python)('esp-idf-nvs-partition-gen', { timeout: CALL_MS }, () => {
  test.each([
    ['one page', 64, 0x3000],
    ['a blob that goes on in the next page', 3900, 0x4000],
    ['a blob of several pages', 9000, 0x6000],
  ])('makes the same partition: %s', (_, blob, size) => {
    const csv = sample(blob);
    put('in.csv', csv);
    generator('generate', 'in.csv', 'plain.bin', `${size}`);
    const image = buildNvsImage(read(csv), { size });
    expect(Buffer.compare(image, file('plain.bin'))).toBe(0);

    const keys = generateNvsKeys();
    put('keys.bin', encodeNvsKeys(keys));
    generator('encrypt', 'in.csv', 'secret.bin', `${size}`, '--inputkey', 'keys.bin');
    expect(Buffer.compare(encryptNvs(image, keys), file('secret.bin'))).toBe(0);
    expect(readNvs(decryptNvs(file('secret.bin'), keys))).toEqual({
      entries: readNvs(image).entries,
      problems: [],
    });
  });

  test('derives the same keys from an eFuse key, in the same nvs_keys partition', () => {
    const efuse = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
    put('hmac.bin', efuse);
    generator(
      'generate-key',
      '--key_protect_hmac',
      '--kp_hmac_inputkey',
      'hmac.bin',
      '--keyfile',
      'derived.bin',
      '--outdir',
      folder,
    );
    const derived = file(join('keys', 'derived.bin'));
    expect(Buffer.compare(encodeNvsKeys(nvsKeysFromHmac(efuse)), derived)).toBe(0);
    expect(parseNvsKeys(derived)).toEqual(nvsKeysFromHmac(efuse));
  });
});
