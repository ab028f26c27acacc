// The whole core in the place of the program part, when the first peer comes. Both are of one compilation: what
// lies in memory means the same to both, so the whole one goes on with the memory as it is, and what does not lie
// there is handed over, global by global.
import { compile, type ProgramExports, start, type WasmExports } from './instance.ts';
import { whole } from './whole.generated.ts';

let compiled: WebAssembly.Module | undefined;

/** As far as it is used. */
interface Base64 {
  from(text: string, encoding: 'base64'): Uint8Array<ArrayBuffer>;
}

/** The bytes of the whole, for a core that begins with it. Whoever has peers is Node, or as Bun and Deno has its Buffer. */
export function wholeWasm(): Uint8Array<ArrayBuffer> {
  const { Buffer: base64 } = globalThis as unknown as { readonly Buffer: Base64 };
  return base64.from(whole, 'base64');
}

/**
 * The whole core in the state of a part, on its memory; what is whole is given back. The part must not be called any
 * more. Throws WasmUnavailableError, and nothing has changed then.
 */
export function wholeOf(part: ProgramExports): WasmExports {
  if ('ingest' in part) return part as WasmExports;
  compiled ??= compile(wholeWasm());
  const exports = start(compiled, part.memory);
  const globals = exports as unknown as Record<string, { value: unknown }>;
  for (const [name, state] of Object.entries(part)) {
    if ('value' in state) (globals[name] as { value: unknown }).value = state.value;
  }
  return exports;
}
