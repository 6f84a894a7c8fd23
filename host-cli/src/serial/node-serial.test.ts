import { spawn, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { openLine } from './line.ts';

const PTY = `
import os, sys, tty
master, slave = os.openpty()
tty.setraw(slave)
print(os.ttyname(slave), flush=True)
while True:
    data = os.read(master, 1000)
    os.write(master, data.upper())
`;
const hasPython = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0;

test('a port that is not there: the error lists what is', async () => {
  await expect(openLine('/dev/tty-none')).rejects.toMatchObject({
    code: 'PORT_MISSING',
    message: 'There is no port /dev/tty-none.',
    exitCode: 3,
  });
});

// A pty is a real tty without modem lines; making one takes a program that is on most machines, but not on all.
if (!hasPython) console.log('python3 is not installed: the test on a real pseudo terminal is skipped');
test.skipIf(!hasPython)(
  'a pty works without modem lines, and a second opening is refused as busy',
  async () => {
    const child = spawn('python3', ['-c', PTY], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const path = await new Promise<string>((resolve) =>
        child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())),
      );
      const line = await openLine(path);
      const heard = new Promise<string>((resolve) =>
        line.onData((bytes) => resolve(Buffer.from(bytes).toString())),
      );
      await line.setLines({ dtr: false, rts: true });
      expect(line.hasLines).toBe(false);
      await line.setBaud(921_600);
      await expect(openLine(path)).rejects.toMatchObject({ code: 'PORT_BUSY', exitCode: 3 });
      await line.write(Buffer.from('abc'));
      expect(await heard).toBe('ABC');
      await line.close();
      await expect(line.write(Buffer.from('abc'))).rejects.toMatchObject({ code: 'PORT_LOST' });
    } finally {
      child.kill();
    }
  },
);
