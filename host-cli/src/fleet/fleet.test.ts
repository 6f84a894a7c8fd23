import { afterEach, expect, test } from 'vitest';
import { TincanError } from '../errors.ts';
import { forgetSecrets, redact } from '../redact.ts';
import { labels } from './labels.ts';
import { type FleetResult, type FleetRow, fleetStatus, runFleet } from './run.ts';
import { settingsFromCommand, settingsFromCsv } from './settings.ts';
import { fleetTable } from './table.ts';

afterEach(forgetSecrets);

const board = (mac: string, index = 0) => ({ mac, port: `port${index}`, index });

test('one bad board stops no other, and the status says how many failed', async () => {
  const rows: FleetRow[] = [];
  const results = await runFleet({
    ports: ['a', 'b', 'c'],
    now: () => 0,
    onRow: (row) => rows.push(row),
    work: async (port, index, say) => {
      say({ phase: 'writing', mac: `mac${index}`, share: 0.5 });
      if (port === 'b') throw new TincanError('CHIP_WRONG', 'Another chip.', { hint: 'Take it away.' });
      return { mac: `mac${index}`, name: port };
    },
  });
  expect(results).toEqual([
    { port: 'a', ok: true, mac: 'mac0', name: 'a', ms: 0 },
    {
      port: 'b',
      ok: false,
      mac: 'mac1',
      ms: 0,
      error: { code: 'CHIP_WRONG', message: 'Another chip.', hint: 'Take it away.' },
    },
    { port: 'c', ok: true, mac: 'mac2', name: 'c', ms: 0 },
  ]);
  expect(fleetStatus(results)).toBe(1);
  expect(rows.filter(({ port }) => port === 'b').at(-1)).toMatchObject({ phase: 'failed', mac: 'mac1' });
});

test('no more boards at once than jobs; after Ctrl-C none is begun', async () => {
  let now = 0;
  let most = 0;
  const stop = new AbortController();
  const results = await runFleet({
    ports: ['a', 'b', 'c', 'd', 'e'],
    jobs: 2,
    signal: stop.signal,
    work: async (port) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      if (port === 'c') stop.abort();
      return {};
    },
  });
  expect(most).toBe(2);
  expect(results.at(-1)?.error?.code).toBe('INTERRUPTED');
});

test('rows of a CSV file go by MAC, the others in order, none twice', async () => {
  const of = settingsFromCsv(
    'mac,device.name,wifi.password,room\n' +
      ',first,"long, and ""secret""",hall\n' +
      '30:ED:A0:00:00:02,second,password-two,attic\n' +
      ',third,,cellar\n',
  );
  expect(await of(board('30:ed:a0:00:00:02'))).toEqual({
    values: { 'device.name': 'second', 'wifi.password': 'password-two' },
    extra: { room: 'attic' },
  });
  expect((await of(board('30:ed:a0:00:00:01'))).values['device.name']).toBe('first');
  expect((await of(board('30:ed:a0:00:00:03'))).values).toEqual({ 'device.name': 'third' });
  await expect(of(board('30:ed:a0:00:00:04'))).rejects.toMatchObject({ code: 'FLEET_ROW', exitCode: 2 });
  expect(redact('it is password-two')).toBe('it is •••');
});

test.each([
  ['', 'FLEET_CSV'],
  ['mac,wifi.ssid\n', 'FLEET_CSV'],
  ['mac,wifi.sid\n,x\n', 'SETTING_UNKNOWN'],
  ['mac,audio.volume\n,loud\n', /SETTING/],
  ['mac\n30:ed\n', 'FLEET_CSV'],
  ['mac\n30:ed:a0:00:00:01\n30eda0000001\n', 'FLEET_CSV'],
  ['wifi.ssid\na,b\n', 'FLEET_CSV'],
])('a CSV file that makes no sense is refused before any board is touched: %j', (text, code) => {
  expect(() => settingsFromCsv(text)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(code), hint: expect.any(String), exitCode: 2 }),
  );
});

test('an illegal secret of a CSV file is not repeated', () => {
  let error: unknown;
  try {
    settingsFromCsv(`wifi.password\n${'secret'.repeat(20)}\n`);
  } catch (thrown) {
    error = thrown;
  }
  expect(String(error)).toContain('Line 2');
  expect(JSON.stringify(error) + String(error)).not.toContain('secretsecret');
});

test('a command gives settings as lines or as JSON', async () => {
  const env = { PATH: process.env.PATH };
  const lines = settingsFromCommand(
    'echo "device.name=b$TINCAN_BOARD_INDEX"; echo "server.token=tok_$TINCAN_BOARD_INDEX$TINCAN_BOARD_INDEX"; echo serial=7',
    { env },
  );
  expect(await lines(board('30:ed:a0:00:00:01', 4))).toEqual({
    values: { 'device.name': 'b4', 'server.token': 'tok_44' },
    extra: { serial: '7' },
  });
  expect(redact('tok_44')).toBe('•••');
  const json = settingsFromCommand(`printf '{"audio.volume":40}'`, { env });
  expect((await json(board('x'))).values).toEqual({ 'audio.volume': 40 });
  for (const bad of ['exit 3', 'echo nothing', "printf '{'"])
    await expect(settingsFromCommand(bad, { env })(board('x'))).rejects.toMatchObject({
      code: 'FLEET_COMMAND',
      exitCode: 2,
    });
});

const RESULTS: FleetResult[] = [
  {
    port: 'a',
    ok: true,
    mac: '30:ed',
    name: 'Hall, left',
    firmware: '1.0.0',
    ms: 1,
    extra: { room: 'hall' },
  },
  { port: 'b', ok: false, ms: 1, error: { code: 'X', message: 'x' } },
];

test('labels are columns, CSV, or JSON lines, of the boards that are done', () => {
  expect(labels(RESULTS, 'csv')).toBe('name,mac,firmware,image,port,room\n"Hall, left",30:ed,1.0.0,,a,hall');
  expect(JSON.parse(labels(RESULTS, 'json'))).toMatchObject({ name: 'Hall, left', room: 'hall' });
  expect(labels(RESULTS, 'text')).toContain('Hall, left');
});

test('a table is redrawn in place on a terminal, and lines elsewhere', () => {
  let text = '';
  let now = 0;
  const stream = { write: (part: string) => (text += part), columns: 60 };
  const live = fleetTable(['a', 'b'], { ...stream, isTTY: true }, () => now);
  live.update({ port: 'a', phase: 'writing', mac: '30:ed', share: 0.5 });
  now = 50;
  live.update({ port: 'a', phase: 'writing', mac: '30:ed', share: 0.6 });
  expect(text).not.toContain('60 %');
  now = 150;
  live.update({ port: 'a', phase: 'writing', mac: '30:ed', share: 0.75 });
  expect(text).toMatch(/\x1b\[2A\ra .*\[=+ +\] {2}75 %/);
  text = '';
  const plain = fleetTable(['a'], stream, () => now);
  plain.update({ port: 'a', phase: 'writing', mac: '30:ed', share: 0.1 });
  plain.update({ port: 'a', phase: 'writing', mac: '30:ed', share: 0.2 });
  plain.update({ port: 'a', phase: 'failed', mac: '30:ed', note: 'It went away.' });
  expect(text).toBe('a 30:ed writing\na 30:ed failed: It went away.\n');
});
