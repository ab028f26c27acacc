// The three Wasm builds through the loader that the package bundles: they instantiate synchronously,
// ask for nothing but `env.abort` and a memory, and answer on their raw exports.
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { describe, expect, it } from 'vitest';
import type { ProgramExports, WasmExports } from '../../src/core/instance.ts';
import { program } from '../../src/core/program.generated.ts';
import { bytesOf as bytesOfText } from '../../src/core/wasm-text.ts';
import { wholeWasm } from '../../src/core/whole.ts';
import { newMemory } from '../support/linear-memory.ts';

const MEMORY_PAGES_MAX = 65_535;
const POOL_MAX = 1024 * 1024;
const builds = ['debug', 'release', 'test'] as const;

type RawExport = (...args: number[]) => number;

function bytesOf(build: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));
}

describe.each(builds)('the %s build', (build) => {
  it('imports nothing but env.abort and its memory', () => {
    const module = new WebAssembly.Module(bytesOf(build));
    const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`);
    expect(imports.filter((name) => name !== 'env.abort')).toEqual(['env.memory']);
  });

  it('exports its memory and functions with whole names', () => {
    const module = new WebAssembly.Module(bytesOf(build));
    const names = WebAssembly.Module.exports(module).map((e) => e.name);
    expect(names).toContain('memory');
    expect(names.filter((name) => !/^[a-z][A-Za-z0-9]+$/.test(name))).toEqual([]);
  });

  it('instantiates synchronously and bounds its memory below 4 GiB', () => {
    const { instance } = instantiateSync(bytesOf(build), { env: { memory: newMemory() } });
    const memory = instance.exports.memory as WebAssembly.Memory;
    const freePages = MEMORY_PAGES_MAX - memory.buffer.byteLength / 65_536;
    expect(() => memory.grow(freePages + 1)).toThrow(RangeError);
  });
});

it.each(builds)(
  'the raw exports of the %s build answer without the wrappers of the loader',
  (build) => {
    const raw = instantiateSync(bytesOf(build), { env: { memory: newMemory() } }).instance
      .exports as Record<string, RawExport>;
    expect(raw.coreInit?.(1, 2, POOL_MAX)).toBeGreaterThanOrEqual(0);
    expect(raw.accountOpen?.()).not.toBe(0);
  },
);

const GLOBALS = 6;
const CODE = 10;

/** A section of a module, with how many entries it has. */
function section(wasm: Uint8Array, wanted: number): { bytes: Buffer; count: number } {
  let at = 8;
  const unsigned = (): number => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = wasm[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < wasm.length) {
    const id = wasm[at++];
    const length = unsigned();
    if (id === wanted) {
      const bytes = Buffer.from(wasm.subarray(at, at + length));
      return { bytes, count: unsigned() };
    }
    at += length;
  }
  return expect.fail('there is no such section');
}

const programModule = new WebAssembly.Module(bytesOfText(program));
const wholeModule = new WebAssembly.Module(wholeWasm());

function namesOf(module: WebAssembly.Module, kind: WebAssembly.ExportKind): string[] {
  const found = WebAssembly.Module.exports(module).filter((e) => e.kind === kind);
  return found.map((e) => e.name).sort();
}

// A change of these lists is a change of the ABI. The compiler knows by the types that nothing else is called.

/** Every function that a bus without peers may call. */
const PROGRAM: Record<Exclude<keyof ProgramExports, 'memory'>, true> = {
  accountOpen: true,
  accountPtr: true,
  accountShut: true,
  accountWatch: true,
  blockAllocate: true,
  blockRelease: true,
  changesLogPtr: true,
  changesTake: true,
  coreInit: true,
  counter: true,
  liveCount: true,
  memoryAsk: true,
  poolBytes: true,
  publish: true,
  publishAbandon: true,
  publishBatch: true,
  publishResume: true,
  recordCount: true,
  regionPtr: true,
  routeInterest: true,
  routePick: true,
  routeReached: true,
  routeResolve: true,
  routeSubscriber: true,
  subscriptionFilter: true,
  subscriptionFilterEnd: true,
  subscriptionOpen: true,
  subscriptionPtr: true,
  subscriptionQueueLen: true,
  subscriptionQueuePtr: true,
  subscriptionSetMax: true,
  subscriptionShut: true,
  turnEnd: true,
};

/** What peers need beside it, and what tests turn. */
const REST: Record<Exclude<keyof WasmExports, keyof ProgramExports>, true> = {
  budgetCharge: true,
  cacheEnable: true,
  cacheStat: true,
  ingest: true,
  memoryForceGrowth: true,
  memoryIntact: true,
  outboundCopyDone: true,
  outboundRelease: true,
  outboundSettle: true,
  outboundTakeCopy: true,
  outboundTakeFrom: true,
  outboundTakeNext: true,
  recordsSetLimit: true,
  sessionClose: true,
  sessionMove: true,
  sessionOpen: true,
  sessionPtr: true,
  sessionSend: true,
  sessionSetFlags: true,
  sessionSetLimits: true,
  sessionShed: true,
  sessionSubscribe: true,
  subscriptionsBound: true,
  subscriptionsHaveRoom: true,
};

const ALL = Object.keys({ ...PROGRAM, ...REST }).sort();

it('the release build exports what the ABI says, and nothing else', () => {
  const module = new WebAssembly.Module(bytesOf('release'));
  expect(namesOf(module, 'function')).toEqual(ALL);
  expect(WebAssembly.Module.exports(module)).toHaveLength(ALL.length + 1);
});

it('the whole core that is bundled is the release build', () => {
  const code = section(wholeWasm(), CODE).bytes;
  expect(code.equals(section(bytesOf('release'), CODE).bytes)).toBe(true);
  expect(namesOf(wholeModule, 'function')).toEqual(ALL);
});

it('the program part has what a bus without peers calls, and the same state as the whole core', () => {
  expect(namesOf(programModule, 'function')).toEqual(Object.keys(PROGRAM).sort());
  expect(namesOf(programModule, 'memory')).toEqual(['memory']);
  const state = namesOf(programModule, 'global');
  expect(state).toHaveLength(section(bytesOfText(program), GLOBALS).count);
  expect(namesOf(wholeModule, 'global')).toEqual(state);
});
