/** For tests: a program that looks like QEMU from outside. It boots with a line of text, echoes, and obeys QMP. */
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = `#!${process.execPath}
const { connect } = require('node:net');
const { appendFileSync } = require('node:fs');
const args = process.argv.slice(2);
const after = (name) => args[args.indexOf(name) + 1] ?? '';
if (args.includes('--version')) {
  console.log('QEMU emulator version 9.9.9 (fake)');
} else if (after('-machine') === 'help') {
  console.log(process.env.FAKE_MACHINES ?? 'esp32                Espressif ESP32 machine\\nesp32s3              Espressif ESP32S3 machine');
} else {
  const log = (text) => appendFileSync(__filename + '.log', text + '\\n');
  log('pid ' + process.pid + ' args ' + JSON.stringify(args));
  if (process.env.FAKE_REFUSES) {
    console.error('qemu-system-xtensa: ' + process.env.FAKE_REFUSES);
    process.exit(1);
  }
  const port = (text) => Number(/:(\\d+)(,|$)/.exec(text)[1]);
  const serial = connect(port(after('-serial')), '127.0.0.1');
  const boot = () => serial.write('ESP-ROM:esp32s3-20210327\\r\\n');
  serial.on('connect', boot);
  serial.on('data', (bytes) => {
    if (String(bytes).includes('die')) {
      serial.write('Guru Meditation Error\\r\\n', () => {
        console.error('qemu: fatal: trapped');
        setTimeout(() => process.exit(134), 50);
      });
    } else serial.write(bytes);
  });
  const control = connect(port(after('-qmp')), '127.0.0.1');
  control.write('{"QMP": {"version": {}, "capabilities": []}}\\r\\n');
  let rest = '';
  control.on('data', (bytes) => {
    const lines = (rest + bytes).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      const { execute, id } = JSON.parse(line);
      log(execute);
      control.write('{"event": "' + execute.toUpperCase() + '"}\\r\\n' + JSON.stringify({ return: {}, id }) + '\\r\\n');
      if (execute === 'system_reset') boot();
    }
  });
}
`;

export interface FakeQemu {
  file: string;
  /** The command lines that started it (`pid N args […]`), and the QMP commands in the order in which they came. */
  log(): string[];
}

export function fakeQemu(name = 'qemu-system-xtensa'): FakeQemu {
  const file = join(mkdtempSync(join(tmpdir(), 'tincan fake qemu ')), name);
  writeFileSync(file, SCRIPT);
  chmodSync(file, 0o755);
  return {
    file,
    log: () => {
      try {
        return readFileSync(`${file}.log`, 'utf8').trim().split('\n');
      } catch {
        return [];
      }
    },
  };
}
