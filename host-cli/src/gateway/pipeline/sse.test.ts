import { describe, expect, it } from 'vitest';
import { SseReader } from './sse.ts';

function read(text: string, size = 1000): string[] {
  const bytes = new TextEncoder().encode(text);
  const reader = new SseReader();
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...reader.push(bytes.subarray(at, at + size)));
  return [...out, ...reader.end()];
}

describe('server-sent events', () => {
  it.each([1, 2, 3, 1000])('are read in pieces of %i bytes, whatever ends their lines', (size) => {
    for (const end of ['\n', '\r\n', '\r']) {
      const lines = [
        '\ufeff: hello',
        'event: x',
        'data: {"a":"ü😀"}',
        '',
        'data:1',
        'data: 2',
        'id: 7',
        '',
        ': keep',
        '',
        'data',
        '',
        'data: last',
      ];
      expect(read(lines.join(end), size)).toEqual(['{"a":"ü😀"}', '1\n2', '', 'last']);
    }
  });

  it('without an end are refused', () => {
    const reader = new SseReader();
    const much = new Uint8Array(300_000).fill(97);
    expect(() => {
      for (let round = 0; round < 5; round++) reader.push(much);
    }).toThrow(/more than 1 MiB/);
    const lines = new SseReader();
    const line = new TextEncoder().encode(`data: ${'x'.repeat(100_000)}\n`);
    expect(() => {
      for (let round = 0; round < 20; round++) lines.push(line);
    }).toThrow(/more than 1 MiB/);
  });

  it('of damaged bytes are read somehow', () => {
    let state = 3;
    const roll = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 300; round++) {
      const reader = new SseReader();
      const bytes = Uint8Array.from(
        { length: roll(200) },
        () => [10, 13, 58, 32, 100, 97, 116, 255, 0xc3][roll(9)]!,
      );
      expect(Array.isArray([...reader.push(bytes), ...reader.end()])).toBe(true);
    }
  });
});
