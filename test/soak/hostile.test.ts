// Peers that take as much as they can, in every way that is known, ten times over: what they took is there again for
// others when they have gone, so memory stops growing after the first times, and nothing is left of them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from '../scale/child.ts';
import type { HostileCommands } from '../scale/programs/hostile.ts';
import type { ServerCommands, Usage } from '../scale/programs/server.ts';

const MIB = 1024 * 1024;
const ROUNDS = 10;
/** Compiled code, and each kind's own peak, are there after so many. */
const FIRST_ROUNDS = 4;
const MAX_PENDING = 8 * MIB;
const BUFFER_BYTES = 64 * MIB;
const EMPTY_TIMEOUT_MS = 30_000;
const TEST_TIMEOUT_MS = 900_000;
/** What the moment of a collection leaves, and fragments. */
const HEAP_SLACK = 4 * MIB;
const BUFFERS_SLACK = 4 * MIB;
const LINEAR_SLACK = 8 * MIB;
const RSS_SLACK = 64 * MIB;
/** Blocks that a kind of record keeps, and slabs of the pool. */
const CORE_SLACK = 5 * MIB;

let server: Child<ServerCommands>;
let peers: Child<HostileCommands>;
let port = 0;
let monitoringPort = 0;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  peers = await startChild<HostileCommands>('hostile');
  children.push(peers);
  port = await server.ask('start', { maxPending: MAX_PENDING, monitoring: { port: 0 } });
  monitoringPort = await server.ask('monitoringPort');
});

afterAll(() => closeAll(children));

async function round(idle: Record<string, number>): Promise<Usage> {
  await server.ask('neglect', 'loud');
  await server.ask('serve', 'ask');
  await peers.ask('round', port, monitoringPort);
  const [pending, dropped] = await server.ask('neglected');
  expect(pending).toBeLessThanOrEqual(BUFFER_BYTES / MIB);
  expect(dropped).toBeGreaterThan(0);
  await server.ask('unsubscribe');
  // The system may still hand over connections that their peers have closed: nothing is left once both say so.
  await expect
    .poll(async () => [await server.ask('live'), await server.ask('connections')], {
      timeout: EMPTY_TIMEOUT_MS,
    })
    .toEqual([{ ...idle, heapBytes: expect.any(Number) }, []]);
  return await server.ask('usage');
}

test(
  'what hostile peers took is there again when they have gone',
  async () => {
    const idle = await server.ask('live');
    const usages: Usage[] = [];
    for (let index = 0; index < ROUNDS; index++) usages.push(await round(idle));
    const table = usages.map(({ rss, heapUsed, arrayBuffers, linear, coreHeap }) =>
      [rss, heapUsed, arrayBuffers, linear, coreHeap].map((bytes) => Math.round(bytes / MIB)),
    );
    console.log(`MiB of the process, heap, buffers, linear memory, core: ${table.join(' | ')}`);
    const growth = (name: keyof Usage): number => {
      const most = (some: readonly Usage[]): number =>
        Math.max(...some.map((usage) => usage[name]));
      return most(usages.slice(FIRST_ROUNDS)) - most(usages.slice(0, FIRST_ROUNDS));
    };
    expect(growth('linear')).toBeLessThan(LINEAR_SLACK);
    expect(growth('heapUsed')).toBeLessThan(HEAP_SLACK);
    expect(growth('arrayBuffers')).toBeLessThan(BUFFERS_SLACK);
    expect(growth('rss')).toBeLessThan(RSS_SLACK);
    // Of the core's heap nothing but what is kept for use again.
    expect((usages.at(-1) as Usage).coreHeap - (usages[0] as Usage).coreHeap).toBeLessThan(
      CORE_SLACK,
    );
    expect((usages.at(-1) as Usage).coreHeap).toBeLessThan(16 * MIB);
  },
  TEST_TIMEOUT_MS,
);
