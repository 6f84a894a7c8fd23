import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { coredumpElf, parseCoredumpHeader } from './coredump.ts';

const elf = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, ...new Array(200).fill(7)]);

/** A dump as the firmware writes it. */
function dump(format: number, body: Uint8Array = elf): Uint8Array {
  const size = format >= 0x0102 ? 24 : 20;
  const sha = (format & 1) === 1;
  const length = size + body.length + (sha ? 32 : 4);
  const out = Buffer.alloc(length);
  for (const [i, word] of [length, (9 << 16) | format, 5, 348, 12, 2].slice(0, size / 4).entries())
    out.writeUInt32LE(word, i * 4);
  out.set(body, size);
  const covered = out.subarray(0, size + body.length);
  if (sha) out.set(createHash('sha256').update(covered).digest(), covered.length);
  else out.writeUInt32LE(crc32(covered), covered.length);
  return new Uint8Array(out);
}

test.each([0x0100, 0x0101, 0x0102, 0x0103])('format %i: header, checksum, and the ELF file', (format) => {
  const bytes = dump(format);
  const header = parseCoredumpHeader(bytes, 0x10000);
  expect(header).toMatchObject({
    length: bytes.length,
    chip: 9,
    tasks: 5,
    chipRevision: format >= 0x0102 ? 2 : undefined,
  });
  expect(coredumpElf(bytes, header!)).toEqual(elf);
  const spoiled = bytes.slice();
  spoiled[100]! ^= 1;
  expect(() => coredumpElf(spoiled, header!)).toThrow(expect.objectContaining({ code: 'checksum' }));
  expect(() => coredumpElf(bytes.subarray(0, 60), header!)).toThrow(
    expect.objectContaining({ code: 'length' }),
  );
});

test('a partition that is blank, or whose dump was rubbed out, holds none', () => {
  expect(parseCoredumpHeader(new Uint8Array(24).fill(0xff), 0x10000)).toBeUndefined();
  expect(parseCoredumpHeader(new Uint8Array(24), 0x10000)).toBeUndefined();
});

test('another format, a length that cannot be, and what is no ELF file are refused', () => {
  expect(() => parseCoredumpHeader(dump(0x0003), 0x10000)).toThrow(
    expect.objectContaining({ code: 'version' }),
  );
  expect(() => parseCoredumpHeader(dump(0x0103), 64)).toThrow(expect.objectContaining({ code: 'length' }));
  const other = dump(0x0103, new Uint8Array(64));
  expect(() => coredumpElf(other, parseCoredumpHeader(other, 0x10000)!)).toThrow(
    expect.objectContaining({ code: 'elf' }),
  );
});
