// The whole core takes the place of the program part when the first peer comes: on the same memory, in the same
// state, whatever the program has done before, and also in the middle of a message.
import { afterEach, expect, it, vi } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Core,
  createCore,
  peersOf,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
} from '../../src/core/index.ts';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';
import { busOptionsFor } from '../../src/server/options.ts';
import { CorePeer } from '../support/core-peer.ts';

/** More than the records of one call. */
const MANY = 8000;

const payload = new Uint8Array([1, 2, 3]);

afterEach(() => {
  vi.unstubAllGlobals();
});

function publish(core: Core, account: number, to: string): number {
  return core.publish(account, { to, payload });
}

function targets(core: Core): number[] {
  return Array.from({ length: core.recordCount }, (_, index) => core.record(index).target);
}

/** What does not lie in memory, by name. */
function globalsOf({ exports }: Core): Map<string, unknown> {
  const globals = Object.entries(exports).filter(([, item]) => 'value' in item);
  return new Map(globals.map(([name, global]) => [name, global.value]));
}

it('comes with the first peer, and not before', async () => {
  const bus = createBus();
  const { core } = internalsOf(bus);
  expect(core.exports).not.toHaveProperty('ingest');
  const peers = peersOf(core);
  const { exports } = core;
  expect(exports).toHaveProperty('ingest');
  expect(peersOf(core)).toBe(peers);
  expect(core.exports).toBe(exports);
  await bus.close();
});

it('is there from the start where a bus is made to be served', async () => {
  const bus = createBus(busOptionsFor({ maxPayload: 5000 }));
  const { core } = internalsOf(bus);
  const { exports } = core;
  expect(exports).toHaveProperty('ingest');
  peersOf(core);
  expect(core.exports).toBe(exports);
  expect(bus.info.max_payload).toBe(5000);
  await bus.close();
});

it('changes nothing in memory, and takes over all that is not there', () => {
  const core = createCore();
  const account = core.accounts.create();
  for (let i = 0; i < 500; i++)
    core.subscribe(account, `a.${i}.*`, i % 3 === 0 ? 'q' : undefined, i);
  publish(core, account, 'a.3.b');
  core.turnEnd();
  const live = core.live();
  const before = core.views.u8.slice();
  const state = globalsOf(core);
  peersOf(core);
  expect(Buffer.compare(core.views.u8, before)).toBe(0);
  expect(globalsOf(core)).toEqual(state);
  expect(core.live()).toEqual(live);
});

it('knows what the program has subscribed and closed, and the routes that are kept', () => {
  const core = createCore();
  const account = core.accounts.create();
  const kept = core.subscribe(account, 'a.*');
  const closed = core.subscribe(account, 'a.>');
  const limited = core.subscribe(account, 'a.b');
  core.setMax(limited, 2);
  expect(publish(core, account, 'a.b')).toBe(STATUS_OK);
  core.unsubscribe(closed);
  const generation = core.accounts.generation(account);
  peersOf(core);
  expect(core.accounts.generation(account)).toBe(generation);
  expect(core.delivered(limited)).toBe(1);
  expect(core.unsubscribe(closed)).toBe(false);
  publish(core, account, 'a.b');
  expect(targets(core).sort()).toEqual([kept, limited].sort());
  core.turnEnd();
  publish(core, account, 'a.b');
  expect(targets(core)).toEqual([kept]);
  core.unsubscribe(kept);
  core.turnEnd();
  expect(core.live()).toMatchObject({ subscriptions: 0, quarantine: 0 });
});

it('goes on with a message that has stopped for want of records', () => {
  const core = createCore();
  const account = core.accounts.create();
  const subs = Array.from({ length: MANY }, (_, index) =>
    core.subscribe(account, 'a', undefined, index),
  );
  expect(publish(core, account, 'a')).toBe(STATUS_AGAIN_RESULT);
  const got = targets(core);
  peersOf(core);
  let status = core.resume();
  for (; status === STATUS_AGAIN_RESULT; status = core.resume()) got.push(...targets(core));
  got.push(...targets(core));
  expect(status).toBe(STATUS_OK);
  expect(core.routed).toBe(MANY);
  expect(got).toEqual(subs);
});

it('lets a peer hear what the program says, and the program what it says', async () => {
  const bus = createBus();
  const heard: unknown[] = [];
  bus.subscribe('to.program', (message) => void heard.push(message.string()));
  bus.publish('to.program', 'before');
  const peer = new CorePeer(internalsOf(bus));
  peer.say('SUB to.peer 1\nPUB to.program 5\nhello\n');
  bus.publish('to.peer', 'hi');
  bus.publish('to.program', 'after');
  expect(peer.heard()).toBe('MSG to.peer 1 2\nhi\n');
  expect(heard).toEqual(['before', 'hello', 'after']);
  await bus.close();
});

it('that must not be compiled leaves the bus as it was, and comes when it may', async () => {
  const bus = createBus();
  let count = 0;
  bus.subscribe('a', () => void count++);
  const { Instance, Memory } = WebAssembly;
  const { validate } = WebAssembly as unknown as Record<string, unknown>;
  const Module = class {
    constructor() {
      throw new Error('not allowed');
    }
  };
  vi.stubGlobal('WebAssembly', { Instance, Memory, Module, validate });
  vi.resetModules();
  const { wholeOf } = await import('../../src/core/whole.ts');
  const { exports } = internalsOf(bus).core;
  expect(() => wholeOf(exports)).toThrow(/'wasm-unsafe-eval'.*not allowed/);
  vi.unstubAllGlobals();
  bus.publish('a', 1);
  expect(count).toBe(1);
  expect(wholeOf(exports)).toHaveProperty('ingest');
  await bus.close();
});

it('is handed over when a bus that has been used is served', async () => {
  const bus = createBus();
  const seen: string[] = [];
  bus.subscribe('a.*', (message) => void seen.push(message.subject));
  bus.publish('a.1', 1);
  const server = await serve(bus, { port: 0 });
  bus.publish('a.2', 1);
  await server.close();
  bus.publish('a.3', 1);
  expect(seen).toEqual(['a.1', 'a.2', 'a.3']);
  await bus.close();
});
