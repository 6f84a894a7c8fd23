/**
 * Functions of an Espruino board on a second serial port as tools: `espruino()` in a file for `tincan tail --tools`.
 * The developer lists which functions may be called, and with what; the model chooses among them. Nothing that the
 * model writes is run: a call is the listed name with its arguments as literals.
 */
import { z } from 'zod';
import { TincanError } from '../errors.ts';
import { defineTool, type HostTool } from './define.ts';
import { espruinoAt } from './espruino-line.ts';

export type EspruinoParameter =
  | { type: 'boolean'; description?: string }
  | { type: 'integer' | 'number'; description?: string; minimum?: number; maximum?: number }
  | {
      type: 'string';
      description?: string;
      /** Characters; 32 where left out, at most 128. */
      maxLength?: number;
    }
  | { type: 'string'; description?: string; enum: readonly string[] };

export interface EspruinoFunction {
  /** For the model. */
  description: string;
  /** Name on the board, as `LED1.write` or `setSpeed`; left out: the tool's name. */
  call?: string;
  /** In the order in which the function takes them. */
  parameters?: Readonly<Record<string, EspruinoParameter>>;
}

export interface EspruinoOptions {
  /** The board's own serial port: a path, or rfc2217://host:port. */
  port: string;
  /** 115200 where left out; over USB it does not matter. */
  baud?: number;
  /** How long the board may take for one call; 3000 where left out. */
  timeout_ms?: number;
  /** What the model may call, by the name of the tool. */
  functions: Readonly<Record<string, EspruinoFunction>>;
}

const MAX_TEXT = 128;
const PATH = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/;

/**
 * One tool per listed function. The port is opened by the first call, and again after it was lost.
 * @throws TincanError TOOL_INVALID
 */
export function espruino({
  port,
  baud,
  timeout_ms: timeoutMs = 3000,
  functions,
}: EspruinoOptions): Record<string, HostTool> {
  if (typeof port !== 'string' || port === '') throw invalid('espruino() needs the port of the board');
  const tools: Record<string, HostTool> = {};
  for (const [name, { description, call = name, parameters = {} }] of Object.entries(functions)) {
    if (!PATH.test(call)) throw invalid(`“${call}” is no name of a function on an Espruino board`);
    const schema = z.strictObject(
      Object.fromEntries(Object.entries(parameters).map(([key, one]) => [key, schemaOf(key, one)])),
    );
    tools[name] = defineTool({
      description,
      parameters: schema,
      // The first call opens the port, too.
      timeout_ms: timeoutMs + 4000,
      async run(args, { signal }) {
        const given = Object.keys(parameters).map((key) => literal((args as Record<string, unknown>)[key]));
        const value = await espruinoAt(port, baud).call(`${call}(${given.join(',')})`, { timeoutMs, signal });
        return value === undefined || value === null ? { ok: true } : { result: value };
      },
    });
  }
  return tools;
}

function schemaOf(key: string, parameter: EspruinoParameter): z.ZodType {
  const described = (type: z.ZodType) =>
    parameter.description === undefined ? type : type.describe(parameter.description);
  switch (parameter.type) {
    case 'boolean':
      return described(z.boolean());
    case 'integer':
    case 'number': {
      let type = parameter.type === 'integer' ? z.int() : z.number();
      if (parameter.minimum !== undefined) type = type.min(parameter.minimum);
      if (parameter.maximum !== undefined) type = type.max(parameter.maximum);
      return described(type);
    }
    case 'string': {
      if ('enum' in parameter) return described(z.enum(parameter.enum as readonly [string, ...string[]]));
      const { maxLength = 32 } = parameter;
      if (!(maxLength <= MAX_TEXT))
        throw invalid(`the text ${key} may be longer than the ${MAX_TEXT} characters that are safe to send`);
      return described(z.string().max(maxLength));
    }
    default:
      throw invalid(`${key} is neither boolean, integer, number nor string`);
  }
}

/**
 * A JavaScript literal in printable ASCII, so that no byte of it means something to the board's console (it obeys
 * Ctrl-C, 0x10, line ends). A text goes as its UTF-8 bytes, which is what Espruino holds.
 */
export function literal(value: unknown): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') throw new Error('only booleans, numbers and texts can be sent to the board');
  const bytes = [...Buffer.from(value, 'utf8')].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[\w !#$%&()*+,./:;<=>?@[\]^{|}~-]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${bytes.join('')}"`;
}

function invalid(what: string): TincanError {
  return new TincanError('TOOL_INVALID', `${what}.`, {
    exit: 'usage',
    hint: 'host-cli/data/tools/espruino.ts is an example.',
  });
}
