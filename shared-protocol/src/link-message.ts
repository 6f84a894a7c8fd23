import { LINK_ERRORS } from './link.ts';

export type MessageId = string | number;
export type Params = Record<string, unknown>;
export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}
/** A JSON-RPC 2.0 message; a response holds either `result` or `error`, and `id` null where the request's was not readable. */
export type LinkMessage =
  | { kind: 'request'; id: MessageId; method: string; params: Params }
  | { kind: 'notification'; method: string; params: Params }
  | { kind: 'response'; id: MessageId | null; result: unknown; error?: undefined }
  | { kind: 'response'; id: MessageId | null; error: RpcError };

/** Not JSON (PARSE), or not a JSON-RPC 2.0 message of this link (REQUEST). */
export class MessageError extends Error {
  readonly code: 'PARSE' | 'REQUEST';
  constructor(code: 'PARSE' | 'REQUEST', detail: string) {
    super(`${code === 'PARSE' ? LINK_ERRORS.PARSE.message : 'not a JSON-RPC 2.0 message'}: ${detail}`);
    this.name = 'MessageError';
    this.code = code;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is MessageId => typeof value === 'string' || Number.isSafeInteger(value);

/**
 * Reads the JSON of one frame (https://www.jsonrpc.org/specification). Stricter than the standard where the link
 * is: no batches, params by name only (absent ones are {}), ids are texts or whole numbers. Members that the
 * standard does not know are passed over. Throws {@link MessageError}; its message holds nothing of the text.
 */
export function parseMessage(json: string): LinkMessage {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new MessageError('PARSE', `${json.length} characters`);
  }
  if (!isObject(value)) throw new MessageError('REQUEST', 'it is no object');
  if (value.jsonrpc !== '2.0') throw new MessageError('REQUEST', '"jsonrpc" is not "2.0"');
  return 'method' in value ? readCall(value) : readResponse(value);
}

function readCall(value: Record<string, unknown>): LinkMessage {
  const { method, id, params = {} } = value;
  if (typeof method !== 'string' || method === '') throw new MessageError('REQUEST', '"method" is no text');
  if (!isObject(params)) throw new MessageError('REQUEST', '"params" is no object');
  if ('result' in value || 'error' in value)
    throw new MessageError('REQUEST', 'it has a "method" and the members of a response');
  if (!('id' in value)) return { kind: 'notification', method, params };
  if (!isId(id)) throw new MessageError('REQUEST', '"id" is neither a text nor a whole number');
  return { kind: 'request', id, method, params };
}

function readResponse(value: Record<string, unknown>): LinkMessage {
  const { id, result, error } = value;
  if (id !== null && !isId(id))
    throw new MessageError('REQUEST', '"id" is neither a text nor a whole number');
  if ('result' in value === 'error' in value)
    throw new MessageError('REQUEST', 'it needs either "method", "result" or "error"');
  if ('result' in value) return { kind: 'response', id, result };
  if (!isObject(error) || !Number.isSafeInteger(error.code) || typeof error.message !== 'string')
    throw new MessageError('REQUEST', '"error" has no whole "code" or no "message"');
  const { code, message, data } = error as { code: number; message: string; data?: unknown };
  return { kind: 'response', id, error: data === undefined ? { code, message } : { code, message, data } };
}
