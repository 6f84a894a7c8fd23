import type { PortFunctions } from './codes.ts';

/** The image's WebAssembly is not a core that this board can run. */
export class ModuleError extends Error {
  readonly code = 'APP_MODULE';
}

/** The module's memory as the port sees it. Pointers and lengths come as the module passes them. */
export interface CoreMemory {
  /** A view of `length` bytes; valid until the module is called again. Throws `RangeError` outside the memory. */
  bytes(pointer: number, length: number): Uint8Array;
  /** A view of 16-bit samples. */
  samples(pointer: number, count: number): Int16Array;
  /** A copy of the UTF-8 text up to its NUL. */
  text(pointer: number): string;
  /** A view for numbers. */
  view(pointer: number, length: number): DataView;
  /** Bytes behind the module's stack and data, for a heap; 0 where the module does not say where they end. */
  readonly free: number;
}

/** The calls of `firmware/virtual/exports.c`. Times are milliseconds. */
export interface CoreExports {
  init(now: number): void;
  post(kind: number, id: number, code: number, extra: number, length: number): number;
  step(now: number): number;
  audioIn(now: number): void;
  audioOut(): void;
  rtp(id: number, length: number, now: number): void;
}

export interface CoreModule {
  readonly call: CoreExports;
  /** Copies bytes into the module's buffer, for the next call; false where they do not fit. */
  load(bytes: Uint8Array): boolean;
  /** The 320 samples that audioIn reads and audioOut writes. */
  pcm(): Int16Array;
}

export const FRAME_SAMPLES = 320;

const EXPORTS = {
  init: 'tc_virtual_init',
  post: 'tc_virtual_post',
  step: 'tc_virtual_step',
  audioIn: 'tc_virtual_audio_in',
  audioOut: 'tc_virtual_audio_out',
  rtp: 'tc_virtual_rtp',
  buffer: 'tc_virtual_buffer',
  bufferSize: 'tc_virtual_buffer_size',
  pcm: 'tc_virtual_pcm',
} as const;

class ModuleMemory implements CoreMemory {
  memory: WebAssembly.Memory | undefined;
  heapBase: number | undefined;

  bytes(pointer: number, length: number): Uint8Array {
    // i32 arguments arrive signed; addresses and sizes are not.
    return new Uint8Array(this.#buffer(), pointer >>> 0, length >>> 0);
  }

  samples(pointer: number, count: number): Int16Array {
    return new Int16Array(this.#buffer(), pointer >>> 0, count >>> 0);
  }

  text(pointer: number): string {
    const rest = new Uint8Array(this.#buffer(), pointer >>> 0);
    const end = rest.indexOf(0);
    if (end < 0) throw new RangeError('a text in the memory has no end');
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(rest.subarray(0, end));
  }

  view(pointer: number, length: number): DataView {
    return new DataView(this.#buffer(), pointer >>> 0, length >>> 0);
  }

  get free(): number {
    return this.heapBase === undefined ? 0 : this.#buffer().byteLength - this.heapBase;
  }

  #buffer(): ArrayBuffer {
    if (!this.memory) throw new ModuleError('the port was called before the module was ready');
    return this.memory.buffer;
  }
}

/**
 * Instantiates the core. `port` builds the imports on the module's memory; they must not be called before this
 * resolves. Throws `ModuleError` with one sentence where the bytes are no module, ask for something that this board
 * does not have, or lack what the board calls.
 */
export async function loadModule(
  wasm: Uint8Array,
  port: (memory: CoreMemory) => PortFunctions,
): Promise<CoreModule> {
  let compiled: WebAssembly.Module;
  try {
    compiled = await WebAssembly.compile(new Uint8Array(wasm));
  } catch (error) {
    throw new ModuleError(`the application is not a WebAssembly module: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const memory = new ModuleMemory();
  const functions = port(memory);
  const strangers = WebAssembly.Module.imports(compiled)
    .filter((i) => i.module !== 'env' || i.kind !== 'function' || !Object.hasOwn(functions, i.name))
    .map((i) => `${i.module}.${i.name}`);
  if (strangers.length > 0)
    throw new ModuleError(`the application asks for what this board does not have: ${strangers.join(', ')}`);

  const { exports } = await WebAssembly.instantiate(compiled, { env: functions });
  const found = (name: string): ((...args: number[]) => number) => {
    const value = exports[name];
    if (typeof value !== 'function') throw new ModuleError(`the application does not export ${name}`);
    return value as (...args: number[]) => number;
  };
  const exported = exports.memory as WebAssembly.Memory | undefined;
  if (!(exported?.buffer instanceof ArrayBuffer))
    throw new ModuleError('the application does not export its memory');
  memory.memory = exported;
  const heapBase = exports.__heap_base;
  if (heapBase instanceof WebAssembly.Global) memory.heapBase = Number(heapBase.value);
  const call: CoreExports = {
    init: found(EXPORTS.init),
    post: found(EXPORTS.post),
    step: found(EXPORTS.step),
    audioIn: found(EXPORTS.audioIn),
    audioOut: found(EXPORTS.audioOut),
    rtp: found(EXPORTS.rtp),
  };
  const [bufferOf, sizeOf, pcmOf] = [found(EXPORTS.buffer), found(EXPORTS.bufferSize), found(EXPORTS.pcm)];
  // A reactor has its constructors run before anything else.
  if (typeof exports._initialize === 'function') exports._initialize();
  const buffer = bufferOf();
  const size = sizeOf();
  const pcm = pcmOf();
  return {
    call,
    load(bytes) {
      if (bytes.length > size) return false;
      memory.bytes(buffer, bytes.length).set(bytes);
      return true;
    },
    pcm: () => memory.samples(pcm, FRAME_SAMPLES),
  };
}
