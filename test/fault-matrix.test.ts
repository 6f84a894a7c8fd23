/**
 * The fault matrix: `tincan flash` on a board, one fault each time, and then the same command once more, which must end
 * with the right image running and the right settings in the flash, whatever the first one came to. Time is injected,
 * so waiting costs nothing; what a fault hits is spread evenly over the bytes and flash operations of a run without one.
 */
import { type ManualClock, manualClock, NorFlash, passTime, VirtualChip } from '@tincan/boards';
import { asTincanError, flashBoard } from '@tincan/host-cli';
import {
  buildNvsImage,
  buildOtaData,
  buildPartitionTable,
  initialOtaData,
  type Partition,
  parseImage,
  parseOtaData,
  readNvs,
  selectOtaSlot,
  settingsFromNvs,
  settingsToNvs,
  virtualBootloader,
  wrapWasm,
} from '@tincan/shared-protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { Bench, type LineFault } from './support/bad-line.ts';
import { chance } from './support/chance.ts';
import { helloLoader } from './support/hello-loader.ts';

/** As on real boards, but small: hundreds of runs boot it. */
const FLASH_BYTES = 1 << 20;
const NVS = { name: 'nvs', type: 1, subtype: 2, offset: 0x9000, size: 0x6000 };
const OTADATA = { name: 'otadata', type: 1, subtype: 0, offset: 0xf000, size: 0x2000 };
const CALIBRATION = { name: 'phy_init', type: 1, subtype: 1, offset: 0x11000, size: 0x1000 };
const SLOT = { name: 'ota_0', type: 0, subtype: 0x10, offset: 0x20000, size: 0x30000 };
const OTHER_SLOT = { name: 'ota_1', type: 0, subtype: 0x11, offset: 0x50000, size: 0x30000 };
const TABLE: Partition[] = [NVS, OTADATA, CALIBRATION, SLOT, OTHER_SLOT];

const OLD = { 'wifi.ssid': 'old-network', 'wifi.password': 'old-password', 'audio.volume': 20 } as const;
const NEW = { 'wifi.ssid': 'new-network', 'wifi.password': 'new-password', 'audio.volume': 70 } as const;
const nvs = (values: typeof OLD | typeof NEW) => buildNvsImage(settingsToNvs(values), { size: NVS.size });

/** Half of it does not compress, as in an application. */
function app(seed: number, version: string): Uint8Array {
  const random = chance(seed);
  const wasm = Uint8Array.from({ length: 60_000 }, (_, i) => (i & 0x800 ? i >> 5 : random(256)));
  return wrapWasm({ wasm, version });
}
const OLD_APP = app(1, '1.0.0');
const NEW_APP = app(2, '2.0.0');

const FILES = [
  { offset: 0, data: virtualBootloader(), name: 'bootloader.bin' },
  { offset: 0x8000, data: buildPartitionTable(TABLE), name: 'partition-table.bin' },
  { offset: NVS.offset, data: nvs(NEW), name: 'settings.bin' },
  { offset: OTADATA.offset, data: initialOtaData(), name: 'ota_data_initial.bin' },
  { offset: SLOT.offset, data: NEW_APP, name: 'tincan.bin' },
];
const [, , SETTINGS_FILE] = FILES;

type Start = 'blank' | 'old' | 'settings kept';

/** A board: blank, with an older image and its settings, or the same where the settings are not part of the command. */
function flashAt(start: Start): NorFlash {
  const flash = NorFlash.inMemory(FLASH_BYTES);
  if (start === 'blank') return flash;
  for (const file of FILES)
    flash.program(file.offset, file.data.length === NEW_APP.length ? OLD_APP : file.data);
  flash.erase(NVS.offset, NVS.size);
  flash.program(NVS.offset, nvs(OLD));
  flash.program(CALIBRATION.offset, new Uint8Array(64).fill(0x5a));
  return flash;
}

interface Scene {
  start: Start;
  /** Before the first run. */
  arrange?: (bench: Bench, flash: NorFlash) => void;
  fault?: LineFault;
  /** The power fails in the middle of this flash operation. */
  cutAt?: number;
  /** Nobody plugs it in again while the first run waits. */
  alone?: boolean;
  /** What a person does between the runs. */
  between?: (bench: Bench, flash: NorFlash) => void;
}

interface Ending {
  /** Code of the first run's error; undefined if it came to its end by itself. */
  first: string | undefined;
  hit: boolean;
  /** What the first run had: bytes each way, and flash operations. */
  counted: Bench['counted'];
  operations: number;
}

function run(bench: Bench, clock: ManualClock, scene: Scene) {
  const files = scene.start === 'settings kept' ? FILES.filter((file) => file !== SETTINGS_FILE) : FILES;
  return passTime(
    clock,
    flashBoard({
      line: bench.open(),
      ...(scene.alone ? {} : { reopen: () => bench.reopen() }),
      files,
      board: 'virtual',
      // The boot loader's header names a larger flash.
      flashSize: 'detect',
      clock,
      device: { open: () => bench.reopen(), reconnectMs: 1 },
    }),
  );
}

async function play(scene: Scene): Promise<Ending> {
  const clock = manualClock();
  const flash = flashAt(scene.start);
  const chip = new VirtualChip({ clock, flash, loader: helloLoader });
  const bench = new Bench(chip, clock);
  chip.powerOn();
  let cuts = 0;
  chip.onEvent((event) => {
    if (event.type === 'power' && !event.on) cuts++;
  });
  scene.arrange?.(bench, flash);
  const before = operationsOf(flash);
  if (scene.fault) bench.faults = [scene.fault];
  if (scene.cutAt !== undefined) flash.cutPowerAt(scene.cutAt);
  const first = await run(bench, clock, scene).then(
    () => undefined,
    (error: unknown) => asTincanError(error).code,
  );
  const operations = operationsOf(flash) - before;
  const counted = { ...bench.counted };
  const hit = bench.hits > 0 || cuts > 0 || scene.arrange !== undefined;
  // The fault is over: power and plug are there again.
  bench.faults = [];
  flash.cutPowerAt(Number.POSITIVE_INFINITY);
  bench.path ??= '/dev/ttyACM7';
  chip.powerOn();
  scene.between?.(bench, flash);

  const { hello } = await run(bench, clock, scene);
  expect(hello).toMatchObject({ firmware: '2.0.0' });
  expect(chip.state).toBe('app');
  judgeFlash(flash, scene.start);
  return { first, hit, counted, operations };
}

function operationsOf({ counters }: NorFlash): number {
  return counters.programs + counters.erases;
}

function judgeFlash(flash: NorFlash, start: Start): void {
  const loader = parseImage(flash.read(0, 0x8000));
  expect(loader).toMatchObject({ hashOk: true, problems: [], header: { flashSize: '1MB' } });
  for (const { offset, data } of FILES) {
    if (offset === 0 || offset === NVS.offset || offset === OTADATA.offset) continue;
    expect(Buffer.compare(flash.read(offset, data.length), data)).toBe(0);
  }
  const { data, blank } = parseOtaData(flash.read(OTADATA.offset, OTADATA.size));
  if (!blank) expect(selectOtaSlot(data, 2)?.slot).toBe(0);
  const { values } = settingsFromNvs(readNvs(flash.read(NVS.offset, NVS.size)).entries);
  expect(values).toMatchObject(start === 'settings kept' ? OLD : NEW);
  // What the command does not name stays as it is.
  if (start !== 'blank') expect(flash.read(CALIBRATION.offset, 64)).toEqual(new Uint8Array(64).fill(0x5a));
}

/** `count` numbers from 1 to `limit`, evenly. */
function spread(count: number, limit: number): number[] {
  return Array.from({ length: count }, (_, i) => 1 + Math.floor(((i + 0.5) * (limit - 1)) / count));
}

const tally = { runs: 0, hit: 0, alone: 0, codes: new Map<string, number>() };
function count({ first, hit }: Ending): void {
  tally.runs++;
  if (hit) tally.hit++;
  if (first === undefined) tally.alone++;
  else tally.codes.set(first, (tally.codes.get(first) ?? 0) + 1);
}

afterAll(() => {
  const codes = [...tally.codes].map(([code, times]) => `${code} ${times}`).join(', ');
  console.log(
    `fault matrix: ${tally.runs} runs, ${tally.hit} with their fault, all right after the same command again; ` +
      `${tally.alone} were right at once; first errors: ${codes || 'none'}`,
  );
});

const STARTS: Start[] = ['blank', 'old', 'settings kept'];

/** What a run without a fault has: bytes each way, flash operations. */
const measured = new Map<Start, { toChip: number; toHost: number; operations: number }>();
async function measure(start: Start) {
  let size = measured.get(start);
  if (size === undefined) {
    const { counted, operations, first } = await play({ start });
    expect(first).toBeUndefined();
    size = { toChip: counted['to-chip'], toHost: counted['to-host'], operations };
    measured.set(start, size);
  }
  return size;
}

describe.each(STARTS)('a board that is %s', (start) => {
  /** Each scene in turn; `survives`: what the first run must come to by itself. */
  async function all(scenes: readonly Omit<Scene, 'start'>[], survives = false): Promise<void> {
    for (const scene of scenes) {
      const ending = await play({ ...scene, start });
      count(ending);
      if (survives) expect({ ...scene, first: ending.first }).toEqual({ ...scene, first: undefined });
    }
  }

  test('power cut at a write', async () => {
    const { operations } = await measure(start);
    await all(spread(20, operations).map((cutAt) => ({ cutAt, alone: true })));
  });

  test('unplugged, and back under another name while it is waited for: nobody has to do anything', async () => {
    const { toChip } = await measure(start);
    const faults = spread(10, toChip).map(
      (byte, i): LineFault => ({
        kind: 'unplug',
        at: byte,
        backMs: 500 + 1500 * i,
        as: `/dev/ttyACM${i % 3}`,
      }),
    );
    await all(
      faults.map((fault) => ({ fault })),
      true,
    );
  });

  test('unplugged, and nobody waits', async () => {
    const { toChip } = await measure(start);
    await all(
      spread(10, toChip).map((byte) => ({
        fault: { kind: 'unplug', at: byte, backMs: 100_000, as: '/dev/ttyACM2' },
        alone: true,
      })),
    );
  });

  test('the command is killed', async () => {
    const { toChip } = await measure(start);
    await all(spread(15, toChip).map((byte) => ({ fault: { kind: 'kill', at: byte }, alone: true })));
  });

  test.each(['flip', 'lose', 'double', 'noise'] as const)('bytes on the line: %s', async (kind) => {
    const { toChip, toHost } = await measure(start);
    const times = kind === 'flip' || kind === 'lose' ? 6 : 4;
    const scenes = (direction: 'to-chip' | 'to-host', size: number) =>
      spread(times, size).map((byte, i) => ({
        fault: { kind, direction, at: byte, count: 1 + (i % 3) * 7 },
      }));
    await all([...scenes('to-chip', toChip), ...scenes('to-host', toHost)]);
  });

  test('a board that answers late', async () => {
    await all(
      [50, 400, 1200, 2500].map((ms) => ({ fault: { kind: 'late', ms } })),
      false,
    );
  });

  test('a line that is bad at high speed: it goes on at a lower one', async () => {
    const speeds = [460_800, 230_400, 115_200];
    await all(
      speeds.flatMap((baud) =>
        [61, 5000].map((every): Omit<Scene, 'start'> => ({ fault: { kind: 'too-fast', baud, every } })),
      ),
      true,
    );
  });

  test('a USB peripheral that hangs until its port is opened anew', async () => {
    const { toChip } = await measure(start);
    await all(
      spread(4, toChip).map((byte) => ({ fault: { kind: 'hang', at: byte } })),
      true,
    );
  });
});

describe('a board in a wrong state', () => {
  const states: Record<string, Omit<Scene, 'start'>> = {
    'in its loader, by hand': { arrange: ({ chip }) => chip.pressReset('download') },
    'BOOT is held all the time': {
      arrange: ({ chip }) => chip.holdBoot(true),
      between: ({ chip }) => chip.holdBoot(false),
    },
    'without power at first': {
      arrange: ({ chip }) => chip.powerOff(),
    },
    'its boot loader is gone': { arrange: (_, flash) => flash.erase(0, 0x1000) },
    'its boot loader is zeros': { arrange: (_, flash) => flash.program(0, new Uint8Array(0x4000)) },
    'its partition table is noise': { arrange: (_, flash) => flash.program(0x8000, Buffer.from('noise')) },
    'its image is half there': { arrange: (_, flash) => flash.erase(0x30000, 0x10000) },
    'its image is zeros': { arrange: (_, flash) => flash.program(0x20000, new Uint8Array(0x20000)) },
    'the whole flash is zeros': { arrange: (_, flash) => flash.program(0, new Uint8Array(0x8000)) },
    'otadata selects the other slot': {
      arrange: (_, flash) => ota(flash, { sequence: 2, state: 'valid' }),
    },
    'otadata selects our slot, on trial': {
      arrange: (_, flash) => ota(flash, { sequence: 1, state: 'pending' }),
    },
    'otadata says that our slot failed': {
      arrange: (_, flash) => ota(flash, { sequence: 1, state: 'aborted' }),
    },
    'otadata is noise': { arrange: (_, flash) => flash.program(OTADATA.offset, Buffer.from('noise')) },
    'the other slot runs': {
      arrange: (_, flash) => {
        flash.erase(OTHER_SLOT.offset, 0x30000);
        flash.program(OTHER_SLOT.offset, OLD_APP);
        ota(flash, { sequence: 2, state: 'valid' });
      },
    },
  };
  const ota = (flash: NorFlash, record: Parameters<typeof buildOtaData>[0][0]) => {
    flash.erase(OTADATA.offset, OTADATA.size);
    flash.program(OTADATA.offset, buildOtaData([record, undefined]));
  };

  test.each(Object.entries(states))('%s', async (name, scene) => {
    for (const start of ['old', 'settings kept'] as const) {
      const ending = await play({ ...scene, start });
      count(ending);
      if (name.startsWith('BOOT')) expect(ending.first).toBe('BOOT_HELD');
      else if (name.startsWith('without power')) expect(ending.first).toBe('BOARD_SILENT');
      else expect(ending.first).toBeUndefined();
    }
  });
});

test('the matrix has at least 200 runs, and nearly every fault really happened', () => {
  expect(tally.runs).toBeGreaterThanOrEqual(200);
  expect(tally.hit / tally.runs).toBeGreaterThan(0.9);
});
