/**
 * A small Realtime server for tests, on whatever WebRTC stack is put under it. It knows nothing of our code: HTTP POST
 * of an offer, events as the API sends them, and turns found by the energy of the sound that arrives.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tone } from './sound.ts';

/** What a stack tells about a call. */
export interface CallEvents {
  /** The data channel is open. */
  open(): void;
  text(message: string): void;
  /** `ms` of decoded sound of this level (RMS, 0 to 1) arrived. */
  sound(level: number, ms: number): void;
  closed(): void;
}

/** One accepted call. */
export interface CallPeer {
  readonly answer: string;
  send(text: string): void;
  /** Plays 48 kHz mono in real time; resolves when all of it was sent, or at `hush()`. */
  play(pcm: Int16Array): Promise<void>;
  hush(): void;
  /** Audio packets of the other side: those that came, and the gaps in their sequence. */
  audio(): Promise<{ received: number; lost: number }>;
  /** Closes the data channel alone. */
  closeChannel(): void;
  close(): Promise<void> | void;
}
export type Stack = (offer: string, events: CallEvents) => Promise<CallPeer>;

export type RealtimeEvent = { type: string; [member: string]: unknown };
/** What the server answers a turn with: a tone and its transcript, or a function call. */
export type Reply =
  | {
      transcript: string;
      hertz: number;
      ms: number /** The response is done when its sound is. */;
      slow?: boolean;
    }
  | { tool: string; arguments: unknown };
/** `heard`: ms of speech of the turn; 0 where the client asked for a response by itself. */
export type Script = (request: { responses: number; heard: number; event?: RealtimeEvent }) => Reply;

const LOUD = 0.01;
const SILENCE_MS = 500;
const RATE = 48_000;

interface ActiveResponse {
  id: string;
  done: boolean;
  cancelled: boolean;
}

/** One conversation. */
export class Call {
  readonly sent: string[] = [];
  readonly received: RealtimeEvent[] = [];
  readonly turns: number[] = [];
  peer: CallPeer | undefined;
  closed = false;
  #session: Record<string, unknown> = { object: 'realtime.session', type: 'realtime', id: 'sess_test' };
  readonly #script: Script;
  readonly #changed: () => void;
  #number = 0;
  #responses = 0;
  #response: ActiveResponse | undefined;
  #sounding: string | undefined;
  #speech: { loudMs: number; quietMs: number; item: string } | undefined;

  constructor(script: Script, changed: () => void) {
    this.#script = script;
    this.#changed = changed;
  }

  /** Sends an event; its id is added. */
  send(event: RealtimeEvent): void {
    this.sendRaw(JSON.stringify({ event_id: this.#id('event'), ...event }));
  }

  sendRaw(text: string): void {
    this.sent.push(text);
    this.peer?.send(text);
    this.#changed();
  }

  open(): void {
    this.send({ type: 'session.created', session: this.#session });
  }

  end(): void {
    this.closed = true;
    this.#changed();
  }

  text(message: string): void {
    const event = JSON.parse(message) as RealtimeEvent;
    this.received.push(event);
    switch (event.type) {
      case 'session.update':
        this.#session = { ...this.#session, ...(event.session as object) };
        this.send({ type: 'session.updated', session: this.#session });
        break;
      case 'conversation.item.create': {
        const item = { object: 'realtime.item', id: this.#id('item'), ...(event.item as object) };
        this.send({ type: 'conversation.item.added', previous_item_id: null, item });
        this.send({ type: 'conversation.item.done', previous_item_id: null, item });
        break;
      }
      case 'response.create':
        this.#respond(0, event);
        break;
      case 'response.cancel':
        if (this.#response && !this.#response.done) this.#response.cancelled = true;
        else
          this.#error('response_cancel_not_active', 'Cancellation failed: no active response found', event);
        break;
      case 'output_audio_buffer.clear':
        this.peer?.hush();
        if (this.#sounding) this.send({ type: 'output_audio_buffer.cleared', response_id: this.#sounding });
        this.#sounding = undefined;
        break;
    }
    this.#changed();
  }

  /** Turn detection by energy. */
  sound(level: number, ms: number): void {
    if (level > LOUD) {
      if (!this.#speech) {
        this.#speech = { loudMs: 0, quietMs: 0, item: this.#id('item') };
        this.send({
          type: 'input_audio_buffer.speech_started',
          audio_start_ms: 0,
          item_id: this.#speech.item,
        });
      }
      this.#speech.loudMs += ms;
      this.#speech.quietMs = 0;
    } else if (this.#speech) {
      this.#speech.quietMs += ms;
      if (this.#speech.quietMs >= SILENCE_MS) this.#turn();
    }
  }

  #turn(): void {
    const { item, loudMs } = this.#speech!;
    this.#speech = undefined;
    this.turns.push(loudMs);
    this.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 0, item_id: item });
    this.send({ type: 'input_audio_buffer.committed', previous_item_id: null, item_id: item });
    this.send({
      type: 'conversation.item.added',
      previous_item_id: null,
      item: {
        id: item,
        object: 'realtime.item',
        type: 'message',
        role: 'user',
        content: [{ type: 'input_audio' }],
      },
    });
    this.#respond(loudMs);
    this.send({
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: item,
      content_index: 0,
      transcript: `${loudMs} ms of speech`,
      usage: { type: 'duration', seconds: loudMs / 1000 },
    });
    this.#changed();
  }

  #respond(heard: number, event?: RealtimeEvent): void {
    if (this.#response && !this.#response.done) {
      this.#error('conversation_already_has_active_response', 'A response is in progress.', event);
      return;
    }
    const reply = this.#script({ responses: this.#responses++, heard, ...(event && { event }) });
    const response = { id: this.#id('resp'), done: false, cancelled: false };
    this.#response = response;
    this.send({ type: 'response.created', response: { ...this.#resource(response), status: 'in_progress' } });
    if ('tool' in reply) this.#call(response, reply);
    else void this.#speak(response, reply);
  }

  #call(response: ActiveResponse, reply: Extract<Reply, { tool: string }>): void {
    const item = {
      id: this.#id('item'),
      object: 'realtime.item',
      type: 'function_call',
      status: 'completed',
      name: reply.tool,
      call_id: this.#id('call'),
      arguments: JSON.stringify(reply.arguments),
    };
    const where = { response_id: response.id, output_index: 0 };
    this.send({
      type: 'response.output_item.added',
      ...where,
      item: { ...item, arguments: '', status: 'in_progress' },
    });
    this.send({
      type: 'response.function_call_arguments.done',
      ...where,
      item_id: item.id,
      call_id: item.call_id,
      name: item.name,
      arguments: item.arguments,
    });
    this.send({ type: 'response.output_item.done', ...where, item });
    this.#done(response, [item]);
  }

  async #speak(response: ActiveResponse, reply: Exclude<Reply, { tool: string }>): Promise<void> {
    const item = { id: this.#id('item'), object: 'realtime.item', type: 'message', role: 'assistant' };
    const where = { response_id: response.id, item_id: item.id, output_index: 0, content_index: 0 };
    const full = {
      ...item,
      status: 'completed',
      content: [{ type: 'output_audio', transcript: reply.transcript }],
    };
    this.send({ type: 'response.output_item.added', response_id: response.id, output_index: 0, item });
    this.send({ type: 'response.content_part.added', ...where, part: { type: 'audio', transcript: '' } });
    this.send({ type: 'output_audio_buffer.started', response_id: response.id });
    this.#sounding = response.id;
    for (const word of reply.transcript.split(/(?<= )/))
      this.send({ type: 'response.output_audio_transcript.delta', ...where, delta: word });
    this.send({ type: 'response.output_audio_transcript.done', ...where, transcript: reply.transcript });
    const finish = () => {
      if (response.done) return;
      if (!response.cancelled)
        this.send({
          type: 'response.output_item.done',
          response_id: response.id,
          output_index: 0,
          item: full,
        });
      this.#done(response, [full]);
    };
    if (!reply.slow) finish();
    await this.peer?.play(tone(reply.hertz, reply.ms, RATE));
    finish();
    if (this.#sounding !== response.id) return;
    this.#sounding = undefined;
    this.send({ type: 'output_audio_buffer.stopped', response_id: response.id });
  }

  #done(response: ActiveResponse, output: unknown[]): void {
    response.done = true;
    this.send({ type: 'response.done', response: { ...this.#resource(response), output } });
  }

  #resource({ id, cancelled }: ActiveResponse): object {
    return {
      object: 'realtime.response',
      id,
      status: cancelled ? 'cancelled' : 'completed',
      status_details: cancelled ? { type: 'cancelled', reason: 'client_cancelled' } : null,
      output: [],
      conversation_id: 'conv_test',
      output_modalities: ['audio'],
    };
  }

  #error(code: string, message: string, event?: RealtimeEvent): void {
    const error = {
      type: 'invalid_request_error',
      code,
      message,
      param: null,
      event_id: event?.event_id ?? null,
    };
    this.send({ type: 'error', error });
  }

  #id(kind: string): string {
    return `${kind}_${++this.#number}`;
  }
}

export interface ForeignServer {
  readonly url: string;
  readonly calls: readonly Call[];
  /** Offers that came in. */
  readonly offers: readonly string[];
  /** Takes over the HTTP answer; undefined: answer properly. */
  http: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** The last call, as soon as `ready` says so. */
  until<T>(what: string, ready: (call: Call | undefined) => T | undefined): Promise<T>;
  /** Ends all calls and the HTTP server. */
  close(): Promise<void>;
}

export interface ForeignServerOptions {
  stack: Stack;
  token: string;
  script: Script;
}

const GUARD_MS = 45_000;

export async function startForeignServer({
  stack,
  token,
  script,
}: ForeignServerOptions): Promise<ForeignServer> {
  const calls: Call[] = [];
  const offers: string[] = [];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };

  async function accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    offers.push(Buffer.concat(parts).toString());
    if (self.http) {
      self.http(request, response);
      changed();
      return;
    }
    if (request.headers.authorization !== `Bearer ${token}`) {
      const error = {
        message: 'Incorrect API key provided.',
        type: 'invalid_request_error',
        code: 'invalid_api_key',
      };
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return;
    }
    const call = new Call(script, changed);
    const peer = await stack(offers.at(-1)!, {
      open: () => call.open(),
      text: (message) => call.text(message),
      sound: (level, ms) => call.sound(level, ms),
      closed: () => call.end(),
    });
    call.peer = peer;
    calls.push(call);
    response
      .writeHead(201, {
        'content-type': 'application/sdp',
        location: `/v1/realtime/calls/rtc_${calls.length}`,
      })
      .end(peer.answer);
    changed();
  }

  const server = createServer((request, response) => {
    accept(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const self: ForeignServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/realtime/calls`,
    calls,
    offers,
    http: undefined,
    until: (what, ready) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = ready(calls.at(-1));
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`the server never saw ${what}`));
        }, GUARD_MS);
        waiting.add(look);
        look();
      }),
    async close() {
      for (const call of calls) {
        call.peer?.hush();
        await call.peer?.close();
      }
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
