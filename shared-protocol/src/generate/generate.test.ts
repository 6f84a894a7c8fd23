import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readGolden } from '../golden.ts';
import { toolDefinitions } from '../realtime/tools-json.ts';
import { TOOLS, type Tool } from '../tools.ts';
import { cString, lower, upper } from './c-text.ts';
import { generateC, generateDocs } from './index.ts';
import { pathSegments, realtimeSource } from './realtime-c.ts';
import { allowed, toolsHeader, toolsSource } from './tools-c.ts';

const root = new URL('../../../', import.meta.url);
const files = generateC();

describe('committed files are what the generators write (npm run generate)', () => {
  it.each(Object.keys(files))('firmware/generated/%s', (name) => {
    expect(readFileSync(new URL(`firmware/generated/${name}`, root), 'utf8')).toBe(files[name]);
  });
  it('docs/reference.md', () => {
    expect(readFileSync(new URL('docs/reference.md', root), 'utf8')).toBe(generateDocs());
  });
  it('and nothing else is there', () => {
    const there = readdirSync(new URL('firmware/generated/', root)).filter((name) => /\.[ch]$/.test(name));
    expect(there.sort()).toEqual(Object.keys(files).sort());
  });
});

describe('generated C', () => {
  it.each(Object.keys(files))('%s says where it comes from', (name) => {
    expect(files[name]).toMatch(
      /^\/\* .*\n \* Generated from shared-protocol\/src\/.* by `npm run generate`/,
    );
    expect(files[name]).toMatch(/[^\n]\n$/);
  });

  it('defines no name twice', () => {
    const headers = Object.entries(files)
      .filter(([name]) => name.endsWith('.h'))
      .map(([, text]) => text)
      .join('\n');
    const names = [
      ...[...headers.matchAll(/^ {4}(TC_[A-Z0-9_]+)(?: = [^,]+)?,/gm)],
      ...[...headers.matchAll(/^#define (TC_\w+)/gm)],
      ...[...headers.matchAll(/^} (tc_\w+);/gm)],
    ].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(200);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('sorts event names as strcmp does', () => {
    const names = [...realtimeSource().matchAll(/^ {4}\{"([^"]+)", TC_RT_/gm)].map(([, name]) => name!);
    expect(names).toContain('response.audio.delta');
    for (const [index, name] of names.entries())
      if (index > 0) expect(Buffer.compare(Buffer.from(names[index - 1]!), Buffer.from(name))).toBe(-1);
  });
});

describe('C text', () => {
  it('makes identifiers', () => {
    expect([upper('api-key'), upper('wifi.ssid'), lower('session.max_tokens')]).toEqual([
      'API_KEY',
      'WIFI_SSID',
      'session_max_tokens',
    ]);
  });
  it('escapes strings so that no digit and no trigraph runs on', () => {
    expect(cString('a"b\\c\nd')).toBe('"a\\"b\\\\c\\nd"');
    expect(cString('ü1\x017')).toBe('"\\303\\2741\\0017"');
    expect(cString('??=')).toBe('"\\?\\?="');
  });
  it('splits paths', () => {
    expect(pathSegments('response.output[].type')).toEqual(['response', 'output', '[]', 'type']);
    expect(pathSegments('item_id')).toEqual(['item_id']);
  });
});

describe('tools', () => {
  const note: Record<string, Tool> = {
    note: {
      description: 'Keep a note.',
      params: {
        text: { type: 'string', maxLength: 20, description: 'The note.' },
        'due-in': { type: 'integer', minimum: -5, maximum: 5, description: 'Days.', optional: true },
      },
    },
  };

  it('makes the struct, with room for UTF-8, and marks what is optional', () => {
    expect(toolsHeader(note)).toContain(
      'typedef struct {\n    char text[81];\n    bool has_due_in;\n    int32_t due_in;\n} tc_tool_note_args;\n',
    );
  });

  it('makes the table of the parser', () => {
    const source = toolsSource(note);
    expect(source).toContain(
      '{"text", "a text of at most 20 characters", TEXT, offsetof(tc_tool_note_args, text), REQUIRED, 0, 20, NULL},',
    );
    expect(source).toContain('offsetof(tc_tool_note_args, has_due_in), -5, 5, NULL},');
  });

  it('makes the JSON that the API takes, without members of our own', () => {
    expect(toolDefinitions(note)).toEqual([
      {
        type: 'function',
        name: 'note',
        description: 'Keep a note.',
        parameters: {
          type: 'object',
          properties: {
            text: { type: 'string', maxLength: 20, description: 'The note.' },
            'due-in': { type: 'integer', minimum: -5, maximum: 5, description: 'Days.' },
          },
          required: ['text'],
          additionalProperties: false,
        },
      },
    ]);
  });
});

describe('golden/tools.json says what JSON.parse says', () => {
  interface Call {
    tool: string;
    arguments: string;
    result: string;
    args?: Record<string, unknown>;
    error?: string;
  }

  /** The first thing that is wrong with the arguments, or the arguments. */
  function judge(call: Call): Record<string, unknown> | string {
    const tool: Tool | undefined = (TOOLS as Record<string, Tool>)[call.tool];
    if (!tool) return 'this device has no such tool';
    let value: unknown;
    try {
      value = JSON.parse(call.arguments.trim() === '' ? '{}' : call.arguments);
    } catch {
      return 'the arguments are not a JSON object';
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value) || /\[{65}/.test(call.arguments))
      return 'the arguments are not a JSON object';
    const args: Record<string, unknown> = {};
    for (const [name, param] of Object.entries(tool.params)) {
      const given = (value as Record<string, unknown>)[name] ?? undefined;
      if (given === undefined && param.optional) continue;
      if (given === undefined) return `the argument "${name}" is missing; it must be ${allowed(param)}`;
      const good =
        param.type === 'boolean'
          ? typeof given === 'boolean'
          : param.type === 'integer'
            ? Number.isInteger(given) &&
              (given as number) >= param.minimum &&
              (given as number) <= param.maximum
            : typeof given === 'string' && 'enum' in param && param.enum.includes(given);
      if (!good) return `the argument "${name}" must be ${allowed(param)}`;
      args[name] = given === 0 ? 0 : given;
    }
    return args;
  }

  const { calls } = readGolden<{ calls: Call[] }>('tools.json');
  it.each(calls.map((call) => [call.tool, call.arguments.slice(0, 50), call] as const))(
    '%s(%s)',
    (_tool, _arguments, call) => {
      expect(call.args ?? call.error).toEqual(judge(call));
      expect(call.result === 'TC_OK').toBe(call.args !== undefined);
    },
  );
});
