import { commands, runLLVM } from '@yowasp/clang';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../clock.ts';
import type { AppImage, World } from '../contract.ts';
import { type RuntimeOptions, type TincanApp, tincanLoader } from './app.ts';
import { SilentRoom } from './person.ts';
import { WavSpeaker } from './speaker.ts';
import { FakeHost } from './testing.ts';

/**
 * A tiny core: it takes three events at a time and says on the serial line what each one was; a serial byte is a
 * command. Its microphone is its loudspeaker.
 */
const PUPPET = `
typedef unsigned char u8; typedef unsigned int u32; typedef short i16;
#define IN(name) __attribute__((import_module("env"), import_name(#name))) name
#define OUT(name) __attribute__((export_name(#name))) name
u32 IN(tc_port_serial_write)(const u8 *, u32);
void IN(tc_port_restart)(void);
void IN(tc_port_lock)(void);
void IN(tc_port_unlock)(void);
int IN(tc_port_audio_start)(void);
void IN(tc_port_audio_stop)(void);
void IN(tc_port_volume)(u8);
void IN(tc_port_light)(int, u32);
int IN(tc_port_wifi_join)(const char *, const char *);
int IN(tc_port_kv_write)(const char *, int, const void *, u32);
int IN(tc_port_kv_read)(const char *, int, void *, u32);
void IN(tc_port_mac)(u8 *);
void IN(tc_port_image_hash)(char *);
int IN(tc_port_reset_reason)(void);
void IN(tc_port_random)(u8 *, u32);
#ifdef STRANGER
int IN(tc_port_teleport)(void);
#endif
static u8 buffer[131072], out[65536]; static i16 pcm[320];
static u32 head, tail; static int in_audio;
static struct { int kind, id, code; u32 extra, length; u8 first; } box[3]; static int count;
static void say(u8 c) { out[head++ % sizeof out] = c; }
static void text(const char *s) { while (*s) say(*s++); }
static void number(int n) { if (n < 0) { say('-'); n = -n; } if (n > 9) number(n / 10); say('0' + n % 10); }
static void pump(void) {
    while (tail != head) {
        u32 at = tail % sizeof out, n = head - tail;
        if (n > sizeof out - at) n = sizeof out - at;
        u32 took = tc_port_serial_write(out + at, n);
        tail += took;
        if (took < n) return;
    }
}
void *OUT(tc_virtual_buffer)(void) { return buffer; }
u32 OUT(tc_virtual_buffer_size)(void) { return sizeof buffer; }
void *OUT(tc_virtual_pcm)(void) { return pcm; }
void OUT(tc_virtual_init)(double now) {
    u8 mac[6]; char hash[65]; u8 r[8] = {0}; int any = 0;
    tc_port_mac(mac); tc_port_image_hash(hash); tc_port_random(r, 8);
    for (int i = 0; i < 8; i++) any |= r[i];
    text("hello "); number(mac[5]); say(' '); say(hash[63]); number(hash[64]); say(' ');
    number(tc_port_reset_reason()); number(any != 0); say('\\n');
}
int OUT(tc_virtual_post)(int kind, int id, int code, u32 extra, u32 length) {
    if (length > 100000) return -2;
    if (count == 3 || length > 2000) return -7;
    box[count].kind = kind; box[count].id = id; box[count].code = code;
    box[count].length = length; box[count++].first = buffer[0];
    return 0;
}
static void command(u8 c) {
    if (c == 'R') { tc_port_restart(); text("not reached\\n"); pump(); }
    if (c == 'T') __builtin_trap();
    if (c == 'P') *(volatile u8 *)0xfffffff0 = 1;
    if (c == 'S') tc_port_serial_write((u8 *)0x7ffffff0, 100);
    if (c == 'L') { tc_port_lock(); tc_port_lock(); }
    if (c == 'K') tc_port_lock();
    if (c == 'A') tc_port_audio_start();
    if (c == 'Z') tc_port_audio_stop();
    if (c == 'X') in_audio = 1;
    if (c == 'V') tc_port_volume(50);
    if (c == 'G') tc_port_light(1, 0x00ff00);
    if (c == 'W') tc_port_wifi_join("home", "pw");
    if (c == 'N') { u8 n = 0; tc_port_kv_read("n", 1, &n, 1); n++; tc_port_kv_write("n", 1, &n, 1); number(n); say('\\n'); }
    if (c == 'F') for (int i = 0; i < 10000; i++) say('0' + i % 10);
}
u32 OUT(tc_virtual_step)(double now) {
#ifdef STRANGER
    tc_port_teleport();
#endif
    for (int i = 0; i < count; i++) {
        say('<'); number(box[i].kind); say(','); number(box[i].id); say(','); number(box[i].code); say(',');
        number(box[i].length);
        if (box[i].kind == 1) { say(','); say(box[i].first); }
        text(">\\n");
        if (box[i].kind == 1) command(box[i].first);
    }
    count = 0;
    pump();
    return head == tail ? 500 : 0;
}
static i16 heard[320];
void OUT(tc_virtual_audio_in)(double now) { for (int i = 0; i < 320; i++) heard[i] = pcm[i]; }
void OUT(tc_virtual_audio_out)(void) {
    if (in_audio) __builtin_trap();
    for (int i = 0; i < 320; i++) pcm[i] = heard[i];
}
void OUT(tc_virtual_rtp)(int id, u32 length, double now) { text("rtp\\n"); }
`;

async function compile(...flags: string[]): Promise<Uint8Array> {
  // Only this first call takes notice of the option, which keeps the compiler from talking of its own loading.
  await runLLVM(undefined, undefined, { fetchProgress: () => {} });
  const args = ['--target=wasm32', '-O1', '-nostdlib', '-Wl,--no-entry', ...flags, 'puppet.c', '-o', 'a'];
  const files = (await commands.clang(args, { 'puppet.c': PUPPET })) as Record<string, Uint8Array>;
  return files.a!;
}
let puppet: Uint8Array;
beforeAll(async () => {
  puppet = await compile();
});

interface Board {
  clock: ManualClock;
  host: FakeHost;
  app: TincanApp;
  speaker: WavSpeaker;
  lights: unknown[];
  volumes: number[];
  type(text: string): void;
}

async function boot(
  wasm = puppet,
  world: Partial<World> = {},
  host = new FakeHost(manualClock(100)),
): Promise<Board> {
  const speaker = new WavSpeaker();
  const lights: unknown[] = [];
  const volumes: number[] = [];
  let app: TincanApp | undefined;
  const options: RuntimeOptions = {
    started: (running) => {
      app = running;
    },
  };
  const image: AppImage = { wasm, hash: `${'0'.repeat(63)}f`, version: '1', project: 'test' };
  const whole: World = {
    accessPoints: [{ ssid: 'home', password: 'pw' }],
    microphone: new SilentRoom(),
    loudspeaker: speaker,
    light: (state) => lights.push(state),
    volume: (percent) => volumes.push(percent),
    ...world,
  };
  const running = await tincanLoader(whole, options)(image, host);
  const clock = host.clock as ManualClock;
  return {
    clock,
    host,
    app: app ?? (running as TincanApp),
    speaker,
    lights,
    volumes,
    type(text) {
      running.serialIn(new TextEncoder().encode(text));
      clock.advance(0);
    },
  };
}

describe('the runtime', () => {
  it('starts the core after the chip has it in hand', async () => {
    const { clock, host } = await boot();
    expect(host.serial).toBe('');
    clock.advance(0);
    expect(host.serial).toBe('hello 3 f0 21\n');
    expect(host.panics).toEqual([]);
  });

  it('steps at once when something happens, and else when the core asked for it', async () => {
    const { clock, app, type } = await boot();
    clock.advance(0);
    const before = app.stats().steps;
    clock.advance(499);
    expect(app.stats().steps).toBe(before);
    clock.advance(1);
    expect(app.stats().steps).toBe(before + 1);
    type('?');
    expect(app.stats().steps).toBe(before + 2);
  });

  it('keeps what the inbox does not take, and delivers it in order', async () => {
    const { clock, host, app } = await boot();
    clock.advance(0);
    host.serial = '';
    for (const letter of 'abcdefgh') app.serialIn(new TextEncoder().encode(letter));
    app.button(true);
    app.button(false);
    clock.advance(0);
    expect(host.serial).toBe(
      `${[...'abcdefgh'].map((letter) => `<1,0,0,1,${letter}>\n`).join('')}<10,0,1,0>\n<10,0,0,0>\n`,
    );
    expect(app.stats().refused).toBe(0);
  });

  it('cuts serial input into pieces that fit', async () => {
    const { clock, host, app } = await boot();
    clock.advance(0);
    host.serial = '';
    app.serialIn(new Uint8Array(70_000).fill(0x2e));
    clock.advance(0);
    const sizes = [...host.serial.matchAll(/<1,0,0,(\d+)/g)].map((match) => Number(match[1]));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(70_000);
    expect(app.stats().refused).toBe(0);
  });

  it('goes on writing when the serial line has room again', async () => {
    const { clock, host, type } = await boot();
    clock.advance(0);
    host.serial = '';
    host.room = 100;
    type('F');
    expect(host.serial).toHaveLength(100);
    while (host.serial.length < 10_000) {
      const before = host.serial.length;
      host.makeRoom(1000);
      clock.advance(0);
      expect(host.serial.length).toBeGreaterThan(before);
    }
    expect(host.serial).toMatch(/^<1,0,0,1,F>\n(0123456789){900}/);
  });

  it('restarts when the core asks, and does not return into it', async () => {
    const { clock, host, type } = await boot();
    clock.advance(0);
    type('R');
    expect(host.restarts).toBe(1);
    expect(host.serial).not.toContain('not reached');
    type('?');
    clock.advance(5000);
    expect(clock.pending).toBe(0);
    expect(host.panics).toEqual([]);
  });

  it.each([
    ['T', /unreachable/],
    ['P', /out of bounds/],
    ['S', /length|range|bounds/i],
    ['L', /lock is held/],
    ['K', /lock held/],
  ])('panics on a defect of the core (%s)', async (command, message) => {
    const { clock, host, type } = await boot();
    clock.advance(0);
    type(command);
    expect(host.panics).toEqual([expect.stringMatching(message)]);
    clock.advance(5000);
    expect(host.panics).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('names the functions in which it trapped', async () => {
    const { clock, host, type } = await boot();
    clock.advance(0);
    type('T');
    expect(host.panics[0]).toMatch(/unreachable in .*tc_virtual_step/);
    // The real core is stripped: then it is the number of the function and the place in the code.
    const bare = await boot(await compile('-Wl,--strip-all'));
    bare.clock.advance(0);
    bare.type('T');
    expect(bare.host.panics[0]).toMatch(/unreachable in .*wasm-function\[\d+\]:0x[0-9a-f]+/);
  });

  it('panics on an image that asks for what the board does not have, or is no module', async () => {
    const stranger = await boot(await compile('-DSTRANGER'));
    stranger.clock.advance(0);
    expect(stranger.host.panics).toEqual([expect.stringContaining('env.tc_port_teleport')]);
    const noise = await boot(new Uint8Array([1, 2, 3, 4]));
    noise.clock.advance(0);
    expect(noise.host.panics).toEqual([expect.stringMatching(/not a WebAssembly module/)]);
    noise.app.serialIn(new Uint8Array([1]));
    noise.app.stop();
    noise.clock.advance(1000);
    expect(noise.host.panics).toHaveLength(1);
  });

  it('does not touch the core after stop, whatever still comes', async () => {
    const { clock, host, app, type } = await boot();
    clock.advance(0);
    type('AW');
    app.stop();
    const { serial } = host;
    app.serialIn(new Uint8Array([0x54]));
    app.button(true);
    app.stop();
    clock.advance(10_000);
    expect(host.serial).toBe(serial);
    expect(host.panics).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is not started at all when the chip stops it first', async () => {
    const { clock, host, app } = await boot();
    app.stop();
    clock.advance(1000);
    expect(host.serial).toBe('');
  });

  it('joins Wi-Fi and keeps values over a restart', async () => {
    const first = await boot();
    first.clock.advance(0);
    first.type('W');
    first.clock.advance(30);
    expect(first.host.serial).toContain('<2,0,0,9>');
    first.app.loseWifi();
    first.clock.advance(0);
    expect(first.host.serial).toContain('<3,0,0,0>');
    first.type('N');
    first.app.stop();
    first.host.serial = '';
    const second = await boot(puppet, {}, first.host);
    second.clock.advance(0);
    second.type('N');
    expect(second.host.serial).toContain('\n2\n');
  });

  it('plays what the core gives, at the volume that was set, and shows the light', async () => {
    const loud = { frame: () => new Int16Array(320).fill(8000) };
    const { clock, speaker, lights, volumes, type, app } = await boot(puppet, { microphone: loud });
    clock.advance(0);
    for (const command of 'AVG') type(command);
    clock.advance(100);
    expect(app.stats()).toMatchObject({ frames: 5, skipped: 0 });
    // The first frame plays what was heard before anything was heard.
    expect([...new Set(speaker.pcm())]).toEqual([0, 4000]);
    expect(speaker.pcm().indexOf(4000)).toBe(320);
    expect(volumes).toEqual([50]);
    expect(lights).toEqual([{ on: true, rgb: 0x00ff00 }]);
    type('Z');
    clock.advance(1000);
    expect(app.stats().frames).toBe(5);
  });

  it('panics when the core traps in a frame of audio', async () => {
    const { clock, host, type } = await boot();
    clock.advance(0);
    for (const command of 'AX') type(command);
    clock.advance(1000);
    expect(host.panics).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});
