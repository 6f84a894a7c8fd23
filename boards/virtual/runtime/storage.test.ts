import { crc32 } from 'node:zlib';
import { NvsStore } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { ERR, KV } from './codes.ts';
import { storagePort } from './storage.ts';
import { FakeHost, FakeMemory } from './testing.ts';

function board(host = new FakeHost(manualClock())) {
  const memory = new FakeMemory();
  const logs: string[] = [];
  const port = storagePort(host, memory, (line) => logs.push(line));
  const key = (name: string) => memory.put(name);
  const call = (name: string, ...args: number[]) => port[name]!(...args) as number;
  return {
    host,
    logs,
    write: (name: string, type: number, bytes: Uint8Array) =>
      call('tc_port_kv_write', key(name), type, memory.put(bytes), bytes.length),
    read(name: string, type: number, capacity = 8192): Uint8Array | number {
      const out = memory.put(new Uint8Array(capacity));
      const length = call('tc_port_kv_read', key(name), type, out, capacity);
      return length < 0 ? length : memory.bytes(out, length).slice();
    },
    erase: (name: string) => call('tc_port_kv_erase', key(name)),
  };
}
const text = (value: string) => new TextEncoder().encode(value);

describe('key-value storage', () => {
  it('gives back what was written, of each type', () => {
    const { write, read } = board();
    expect(write('a', KV.u8, new Uint8Array([200]))).toBe(0);
    expect(write('b', KV.u16, new Uint8Array([0x34, 0x12]))).toBe(0);
    expect(write('c', KV.u32, new Uint8Array([1, 2, 3, 0xff]))).toBe(0);
    expect(write('d', KV.text, text('\ufeffZürich'))).toBe(0);
    expect(write('e', KV.blob, new Uint8Array(5000).fill(7))).toBe(0);
    expect(read('a', KV.u8)).toEqual(new Uint8Array([200]));
    expect(read('b', KV.u16)).toEqual(new Uint8Array([0x34, 0x12]));
    expect(read('c', KV.u32)).toEqual(new Uint8Array([1, 2, 3, 0xff]));
    expect(read('d', KV.text)).toEqual(text('\ufeffZürich'));
    expect(read('e', KV.blob)).toEqual(new Uint8Array(5000).fill(7));
  });

  it('keeps it over a restart, in the NVS partition and namespace that a flasher writes', () => {
    const { host, write } = board();
    write('name', KV.text, text('kitchen'));
    expect(board(host).read('name', KV.text)).toEqual(text('kitchen'));
    const { flash, nvs } = host;
    const store = NvsStore.open({
      size: nvs.size,
      read: (at, n) => flash.read(nvs.offset + at, n),
      program: (at, bytes) => flash.program(nvs.offset + at, bytes),
      erase: (at, n) => flash.erase(nvs.offset + at, n),
    });
    expect(store.get('tincan', 'name')).toEqual({ type: 'string', value: 'kitchen' });
    expect(flash.read(0, nvs.offset).every((byte) => byte === 0xff)).toBe(true);
  });

  it('says what is not there, has another type, or does not fit', () => {
    const { write, read, erase } = board();
    write('name', KV.text, text('kitchen'));
    expect(read('other', KV.text)).toBe(ERR.notFound);
    expect(read('name', KV.u8)).toBe(ERR.notFound);
    expect(read('name', KV.text, 6)).toBe(ERR.size);
    expect(erase('name')).toBe(0);
    expect(erase('name')).toBe(0);
    expect(read('name', KV.text)).toBe(ERR.notFound);
  });

  it('says when it is full, and loses nothing', () => {
    const { write, read } = board();
    const first = new Uint8Array(3500).fill(1);
    let result = 0;
    let count = 0;
    for (; result === 0 && count < 20; count++) result = write(`k${count}`, KV.blob, first);
    expect(result).toBe(ERR.full);
    for (let i = 0; i < count - 1; i++) expect(read(`k${i}`, KV.blob)).toEqual(first);
  });

  it('refuses text that is not UTF-8, and a number of the wrong length', () => {
    const { write } = board();
    expect(write('a', KV.text, new Uint8Array([0xff]))).toBe(ERR.storage);
    expect(write('a', KV.u32, new Uint8Array([1]))).toBe(ERR.storage);
    expect(write('a', 99, new Uint8Array([1]))).toBe(ERR.storage);
  });

  it('begins anew where the partition cannot be used, and says so', () => {
    const host = new FakeHost(manualClock());
    // One page of a format that is newer than ours (versions count down from FE).
    const header = Buffer.alloc(32, 0xff);
    header.writeUInt32LE(0xfffffffe, 0);
    header.writeUInt32LE(0, 4);
    header[8] = 0xfd;
    header.writeUInt32LE(crc32(header.subarray(4, 28), 0xffffffff), 28);
    host.flash.program(host.nvs.offset, header);
    const { logs, write, read } = board(host);
    expect(write('y', KV.u8, new Uint8Array([5]))).toBe(0);
    expect(read('y', KV.u8)).toEqual(new Uint8Array([5]));
    expect(logs).toEqual([expect.stringMatching(/^nvs: .*; erasing it$/)]);
  });
});
