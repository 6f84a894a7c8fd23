import { escapeIac } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { TelnetComPort } from './telnet.ts';

const [IAC, DONT, DO, WONT, WILL, SB, SE] = [255, 254, 253, 252, 251, 250, 240] as const;

function session() {
  const seen: unknown[] = [];
  const sent: number[] = [];
  const port = new TelnetComPort(
    {
      data: (bytes) => seen.push([...bytes]),
      baud: (baud) => seen.push({ baud }),
      lines: (dtr, rts) => seen.push({ dtr, rts }),
      suspend: (on) => seen.push({ suspend: on }),
    },
    (bytes) => sent.push(...bytes),
    'sig',
  );
  const receive = (...bytes: number[]) => port.receive(Uint8Array.from(bytes));
  const ask = (...bytes: number[]) => {
    sent.length = 0;
    receive(IAC, SB, 44, ...bytes, IAC, SE);
    expect(sent.slice(0, 3)).toEqual([IAC, SB, 44]);
    expect(sent.slice(-2)).toEqual([IAC, SE]);
    return sent.slice(3, -2);
  };
  return { port, seen, sent, receive, ask };
}

test('takes data apart from commands, in order, whatever the pieces', () => {
  const stream = [1, 2, IAC, IAC, 3, IAC, SB, 44, 5, 8, IAC, SE, 4, IAC, 241, 5, IAC, IAC];
  for (const size of [1, 2, 3, stream.length]) {
    const { seen, receive } = session();
    for (let at = 0; at < stream.length; at += size) receive(...stream.slice(at, at + size));
    const flat = seen.flatMap((entry) => (Array.isArray(entry) ? entry : [entry]));
    expect(flat).toEqual([1, 2, 255, 3, { dtr: true, rts: false }, 4, 5, 255]);
  }
});

test('doubles IAC in what it sends', () => {
  expect([...escapeIac(Uint8Array.of(1, 255, 2))]).toEqual([1, 255, 255, 2]);
  const plain = Uint8Array.of(1, 2);
  expect(escapeIac(plain)).toBe(plain);
});

test('negotiates what it has, refuses the rest, and answers nothing twice', () => {
  const { port, sent, receive } = session();
  port.start();
  expect(sent.slice(0, 6)).toEqual([IAC, WILL, 44, IAC, DO, 44]);
  sent.length = 0;
  receive(IAC, WILL, 0, IAC, DO, 0, IAC, DO, 3);
  expect(sent).toEqual([]); // it had offered them
  receive(IAC, DO, 1, IAC, WILL, 24);
  expect(sent).toEqual([IAC, WONT, 1, IAC, DONT, 24]);
  sent.length = 0;
  receive(IAC, WONT, 3, IAC, WONT, 3);
  expect(sent).toEqual([IAC, DONT, 3]);
  sent.length = 0;
  receive(IAC, WILL, 44, IAC, WILL, 44);
  expect(sent).toEqual([IAC, SB, 44, 107, 0xb0, IAC, SE]); // the modem's state, once
});

test('sets and tells the rate', () => {
  const { seen, ask } = session();
  expect(ask(1, 0, 0, 0, 0)).toEqual([101, 0, 1, 0xc2, 0]);
  expect(ask(1, 0, 0x0e, 0x10, 0)).toEqual([101, 0, 0x0e, 0x10, 0]);
  expect(seen).toEqual([{ baud: 921_600 }]);
  expect(ask(1, 0, 0, 0, 10)).toEqual([101, 0, 0x0e, 0x10, 0]); // too slow: stays
  // 0x0000ffff: IAC is doubled both ways.
  expect(ask(1, 0, 0, IAC, IAC, IAC, IAC)).toEqual([101, 0, 0, IAC, IAC, IAC, IAC]);
  expect(seen.at(-1)).toEqual({ baud: 65_535 });
});

test('is 8N1 without flow control, whatever is asked', () => {
  const { ask } = session();
  expect(ask(2, 7)).toEqual([102, 8]);
  expect(ask(3, 2)).toEqual([103, 1]);
  expect(ask(4, 2)).toEqual([104, 1]);
  for (const flow of [0, 1, 2, 3]) expect(ask(5, flow)).toEqual([105, 1]);
  expect(ask(5, 13)).toEqual([105, 14]);
});

test('sets and tells DTR, RTS and BREAK', () => {
  const { seen, ask } = session();
  expect(ask(5, 7)).toEqual([105, 9]);
  expect(ask(5, 8)).toEqual([105, 8]);
  expect(ask(5, 7)).toEqual([105, 8]);
  expect(ask(5, 11)).toEqual([105, 11]);
  expect(ask(5, 10)).toEqual([105, 11]);
  expect(ask(5, 9)).toEqual([105, 9]);
  expect(ask(5, 12)).toEqual([105, 12]);
  expect(ask(5, 5)).toEqual([105, 5]);
  expect(ask(5, 4)).toEqual([105, 5]);
  expect(ask(5, 6)).toEqual([105, 6]);
  expect(seen).toEqual([
    { dtr: true, rts: false },
    { dtr: true, rts: true },
    { dtr: false, rts: true },
    { dtr: false, rts: false },
  ]);
});

test('answers signature, masks, states, purges and flow', () => {
  const { seen, ask, receive } = session();
  expect(ask(0)).toEqual([100, ...Buffer.from('sig')]);
  expect(ask(7)).toEqual([107, 0xb0]);
  expect(ask(11, 0x10)).toEqual([111, 0x10]);
  expect(ask(7)).toEqual([107, 0x10]);
  expect(ask(10, 0)).toEqual([110, 0]);
  expect(ask(6)).toEqual([106, 0]);
  for (const purge of [1, 2, 3]) expect(ask(12, purge)).toEqual([112, purge]);
  receive(IAC, SB, 44, 8, IAC, SE, IAC, SB, 44, 9, IAC, SE);
  expect(seen).toEqual([{ suspend: true }, { suspend: false }]);
});

test('a subnegotiation without end costs no memory, and nonsense no answer', () => {
  const { sent, receive } = session();
  receive(IAC, SB, 44);
  for (let i = 0; i < 100_000; i++) receive(7);
  receive(IAC, SE, IAC, SB, IAC, SE, IAC, SB, 31, 1, 2, IAC, SE, IAC, SB, 44, 99, IAC, SE);
  expect(sent.filter((byte) => byte === SB)).toHaveLength(1); // the first was a request for the modem's state
});
