// An hour of a busy service in about a minute: peers come and go, subscribe, work in queue groups, ask with an
// inbox for each request, stop reading, and end in every way. Afterwards nothing of them is left, and in the
// second half memory has not grown.
//
//   in the hour: 7 connections a second, 100 requests, 1,000 messages and 130 subscriptions a second, and a
//   reader that gets stuck each minute
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REQUESTS } from '../../src/system/index.ts';
import { type Child, closeAll, startChild } from '../scale/child.ts';
import type { ChurnCommands, ChurnOutcome } from '../scale/programs/churn.ts';
import type { ServerCommands, Usage } from '../scale/programs/server.ts';

const MIB = 1024 * 1024;
const HOUR_SECONDS = 3600;
const ROUNDS = 12;
const HALF = ROUNDS / 2;
/** Of each round. The bridge remembers 10,000 connections that ended: the first half has more. */
const LIVES = 300;
const VISITS = 1800;
const STUCK = 5;
const MAX_PENDING = MIB;
const EMPTY_TIMEOUT_MS = 10_000;
const TEST_TIMEOUT_MS = 300_000;
/** A table of the core that meets more at one time than before may double. */
const CORE_SLACK = 64 * 1024;
/** The pool keeps so many empty slabs, if there were as many at one time: that depends on the moment. */
const SLABS_MAX = 4;
/** Compiled code, and what the moment of a collection leaves. */
const HEAP_SLACK = 2 * MIB;
const BUFFERS_SLACK = MIB;
/** The pool's slabs, fragments, and what the match cache takes until it is full. */
const LINEAR_SLACK = (SLABS_MAX + 4) * MIB;
const RSS_SLACK = 48 * MIB;
/** What an hour has at the least. */
const HOUR = {
  connections: 7 * HOUR_SECONDS,
  subscriptions: 120 * HOUR_SECONDS,
  messages: 1000 * HOUR_SECONDS,
  requests: 100 * HOUR_SECONDS,
  answers: 100 * HOUR_SECONDS,
  stuck: HOUR_SECONDS / 60,
} satisfies ChurnOutcome;

let server: Child<ServerCommands>;
let churn: Child<ChurnCommands>;
let port = 0;
const children: Child<never>[] = [];
const done: Record<string, number> = {};

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  churn = await startChild<ChurnCommands>('churn');
  children.push(churn);
  port = await server.ask('start', { maxPending: MAX_PENDING });
});

afterAll(() => closeAll(children));

/** Half an hour; what is used after each of its rounds. */
async function half(serving: Record<string, number>): Promise<Usage[]> {
  const usages: Usage[] = [];
  for (let index = 0; index < HALF; index++) {
    const outcome = await churn.ask('round', port, LIVES, VISITS, STUCK);
    expect(outcome.answers).toBe(outcome.requests);
    for (const [name, count] of Object.entries(outcome)) done[name] = (done[name] ?? 0) + count;
    await expect
      .poll(() => server.ask('live'), { timeout: EMPTY_TIMEOUT_MS })
      .toEqual({ ...serving, heapBytes: expect.any(Number) });
    usages.push(await server.ask('usage'));
  }
  return usages;
}

/** By how much the most that was used in the second half exceeds that of the first. */
function growth(first: readonly Usage[], second: readonly Usage[], name: keyof Usage): number {
  const most = (usages: readonly Usage[]): number =>
    Math.max(...usages.map((usage) => usage[name]));
  return most(second) - most(first);
}

test(
  'nothing is left of peers that came and went, and memory stops growing',
  async () => {
    const idle = await server.ask('live');
    await server.ask('serve', 'service');
    const serving = await server.ask('live');
    const start = performance.now();
    const first = await half(serving);
    const second = await half(serving);
    const seconds = Math.round((performance.now() - start) / 1000);
    const rss = [...first, ...second].map((usage) => Math.round(usage.rss / MIB));
    console.log(`${JSON.stringify(done)} in ${seconds} s; MiB after each round: ${rss.join(' ')}`);
    for (const [name, count] of Object.entries(HOUR)) {
      expect(done[name], name).toBeGreaterThanOrEqual(count);
    }

    const core = growth(first, second, 'coreHeap');
    expect(core).toBeLessThanOrEqual(SLABS_MAX * MIB + CORE_SLACK);
    expect(growth(first, second, 'linear')).toBeLessThan(LINEAR_SLACK);
    expect(growth(first, second, 'arrayBuffers')).toBeLessThan(BUFFERS_SLACK);
    expect(growth(first, second, 'heapUsed')).toBeLessThan(HEAP_SLACK);
    expect(growth(first, second, 'rss')).toBeLessThan(RSS_SLACK);

    await server.ask('unsubscribe');
    // What an idle server has are the system's subscriptions.
    expect(idle).toMatchObject({ subscriptions: REQUESTS.length, sessions: 0 });
    expect(await server.ask('live')).toEqual({ ...idle, heapBytes: expect.any(Number) });
    const { slowConsumers } = await server.ask('stats');
    expect(slowConsumers).toBeGreaterThanOrEqual(ROUNDS * STUCK);
  },
  TEST_TIMEOUT_MS,
);
