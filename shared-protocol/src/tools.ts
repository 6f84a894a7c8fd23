/**
 * The device's tools (function calls), each declared once with a JSON schema of the strict subset that the
 * generator understands: an object of booleans, integers with bounds, and strings with an enum or a length.
 * From here come the `tools` JSON of `session.update`, the C argument struct, its parser with limits, and the
 * prototype of the handler (`tc_tool_<name>`).
 */

export type ToolParam =
  | { readonly type: 'boolean'; readonly description: string; readonly optional?: boolean }
  | {
      readonly type: 'integer';
      readonly minimum: number;
      readonly maximum: number;
      readonly description: string;
      readonly optional?: boolean;
    }
  | {
      readonly type: 'string';
      readonly enum: readonly string[];
      readonly description: string;
      readonly optional?: boolean;
    }
  | {
      readonly type: 'string';
      readonly maxLength: number;
      readonly description: string;
      readonly optional?: boolean;
    };

export interface Tool {
  readonly description: string;
  readonly params: Readonly<Record<string, ToolParam>>;
}

/** Colours that `set_light` knows, as 24-bit RGB. */
export const COLORS = {
  white: 0xffffff,
  red: 0xff0000,
  green: 0x00ff00,
  blue: 0x0000ff,
  yellow: 0xffc800,
  purple: 0xa000ff,
} as const;

export const TOOLS = {
  end_session: {
    description: 'End the conversation. Call it when the person says goodbye or asks to stop.',
    params: {},
  },
  set_volume: {
    description: 'Set the loudness of the device.',
    params: {
      percent: { type: 'integer', minimum: 0, maximum: 100, description: 'Loudness, 0 is silent.' },
    },
  },
  set_light: {
    description: 'Switch the light of the device on or off, and set its colour.',
    params: {
      on: { type: 'boolean', description: 'Whether the light is on.' },
      color: {
        type: 'string',
        enum: Object.keys(COLORS) as (keyof typeof COLORS)[],
        description: 'Colour of the light.',
        optional: true,
      },
    },
  },
} as const satisfies Record<string, Tool>;
export type ToolName = keyof typeof TOOLS;
