import { join } from 'node:path';
import { type Context, openBoard } from '../context.ts';
import { Device } from '../device/device.ts';
import { TincanError } from '../errors.ts';
import { readUpdate, updateDevice, updateFromUrl } from '../ota/update.ts';
import { bytes } from '../output.ts';

export interface OtaCommandOptions {
  url?: string;
  pin?: string;
  downgrade?: boolean;
}

/** `tincan ota`: updates a running device, and waits until the new application has proven itself. */
export async function ota(
  context: Context,
  from: string | undefined,
  options: OtaCommandOptions,
): Promise<void> {
  const { out, signal } = context;
  if (options.url !== undefined && from !== undefined) {
    throw new TincanError('OTA_SOURCE', 'An image is sent, or the device gets it by --url; not both.', {
      exit: 'usage',
      hint: 'Leave one of them out.',
    });
  }
  if (options.pin !== undefined && options.url === undefined) {
    throw new TincanError('OTA_SOURCE', '--pin is the key of the server of --url.', {
      exit: 'usage',
      hint: 'Name the server with --url, or leave --pin out.',
    });
  }
  const given = from === undefined ? undefined : readUpdate(from);
  const device = new Device(await openBoard(context), { reconnect: true });
  const bar = out.bar('updating');
  try {
    const before = await device.hello({ signal });
    const common = {
      signal,
      ...(options.downgrade ? { downgrade: true } : {}),
      onProgress: (done: number, total: number) => {
        out.event({ stage: 'writing', bytes: done, total });
        bar.update(done, total, total > 0 ? `${done}/${total} bytes` : '');
      },
      onStage: (stage: 'restarting' | 'trial') => {
        bar.end();
        out.event({ stage });
        if (!out.json) out.note(stage === 'trial' ? 'on trial; it must prove itself' : 'restarting');
      },
    };
    const update = options.url === undefined ? (given ?? readUpdate(join('build', before.board))) : undefined;
    const hello =
      update === undefined
        ? await updateFromUrl(device, options.url!, {
            ...common,
            ...(options.pin === undefined ? {} : { pin: options.pin }),
          })
        : await updateDevice(device, update, common);
    bar.end();
    const same = hello.image === before.image;
    const what = update === undefined ? '' : `, ${bytes(update.data.length)}`;
    out.result(
      { stage: 'done', changed: !same, before: before.firmware, hello },
      same
        ? `${hello.name} runs this image already: firmware ${hello.firmware}`
        : `${hello.name} runs firmware ${hello.firmware} (before: ${before.firmware})${what}`,
    );
  } finally {
    bar.end();
    await device.close();
  }
}
