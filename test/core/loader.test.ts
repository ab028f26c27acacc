// The three Wasm builds through the loader that the package bundles: they instantiate synchronously,
// ask for nothing but `env.abort`, and answer on their raw exports.
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { describe, expect, it } from 'vitest';
import { bundledBytes } from '../../src/core/instance.ts';

const MEMORY_PAGES_MAX = 65_535;
const POOL_MAX = 1024 * 1024;
const builds = ['debug', 'release', 'test'] as const;

type RawExport = (...args: number[]) => number;

function bytesOf(build: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));
}

describe.each(builds)('the %s build', (build) => {
  it('imports nothing but env.abort', () => {
    const module = new WebAssembly.Module(bytesOf(build));
    const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`);
    expect(imports.filter((name) => name !== 'env.abort')).toEqual([]);
  });

  it('exports its memory and functions with whole names', () => {
    const module = new WebAssembly.Module(bytesOf(build));
    const names = WebAssembly.Module.exports(module).map((e) => e.name);
    expect(names).toContain('memory');
    expect(names.filter((name) => !/^[a-z][A-Za-z0-9]+$/.test(name))).toEqual([]);
  });

  it('instantiates synchronously and bounds its memory below 4 GiB', () => {
    const { instance } = instantiateSync(bytesOf(build));
    const memory = instance.exports.memory as WebAssembly.Memory;
    const freePages = MEMORY_PAGES_MAX - memory.buffer.byteLength / 65_536;
    expect(() => memory.grow(freePages + 1)).toThrow(RangeError);
  });
});

it.each(builds)(
  'the raw exports of the %s build answer without the wrappers of the loader',
  (build) => {
    const raw = instantiateSync(bytesOf(build)).instance.exports as Record<string, RawExport>;
    expect(raw.coreInit?.(1, 2, POOL_MAX)).toBeGreaterThanOrEqual(0);
    expect(raw.accountOpen?.()).not.toBe(0);
  },
);

it('the bundled text is the release build', () => {
  expect(Buffer.from(bundledBytes()).equals(bytesOf('release'))).toBe(true);
});

/** Every export of the module that ships: a change of this list is a change of the ABI. */
const EXPORTS = [
  'accountOpen',
  'accountPtr',
  'accountShut',
  'accountWatch',
  'blockAllocate',
  'blockRelease',
  'cacheEnable',
  'cacheStat',
  'changesLogPtr',
  'changesTake',
  'coreInit',
  'counter',
  'ingest',
  'liveCount',
  'memory',
  'memoryAsk',
  'memoryForceGrowth',
  'memoryIntact',
  'outboundCopyDone',
  'outboundRelease',
  'outboundSettle',
  'outboundTakeCopy',
  'outboundTakeFrom',
  'outboundTakeNext',
  'poolBytes',
  'publish',
  'publishAbandon',
  'publishBatch',
  'publishResume',
  'recordCount',
  'recordsSetLimit',
  'regionPtr',
  'routeInterest',
  'routePick',
  'routeReached',
  'routeResolve',
  'sessionClose',
  'sessionMove',
  'sessionOpen',
  'sessionPtr',
  'sessionSend',
  'sessionSetFlags',
  'sessionSetLimits',
  'sessionShed',
  'sessionSubscribe',
  'subscriptionFilter',
  'subscriptionFilterEnd',
  'subscriptionOpen',
  'subscriptionPtr',
  'subscriptionQueueLen',
  'subscriptionQueuePtr',
  'subscriptionSetMax',
  'subscriptionShut',
  'subscriptionsBound',
  'subscriptionsHaveRoom',
  'turnEnd',
];

it('exports what the ABI says, and nothing else', () => {
  const module = new WebAssembly.Module(bytesOf('release'));
  const names = WebAssembly.Module.exports(module).map((e) => e.name);
  expect(names.sort()).toEqual(EXPORTS);
});
