/** Clients that nobody here wrote: are they installed, and what do they bring. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);

/** The path of an installed package's entry, or undefined: its tests are then skipped by name. */
export function installed(name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

/** Whether a package is installed; where it is not, it is said that its tests are skipped. */
export function judge(name: string): boolean {
  const there = installed(name) !== undefined;
  if (!there) console.log(`${name} is not installed: its tests are skipped`);
  return there;
}

/** A file beside the entry of a package, whatever its `exports` say. */
export function fileOf(name: string, file: string): string {
  const entry = installed(name);
  if (entry === undefined) throw new Error(`${name} is not installed`);
  return join(dirname(entry), file);
}

interface Parsed {
  success: boolean;
  error?: { message: string };
}
interface Schemas {
  realtimeServerEventSchema: {
    safeParse(value: unknown): Parsed;
    options: { shape: { type: { value: string } } }[];
  };
}

/** Types that the agents SDK has no schema for: it hands them on as they are. */
const WITHOUT_SCHEMA = [
  'conversation.item.input_audio_transcription.segment',
  'input_audio_buffer.timeout_triggered',
];

/** Holds events against the schemas of the agents SDK. Gives what they complain about; empty is good. */
export async function complaints(events: readonly { type: string }[]): Promise<string[]> {
  const path = fileOf('@openai/agents-realtime', 'openaiRealtimeEvents.mjs');
  const { realtimeServerEventSchema } = (await import(pathToFileURL(path).href)) as Schemas;
  return events.flatMap((event) => {
    if (WITHOUT_SCHEMA.includes(event.type)) return [];
    const parsed = realtimeServerEventSchema.safeParse(event);
    return parsed.success ? [] : [`${event.type}: ${parsed.error?.message}`];
  });
}
