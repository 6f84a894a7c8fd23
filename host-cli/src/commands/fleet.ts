/** `tincan flash --all` and `tincan provision --all`: many boards at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hello } from '@tincan/shared-protocol';
import { findBoard } from '../build/board.ts';
import type { Context } from '../context.ts';
import { Device } from '../device/device.ts';
import { messageOf, TincanError } from '../errors.ts';
import type { FlashSizeChoice } from '../flash/header.ts';
import { readPlan } from '../flash/plan.ts';
import { flashBoard } from '../flash/run.ts';
import { type LabelFormat, labels } from '../fleet/labels.ts';
import { type FleetResult, type FleetWork, fleetStatus, runFleet } from '../fleet/run.ts';
import { type SettingsSource, settingsFromCommand, settingsFromCsv } from '../fleet/settings.ts';
import { fleetTable } from '../fleet/table.ts';
import { collectSettings } from '../provision/collect.ts';
import { applySettings, type SettingValues } from '../provision/online.ts';
import { openLine, type SerialLine } from '../serial/line.ts';
import { listPorts } from '../serial/ports.ts';

export interface FleetOptions {
  board: string;
  settings?: string;
  settingsCommand?: string;
  labels?: LabelFormat;
  jobs?: number;
}

export interface FlashAllOptions extends FleetOptions {
  baud?: number;
  erase?: boolean;
  full?: boolean;
  flashSize?: FlashSizeChoice;
}

export interface ProvisionAllOptions extends FleetOptions {
  ssid?: string;
  passwordFile?: string;
  tokenFile?: string;
  url?: string;
  set?: string[];
}

/** Flashes all boards, and gives each its settings where they are named. Returns the exit status: how many failed. */
export async function flashAll(
  context: Context,
  from: string | undefined,
  options: FlashAllOptions,
): Promise<number> {
  const board = findBoard(options.board);
  const plan = readPlan(from ?? join('build', board.id), board.id);
  const source = settingsSource(context, options);
  return run(context, options, async (port, index, say) => {
    say({ phase: 'connecting' });
    return withLine(port, async (line) => {
      const { chip, hello } = await flashBoard({
        line,
        files: plan.files,
        board: board.id,
        memory: board,
        tableOffset: plan.tableOffset,
        flashSize: options.flashSize ?? plan.flashSize,
        signal: context.signal,
        eraseAll: options.erase ?? false,
        skipUnchanged: !options.full,
        ...(options.baud === undefined ? {} : { baud: options.baud }),
        onStage: (stage) => {
          if (stage.stage === 'connected') say({ phase: 'writing', mac: stage.chip.mac, share: 0 });
          else if (stage.stage === 'resetting') say({ phase: 'starting' });
        },
        onProgress: ({ writtenAll, totalAll }) => say({ phase: 'writing', share: writtenAll / totalAll }),
      });
      const identity = { mac: chip.mac, port, index };
      const given = source === undefined ? undefined : await source(identity);
      if (given === undefined || hello === undefined) return { mac: chip.mac, ...about(hello) };
      say({ phase: 'settings' });
      return { mac: chip.mac, ...(await provisionOne(line, given.values, given.extra)) };
    });
  });
}

/** Gives all running boards their settings: those of the options to each, and its own. Returns how many failed. */
export async function provisionAll(context: Context, options: ProvisionAllOptions): Promise<number> {
  const source = settingsSource(context, options);
  const shared = await collectSettings({ ...options, env: context.env });
  if (source === undefined && Object.keys(shared).length === 0) {
    throw new TincanError('NOTHING_TO_DO', 'There is no setting to write.', {
      exit: 'usage',
      hint: 'Give settings for all boards, or --settings FILE with a line for each.',
    });
  }
  return run(context, options, async (port, index, say) => {
    say({ phase: 'connecting' });
    return withLine(port, async (line) => {
      const device = new Device(line);
      try {
        const { mac } = await device.hello({ timeoutMs: 3000, signal: context.signal });
        say({ phase: 'settings', mac });
        const own = await source?.({ mac, port, index });
        return {
          mac,
          ...(await provisionOne(line, { ...shared, ...own?.values }, own?.extra ?? {}, device)),
        };
      } finally {
        device.release();
      }
    });
  });
}

async function provisionOne(
  line: SerialLine,
  values: SettingValues,
  extra: Record<string, string>,
  attached?: Device,
) {
  const device = attached ?? new Device(line);
  try {
    // The network of where a board is made is seldom that of where it will be: joining is not waited for.
    if (Object.keys(values).length > 0) await applySettings(device, values);
    const hello = await device.hello();
    return { ...about(hello), settings: Object.keys(values), extra };
  } finally {
    if (attached === undefined) device.release();
  }
}

function about(hello: Hello | undefined) {
  return hello === undefined ? {} : { name: hello.name, firmware: hello.firmware, image: hello.image };
}

async function withLine<T>(port: string, work: (line: SerialLine) => Promise<T>): Promise<T> {
  const line = await openLine(port);
  try {
    return await work(line);
  } finally {
    await line.close();
  }
}

async function run(context: Context, options: FleetOptions, work: FleetWork): Promise<number> {
  const { out, signal } = context;
  const ports = await portsOf(context);
  out.note(`${ports.length} board${ports.length === 1 ? '' : 's'}`);
  const table = out.json ? undefined : fleetTable(ports);
  const results = await runFleet({
    ports,
    work,
    signal,
    ...(options.jobs !== undefined && { jobs: options.jobs }),
    onRow: (row) => (table ? table.update(row) : out.event({ board: row.port, ...row })),
  });
  table?.end();
  for (const { port, error } of results) {
    if (error !== undefined && !out.json)
      out.warn(`${port}: ${error.message}${error.hint ? ` ${error.hint}` : ''}`);
  }
  report(context, results, options.labels ?? 'text');
  return fleetStatus(results);
}

function report({ out }: Context, results: FleetResult[], format: LabelFormat): void {
  const failed = results.filter(({ ok }) => !ok).length;
  if (out.json) {
    for (const result of results) out.result(result, '');
    out.result({ boards: results.length, failed }, '');
    return;
  }
  if (failed < results.length) out.result({}, labels(results, format));
  out.note(`${results.length - failed} of ${results.length} done${failed > 0 ? `, ${failed} failed` : ''}`);
}

/** The ports of --port, separated by commas; else every USB port that could be a board. */
async function portsOf({ port }: Context): Promise<string[]> {
  const named = port?.split(',').filter((one) => one !== '') ?? [];
  const ports =
    named.length > 0 ? named : (await listPorts()).filter(({ usb }) => usb).map(({ path }) => path);
  if (ports.length > 0) return [...new Set(ports)];
  throw new TincanError('PORT_NONE', 'No board was found.', {
    exit: 'port',
    hint: 'Plug them in, or name their ports: --port /dev/ttyUSB0,/dev/ttyUSB1',
  });
}

function settingsSource({ env, signal }: Context, options: FleetOptions): SettingsSource | undefined {
  const { settings, settingsCommand } = options;
  if (settings !== undefined && settingsCommand !== undefined) {
    throw new TincanError('USAGE', 'Settings come from a file or from a command, not from both.', {
      exit: 'usage',
      hint: 'Leave out --settings or --settings-command.',
    });
  }
  if (settingsCommand !== undefined) return settingsFromCommand(settingsCommand, { env, signal });
  if (settings === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(settings === '-' ? 0 : settings, 'utf8');
  } catch (error) {
    throw new TincanError('FILE_MISSING', `${settings} cannot be read.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: 'It is a CSV file whose first line names its columns.',
    });
  }
  return settingsFromCsv(text);
}
