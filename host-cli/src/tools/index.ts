/** `--tools FILE.ts`: the file's tools, served to a device, and served anew when the file changes. */
import type { Device } from '../device/device.ts';
import { asTincanError, TincanError } from '../errors.ts';
import type { Output } from '../output.ts';
import { watchBundle } from './bundle.ts';
import { collectTools } from './collect.ts';
import { defineTool, type HostTool } from './define.ts';
import { espruino } from './espruino.ts';
import { closeEspruino } from './espruino-line.ts';
import { ToolServer } from './serve.ts';

/** What a file with tools may import from '@tincan/host-cli'. */
const OFFERED = { defineTool, espruino };

type Found = { tools: Map<string, HostTool> } | { error: unknown };

/** A board that is not there (yet) gets the tools when it says hello. */
const LATER = new Set(['DEVICE_TIMEOUT', 'PORT_LOST', 'BOARD_SILENT']);

/**
 * Loads and serves; `close()` takes the tools back.
 * @throws TincanError FILE_MISSING, TOOLS_BROKEN, those of collectTools(), and what the device refuses
 */
export async function serveTools(
  path: string,
  device: Device,
  out: Pick<Output, 'note' | 'warn'>,
): Promise<{ close(): Promise<void> }> {
  const server = new ToolServer(device, out);
  let first: Found | undefined;
  let isRunning = false;
  const change = (tools: Map<string, HostTool>) =>
    server.serve(tools).catch((error) => {
      const known = asTincanError(error);
      out.warn(`the device does not take the tools: ${known.message} ${known.hint ?? ''}`.trim());
      if (!isRunning && !LATER.has(known.code)) throw known;
    });
  const bundle = await watchBundle(path, OFFERED, {
    loaded(exports) {
      try {
        const tools = collectTools(exports);
        if (!isRunning) first = { tools };
        else void change(tools);
      } catch (error) {
        if (!isRunning) first = { error };
        else out.warn(keeps(asTincanError(error).message));
      }
    },
    broken(lines) {
      if (isRunning) out.warn(keeps(`${path} cannot be used\n${lines}`));
      else
        first = {
          error: new TincanError('TOOLS_BROKEN', `${path} cannot be used.\n${lines}`, { exit: 'usage' }),
        };
    },
    failed: (error) => out.warn(`${path} failed where nobody waited for it\n${error.stack}`),
  });
  const close = async () => {
    await bundle.close();
    await server.close();
    await closeEspruino();
  };
  try {
    const served = taken(first);
    await change(served);
    isRunning = true;
    // It may have changed while the device was told.
    const newest = taken(first);
    if (newest !== served) void change(newest);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function taken(found: Found | undefined): Map<string, HostTool> {
  if (found === undefined) throw new Error('the bundler said nothing');
  if ('error' in found) throw found.error;
  return found.tools;
}

const keeps = (what: string) => `${what}\nThe tools of before stay until it is right again.`;
