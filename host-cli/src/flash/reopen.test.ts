import { manualClock, passTime } from '@tincan/boards';
import { expect, test } from 'vitest';
import type { SerialLine } from '../serial/line.ts';
import type { PortInfo } from '../serial/ports.ts';
import { reopenBoard, samePort } from './reopen.ts';

const port = (path: string, serial?: string, pid = '1001'): PortInfo => ({
  path,
  usb: { vid: '303a', pid, ...(serial === undefined ? {} : { serial }) },
  name: 'board',
});
const lost = (path: string, serial?: string) => ({ path, usb: port(path, serial).usb! }) as SerialLine;

test('a board is found by its serial number, whatever its name', () => {
  const ports = [port('/dev/ttyACM0', 'BB'), port('/dev/ttyACM1', 'AA')];
  expect(samePort(lost('/dev/ttyACM0', 'AA'), ports)).toBe('/dev/ttyACM1');
  expect(samePort(lost('/dev/ttyACM0', 'CC'), ports)).toBeUndefined();
});

test('without a serial number: the same name, or the only one of its kind', () => {
  const two = [port('/dev/ttyUSB0'), port('/dev/ttyUSB1')];
  expect(samePort(lost('/dev/ttyUSB1'), two)).toBe('/dev/ttyUSB1');
  expect(samePort(lost('/dev/ttyUSB2'), two)).toBeUndefined();
  expect(samePort(lost('/dev/ttyUSB2'), [port('/dev/ttyUSB3'), port('/dev/ttyACM0', 'AA', '0009')])).toBe(
    '/dev/ttyUSB3',
  );
  expect(samePort({ path: 'rfc2217://127.0.0.1:4000' }, [])).toBe('rfc2217://127.0.0.1:4000');
});

test('it is waited for until it is there and can be opened', async () => {
  const time = manualClock();
  const opened: string[] = [];
  const line = await passTime(
    time,
    reopenBoard(lost('/dev/ttyACM0', 'AA'), {
      clock: time,
      list: async () => (time.now() < 5000 ? [] : [port('/dev/ttyACM3', 'AA')]),
      open: async (path) => {
        opened.push(path);
        if (opened.length === 1) throw new Error('permission denied');
        return { path } as SerialLine;
      },
    }),
  );
  expect(line.path).toBe('/dev/ttyACM3');
  expect(opened).toEqual(['/dev/ttyACM3', '/dev/ttyACM3']);
});

test('a board that does not come back is an error that says what to do', async () => {
  const time = manualClock();
  const waiting = reopenBoard(lost('/dev/ttyACM0', 'AA'), { clock: time, list: async () => [] });
  await expect(passTime(time, waiting)).rejects.toMatchObject({
    code: 'PORT_LOST',
    message: '/dev/ttyACM0 went away and did not come back.',
    hint: expect.stringContaining('Plug the board in again'),
  });
  expect(time.now()).toBeGreaterThanOrEqual(30_000);
});
