// The three Wasm builds through the loader that the package bundles: they instantiate synchronously,
// ask for nothing but `env.abort`, and answer on their raw exports.
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { describe, expect, it } from 'vitest';
import { wasmBase64 } from '../../src/core/wasm.generated.ts';

const MEMORY_PAGES_MAX = 65_535;
const builds = ['debug', 'release', 'test'] as const;

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

it('the bundled text is the release build', () => {
  expect(Buffer.from(wasmBase64, 'base64').equals(bytesOf('release'))).toBe(true);
});
