// The release build as the package carries it: whole, and as much of it as a bus without peers calls.
//
//   release.wasm ──► whole     as it is
//              └───► program   without what only peers call
//
// Both come of one compilation, so what lies in memory means the same to both. What does not lie there is in globals:
// those that the program part ever sets are exported by both, by the same names.
import binaryen from 'binaryen';

const { SIMD128, BulkMemory, BulkMemoryOpt, SignExt, MutableGlobals, NontrappingFPToInt } =
  binaryen.Features;

function read(wasm) {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(
    SIMD128 | BulkMemory | BulkMemoryOpt | SignExt | MutableGlobals | NontrappingFPToInt,
  );
  return module;
}

function optimize(module) {
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  module.optimize();
}

function written(module) {
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

/** What the compiler's own passes leave: another round of them makes the module 1 % smaller, compressed 3 %. */
export function optimized(wasm) {
  const module = read(wasm);
  optimize(module);
  return written(module);
}

/**
 * The two modules.
 *
 * @param peersOnly names of exports that only peers need
 */
export function partsOf(wasm, peersOnly) {
  const program = read(wasm);
  for (const name of peersOnly) program.removeExport(name);
  program.runPasses(['remove-unused-module-elements']);
  // Binaryen names globals by their place in the file that it reads, so they have the same names in both.
  const state = globalsSet(program);
  exportGlobals(program, state);
  optimize(program);
  const whole = read(wasm);
  exportGlobals(whole, state);
  return { program: written(program), whole: written(whole) };
}

function globalsSet(module) {
  const sets = module.emitText().matchAll(/\(global\.set \$(\S+)/g);
  return [...new Set([...sets].map(([, name]) => name))].sort();
}

function exportGlobals(module, names) {
  for (const [index, name] of names.entries()) {
    module.addGlobalExport(name, `state${index.toString(36)}`);
  }
}
