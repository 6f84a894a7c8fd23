/** What may stand in the file of mode `script`, member by member; what it means is told in script.ts. */
import { z } from 'zod';
import { type EventFault, eventFault, expiryFault, httpFault, type ServerFault } from './faults.ts';

const name = z.string().min(1).max(200);
const words = z.string().min(1).max(2000);
const spoken = z.strictObject({ say: words, audio: name });
const said = z.strictObject({ say: words, audio: name.optional() });
const fault = z.strictObject({ fault: z.enum(['response', 'hang_up', 'expire', 'rate_limit']) });
const call = z.strictObject({
  tool: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected letters, digits, "_" or "-"'),
  arguments: z.union([z.record(z.string(), z.unknown()), z.string().max(65_536)]).default({}),
  unoffered: z.boolean().default(false),
});

export type FileSay = z.infer<typeof spoken>;
export type FileCall = z.infer<typeof call>;
type FilePlainStep = z.infer<typeof said> | z.infer<typeof fault> | EventFault;
type FileTool = FileCall & { on_error?: FilePlainStep[] };
interface FileTools {
  tools: FileCall[];
  on_error?: FilePlainStep[];
}
export type FileStep = FilePlainStep | FileTool | FileTools;

/** One of several shapes, told apart by a member that only it has: so a complaint is about the shape that was meant. */
function byMember<T>(shapes: Record<string, z.ZodType>): z.ZodType<T> {
  const members = Object.keys(shapes);
  return z.unknown().transform((value, context) => {
    const member = members.find((one) => typeof value === 'object' && value !== null && one in value);
    if (member === undefined) {
      context.addIssue({ code: 'custom', message: `expected one with ${members.join(' or ')}` });
      return z.NEVER;
    }
    const result = shapes[member]!.safeParse(value);
    if (result.success) return result.data as T;
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: 'custom', path, message });
    }
    return z.NEVER;
  });
}

const plain = { say: said, fault, event: eventFault };
const onError = z.array(byMember<FilePlainStep>(plain)).max(16).optional();
const step = byMember<FileStep>({
  ...plain,
  tools: z.strictObject({ tools: z.array(call).min(2).max(8), on_error: onError }),
  tool: call.extend({ on_error: onError }),
});
const file = z.strictObject({
  greeting: spoken,
  goodbye: spoken,
  not_understood: spoken,
  sentences: z
    .array(
      z.strictObject({
        id: name,
        text: name,
        samples: z.array(name).min(1).max(32),
        reply: z.array(step).min(1).max(32),
      }),
    )
    .min(1)
    .max(200),
  faults: z
    .array(byMember<ServerFault>({ event: eventFault, http: httpFault, expire_after: expiryFault }))
    .max(64)
    .default([]),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
});
export type ScriptFile = z.infer<typeof file>;

/** Checks a script. Throws what `complain` makes of the first thing that is wrong. */
export function parseScriptFile(
  value: unknown,
  complain: (at: string, message: string) => Error,
): ScriptFile {
  const parsed = file.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw complain(path.join('.') || 'the top', message.replace(/\.$/, ''));
}
