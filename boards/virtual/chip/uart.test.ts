import { expect, test } from 'vitest';
import { manualClock } from '../clock.ts';
import { noise } from './testing.ts';
import { sampleAt, Uart } from './uart.ts';

const text = Buffer.from('I (24) boot: chip revision: v0.2\r\n');

test('bytes are whole where the rates agree within what a UART takes', () => {
  const bytes = noise(256);
  for (const [a, b] of [
    [115_200, 115_200],
    [115_200, 117_000],
    [921_600, 900_000],
  ] as const)
    expect(sampleAt(bytes, a, b)).toEqual(bytes);
});

test('other rates garble, the same way every time', () => {
  for (const [a, b] of [
    [115_200, 921_600],
    [921_600, 115_200],
    [115_200, 230_400],
    [460_800, 921_600],
    [115_200, 74_880],
  ] as const) {
    const seen = sampleAt(text, a, b);
    expect(Buffer.from(seen).toString('latin1')).not.toContain('boot');
    expect(sampleAt(text, a, b)).toEqual(seen);
  }
});

test('a receiver at twice the rate sees each bit twice', () => {
  // 'U' is 0101010101 on the line, start and stop bit included. Two samples of each bit from the start bit's second
  // half on: 0 11 00 11 0 -> 0b01100110, and its ninth sample, the stop bit, is a 0 of the line: a framing error.
  expect(sampleAt(Buffer.from('U'), 115_200, 230_400)[0]).toBe(0b01100110);
});

test('a receiver that is much slower sees few bytes', () => {
  expect(sampleAt(text, 921_600, 9600).length).toBeLessThan(3);
});

function pair(options: { pace?: boolean; fifo?: number } = {}) {
  const clock = manualClock();
  const chip: number[] = [];
  const host: number[] = [];
  let rooms = 0;
  const uart = new Uart({
    clock,
    ...options,
    onChip: (bytes) => chip.push(...bytes),
    onHost: (bytes) => host.push(...bytes),
    onRoom: () => rooms++,
  });
  return { clock, uart, chip, host, rooms: () => rooms };
}

test('without pacing all goes at once, and the FIFO is never full', () => {
  const { uart, chip, host } = pair();
  expect(uart.offer(new Uint8Array(100_000))).toBe(100_000);
  uart.fromHost(text);
  expect(host).toHaveLength(100_000);
  expect(Buffer.from(chip)).toEqual(text);
});

test('with pacing a byte takes ten bits, both ways', () => {
  const { clock, uart, chip, host } = pair({ pace: true });
  uart.hostBaud = 115_200;
  uart.offer(new Uint8Array(1152));
  uart.fromHost(new Uint8Array(1152));
  clock.advance(50);
  for (const side of [chip, host]) {
    expect(side.length).toBeLessThanOrEqual(576);
    expect(side.length).toBeGreaterThan(540);
  }
  clock.advance(51);
  expect(host).toHaveLength(1152);
  expect(chip).toHaveLength(1152);
});

test('a full FIFO takes what fits and tells when there is room again', () => {
  const { clock, uart, host, rooms } = pair({ pace: true, fifo: 128 });
  expect(uart.offer(noise(200))).toBe(128);
  expect(uart.offer(noise(1))).toBe(0);
  expect(rooms()).toBe(0);
  clock.advance(7);
  expect(rooms()).toBe(1);
  clock.advance(100);
  expect(host).toHaveLength(128);
  expect(rooms()).toBe(1);
  expect(uart.offer(noise(100))).toBe(100);
});

test('a change of rate waits for what was said before', () => {
  const { clock, uart, host } = pair({ pace: true });
  uart.send(text);
  uart.setChipBaud(921_600);
  clock.advance(100);
  expect(Buffer.from(host)).toEqual(text);
  expect(uart.chipBaud).toBe(921_600);
  host.length = 0;
  uart.send(text);
  clock.advance(100);
  expect(Buffer.from(host)).not.toEqual(text);
  host.length = 0;
  uart.hostBaud = 921_600;
  uart.send(text);
  clock.advance(100);
  expect(Buffer.from(host)).toEqual(text);
});

test('a host at the wrong rate is not understood, unless the chip measures the rate', () => {
  const { uart, chip } = pair();
  uart.hostBaud = 460_800;
  uart.fromHost(text);
  expect(Buffer.from(chip)).not.toEqual(text);
  chip.length = 0;
  uart.autoBaud = true;
  uart.fromHost(text);
  expect(Buffer.from(chip)).toEqual(text);
  expect(uart.chipBaud).toBe(460_800);
});

test('a reset loses what was on its way', () => {
  const { clock, uart, host, chip } = pair({ pace: true });
  uart.send(noise(1000));
  uart.fromHost(noise(1000));
  clock.advance(10);
  const before = [host.length, chip.length];
  uart.reset();
  clock.advance(1000);
  expect([host.length, chip.length]).toEqual(before);
});
