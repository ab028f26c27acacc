// 100 readers that never read, beside five healthy pairs. What is queued for the stuck ones exceeds the pool of
// linear memory before they end, so the pairs live on its copies being made in time: each of them gets on until the last
// of the stuck ones has ended, and no publisher but theirs is paused. What it costs the pairs is a figure of
// `npm run bench -- hostile --case 'stuck readers'`.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { PairsCommands } from './programs/pairs.ts';
import type { ServerCommands } from './programs/server.ts';
import type { StuckCommands } from './programs/stuck.ts';

const PAIRS = 5;
const STUCK = 100;
const MIB = 1024 * 1024;
const MAX_PENDING = 3 * MIB;
/** Below the size from which a payload is kept once: each reader costs its own bytes. */
const FLOOD_BYTES = 16 * 1024;
const FLOOD_PER_SECOND = 25;
/** Until the kernel's buffers are full. */
const FILL_PER_SECOND = 200;
const FILLED_BYTES = 16 * MIB;
const OPEN_TIMEOUT_MS = 60_000;
const STEP_MS = 100;
const TICK_MS = 20;
/** Of some eighty: all pairs got on between two looks. */
const STEPS_MIN = 10;

let server: Child<ServerCommands>;
let pairs: Child<PairsCommands>;
let stuck: Child<StuckCommands>;
let port = 0;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  pairs = await startChild<PairsCommands>('pairs');
  children.push(pairs);
  stuck = await startChild<StuckCommands>('stuck');
  children.push(stuck);
  // The deadline of a write is another way to end; here it must not come first.
  port = await server.ask('start', { maxPending: MAX_PENDING, writeDeadlineMs: 60_000 });
  await pairs.ask('open', port, PAIRS);
}, OPEN_TIMEOUT_MS);

afterAll(() => closeAll(children));

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Floods until nobody's kernel takes any more, and the first bytes wait in the server. */
async function getStuck(): Promise<void> {
  await stuck.ask('openReaders', port, STUCK, 'stuck');
  await server.ask('watch');
  await stuck.ask('flood', port, 'stuck', FLOOD_BYTES, FILL_PER_SECOND);
  while ((await server.ask('held')).outbound < FILLED_BYTES) await pause(TICK_MS);
  await stuck.ask('stopFlood');
}

/** Floods until the stuck readers have all been closed; meanwhile each pair gets on again and again. Answers how often. */
async function allEnd(): Promise<number> {
  let steps = 0;
  let last = (await pairs.ask('sample')).received;
  await stuck.ask('flood', port, 'stuck', FLOOD_BYTES, FLOOD_PER_SECOND);
  while ((await server.ask('stats')).slowConsumers < STUCK) {
    await pause(STEP_MS);
    const { received } = await pairs.ask('sample');
    if (received.some((count, index) => count === last[index])) continue;
    last = received;
    steps++;
  }
  await stuck.ask('stopFlood');
  return steps;
}

test('five pairs get on beside 100 readers that never read, and none of them is paused', async () => {
  await getStuck();
  const steps = await allEnd();
  const queued = (await server.ask('held')).outbound;
  console.log(`${steps} steps of all pairs, ${Math.round(queued / MIB)} MiB queued`);
  expect(steps).toBeGreaterThan(STEPS_MIN);
  expect(queued).toBeGreaterThan((STUCK * MAX_PENDING) / 2);
  await stuck.ask('closeReaders');
  // One pause a message at most: the publishers of the pairs are read some thousand times a second.
  const { stalledClients } = await server.ask('stats');
  expect(stalledClients).toBeLessThanOrEqual(await stuck.ask('stopFlood'));
});

test('the stuck readers end as slow consumers at max_pending, nobody else ends', async () => {
  const all = await server.ask('ended');
  const ended = all.filter(({ reason }) => reason !== 'Client Closed');
  expect(new Set(ended.map(({ reason }) => reason))).toEqual(
    new Set(['Slow Consumer (Pending Bytes)']),
  );
  const pending = ended.map(({ pendingBytes }) => pendingBytes);
  expect(Math.min(...pending)).toBeGreaterThan(MAX_PENDING);
  expect(Math.max(...pending)).toBeLessThan(MAX_PENDING + 2 * FLOOD_BYTES);
  expect(await pairs.ask('stop')).toMatchObject({ closed: 0, strange: 0 });
});
