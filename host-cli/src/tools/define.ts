/**
 * Tools that run on the host: `defineTool()` in a file for `tincan tail --tools`. Each becomes a function of the model;
 * its arguments are checked before it runs.
 */
import type { Hello, Method } from '@tincan/shared-protocol';
import { z } from 'zod';
import { messageOf, TincanError } from '../errors.ts';

/** A schema of zod, or of any library that speaks Standard Schema (https://standardschema.dev). */
export interface StandardSchema {
  readonly '~standard': {
    validate(value: unknown): StandardResult | Promise<StandardResult>;
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
    readonly jsonSchema?:
      | { input(options: { target: 'draft-2020-12' }): Record<string, unknown> }
      | undefined;
  };
}
export type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };
/** A JSON schema of an object. */
export interface JsonSchema {
  readonly type: 'object';
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** Type of what a JSON schema describes, where it is plain enough to tell. */
export type ValueOf<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly type: 'string' }
      ? string
      : S extends { readonly type: 'number' | 'integer' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : S extends { readonly type: 'null' }
            ? null
            : S extends { readonly type: 'array'; readonly items: infer Each }
              ? ValueOf<Each>[]
              : S extends { readonly type: 'object'; readonly properties: infer Members }
                ? ObjectOf<Members, S extends { readonly required: readonly (infer Name)[] } ? Name : never>
                : unknown;
type ObjectOf<Members, Required> = {
  [Name in keyof Members as Name extends Required ? Name : never]: ValueOf<Members[Name]>;
} & { [Name in keyof Members as Name extends Required ? never : Name]?: ValueOf<Members[Name]> };

/** Type of the arguments that `run` gets. */
export type ArgumentsOf<S> = S extends { readonly '~standard': { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer Output }
    ? Output
    : unknown
  : ValueOf<S>;

/** The device that asks, as far as a tool needs it. */
export interface ToolDevice {
  /** Who it is; undefined until it has said so. */
  readonly hello: Hello | undefined;
  /** A request of the serial link, as in `shared-protocol/src/link.ts`. */
  request<T = unknown>(method: Method, params?: object): Promise<T>;
}
export interface ToolContext {
  /** Aborted when the time is over, the device has restarted, or the program ends. */
  readonly signal: AbortSignal;
  readonly device: ToolDevice;
}

export interface ToolOptions<S extends StandardSchema | JsonSchema> {
  /** Left out: the name under which the file exports it. */
  name?: string;
  /** What it does, and when to call it: for the model. */
  description: string;
  /** What it takes: a JSON schema of an object, or a zod schema. Left out: nothing. */
  parameters?: S;
  /** It has failed when it takes longer; 8000 where left out, at most 60000. */
  timeout_ms?: number;
  /**
   * What it answers goes to the model: anything that JSON can say, up to 16 KiB; nothing is `{"ok":true}`. What it
   * throws goes there, too, as an error.
   */
  run(args: ArgumentsOf<NoInfer<S>>, context: ToolContext): unknown;
}

const BRAND = Symbol.for('tincan.tool');
const DEFAULT_MS = 8000;
const MAX_MS = 60_000;
const NOTHING = { type: 'object', properties: {}, additionalProperties: false } as const;

/** A tool as the host runs it. */
export interface HostTool {
  readonly [BRAND]: true;
  readonly name: string | undefined;
  readonly description: string;
  /** JSON schema, for the model. */
  readonly parameters: Record<string, unknown>;
  readonly timeoutMs: number;
  /** Checks the arguments; answers them, or a sentence about what is wrong. */
  check(given: unknown): Promise<{ args: unknown } | { wrong: string }>;
  run(args: unknown, context: ToolContext): unknown;
}

/** Declares a tool. @throws TincanError TOOL_INVALID */
export function defineTool<const S extends StandardSchema | JsonSchema = typeof NOTHING>(
  tool: ToolOptions<S>,
): HostTool {
  const invalid = (what: string, cause?: unknown) =>
    new TincanError('TOOL_INVALID', `A tool is not as defineTool() wants it: ${what}.`, {
      exit: 'usage',
      cause,
      hint: 'host-cli/data/tools/ has examples.',
    });
  if (typeof tool !== 'object' || tool === null) throw invalid('it is no object');
  const { name, description, run, timeout_ms: timeoutMs = DEFAULT_MS } = tool;
  if (typeof description !== 'string' || description.trim() === '')
    throw invalid('the description is missing; the model chooses by it');
  if (typeof run !== 'function') throw invalid('run() is missing');
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_MS)
    throw invalid(`timeout_ms is not a whole number from 1 to ${MAX_MS}`);
  const given: StandardSchema | JsonSchema = tool.parameters ?? NOTHING;
  let schema: StandardSchema;
  let parameters: Record<string, unknown>;
  try {
    if (isStandard(given)) {
      schema = given;
      const described = given['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
      parameters = described ?? z.toJSONSchema(given as unknown as z.ZodType, { io: 'input' });
    } else {
      schema = z.fromJSONSchema(given as Parameters<typeof z.fromJSONSchema>[0]);
      parameters = { ...given };
    }
  } catch (error) {
    throw invalid(`the parameters are no schema that can be used (${messageOf(error)})`, error);
  }
  const { $schema: _, ...plain } = parameters;
  if (plain.type !== 'object') throw invalid('the parameters are not those of an object');
  return {
    [BRAND]: true,
    name,
    description,
    parameters: plain,
    timeoutMs,
    run: (args, context) => run(args as ArgumentsOf<S>, context),
    async check(value) {
      const result = await schema['~standard'].validate(value);
      return result.issues === undefined ? { args: result.value } : { wrong: sentence(result.issues) };
    },
  };
}

export function isTool(value: unknown): value is HostTool {
  return typeof value === 'object' && value !== null && BRAND in value;
}

function isStandard(schema: StandardSchema | JsonSchema): schema is StandardSchema {
  return typeof schema === 'object' && schema !== null && '~standard' in schema;
}

type Issues = NonNullable<Extract<StandardResult, { issues: readonly unknown[] }>['issues']>;

/** `sides: Too small: expected number to be >=2; …`, short enough for a model. */
function sentence(issues: Issues): string {
  return issues
    .slice(0, 8)
    .map(({ message, path = [] }) => {
      const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
      return where === '' ? message : `${where}: ${message}`;
    })
    .join('; ')
    .slice(0, 1000);
}
