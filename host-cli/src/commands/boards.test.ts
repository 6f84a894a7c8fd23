import { BOARDS } from '@tincan/boards';
import { afterEach, expect, test, vi } from 'vitest';
import { main } from '../program.ts';
import { usbName } from '../serial/ports.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function printed(args: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  expect(await main(args)).toBe(0);
  return text;
}

test('every board has a line that says what it has', async () => {
  const text = await printed(['boards']);
  const lines = text.trimEnd().split('\n');
  expect(lines).toHaveLength(1 + Object.keys(BOARDS).length);
  expect(lines.find((line) => line.startsWith('esp-box-3 '))).toMatch(
    /16 MB octal +ES7210 +ES8311 +listens, echo cancelled +none +native$/,
  );
  expect(lines.find((line) => line.startsWith('devkitc-1 '))).toMatch(
    /does not listen +WS2812 +UART bridge, native$/,
  );
});

test('--json has whole definitions', async () => {
  const { boards } = JSON.parse(await printed(['boards', '--json']));
  expect(boards.map(({ id }: { id: string }) => id)).toEqual(Object.keys(BOARDS));
  expect(boards.find(({ id }: { id: string }) => id === 'cores3')).toMatchObject({
    psram: { mode: 'quad' },
    listensWhileSpeaking: false,
    usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  });
});

test.each(Object.values(BOARDS).flatMap(({ id, usb }) => usb.map((port) => [id, port] as const)))(
  'the ports of %s are told by name',
  (_id, { vid, pid }) => {
    const hex = (value: number) => value.toString(16).padStart(4, '0');
    expect(usbName({ vid: hex(vid), pid: hex(pid) })).toMatch(/Espressif|Silicon Labs/);
  },
);
