// Where linear memory may move when it grows, nobody outside reads into it or writes from it. All tests of the
// bridge on real sockets hold there, too.
import { expect, it, vi } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createCore } from '../../src/core/index.ts';
import type { Transport, TransportReader } from '../../src/net/transport.ts';
import { createTestBridge } from '../support/bridge.ts';

/** An engine that has too little address space for a memory at its largest. */
const narrowArrayBuffer: typeof ArrayBuffer = new Proxy(ArrayBuffer, {
  construct: (target, args: [number, { maxByteLength?: number }?]) => {
    if ((args[1]?.maxByteLength ?? 0) > 2 ** 31) throw new RangeError('allocation failed');
    return new target(args[0]);
  },
});

it('with address space for all of it linear memory grows in its place', () => {
  expect(createCore().growsInPlace).toBe(true);
});

it('an engine without resizable buffers does not say where memory grows', async () => {
  vi.resetModules();
  vi.stubGlobal(
    'ArrayBuffer',
    new Proxy(ArrayBuffer, { construct: (target, [bytes]) => new target(bytes) }),
  );
  const { growsInPlace } = await import('../../src/core/address-space.ts');
  expect(growsInPlace()).toBe(false);
  vi.unstubAllGlobals();
});

it('what was too little address space once stays so', () => {
  vi.stubGlobal('ArrayBuffer', narrowArrayBuffer);
  expect(createCore().growsInPlace).toBe(false);
  vi.unstubAllGlobals();
  expect(createCore().growsInPlace).toBe(false);
});

/** A transport that holds what it is given to write. */
class Holder implements Transport {
  readonly peer = { address: '127.0.0.1', port: 1, type: 'nats' } as const;
  readonly reads = 'into';
  readonly views: Uint8Array[] = [];
  reader: TransportReader | undefined;
  #done: (() => void) | undefined;

  write(views: readonly Uint8Array[], done: () => void): 'held' {
    this.views.push(...views);
    this.#done = done;
    return 'held';
  }

  start(reader: TransportReader): void {
    this.reader = reader;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}

  /** The peer goes. */
  close(): void {
    this.#done?.();
    this.reader?.onClose(new Error('reset'));
  }
}

it('what a transport holds does not lie in linear memory, nor is it read into', async () => {
  await using server = createTestBridge();
  const holder = new Holder();
  server.attach(holder);
  await expect.poll(() => holder.views.length).toBeGreaterThan(0);
  const { core } = internalsOf(server.bus);
  const linear = core.exports.memory.buffer;
  expect(holder.views.map(({ buffer }) => buffer === linear)).toEqual([false]);
  expect(core.poolUsed).toBe(0);
  expect(holder.reader?.staysInPlace).toBe(false);
  holder.close();
});

await import('./tcp.test.ts');
