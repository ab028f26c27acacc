// A memory for one instance of the Wasm, as src/core makes it.
import { PAGES_MAX } from '../../assembly/abi.ts';

export function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX });
}
