import { ROM_OP, SYNC_DATA, words } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { bootFromFlash } from './boot.ts';
import { bootableFlash, noise, overwrite, Rig, testApp } from './testing.ts';

/** Numbers from 0 up to below `limit`, the same in every run. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * limit);
  };
}

const OPS = [...Object.values(ROM_OP), 0x0e, 0x00, 0xd4, 0xd9, 0xff];
const WORDS = [
  0, 1, 4, 32, 0xfff, 0x1000, 0x400, 0x10000, 0x7ff000, 0x7fffff, 0x800000, 0x80000000, 0xffffffff,
];

test.each(['rom', 'stub'] as const)('no request, right or wrong, upsets the %s', (kind) => {
  const roll = dice(kind === 'rom' ? 1 : 2);
  let rig = Rig[kind]();
  for (let i = 0; i < 3000; i++) {
    const op = OPS[roll(OPS.length)]!;
    const body = Array.from({ length: roll(8) }, () => WORDS[roll(WORDS.length)]!);
    const bytes = roll(3) === 0 ? noise(roll(80), i + 1) : words(...body);
    if (op === ROM_OP.eraseFlash) continue; // slow, and tested elsewhere
    rig.send(op, bytes);
    if (roll(10) === 0) rig.chip.receive(noise(roll(200), i + 7));
    if (rig.chip.state !== kind) rig = Rig[kind]();
  }
  rig.chip.pressReset('download');
  rig.chip.setHostBaud(115_200);
  rig.chip.receive(Uint8Array.of(0xc0, 0xc0));
  expect(rig.command(ROM_OP.sync, SYNC_DATA).value).not.toBe(0);
});

test('whatever is in the flash, the boot loader says what is wrong or boots', () => {
  const roll = dice(3);
  const identity = new Rig().chip.identity;
  const flash = bootableFlash([testApp('zero'), testApp('one')]);
  const places = [0, 0x8000, 0xf000, 0x10000, 0x20000, 0x120000];
  const original = places.map((offset) => flash.read(offset, 0x200));
  const outcomes = new Set<string>();
  for (let i = 0; i < 600; i++) {
    const place = roll(places.length);
    const bytes = original[place]!.slice();
    for (let n = roll(4); n >= 0; n--) bytes[roll(place === 0 ? 48 : 200)] = roll(2) ? roll(256) : 0xff;
    overwrite(flash, places[place]!, bytes);
    const { rom, loader, outcome } = bootFromFlash(flash, identity, 'POWERON');
    outcomes.add(outcome.kind);
    if (outcome.kind !== 'app') expect(rom + loader).toMatch(/invalid|err|failed|E \(\d+\)|can't boot/i);
    overwrite(flash, places[place]!, original[place]!);
  }
  expect([...outcomes].sort()).toContain('app');
  expect(outcomes).toContain('loop');
});
