/** The conversation of a Realtime session as a request for chat completions. */
import type { Question } from '../brain.ts';
import type { SessionConfig } from '../config.ts';
import type { Entry } from '../conversation.ts';

type ContentPart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail?: string } };
export type ChatMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string | ContentPart[] }
  | { role: 'assistant'; content: string | null; tool_calls?: ChatToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string };
interface ChatToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export interface ChatRequest {
  model: string;
  stream: true;
  messages: ChatMessage[];
  tools?: { type: 'function'; function: { name: string; description?: string; parameters: object } }[];
  tool_choice?: 'auto' | 'none' | 'required' | { type: 'function'; function: { name: string } };
  parallel_tool_calls?: boolean;
  reasoning_effort?: string;
  max_tokens?: number;
  max_completion_tokens?: number;
}

export interface RequestContext {
  model: string;
  /** The server is OpenAI's or Azure's, which refuse `max_tokens` for newer models; others know only that. */
  openai: boolean;
  /** The words of a message; those of sound are not in its item. */
  wordsOf(entry: Entry): string;
}

/** Chat templates of several models refuse a conversation in which nobody asks. */
const NOBODY_SPOKE = '(The person has said nothing yet.)';
const STILL_SILENT = '(The person has said nothing for a while.)';
const NO_OUTPUT = '{"error":"there is no result yet"}';

/** What the model is asked. */
export function chatRequest({ entries, config, idle }: Question, context: RequestContext): ChatRequest {
  const messages = chatMessages(entries, config.instructions, context.wordsOf);
  if (idle) messages.push({ role: 'user', content: STILL_SILENT });
  if (!messages.some(({ role }) => role === 'user')) messages.push({ role: 'user', content: NOBODY_SPOKE });
  const limit = config.max_output_tokens;
  const tools = toolsOf(config);
  return {
    model: context.model,
    stream: true,
    messages,
    ...(tools.length > 0 ? { tools, ...choiceOf(config) } : {}),
    ...(tools.length > 0 && config.parallel_tool_calls !== undefined
      ? { parallel_tool_calls: config.parallel_tool_calls }
      : {}),
    ...(config.reasoning?.effort ? { reasoning_effort: config.reasoning.effort } : {}),
    ...(limit === 'inf' ? {} : context.openai ? { max_completion_tokens: limit } : { max_tokens: limit }),
  };
}

/**
 * Items in their order, but the output of a call right behind it: people speak between the two, and servers refuse
 * calls without outputs and outputs elsewhere.
 */
function chatMessages(
  entries: readonly Entry[],
  instructions: string,
  wordsOf: (entry: Entry) => string,
): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : [];
  const outputs = new Map<string, string>();
  const called = new Set<string>();
  for (const { item } of entries) {
    if (item.type === 'function_call_output') outputs.set(item.call_id, item.output);
    else if (item.type === 'function_call' && item.call_id) called.add(item.call_id);
  }
  /** Calls of one answer belong to one message. */
  let calls: ChatToolCall[] = [];
  const flush = () => {
    for (const { id } of calls)
      messages.push({ role: 'tool', tool_call_id: id, content: outputs.get(id) ?? NO_OUTPUT });
    calls = [];
  };
  for (const entry of entries) {
    const { item } = entry;
    if (item.type === 'function_call') {
      const call: ChatToolCall = {
        id: item.call_id ?? item.id ?? '',
        type: 'function',
        function: { name: item.name, arguments: isObject(item.arguments) ? item.arguments : '{}' },
      };
      calls = [...calls, call];
      const last = messages.at(-1);
      if (last?.role === 'assistant') last.tool_calls = calls;
      else messages.push({ role: 'assistant', content: null, tool_calls: calls });
      continue;
    }
    if (item.type === 'function_call_output') {
      flush();
      // An output without its call: all that is left is to say so.
      if (called.has(item.call_id)) continue;
      messages.push({ role: 'user', content: `(A tool answered: ${item.output})` });
      continue;
    }
    if (item.type !== 'message') continue;
    flush();
    const words = wordsOf(entry);
    if (item.role === 'user') {
      const content = withImages(words, entry);
      if (content.length > 0) messages.push({ role: 'user', content });
    } else if (words) messages.push({ role: item.role, content: words });
  }
  flush();
  return messages;
}

function withImages(words: string, { item }: Entry): string | ContentPart[] {
  const images =
    item.type === 'message' && item.role === 'user'
      ? item.content.flatMap((part): ContentPart[] =>
          part.type === 'input_image' && part.image_url
            ? [
                {
                  type: 'image_url',
                  image_url: { url: part.image_url, ...(part.detail ? { detail: part.detail } : {}) },
                },
              ]
            : [],
        )
      : [];
  if (images.length === 0) return words;
  return words ? [{ type: 'text', text: words }, ...images] : images;
}

/**
 * Whether a call's arguments are what servers take back. A model may have broken them, and then nothing could be asked
 * any more; the output of the call says what was wrong.
 */
export function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Functions; servers of MCP are for whoever can reach them. */
function toolsOf(config: SessionConfig): NonNullable<ChatRequest['tools']> {
  return config.tools.flatMap((tool) =>
    tool.type === 'function'
      ? [
          {
            type: 'function' as const,
            function: {
              name: tool.name,
              ...(tool.description ? { description: tool.description } : {}),
              parameters: tool.parameters ?? { type: 'object', properties: {} },
            },
          },
        ]
      : [],
  );
}

function choiceOf({ tool_choice: choice }: SessionConfig): Pick<ChatRequest, 'tool_choice'> {
  if (typeof choice === 'string') return { tool_choice: choice };
  return choice.type === 'function'
    ? { tool_choice: { type: 'function', function: { name: choice.name } } }
    : {};
}
