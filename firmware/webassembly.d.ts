/** The part of WebAssembly's JavaScript interface that we use; TypeScript has it in its `dom` library only. */
declare namespace WebAssembly {
  type ExternKind = 'function' | 'global' | 'memory' | 'table' | 'tag';
  interface ModuleImport {
    module: string;
    name: string;
    kind: ExternKind;
  }
  interface ModuleExport {
    name: string;
    kind: ExternKind;
  }
  // biome-ignore lint/suspicious/noEmptyInterface: an opaque handle
  interface Module {}
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: unknown;
  }
  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  interface RuntimeError extends Error {}
  type Imports = Record<string, Record<string, unknown>>;

  const Module: {
    imports(module: Module): ModuleImport[];
    exports(module: Module): ModuleExport[];
  };
  const Global: { new (type: { value: string }, value: number): Global };
  const Instance: { new (module: Module, imports?: Imports): Instance };
  const RuntimeError: { new (message?: string): RuntimeError };
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(
    bytes: Uint8Array | ArrayBuffer,
    imports?: Imports,
  ): Promise<{ module: Module; instance: Instance }>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
