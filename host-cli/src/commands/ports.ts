import type { Context } from '../context.ts';
import { table } from '../output.ts';
import { listPorts } from '../serial/ports.ts';
import { readState } from '../state.ts';

/** `tincan ports`: the serial ports of this machine, those on USB first. */
export async function ports({ out, env }: Context): Promise<void> {
  const found = await listPorts();
  const last = readState(env).port;
  const rows = found.map((port) => [
    port.path,
    port.name,
    port.usb?.serial ?? '',
    port.path === last ? '(used last)' : '',
  ]);
  if (last?.startsWith('rfc2217://')) rows.push([last, 'RFC 2217', '', '(used last)']);
  out.result(
    { ports: found, last: last ?? null },
    rows.length > 0
      ? table(rows)
      : 'No serial port is there. `tincan virtual` starts a board without hardware.',
  );
}
