/** `tincan ports`: which serial ports are there, and with --watch, which come and go. */
import type { Context } from '../context.ts';
import { type Clock, pause, realTime } from '../flash/clock.ts';
import { table } from '../output.ts';
import { type FoundPorts, findPorts, type PortInfo, portMac, portText } from '../serial/ports.ts';
import { readState } from '../state.ts';

export interface PortsOptions {
  /** Until Ctrl-C. */
  watch?: boolean;
}

/** What tests put in the place of the machine. */
export interface PortsWorld {
  find?: () => Promise<FoundPorts>;
  clock?: Clock;
}

const LOOK_MS = 500;

/** Lists the serial ports of this machine, those on USB first; with `watch` goes on until Ctrl-C. */
export async function ports(
  context: Context,
  options: PortsOptions = {},
  { find = findPorts, clock = realTime }: PortsWorld = {},
): Promise<void> {
  const { out, env } = context;
  const found = await find();
  if (found.note !== undefined && !out.json) out.note(found.note);
  if (options.watch) return watch(context, found.ports, find, clock);
  const { port: last, names = {} } = readState(env);
  const rows = found.ports.map((port) => [
    port.path,
    port.name,
    portMac(port) ?? port.usb?.serial ?? '',
    names[portMac(port) ?? ''] ?? '',
    port.path === last ? '(used last)' : '',
  ]);
  if (last?.startsWith('rfc2217://')) rows.push([last, 'RFC 2217', '', '', '(used last)']);
  const listed = found.ports.map((port) => described(port, names));
  out.result(
    { ports: listed, last: last ?? null, ...(found.note === undefined ? {} : { note: found.note }) },
    rows.length > 0
      ? table(rows)
      : 'No serial port is there. `tincan virtual` starts a board without hardware.',
  );
}

/** A port as JSON has it: with MAC and name where they are known. */
function described(port: PortInfo, names: Record<string, string>): object {
  const mac = portMac(port);
  const board = mac === undefined ? undefined : names[mac];
  return { ...port, ...(mac === undefined ? {} : { mac }), ...(board === undefined ? {} : { board }) };
}

async function watch(
  { out, env, signal }: Context,
  first: readonly PortInfo[],
  find: () => Promise<FoundPorts>,
  clock: Clock,
): Promise<void> {
  const names = () => readState(env).names ?? {};
  const say = (event: 'there' | 'appeared' | 'disappeared', port: PortInfo) => {
    const sign = event === 'disappeared' ? '-' : event === 'appeared' ? '+' : ' ';
    out.event({ event, port: described(port, names()) }, `${sign} ${port.path}  ${portText(port, names())}`);
  };
  // Another device under the name of before is another port.
  const key = ({ path, usb }: PortInfo) => `${path} ${usb?.vid}:${usb?.pid} ${usb?.serial}`;
  let known = new Map(first.map((port) => [key(port), port]));
  for (const port of first) say('there', port);
  if (!out.json) out.note('watching; Ctrl-C ends it');
  while (!signal.aborted) {
    await pause(clock, LOOK_MS, signal);
    if (signal.aborted) return;
    // While a device comes up, listing may fail; the next look shows it.
    const now = await find().catch(() => undefined);
    if (now === undefined) continue;
    const next = new Map(now.ports.map((port) => [key(port), port]));
    for (const [id, port] of known) if (!next.has(id)) say('disappeared', port);
    for (const [id, port] of next) if (!known.has(id)) say('appeared', port);
    known = next;
  }
}
