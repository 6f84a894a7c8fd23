import { TOOLS, type Tool, type ToolParam } from '../tools.ts';

/** JSON schema of one parameter, as the API takes it. */
function schema(param: ToolParam): Record<string, unknown> {
  const { optional: _, ...rest } = param;
  return rest;
}

/** The array `tools` of a session (GA): one `function` per tool, with a JSON schema of its parameters. */
export function toolDefinitions(tools: Readonly<Record<string, Tool>> = TOOLS) {
  return Object.entries(tools).map(([name, { description, params }]) => ({
    type: 'function' as const,
    name,
    description,
    parameters: {
      type: 'object',
      properties: Object.fromEntries(Object.entries(params).map(([key, param]) => [key, schema(param)])),
      required: Object.entries(params)
        .filter(([, param]) => !param.optional)
        .map(([key]) => key),
      additionalProperties: false,
    },
  }));
}

/** The same as text: what `tc_tools_json` holds. */
export function toolsJson(tools: Readonly<Record<string, Tool>> = TOOLS): string {
  return JSON.stringify(toolDefinitions(tools));
}
