// The part of the WebAssembly API that this project uses. It is declared here because TypeScript has it
// in the DOM library only, whose globals (`name`, `event`, `close`, …) would hide mistakes everywhere else.
declare namespace WebAssembly {
  type ExportKind = 'function' | 'table' | 'memory' | 'global' | 'tag';

  class Module {
    constructor(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>);
    static exports(module: Module): { name: string; kind: ExportKind }[];
    static imports(module: Module): { module: string; name: string; kind: ExportKind }[];
  }

  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    /** Grows by so many pages of 64 KiB and returns the size before; RangeError when it cannot. */
    grow(pages: number): number;
  }

  class RuntimeError extends Error {}
}
