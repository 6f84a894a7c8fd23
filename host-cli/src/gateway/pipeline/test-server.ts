/**
 * For tests: an OpenAI-compatible server that is strict about what it is asked, and says nothing until the test tells
 * it to: each request waits as an exchange, which the test answers piece by piece.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readWav, writeWav } from '@tincan/shared-protocol';
import { z } from 'zod';

const GUARD_MS = 30_000;

const toolCall = z.strictObject({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
});
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string().min(1) }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([
      z.string().min(1),
      z.array(
        z.union([
          z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
          z.strictObject({
            type: z.literal('image_url'),
            image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
          }),
        ]),
      ),
    ]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().min(1).nullable(),
    tool_calls: z.array(toolCall).min(1).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
]);
const chat = z.strictObject({
  model: z.string().min(1),
  stream: z.literal(true),
  messages: z.array(message).min(1),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string().regex(/^[\w-]{1,64}$/),
          description: z.string().optional(),
          parameters: z.looseObject({ type: z.literal('object') }),
        }),
      }),
    )
    .min(1)
    .optional(),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({ name: z.string() }),
      }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning_effort: z.string().optional(),
  max_tokens: z.int().min(1).optional(),
});
const speech = z.strictObject({
  model: z.string().min(1),
  input: z.string().min(1).max(4096),
  voice: z.string().min(1),
  response_format: z.enum(['wav', 'pcm']),
  speed: z.number().min(0.25).max(4).optional(),
});
const transcription = z.strictObject({
  model: z.string().min(1),
  response_format: z.literal('json'),
  language: z.string().optional(),
  prompt: z.string().optional(),
});

/** What a server of tool calls insists on: outputs right behind their calls, one each. */
function checkOrder(messages: z.infer<typeof message>[]): void {
  let open: string[] = [];
  for (const one of messages) {
    if (one.role === 'tool') {
      if (!open.includes(one.tool_call_id))
        throw new Error(`no call ${one.tool_call_id} right before its output`);
      open = open.filter((id) => id !== one.tool_call_id);
      continue;
    }
    if (open.length > 0) throw new Error(`calls without output: ${open.join(', ')}`);
    if (one.role === 'assistant') open = (one.tool_calls ?? []).map(({ id }) => id);
  }
  if (open.length > 0) throw new Error(`calls without output: ${open.join(', ')}`);
  if (!messages.some(({ role }) => role === 'user')) throw new Error('nobody asks');
}

export type Chat = z.infer<typeof chat>;
export type Speech = z.infer<typeof speech>;

/** A request that waits for its answer. */
export class Exchange<Asked> {
  readonly asked: Asked;
  readonly headers: IncomingMessage['headers'];
  /** The client went away before the end of the answer. */
  aborted = false;
  readonly #response: ServerResponse;
  readonly #gone: Promise<void>;

  constructor(asked: Asked, headers: IncomingMessage['headers'], response: ServerResponse) {
    this.asked = asked;
    this.headers = headers;
    this.#response = response;
    this.#gone = new Promise((resolve) => {
      response.once('close', () => {
        this.aborted = !response.writableFinished;
        resolve();
      });
    });
  }

  /** Waits until the client went away. */
  async gone(): Promise<void> {
    await this.#gone;
    if (!this.aborted) throw new Error('the client read the answer to its end');
  }

  refuse(status: number, body: string, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, headers).end(body);
  }

  /** Ends the connection in the middle. */
  cut(): void {
    this.#response.destroy();
  }

  write(type: string, bytes: Uint8Array | string): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'content-type': type });
    this.#response.write(bytes);
  }

  end(): void {
    this.#response.end();
  }

  // A transcription.
  words(text: string): void {
    this.write('application/json', JSON.stringify({ text }));
    this.end();
  }

  // A chat completion.
  chunk(delta: object, finish: string | null = null): void {
    const chunk = {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finish }],
    };
    this.write('text/event-stream', `data: ${JSON.stringify(chunk)}\n\n`);
  }
  text(content: string): void {
    this.chunk({ content });
  }
  call(index: number, id: string, name: string, ...args: string[]): void {
    this.chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
    for (const piece of args) this.chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  finish(reason = 'stop'): void {
    this.chunk({}, reason);
    this.write('text/event-stream', 'data: [DONE]\n\n');
    this.end();
  }

  // Speech: `begin` a file of unknown length, then samples.
  begin(rate = 24_000): void {
    const header = Buffer.from(writeWav(new Int16Array(), rate));
    header.writeUInt32LE(0xffff_ffff, 4);
    header.writeUInt32LE(0xffff_ffff, 40);
    this.write('audio/wav', header);
  }
  sound(pcm: Int16Array): void {
    this.write('audio/wav', Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength));
  }
}

/** Milliseconds of a transcription's sound. */
export interface Heard {
  model: string;
  response_format: string;
  language?: string | undefined;
  prompt?: string | undefined;
  pcm: Int16Array;
}

export class TestServer {
  readonly #server: Server;
  /** What was wrong with requests; empty in a good test. */
  readonly complaints: string[] = [];
  /** Everything that arrived, as "POST /v1/…". */
  readonly requests: string[] = [];
  /** The list of models; none is served where it is undefined. */
  models: string[] | undefined = ['a-model'];
  readonly #queues = {
    stt: [] as Exchange<Heard>[],
    llm: [] as Exchange<Chat>[],
    tts: [] as Exchange<Speech>[],
  };
  readonly #waiting = new Set<() => void>();

  static async start(): Promise<TestServer> {
    const server = new TestServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        this.complaints.push(text);
        if (!response.headersSent) response.writeHead(400).end(JSON.stringify({ error: { message: text } }));
        for (const wake of this.#waiting) wake();
      });
    });
  }

  /** Base address. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  stt(): Promise<Exchange<Heard>> {
    return this.#next('stt', this.#queues.stt);
  }
  llm(): Promise<Exchange<Chat>> {
    return this.#next('llm', this.#queues.llm);
  }
  tts(): Promise<Exchange<Speech>> {
    return this.#next('tts', this.#queues.tts);
  }
  /** Requests that wait and were not looked at. */
  pending(stage: 'stt' | 'llm' | 'tts'): number {
    return this.#queues[stage].length;
  }

  async #next<T>(stage: string, queue: T[]): Promise<T> {
    const late = performance.now() + GUARD_MS;
    while (queue.length === 0) {
      if (this.complaints.length > 0) throw new Error(this.complaints.join('; '));
      if (performance.now() > late)
        throw new Error(`no request for ${stage}; there were ${this.requests.join(', ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, GUARD_MS);
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
    return queue.shift()!;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '', this.url).pathname;
    this.requests.push(`${request.method} ${path}`);
    if (request.method !== 'POST') {
      if (path !== '/v1/models' || this.models === undefined) response.writeHead(404).end();
      else
        response.end(
          JSON.stringify({ object: 'list', data: this.models.map((id) => ({ id, object: 'model' })) }),
        );
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const { headers } = request;
    const type = headers['content-type'] ?? '';
    if (path === '/v1/audio/transcriptions') {
      const form = await new Response(body, { headers: { 'content-type': type } }).formData();
      const { file, ...fields } = Object.fromEntries(form);
      if (!(file instanceof File) || !file.name.endsWith('.wav')) throw new Error('no WAV file in the form');
      const wav = readWav(new Uint8Array(await file.arrayBuffer()));
      if (wav.sampleRate !== 16_000 || wav.channels !== 1) throw new Error(`sound of ${wav.sampleRate} Hz`);
      this.#queues.stt.push(
        new Exchange({ ...transcription.parse(fields), pcm: wav.samples }, headers, response),
      );
    } else {
      if (type !== 'application/json') throw new Error(`content type ${type}`);
      const json: unknown = JSON.parse(body.toString());
      if (path === '/v1/chat/completions') {
        const asked = chat.parse(json);
        checkOrder(asked.messages);
        this.#queues.llm.push(new Exchange(asked, headers, response));
      } else if (path === '/v1/audio/speech') {
        this.#queues.tts.push(new Exchange(speech.parse(json), headers, response));
      } else throw new Error(`nothing is at ${path}`);
    }
    for (const wake of this.#waiting) wake();
  }
}
