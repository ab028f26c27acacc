// 1,000,000 subscriptions, no two alike: of 100 connections, and of the program itself. What they cost, that a
// message still reaches just the one it is for, and that their memory serves others when they have gone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { CatalogueCommands } from './programs/catalogue.ts';
import type { ServerCommands, Usage } from './programs/server.ts';

const SUBSCRIPTIONS = 1_000_000;
const CONNECTIONS = 100;
const EACH = SUBSCRIPTIONS / CONNECTIONS;
const MIB = 1024 * 1024;
/** Every so many one is published to: with it all four kinds are, and neighbours are not. */
const PROBE_STEP = 13;
const OPEN_TIMEOUT_MS = 60_000;
const EMPTY_TIMEOUT_MS = 30_000;
/** Bytes of each that are in use: its record, its node, and its slots in the tables of nodes and of sids. */
const BYTES_MAX = 300;
/** Memory grows by a quarter at a time. */
const LINEAR_MAX = 370;
/** What is grown is not there before it is written to, and what a table leaves becomes records. */
const RSS_MAX = 300;
/** Of the program's own ones in linear memory, and with handler and object in the whole process. */
const OWN_LINEAR_MAX = LINEAR_MAX;
const OWN_RSS_MAX = 1200;
/** Of linear memory and of the process, in a second round with as many: fragments. */
const AGAIN_MAX = 32 * MIB;
const AGAIN_RSS_MAX = 96 * MIB;
const EACH_ONCE = { missing: 0, repeated: 0, strange: 0, closed: 0 };

let server: Child<ServerCommands>;
let clients: Child<CatalogueCommands>;
let port = 0;
let idle: Record<string, number>;
const children: Child<never>[] = [];

async function start(): Promise<void> {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  clients = await startChild<CatalogueCommands>('catalogue');
  children.push(clients);
  port = await server.ask('start', {});
  idle = await server.ask('live');
}

/** What has come on top of `before`. */
function grownSince(before: Usage, usage: Usage): Usage {
  const entries = Object.entries(usage);
  return Object.fromEntries(
    entries.map(([name, bytes]) => [name, bytes - before[name as keyof Usage]]),
  ) as unknown as Usage;
}

function each(bytes: number): number {
  return Math.round(bytes / SUBSCRIPTIONS);
}

/** Opens, subscribes half, publishes, subscribes the rest, publishes; answers what all of them cost. */
async function fill(
  kind: 'literal' | 'mixed',
): Promise<{ readonly usage: Usage; readonly grown: Usage }> {
  await clients.ask('open', port, CONNECTIONS, kind);
  const before = await server.ask('usage');
  for (const _half of [1, 2]) {
    const milliseconds = await clients.ask('subscribe', EACH / 2);
    const rate = Math.round(SUBSCRIPTIONS / 2 / milliseconds);
    const outcome = await clients.ask('probe', PROBE_STEP);
    console.log(`${rate} subscriptions a ms; messages in ${Math.round(outcome.milliseconds)} ms`);
    expect(outcome).toMatchObject(EACH_ONCE);
  }
  expect((await server.ask('live')).subscriptions).toBe((idle.subscriptions ?? 0) + SUBSCRIPTIONS);
  const usage = await server.ask('usage');
  return { usage, grown: grownSince(before, usage) };
}

/** The connections end; answers the milliseconds until nothing is left of them. */
async function empty(): Promise<number> {
  const start = performance.now();
  await clients.ask('go');
  await expect
    .poll(() => server.ask('live'), { timeout: EMPTY_TIMEOUT_MS })
    .toEqual({ ...idle, heapBytes: expect.any(Number) });
  return performance.now() - start;
}

describe.each(['literal', 'mixed'] as const)('1,000,000 %s subscriptions', (kind) => {
  let first: Usage;

  beforeAll(start, OPEN_TIMEOUT_MS);
  afterAll(() => closeAll(children));

  test('of 100 connections cost no more than said, and each gets just what is for it', async () => {
    const { usage, grown } = await fill(kind);
    first = usage;
    const { coreHeap, linear, rss } = grown;
    console.log(
      `${kind}, bytes each: ${each(coreHeap)} in use, ${each(linear)} of linear memory, ${each(rss)} of the process`,
    );
    expect(each(coreHeap)).toBeLessThan(BYTES_MAX);
    expect(each(linear)).toBeLessThan(LINEAR_MAX);
    expect(each(rss)).toBeLessThan(RSS_MAX);
  });

  test('leave nothing when they go, and as many more need no more memory', async () => {
    console.log(`gone after ${Math.round(await empty())} ms`);
    const { usage } = await fill(kind);
    await empty();
    const [linear, rss] = [usage.linear - first.linear, usage.rss - first.rss];
    console.log(`again: ${linear} bytes of linear memory, ${rss} of the process more`);
    expect(linear).toBeLessThan(AGAIN_MAX);
    expect(rss).toBeLessThan(AGAIN_RSS_MAX);
  });
});

describe('1,000,000 subscriptions of the program itself', () => {
  beforeAll(start, OPEN_TIMEOUT_MS);
  afterAll(() => closeAll(children));

  test('get just what is for them, and leave nothing', async () => {
    const before = await server.ask('usage');
    const outcome = await server.ask('catalogue', SUBSCRIPTIONS, PROBE_STEP);
    const { linear, rss, heapUsed } = grownSince(before, await server.ask('usage'));
    const [subscribeMs, publishMs] = [outcome.subscribeMs, outcome.publishMs].map(Math.round);
    console.log(
      `subscribed in ${subscribeMs} ms, published in ${publishMs} ms; bytes each: ${each(linear)} of linear memory, ${each(heapUsed)} of the JavaScript heap, ${each(rss)} of the process`,
    );
    expect(outcome).toMatchObject({ right: Math.ceil(SUBSCRIPTIONS / PROBE_STEP), wrong: 0 });
    expect(each(linear)).toBeLessThan(OWN_LINEAR_MAX);
    expect(each(rss)).toBeLessThan(OWN_RSS_MAX);
    await server.ask('unsubscribe');
    expect(await server.ask('live')).toEqual({ ...idle, heapBytes: expect.any(Number) });
  });
});
