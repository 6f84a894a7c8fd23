/**
 * Serves tools to a device over the serial link: offers them (again after each restart), runs what it calls, several at
 * once, and answers in any case.
 */
import type { Hello, ToolCall } from '@tincan/shared-protocol';
import type { Device, DeviceMessage } from '../device/device.ts';
import { asTincanError, messageOf } from '../errors.ts';
import { offer } from './collect.ts';
import type { HostTool, ToolDevice } from './define.ts';

/** Largest output, as JSON in bytes. */
const MAX_OUTPUT = 16_384;
/** Calls that run at once. */
const MAX_RUNNING = 16;
/** The host gives up so much before the device does, so that the model learns why. */
const MARGIN_MS = 1000;
/** Longest error text that goes to the model. */
const MAX_ERROR = 500;

export interface ServeOutput {
  /** A line for the person. */
  note(text: string): void;
  warn(text: string): void;
}

export class ToolServer {
  readonly #device: Pick<Device, 'request' | 'listen' | 'hello'>;
  readonly #out: ServeOutput;
  readonly #running = new Map<string, AbortController>();
  readonly #unlisten: () => void;
  readonly #own: ToolDevice;
  #tools: ReadonlyMap<string, HostTool> = new Map();
  #hello: Hello | undefined;
  #offering: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(device: Pick<Device, 'request' | 'listen' | 'hello'>, out: ServeOutput) {
    this.#device = device;
    this.#out = out;
    const hello = () => this.#hello;
    this.#own = {
      get hello() {
        return hello();
      },
      request: (method, params = {}) => device.request(method, params),
    };
    this.#unlisten = device.listen({
      message: (message) => this.#message(message),
      connection: (up) => (up ? this.#offerAgain() : this.#abortAll('the port is gone')),
    });
  }

  /**
   * Offers these tools in place of those before. Calls that run go on.
   * @throws TincanError what the device answers
   */
  async serve(tools: ReadonlyMap<string, HostTool>): Promise<void> {
    this.#tools = tools;
    await this.#offer();
  }

  /** Takes the tools back, as far as the device can still be told. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    this.#abortAll('the program ends');
    await this.#offering.catch(() => undefined);
    await this.#device.request('tools.serve', { tools: [] }, { timeoutMs: 1000 }).catch(() => undefined);
  }

  #offer(): Promise<void> {
    // One after the other: the last that is asked for is the last that is sent.
    this.#offering = this.#offering
      .catch(() => undefined)
      .then(async () => {
        if (this.#closed) return;
        this.#hello ??= await this.#device.hello();
        const longest = Math.max(...[...this.#tools.values()].map(({ timeoutMs }) => timeoutMs));
        await this.#device.request('tools.serve', {
          tools: offer(this.#tools),
          timeout_ms: longest + MARGIN_MS,
        });
        const names = [...this.#tools.keys()].join(', ');
        this.#out.note(`${this.#tools.size} tool${this.#tools.size === 1 ? '' : 's'} offered: ${names}`);
      });
    return this.#offering;
  }

  #offerAgain(): void {
    if (this.#tools.size === 0 || this.#closed) return;
    this.#offer().catch((error) =>
      this.#out.warn(`the tools are not offered: ${asTincanError(error).message}`),
    );
  }

  #message({ method, params }: DeviceMessage): void {
    if (method === 'hello') {
      this.#hello = params as unknown as Hello;
      this.#abortAll('the device has restarted');
      this.#offerAgain();
    } else if (method === 'tool.call') void this.#call(params as unknown as ToolCall);
  }

  #abortAll(why: string): void {
    for (const running of this.#running.values()) running.abort(new Error(why));
    this.#running.clear();
  }

  async #call(call: ToolCall): Promise<void> {
    const id = String(call.call_id);
    // A call that is told twice is run once.
    if (this.#running.has(id)) return;
    const stop = new AbortController();
    this.#running.set(id, stop);
    try {
      const output = await this.#output(call, stop);
      // Nobody waits for it any more.
      if (this.#running.get(id) !== stop) return;
      await this.#device.request('tool.result', { call_id: id, output });
    } catch (error) {
      this.#out.warn(
        `the result of ${String(call.name)} did not reach the device: ${asTincanError(error).message}`,
      );
    } finally {
      if (this.#running.get(id) === stop) this.#running.delete(id);
    }
  }

  /** What the model gets: an object, or a text. */
  async #output(call: ToolCall, stop: AbortController): Promise<object | string> {
    const name = String(call.name);
    const tool = this.#tools.get(name);
    if (tool === undefined) return wrong(`there is no tool ${name}`);
    if (this.#running.size > MAX_RUNNING) return wrong('too many calls run at once; try again later');
    let limit = tool.timeoutMs;
    if (Number.isFinite(call.timeout_ms))
      limit = Math.max(
        1,
        Math.min(
          limit,
          call.timeout_ms > 2 * MARGIN_MS ? call.timeout_ms - MARGIN_MS / 2 : call.timeout_ms / 2,
        ),
      );
    let timer: NodeJS.Timeout | undefined;
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => stop.abort(new Error(`${name} did not end within ${limit / 1000} s`)), limit);
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
    });
    // What runs on after its end may still fail; nobody listens then.
    end.catch(() => undefined);
    try {
      const work = this.#run(tool, name, call.arguments, stop.signal);
      work.catch(() => undefined);
      return await Promise.race([work, end]);
    } catch (error) {
      const isOurs = error === stop.signal.reason;
      const stack = error instanceof Error && !isOurs ? `\n${error.stack ?? ''}` : '';
      this.#out.warn(`${name} failed: ${messageOf(error)}${stack}`);
      return wrong(messageOf(error));
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(tool: HostTool, name: string, given: unknown, signal: AbortSignal): Promise<object | string> {
    const parsed = typeof given === 'string' ? parse(given) : { value: given ?? {} };
    if (parsed === undefined) return wrong('the arguments are no JSON');
    const checked = await tool.check(parsed.value);
    if ('wrong' in checked) {
      this.#out.note(`${name} was called with wrong arguments: ${checked.wrong}`);
      return wrong(`wrong arguments: ${checked.wrong}`);
    }
    const result = await tool.run(checked.args, { signal, device: this.#own });
    if (result === undefined) return { ok: true };
    const json = JSON.stringify(result) as string | undefined;
    if (json === undefined) throw new Error(`its result is a ${typeof result}, which JSON cannot say`);
    // As the device counts it: a text is quoted once more.
    const output: object | string =
      typeof result === 'string' ? result : json.startsWith('{') ? (JSON.parse(json) as object) : json;
    const bytes = Buffer.byteLength(JSON.stringify(output));
    if (bytes > MAX_OUTPUT) throw new Error(`its result has ${bytes} bytes, more than ${MAX_OUTPUT}`);
    return output;
  }
}

function wrong(sentence: string): { error: string } {
  return { error: sentence.slice(0, MAX_ERROR) };
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: text.trim() === '' ? {} : JSON.parse(text) };
  } catch {
    return undefined;
  }
}
