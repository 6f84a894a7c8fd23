import { toolsJson } from '../realtime/tools-json.ts';
import { COLORS, TOOLS, type Tool, type ToolParam } from '../tools.ts';
import { banner, cEnum, cString, header, lower, upper } from './c-text.ts';
import { TOOLS_RUNTIME } from './tools-runtime.ts';

const ABOUT =
  'The tools of the device: their JSON, argument structs, and the parser in front of the handlers.';
const SOURCE = 'tools.ts';

type Tools = Readonly<Record<string, Tool>>;

/** What a parameter may be, in words that end the sentence "the argument … must be". */
export function allowed(param: ToolParam): string {
  if (param.type === 'boolean') return 'true or false';
  if (param.type === 'integer') return `an integer from ${param.minimum} to ${param.maximum}`;
  if ('enum' in param) return `one of ${param.enum.join(', ')}`;
  return `a text of at most ${param.maxLength} characters`;
}

const wordId = (tool: string, param: string, word: string) =>
  `TC_${upper(tool)}_${upper(param)}_${upper(word)}`;

/** UTF-8 takes up to four bytes per character. */
const textSize = (characters: number) => characters * 4 + 1;

function member(tool: string, name: string, param: ToolParam): string {
  const id = lower(name);
  if (param.type === 'boolean') return `bool ${id};`;
  if (param.type === 'integer') return `int32_t ${id};`;
  if ('enum' in param) return `uint8_t ${id}; /* tc_${lower(tool)}_${id} */`;
  return `char ${id}[${textSize(param.maxLength)}];`;
}

function argsStruct(tool: string, { params }: Tool): string {
  const lines = Object.entries(params).flatMap(([name, param]) => [
    ...(param.optional ? [`    bool has_${lower(name)};`] : []),
    `    ${member(tool, name, param)}`,
  ]);
  if (lines.length === 0) lines.push('    uint8_t none; /* it takes no arguments; C wants a member */');
  return `typedef struct {\n${lines.join('\n')}\n} tc_tool_${lower(tool)}_args;\n`;
}

function wordEnums(tool: string, { params }: Tool): string[] {
  return Object.entries(params).flatMap(([name, param]) =>
    param.type === 'string' && 'enum' in param
      ? [
          cEnum(`tc_${lower(tool)}_${lower(name)}`, [
            ...param.enum.map((word, index) => [wordId(tool, name, word), index] as const),
            [wordId(tool, name, 'count'), param.enum.length],
          ]),
        ]
      : [],
  );
}

export function toolsHeader(tools: Tools = TOOLS): string {
  const parts = Object.entries(tools).map(
    ([name, tool]) =>
      [`/* ${tool.description} */`, [...wordEnums(name, tool), argsStruct(name, tool)].join('')].join('\n') +
      `/** Writes one JSON object into \`output\`. */\ntc_err tc_tool_${lower(name)}(const tc_tool_${lower(name)}_args *args, tc_json_writer *output);\n`,
  );
  const body = `#include <stdbool.h>
#include <stdint.h>

#include "../core/err.h"
#include "../core/json_write.h"

/* The array \`tools\` of session.update. */
#define TC_TOOLS_JSON_LENGTH ${new TextEncoder().encode(toolsJson(tools)).length}
extern const char tc_tools_json[TC_TOOLS_JSON_LENGTH + 1];

/* 24-bit RGB of the colours, indexed by tc_set_light_color. */
extern const uint32_t tc_color_rgb[${Object.keys(COLORS).length}];

${parts.join('\n')}`;
  return header('TC_TOOLS_GEN_H', ABOUT, SOURCE, body);
}

function paramRow(tool: string, name: string, param: ToolParam): string {
  const args = `tc_tool_${lower(tool)}_args`;
  const has = param.optional ? `offsetof(${args}, has_${lower(name)})` : 'REQUIRED';
  const words = param.type === 'string' && 'enum' in param;
  const kind =
    param.type === 'boolean' ? 'FLAG' : param.type === 'integer' ? 'INTEGER' : words ? 'WORD' : 'TEXT';
  const [min, max] =
    param.type === 'integer'
      ? [param.minimum, param.maximum]
      : words
        ? [0, param.enum.length - 1]
        : [0, param.type === 'string' && 'maxLength' in param ? param.maxLength : 1];
  return `    {${cString(name)}, ${cString(allowed(param))}, ${kind}, offsetof(${args}, ${lower(name)}), ${has}, ${min}, ${max}, ${words ? `words_of_${lower(tool)}_${lower(name)}` : 'NULL'}},`;
}

export function toolsSource(tools: Tools = TOOLS): string {
  const entries = Object.entries(tools);
  const tables = entries.flatMap(([tool, { params }]) => {
    const list = Object.entries(params);
    const words = list.flatMap(([name, param]) =>
      param.type === 'string' && 'enum' in param
        ? [
            `static const char *const words_of_${lower(tool)}_${lower(name)}[] = {${param.enum.map(cString).join(', ')}};`,
          ]
        : [],
    );
    if (list.length === 0) return [];
    return [
      ...words,
      `static const parameter parameters_of_${lower(tool)}[] = {\n${list.map(([name, param]) => paramRow(tool, name, param)).join('\n')}\n};`,
    ];
  });
  const runs = entries.map(
    ([tool]) => `static tc_err run_${lower(tool)}(const void *args, tc_json_writer *output) {
    return tc_tool_${lower(tool)}(args, output);
}`,
  );
  const rows = entries.map(([tool, { params }]) => {
    const count = Object.keys(params).length;
    return `    {${cString(tool)}, run_${lower(tool)}, ${count ? `parameters_of_${lower(tool)}` : 'NULL'}, ${count}},`;
  });
  const json = toolsJson(tools)
    .match(/[\s\S]{1,80}/gu)
    ?.map((piece) => `    ${cString(piece)}`);
  const colors = Object.values(COLORS).map((rgb) => `0x${rgb.toString(16).padStart(6, '0')}`);
  const members = entries.map(([tool]) => `    tc_tool_${lower(tool)}_args ${lower(tool)};`);
  return `${banner(ABOUT, SOURCE)}#include "tools_gen.h"

#include <stddef.h>
#include <string.h>

#include "../core/tools.h"

const char tc_tools_json[TC_TOOLS_JSON_LENGTH + 1] =
${json?.join('\n')};

const uint32_t tc_color_rgb[${colors.length}] = {${colors.join(', ')}};

${TOOLS_RUNTIME.types}
${tables.join('\n')}

${runs.join('\n')}

static const tool tools[] = {
${rows.join('\n')}
};

typedef union {
${members.join('\n')}
} any_args;

${TOOLS_RUNTIME.code}`;
}
