import { expect, test } from 'vitest';
import { dramBytes, fillLine, imageBytes, parseSizes, readLinkMap, sizeRows, total } from './sizes.ts';

/** As GNU ld 2.41 writes it, shortened. */
const MAP = `Archive member included to satisfy reference by file (symbol)

esp-idf/lwip/liblwip.a(tcp.c.obj)

Discarded input sections

 .text.unused   0x00000000       0x40 esp-idf/lwip/liblwip.a(tcp.c.obj)

Memory Configuration

Linker script and memory map

LOAD CMakeFiles/tincan-qemu.elf.dir/project_elf_src_esp32s3.c.obj

.iram0.vectors  0x40374000      0x403
                0x40374000                _vector_table = ABSOLUTE (.)
 *(.exception_vectors.text)
 .exception_vectors.text
                0x40374000      0x400 esp-idf/xtensa/libxtensa.a(xtensa_vectors.S.obj)
 *fill*         0x40374400        0x3 

.dram0.data     0x3fc90000       0x30
 .data.counter  0x3fc90000       0x20 esp-idf/tincan/libtincan.a(core.c.obj)
 .data          0x3fc90020       0x10 /opt/my tools/lib/libc.a(libc_a-impure.o)

.dram0.bss      0x3fc90030      0x100
 .bss.ring      0x3fc90030       0x80 esp-idf/tincan/libtincan.a(link.c.obj)
 COMMON         0x3fc900b0       0x80 esp-idf/lwip/liblwip.a(tcp.c.obj)
                0x3fc900b0                tcp_active_pcbs

.ext_ram.bss    0x3c200000     0x2000
 .ext_ram.bss.pool
                0x3c200000     0x2000 esp-idf/tincan/libtincan.a(inbox.c.obj)

.flash.appdesc  0x3c100020      0x100
 .rodata_desc   0x3c100020      0x100 esp-idf/esp_app_format/libesp_app_format.a(esp_app_desc.c.obj)

.flash.rodata   0x3c100120      0x300
 .rodata.names  0x3c100120      0x200 esp-idf/tincan/libtincan.a(realtime_gen.c.obj)
                                0x220 (size before relaxing)
 .rodata        0x3c100320      0x100 /opt/my tools/lib/crtbegin.o

.flash.text     0x42000020     0x1000
 .literal.main  0x42000020        0x0 esp-idf/main/libmain.a(main.c.obj)
 .text.app_main
                0x42000020      0x400 esp-idf/main/libmain.a(main.c.obj)
 .text.tcp_in   0x42000420      0xc00 esp-idf/lwip/liblwip.a(tcp_in.c.obj)

.debug_info     0x00000000    0x10000
 .debug_info    0x00000000    0x10000 esp-idf/lwip/liblwip.a(tcp.c.obj)

.xtensa.info    0x00000000       0x38
`;

test('a map is read: every byte with its component and its memory', () => {
  const components = readLinkMap(MAP);
  expect(components.lwip).toMatchObject({ flashCode: 0xc00, bss: 0x80, flashData: 0, iram: 0 });
  expect(components.tincan).toMatchObject({ data: 0x20, bss: 0x80, psram: 0x2000, flashData: 0x200 });
  expect(components.xtensa).toMatchObject({ iram: 0x400 });
  expect(components['(padding)']).toMatchObject({ iram: 3 });
  expect(components.c).toMatchObject({ data: 0x10 });
  expect(components.gcc).toMatchObject({ flashData: 0x100 });
  expect(components.main).toMatchObject({ flashCode: 0x400 });
  const all = total(components);
  expect(imageBytes(all)).toBe(0x403 + 0x30 + 0x100 + 0x300 + 0x1000);
  expect(dramBytes(all)).toBe(0x130);
});

test('what is no map has no components', () => {
  expect(readLinkMap('')).toEqual({});
  expect(readLinkMap('\nLinker script and memory map\n')).toEqual({});
});

test('the table tells what has changed since the last build, also what is gone', () => {
  const now = readLinkMap(MAP);
  const before = structuredClone(now);
  before.lwip!.flashCode += 100;
  before.main!.flashCode -= 1;
  before.gone = { ...before.c!, data: 7 };
  const rows = sizeRows(now, before);
  expect(rows[0]).toEqual(['component', 'image', 'change', 'IRAM', 'DRAM', 'PSRAM']);
  const row = (name: string) => rows.find((one) => one[0] === name);
  expect(row('lwip')).toEqual(['lwip', '3,072', '-100', '-', '128', '-']);
  expect(row('main')?.[2]).toBe('+1');
  expect(row('tincan')?.[2]).toBe('');
  expect(row('gone')?.[2]).toBe('-7');
  expect(row('all')?.[2]).toBe('-106');
  expect(sizeRows(now)[0]).not.toContain('change');
});

test('many components: the small ones stand together', () => {
  const one = readLinkMap(MAP).main!;
  const many = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`c${i}`, { ...one, flashCode: i + 1 }]),
  );
  const rows = sizeRows(many);
  expect(rows).toHaveLength(1 + 16 + 1 + 1);
  expect(rows.at(-2)).toEqual(['14 others', '105', '-', '-', '-']);
});

test('sizes of an earlier run are taken only if they are whole', () => {
  const sizes = { image: 'a', version: '1', components: readLinkMap(MAP), fill: [] };
  expect(parseSizes(JSON.parse(JSON.stringify(sizes)))).toEqual(sizes);
  for (const wrong of [undefined, null, [], {}, { ...sizes, components: { a: {} } }, { ...sizes, fill: 1 }]) {
    expect(parseSizes(wrong)).toBeUndefined();
  }
});

test('how full a partition is', () => {
  const fill = { name: 'ota_0', bytes: 1_000_000, size: 3_145_728 };
  expect(fillLine(fill)).toBe('ota_0: 1,000,000 of 3,145,728 bytes, 32 %');
  expect(fillLine(fill, { ...fill, bytes: 1_000_100 })).toContain('1,000,000 (-100) of');
});
