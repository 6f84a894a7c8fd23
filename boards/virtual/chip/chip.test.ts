import { REG, REG_VALUE, ROM_OP, SYNC_DATA, words } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { REMOTE_LINES } from './lines.ts';
import { bootableFlash, Rig, testApp } from './testing.ts';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

test('boots the application and joins it to the UART', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  await rig.boot();
  expect(rig.chip.state).toBe('app');
  const app = rig.apps[0]!;
  expect(app.image.version).toBe('1.2.3');
  expect(app.host.reset).toBe('power');
  expect(app.host.nvs).toEqual({ offset: 0x9000, size: 0x6000 });
  rig.takeText();
  expect(app.host.serialWrite(bytes('hello'))).toBe(5);
  expect(rig.text).toBe('hello');
  rig.chip.receive(bytes('in'));
  expect(app.received).toEqual([bytes('in')]);
});

test('nothing happens without power, and power that goes stops everything', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  rig.chip.setLines(false, true);
  rig.chip.setLines(false, false);
  rig.clock.advance(1000);
  expect(rig.text).toBe('');
  await rig.boot();
  rig.chip.powerOff();
  expect(rig.apps[0]!.stopped).toBe(true);
  rig.takeText();
  rig.apps[0]!.host.serialWrite(bytes('ghost'));
  rig.clock.advance(10_000);
  expect(rig.text).toBe('');
  expect(rig.clock.pending).toBe(0);
});

test('with pacing, what is on its way is lost when the power goes', () => {
  const rig = new Rig({ pace: true });
  rig.chip.powerOn();
  rig.clock.advance(3);
  expect(rig.text).toMatch(/^ESP-ROM/);
  rig.chip.powerOff();
  rig.takeText();
  rig.clock.advance(1000);
  expect(rig.text).toBe('');
  expect(rig.clock.pending).toBe(0);
});

test('the lines reset it: held while EN is low, then the ROM says in which mode it woke', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  await rig.boot();
  rig.takeText();
  rig.chip.setLines(false, true);
  expect(rig.apps[0]!.stopped).toBe(true);
  rig.clock.advance(500);
  expect(rig.text).toBe('');
  rig.chip.setLines(true, false);
  rig.clock.advance(10);
  expect(rig.text).toContain('boot:0x0 (DOWNLOAD(USB/UART0))\r\nwaiting for download\r\n');
  expect(rig.command(ROM_OP.sync, SYNC_DATA).op).toBe(ROM_OP.sync);
  rig.chip.setLines(false, true);
  rig.chip.setLines(false, false);
  rig.clock.advance(50);
  await rig.settle();
  expect(rig.chip.state).toBe('app');
  expect(rig.apps[1]!.host.reset).toBe('pin');
});

test('a client that opens and closes its port leaves the application alone', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  await rig.boot();
  rig.chip.setLines(true, false, REMOTE_LINES);
  rig.clock.advance(50);
  rig.chip.setLines(true, true, REMOTE_LINES);
  rig.clock.advance(500);
  rig.chip.setLines(false, false, REMOTE_LINES);
  rig.clock.advance(500);
  expect(rig.apps).toHaveLength(1);
  expect(rig.apps[0]!.stopped).toBe(false);
});

test('restart and panic start it again and say why', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  await rig.boot();
  rig.apps[0]!.host.restart();
  expect(rig.apps[0]!.stopped).toBe(true);
  rig.clock.advance(50);
  await rig.settle();
  expect(rig.text).toContain('rst:0xc (RTC_SW_CPU_RST)');
  expect(rig.apps[1]!.host.reset).toBe('software');
  rig.takeText();
  rig.apps[1]!.host.panic('unreachable\n  at core');
  rig.apps[0]!.host.panic('from the grave');
  rig.clock.advance(100);
  await rig.settle();
  expect(rig.text).toMatch(/Guru Meditation Error: Core {2}0 panic'ed.*\r\nunreachable at core\r\n/);
  expect(rig.text).toContain('Rebooting...');
  expect(rig.text).not.toContain('grave');
  expect(rig.apps[2]!.host.reset).toBe('panic');
  expect(rig.apps).toHaveLength(3);
});

test('what comes before the application listens waits in the hardware’s FIFO', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  rig.chip.powerOn();
  rig.chip.receive(new Uint8Array(100).fill(1));
  rig.chip.receive(new Uint8Array(100).fill(2));
  rig.clock.advance(50);
  await rig.settle();
  expect(rig.apps[0]!.received.map((part) => part.length)).toEqual([100, 28]);
});

test('an application that is not ready when the chip resets never runs', async () => {
  let ready: (app: { serialIn(): void; stop(): void }) => void = () => {};
  let stopped = 0;
  const rig = new Rig({
    flash: bootableFlash(),
    loader: () =>
      new Promise((resolve) => {
        ready = resolve;
      }),
  });
  await rig.boot();
  rig.chip.pressReset('download');
  ready({ serialIn: () => {}, stop: () => stopped++ });
  await rig.settle();
  expect(stopped).toBe(1);
  expect(rig.chip.state).toBe('rom');
});

test('an application that does not start is told, and the board can be flashed', async () => {
  const rig = new Rig({ flash: bootableFlash(), loader: () => Promise.reject(new Error('no such import')) });
  await rig.boot();
  expect(rig.text).toContain('the application did not start: no such import');
  expect(rig.chip.state).toBe('halted');
  rig.chip.pressReset('download');
  expect(rig.command(ROM_OP.sync, SYNC_DATA).value).not.toBe(0);
});

test('a board that cannot boot tries again once a second, and no faster', () => {
  const rig = new Rig();
  rig.chip.powerOn();
  rig.clock.advance(10_100);
  expect(rig.text.match(/ESP-ROM/g)).toHaveLength(10);
  expect(rig.text).toContain('rst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)');
  expect(rig.text.match(/invalid header: 0xffffffff/g)!.length).toBeGreaterThan(10);
  expect(rig.text.length).toBeLessThan(6000);
});

test('a watchdog that ends the ROM before any SYNC ends its autobaud too', async () => {
  const rig = new Rig({ flash: bootableFlash() });
  rig.chip.powerOn();
  rig.chip.pressReset('download');
  const set = (address: number, value: number) =>
    rig.command(ROM_OP.writeReg, words(address, value, 0xffffffff, 0));
  set(REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock);
  set(REG.rtcWdtConfig1, 2000);
  set(REG.rtcWdtConfig0, 0x80000000);
  rig.clock.advance(100);
  await rig.settle();
  expect(rig.chip.state).toBe('app');
  rig.chip.receive(Buffer.from('hello'), 9600);
  expect(rig.chip.baud).toBe(115_200);
});

test('code in RAM that is no stub leaves a chip that says nothing until it is reset', () => {
  const rig = Rig.rom();
  rig.command(ROM_OP.memEnd, words(0, 0x40378000));
  expect(rig.chip.state).toBe('halted');
  rig.takeFrames();
  rig.send(ROM_OP.sync, SYNC_DATA);
  expect(rig.takeFrames()).toHaveLength(0);
});

test('tells observers what happens', async () => {
  const rig = new Rig({ flash: bootableFlash([testApp('x')]) });
  await rig.boot();
  rig.apps[0]!.host.flash.program(0x9000, Uint8Array.of(1));
  const kinds = rig.events.map((event) => event.type);
  expect(kinds).toEqual(['power', 'reset', 'flash', 'flash', 'app', 'flash']); // twice for otadata
  expect(rig.events.at(-1)).toEqual({ type: 'flash', kind: 'program', offset: 0x9000, length: 1 });
});

test('with pacing the application is told when the FIFO is full and when it has room', async () => {
  const rig = new Rig({ flash: bootableFlash(), pace: true, fifo: 256 });
  rig.chip.powerOn();
  rig.clock.advance(2000);
  await rig.settle();
  let rooms = 0;
  const { host } = rig.apps[0]!;
  host.onSerialRoom(() => rooms++);
  rig.clock.advance(2000);
  expect(host.serialWrite(new Uint8Array(1000))).toBe(256);
  rig.clock.advance(20);
  expect(rooms).toBe(1);
});
