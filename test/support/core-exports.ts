// Every export of a core: also what only peers need, and what tests turn.
import { type Core, peersOf } from '../../src/core/index.ts';
import type { WasmExports } from '../../src/core/instance.ts';

export function exportsOf(core: Core): WasmExports {
  peersOf(core);
  return core.exports as WasmExports;
}
