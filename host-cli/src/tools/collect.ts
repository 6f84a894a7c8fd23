/** From the exports of a file to the tools that are offered to the model. */
import { TOOLS } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { type HostTool, isTool } from './define.ts';

/** All tools together, as JSON, in bytes: what `tools.serve` takes. */
const MAX_BYTES = 8192;
const MAX_NAME = 64;

/** One entry of `session.tools`. */
export interface OfferedTool {
  type: 'function';
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

/**
 * Every export that defineTool() made, by its name; a default export may be one tool, or an object or array of them.
 * @throws TincanError TOOLS_NONE, TOOL_NAME, TOOLS_TOO_LARGE
 */
export function collectTools(exports: Record<string, unknown>): Map<string, HostTool> {
  const tools = new Map<string, HostTool>();
  const add = (key: string | undefined, tool: HostTool) => {
    const name = tool.name ?? key;
    if (name === undefined) {
      throw named('A tool has no name', 'Give it one: defineTool({ name: …, … }), or export it by name.');
    }
    if (!/^[\w-]+$/.test(name) || name.length > MAX_NAME) {
      throw named(
        `“${name}” cannot be the name of a tool`,
        `Letters, digits, _ and -, at most ${MAX_NAME} of them.`,
      );
    }
    if (Object.hasOwn(TOOLS, name)) {
      throw named(`${name} is a tool of the device`, 'Choose another name; the device keeps its own.');
    }
    if (tools.has(name) && tools.get(name) !== tool) throw named(`${name} is there twice`, 'Rename one.');
    tools.set(name, tool);
  };
  for (const [key, value] of Object.entries(exports)) {
    if (key !== 'default') {
      if (isTool(value)) add(key, value);
      continue;
    }
    if (isTool(value)) add(undefined, value);
    else if (Array.isArray(value)) for (const one of value.filter(isTool)) add(undefined, one);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) if (isTool(one)) add(name, one);
  }
  if (tools.size === 0) {
    throw new TincanError('TOOLS_NONE', 'The file exports no tool.', {
      exit: 'usage',
      hint: "Example: export const roll = defineTool({ description: 'Rolls a die.', run: () => 4 });",
    });
  }
  const bytes = Buffer.byteLength(JSON.stringify(offer(tools)));
  if (bytes > MAX_BYTES) {
    throw new TincanError('TOOLS_TOO_LARGE', `The tools have ${bytes} bytes as JSON.`, {
      exit: 'usage',
      hint: `The device takes ${MAX_BYTES} bytes: shorten the descriptions, or offer fewer tools.`,
    });
  }
  return tools;
}

/** What the model is told. */
export function offer(tools: ReadonlyMap<string, HostTool>): OfferedTool[] {
  return [...tools].map(([name, { description, parameters }]) => ({
    type: 'function',
    name,
    description,
    parameters,
  }));
}

function named(what: string, hint: string): TincanError {
  return new TincanError('TOOL_NAME', `${what}.`, { exit: 'usage', hint });
}
