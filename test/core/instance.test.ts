// What is said where there is no WebAssembly, and that nothing half-made stays behind. Real pages, limits and
// switches are tried in test/interop/no-wasm.test.ts; here the engine is made to answer as it does there.
import { afterEach, expect, it, vi } from 'vitest';
import type * as door from '../../src/index.ts';

const real = WebAssembly;

/** A WebAssembly of which some parts answer otherwise. */
function stub(parts: Record<string, unknown>): void {
  const { validate, instantiate, Memory } = real as unknown as Record<string, unknown>;
  const { Module, Instance } = real;
  vi.stubGlobal('WebAssembly', { validate, instantiate, Memory, Module, Instance, ...parts });
}

function throwing(error: Error): new () => never {
  return class {
    constructor() {
      throw error;
    }
  } as new () => never;
}

async function freshDoor(): Promise<typeof door> {
  vi.resetModules();
  return await import('../../src/index.ts');
}

function refusal(create: () => unknown): door.WasmUnavailableError {
  try {
    create();
  } catch (error) {
    return error as door.WasmUnavailableError;
  }
  return expect.fail('it was made');
}

async function works({ createBus }: typeof door): Promise<void> {
  const bus = createBus();
  const seen: string[] = [];
  bus.subscribe('a.*', (message) => seen.push(message.subject));
  bus.publish('a.b', 1);
  await bus.close();
  expect(seen).toEqual(['a.b']);
}

afterEach(() => {
  vi.unstubAllGlobals();
});

it('without WebAssembly a bus is refused, and one made later works', async () => {
  const fresh = await freshDoor();
  vi.stubGlobal('WebAssembly', undefined);
  const error = refusal(() => fresh.createBus());
  expect(error).toBeInstanceOf(fresh.WasmUnavailableError);
  expect(error).toMatchObject({ code: 'ERR_WASM_UNAVAILABLE', obstacle: 'missing' });
  expect(error.message).toMatch(/has none, or it is switched off .*--jitless/);
  vi.unstubAllGlobals();
  await works(fresh);
});

it('where it must not be compiled the error says what to allow', async () => {
  const fresh = await freshDoor();
  const cause = new Error("'unsafe-eval' is not an allowed source");
  stub({ Module: throwing(cause) });
  const error = refusal(() => fresh.createBus());
  expect(error).toMatchObject({ obstacle: 'forbidden', cause });
  expect(error.message).toMatch(/'wasm-unsafe-eval' .*codeGeneration\.wasm.*not an allowed source/);
  vi.unstubAllGlobals();
  await works(fresh);
});

it('an engine that does not understand the module is too old', async () => {
  const fresh = await freshDoor();
  stub({ Module: throwing(new Error('Wasm SIMD unsupported')), validate: () => false });
  const error = refusal(() => fresh.createBus());
  expect(error.obstacle).toBe('unsupported');
  expect(error.message).toMatch(/newer one \(Wasm SIMD unsupported\)$/);
});

it('without address space for its memory the error says which limit to raise', async () => {
  const fresh = await freshDoor();
  const cause = new RangeError('Cannot allocate Wasm memory for new instance');
  stub({ Instance: throwing(cause) });
  for (let i = 0; i < 3; i++) {
    const error = refusal(() => fresh.createBus());
    expect(error).toMatchObject({ obstacle: 'memory', cause });
    expect(error.message).toMatch(/ulimit -v.*--disable-wasm-trap-handler/);
  }
  vi.unstubAllGlobals();
  await works(fresh);
});

it('memory that cannot grow to the fixed regions is the same', async () => {
  const fresh = await freshDoor();
  const Instance = class {
    readonly exports = { memory: new real.Memory({ initial: 1 }), coreInit: () => -1 };
  };
  stub({ Instance });
  const error = refusal(() => fresh.createBus());
  expect(error.obstacle).toBe('memory');
  expect(error.cause).toBeUndefined();
});
