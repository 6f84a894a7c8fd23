import { expect, test } from 'vitest';
import { csvRow, parseCsv } from './csv.ts';
import { parseNvsCsv } from './nvs-csv.ts';

const none = () => {
  throw new Error('names no file');
};
const one = (line: string, file: (path: string) => Uint8Array = none) =>
  parseNvsCsv(`key,type,encoding,value\nn,namespace,,\n${line}\n`, file)[0];

test('quotes hold commas, line breaks and quotes; comments and empty lines do not count', () => {
  expect(parseCsv('# head\r\na,"b,\n""c"""\r\n\n  \nd,\n"#e"')).toEqual([
    { line: 2, cells: ['a', 'b,\n"c"'] },
    { line: 6, cells: ['d', ''] },
    { line: 7, cells: ['#e'] },
  ]);
  const cells = ['plain', 'a,b', '"', '#', 'x\ny', ''];
  expect(parseCsv(csvRow(cells))[0]?.cells).toEqual(cells);
});

test.each([
  ['k,data,u8,0x1f', { type: 'u8', value: 31 }],
  ['k,data,i32,-5', { type: 'i32', value: -5 }],
  ['k,data,u64,18446744073709551615', { type: 'u64', value: 18446744073709551615n }],
  ['k,data,string,"a,b"', { type: 'string', value: 'a,b' }],
  ['k,data,hex2bin,00fF', { type: 'blob', value: Uint8Array.of(0, 255) }],
  ['k,data,base64,AAH/', { type: 'blob', value: Uint8Array.of(0, 1, 255) }],
  ['k,data,binary,ab', { type: 'blob', value: Uint8Array.of(97, 98) }],
  ['k,data,blob_fill(3;0xAB),a', { type: 'blob', value: Uint8Array.of(97, 0xab, 0xab) }],
  ['k,data,blob_sz_fill(2;0x00),a', { type: 'blob', value: Uint8Array.of(1, 0, 0, 0, 97, 0) }],
])('reads %s', (line, value) => {
  expect(one(line)).toEqual({ namespace: 'n', key: 'k', ...value });
});

test('a file gives the bytes of a value', () => {
  expect(one('k,file,binary,some.bin', (path) => new TextEncoder().encode(path))).toMatchObject({
    type: 'blob',
    value: new TextEncoder().encode('some.bin'),
  });
  expect(one('k,file,hex2bin,x', () => new TextEncoder().encode('00ff\n'))).toMatchObject({
    value: Uint8Array.of(0, 255),
  });
});

test.each([
  'sixteen__letters,data,u8,1',
  'k,data,u8,256',
  'k,data,u8,1.5',
  'k,data,float,1',
  'k,thing,u8,1',
  'k,data,hex2bin,abc',
  'k,data,base64,a',
  'k,data,blob_fill(1;0x00),ab',
])('names the line that is wrong, and no value: %s', (line) => {
  expect(() => one(line)).toThrow(
    expect.objectContaining({ code: 'NVS_CSV', message: expect.stringMatching(/^line 3 /) }),
  );
});

test('an entry before any namespace, and a file without its columns', () => {
  expect(() => parseNvsCsv('key,type,encoding,value\nk,data,u8,1\n', none)).toThrow(/line 2 .*namespace/);
  expect(() => parseNvsCsv('a,b\n', none)).toThrow(/first line/);
});
