// Peers come and go for a while: they subscribe, ask with an inbox for each request, stop reading, and end in
// every way. Afterwards nothing of them is left, and memory has stopped growing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from '../scale/child.ts';
import type { ChurnCommands } from '../scale/programs/churn.ts';
import type { ServerCommands, Usage } from '../scale/programs/server.ts';

const MIB = 1024 * 1024;
const CONNECTIONS = 200;
/** Rounds in which tables, caches and the heap find their sizes, and rounds that may add nothing to them. */
const WARM_ROUNDS = 6;
const ROUNDS = 6;
const MAX_PENDING = MIB;
const EMPTY_TIMEOUT_MS = 10_000;
const TEST_TIMEOUT_MS = 120_000;
/** A table of the core that meets more at one time than before may double. */
const CORE_SLACK = 64 * 1024;
/** The pool keeps as many slabs as were lent at one time, and how much one read brings depends on the moment. */
const SLABS_MAX = 2;
/** The bridge remembers 10,000 connections that ended: of these rounds some 1,200, of half a KiB each. */
const HEAP_SLACK = 2 * MIB;
const BUFFERS_SLACK = MIB;
/** Fragments, and what the match cache takes until it is full. */
const LINEAR_SLACK = 4 * MIB;
const RSS_SLACK = 48 * MIB;

let server: Child<ServerCommands>;
let churn: Child<ChurnCommands>;
let port = 0;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  churn = await startChild<ChurnCommands>('churn');
  children.push(churn);
  port = await server.ask('start', { maxPending: MAX_PENDING });
});

afterAll(() => closeAll(children));

async function rounds(count: number): Promise<Usage> {
  for (let index = 0; index < count; index++) {
    const outcome = await churn.ask('round', port, CONNECTIONS);
    expect(outcome.answers).toBe(outcome.requests);
  }
  return server.ask('usage');
}

test(
  'nothing is left of peers that came and went, and memory stops growing',
  async () => {
    const idle = await server.ask('live');
    await server.ask('serve', 'service');
    const serving = await server.ask('live');
    const warm = await rounds(WARM_ROUNDS);
    await expect
      .poll(() => server.ask('live'), { timeout: EMPTY_TIMEOUT_MS })
      .toEqual({ ...serving, heapBytes: expect.any(Number) });

    const after = await rounds(ROUNDS);
    await expect
      .poll(() => server.ask('live'), { timeout: EMPTY_TIMEOUT_MS })
      .toEqual({ ...serving, heapBytes: expect.any(Number) });
    const [warmMib, afterMib] = [warm, after].map(({ rss }) => Math.round(rss / MIB));
    console.log(`${warmMib} MiB after ${WARM_ROUNDS} rounds, ${afterMib} MiB after ${ROUNDS} more`);
    const grown = after.coreHeap - warm.coreHeap;
    expect(grown % MIB).toBeLessThanOrEqual(CORE_SLACK);
    expect(grown).toBeLessThanOrEqual(SLABS_MAX * MIB + CORE_SLACK);
    expect(after.linear - warm.linear).toBeLessThan(LINEAR_SLACK);
    expect(after.arrayBuffers - warm.arrayBuffers).toBeLessThan(BUFFERS_SLACK);
    expect(after.heapUsed - warm.heapUsed).toBeLessThan(HEAP_SLACK);
    expect(after.rss - warm.rss).toBeLessThan(RSS_SLACK);

    await server.ask('unsubscribe');
    // The roots of the two accounts are all that an idle server has.
    expect(idle).toMatchObject({ nodes: 2, subscriptions: 0, sessions: 0 });
    expect(await server.ask('live')).toEqual({ ...idle, heapBytes: expect.any(Number) });
    const { slowConsumers } = await server.ask('stats');
    expect(slowConsumers).toBeGreaterThanOrEqual(WARM_ROUNDS + ROUNDS);
  },
  TEST_TIMEOUT_MS,
);
