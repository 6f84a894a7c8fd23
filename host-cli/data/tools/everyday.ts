/**
 * Tools to begin with: `tincan tail --start --tools host-cli/data/tools/everyday.ts`. Change this file while it runs; the
 * device learns of it at once.
 */
import { randomInt } from 'node:crypto';
import { defineTool } from '@tincan/host-cli';
import { z } from 'zod';

/** Parameters as a JSON schema; `args` has its type. */
export const roll_dice = defineTool({
  description: 'Rolls dice and tells the eyes of each.',
  parameters: {
    type: 'object',
    properties: {
      count: { type: 'integer', minimum: 1, maximum: 20, description: 'How many dice.' },
      sides: { type: 'integer', minimum: 2, maximum: 100, description: 'Sides of one die; 6 is usual.' },
    },
    required: ['count'],
    additionalProperties: false,
  },
  run: ({ count, sides = 6 }) => {
    const eyes = Array.from({ length: count }, () => randomInt(1, sides + 1));
    return { eyes, sum: eyes.reduce((sum, one) => sum + one, 0) };
  },
});

/** Parameters as a zod schema. */
export const time_of_day = defineTool({
  description: 'Tells date and time, here or in another part of the world.',
  parameters: z.object({
    zone: z.string().max(64).describe('IANA time zone, as Europe/Paris; left out: here.').optional(),
  }),
  run: ({ zone }) => {
    const options = { dateStyle: 'full', timeStyle: 'short', timeZone: zone } as const;
    return { now: new Intl.DateTimeFormat('en-GB', options).format(new Date()) };
  },
});

/** What takes a while ends when nobody waits any more; a tool may also ask the device. */
export const device_uptime = defineTool({
  description: 'Tells for how many minutes the device has been switched on.',
  timeout_ms: 3000,
  run: async (_args, { device, signal }) => {
    const { uptime_ms } = await device.request<{ uptime_ms: number }>('device.stats');
    signal.throwIfAborted();
    return { minutes: Math.round(uptime_ms / 60_000) };
  },
});
