/** Updates on the flash itself: the slots, otadata, trial and rollback, and the power that fails at every write. */
import { OTA_STATE, parseOtaData, wrapWasm } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { bootFromFlash } from '../chip/boot.ts';
import { NorFlash, PowerCut } from '../chip/flash.ts';
import { bootableFlash, TEST_PARTITIONS } from '../chip/testing.ts';
import { manualClock } from '../clock.ts';
import { ERR } from './codes.ts';
import { OtaPort } from './ota.ts';

const IDENTITY = {
  mac: new Uint8Array(6),
  chipId: 9,
  revision: 2,
  flashSize: 0x800000,
  secureDownload: false,
  flashEncryption: false,
  secureBoot: false,
  psramMb: 8,
} as const;
const app = (version: string) => wrapWasm({ wasm: Buffer.from(version.repeat(900)), version });
const OLD = app('1.0.0');
const NEW = app('2.0.0');

interface Started {
  version: string;
  ota: OtaPort;
  clock: ReturnType<typeof manualClock>;
  restarts: () => number;
  log: string[];
}

/** Power on: what boots, with its part of the port. */
function start(flash: NorFlash): Started {
  flash.restorePower();
  const { outcome } = bootFromFlash(flash, IDENTITY, 'POWERON');
  if (outcome.kind !== 'app') throw new Error(`nothing boots: ${outcome.reason}`);
  const clock = manualClock();
  const log: string[] = [];
  let restarts = 0;
  const ota = new OtaPort(
    { flash, ota: outcome.ota, clock },
    { log: (line) => log.push(line), restart: () => restarts++ },
  );
  ota.start();
  return { version: outcome.image.version, ota, clock, restarts: () => restarts, log };
}

function update(ota: OtaPort, image: Uint8Array): number {
  const begun = ota.begin(image.length);
  if (begun < 0) return begun;
  for (let at = 0; at < image.length; at += 1500) {
    const result = ota.write(image.subarray(at, at + 1500));
    if (result < 0) return result;
  }
  return ota.end();
}

/** A board that has run for a while. */
function settled(): NorFlash {
  const flash = bootableFlash([OLD]);
  start(flash);
  return flash;
}
const states = (flash: NorFlash) =>
  parseOtaData(flash.read(0xf000, 0x2000)).data.map((record) => record?.state);

describe('an update', () => {
  it('starts on trial, and stays when it is good', () => {
    const flash = settled();
    const { ota, version } = start(flash);
    expect(version).toBe('1.0.0');
    expect(update(ota, NEW)).toBe(0);
    const next = start(flash);
    expect(next.version).toBe('2.0.0');
    expect(states(flash)).toContain('pending');
    expect(next.ota.begin(1000)).toBe(ERR.state);
    next.ota.good();
    expect(states(flash)).not.toContain('pending');
    next.clock.advance(200_000);
    expect(next.restarts()).toBe(0);
    expect(start(flash).version).toBe('2.0.0');
    expect(update(start(flash).ota, app('3.0.0'))).toBe(0);
    expect(start(flash).version).toBe('3.0.0');
  });

  it('is given up when it resets before it is good, and stays given up', () => {
    const flash = settled();
    update(start(flash).ota, NEW);
    expect(start(flash).version).toBe('2.0.0');
    expect(start(flash).version).toBe('1.0.0');
    expect(states(flash)).toContain('aborted');
    expect(start(flash).version).toBe('1.0.0');
    expect(update(start(flash).ota, NEW)).toBe(0);
    expect(start(flash).version).toBe('2.0.0');
  });

  it('is given up when it does not come up in three minutes', () => {
    const flash = settled();
    update(start(flash).ota, NEW);
    const trial = start(flash);
    trial.clock.advance(179_999);
    expect(trial.restarts()).toBe(0);
    trial.clock.advance(1);
    expect(trial.restarts()).toBe(1);
    expect(trial.log.at(-1)).toMatch(/failed its trial/);
    expect(states(flash)).toContain('invalid');
    expect(start(flash).version).toBe('1.0.0');
  });

  it('is refused where it is no image, too large, too long or too short', () => {
    const flash = settled();
    const { ota } = start(flash);
    const broken = NEW.slice();
    broken[400]! ^= 1;
    expect(update(ota, broken)).toBe(ERR.format);
    expect(ota.begin(TEST_PARTITIONS[3]!.size + 1)).toBe(ERR.size);
    expect(ota.write(NEW)).toBe(ERR.state);
    expect(ota.begin(100)).toBe(0);
    expect(ota.write(new Uint8Array(101))).toBe(ERR.size);
    expect(ota.end()).toBe(ERR.size);
    expect(ota.end()).toBe(ERR.state);
    expect(start(flash).version).toBe('1.0.0');
  });

  it('leaves a board that boots, whatever write the power is cut at, and a second try succeeds', () => {
    const whole = settled();
    const contents = whole.read(0, whole.size);
    const versions = new Set<string>();
    let cuts = 0;
    for (let write = 1; ; write++) {
      const flash = NorFlash.inMemory(contents.length, contents);
      let cut = false;
      /** The power fails at most once; afterwards the board is switched on again. */
      const during = <T>(run: () => T): T | undefined => {
        try {
          return run();
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          cut = true;
          return undefined;
        }
      };
      const { ota } = start(flash);
      flash.cutPowerAt(write);
      // The update, the first boot of it, its proof, and one more boot: each writes.
      during(() => update(ota, NEW));
      if (!cut) during(() => start(flash).ota.good());
      const next = start(flash);
      versions.add(next.version);
      next.ota.good();
      if (!cut) break;
      cuts++;
      if (next.version === '1.0.0') expect(update(next.ota, NEW)).toBe(0);
      const last = start(flash);
      expect(last.version, `cut at write ${write}`).toBe('2.0.0');
      last.ota.good();
      expect(start(flash).version).toBe('2.0.0');
    }
    expect(versions).toEqual(new Set(['1.0.0', '2.0.0']));
    expect(cuts).toBeGreaterThan(20);
  });

  it('counts states as ESP-IDF does', () => {
    expect(OTA_STATE).toMatchObject({ new: 0, pending: 1, valid: 2, invalid: 3, aborted: 4 });
  });
});
