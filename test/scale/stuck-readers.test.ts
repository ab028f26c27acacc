// 100 readers that never read, beside five healthy pairs. What is queued for the stuck ones exceeds the pool of
// linear memory before they end, so the pairs live on its copies being made in time.
//
// The server is the bottleneck, so what the stuck readers cost the pairs is the processor time that they cost
// the server: messages of the pairs per second of its time are compared, which does not depend on what else
// the machine does. That the pairs do not wait for anything but the processor is seen from their messages per
// second by the clock, from each of them getting on all the time, and from no publisher but that of the stuck
// ones being paused.
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
const UNDISTURBED_MS = 2000;
/** Time in which a pair that is not held up gets on, also on a busy machine. */
const STEP_MS = 500;
const TICK_MS = 20;
const ROUNDS = 3;
/** The whole measurement is made again at most so often. */
const RETRIES = 2;
const SHARE_MIN = 0.8;

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

interface Rate {
  /** Messages of all pairs per second of the server's processor time, and per second. */
  readonly cpu: number;
  readonly wall: number;
}

/** The rate of the pairs while `during` goes on. */
async function rate(during: () => Promise<unknown>): Promise<Rate> {
  const cpuBefore = await server.ask('cpuSeconds');
  const before = await pairs.ask('sample');
  await during();
  const cpuAfter = await server.ask('cpuSeconds');
  const after = await pairs.ask('sample');
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const messages = sum(after.received) - sum(before.received);
  const seconds = (after.milliseconds - before.milliseconds) / 1000;
  return { cpu: messages / (cpuAfter - cpuBefore), wall: messages / seconds };
}

function undisturbed(): Promise<Rate> {
  return rate(() => pause(UNDISTURBED_MS));
}

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

/** Floods until the stuck readers have all been closed; meanwhile each pair gets on. */
async function allEnd(): Promise<void> {
  const before = (await server.ask('stats')).slowConsumers;
  let last = (await pairs.ask('sample')).received;
  await stuck.ask('flood', port, 'stuck', FLOOD_BYTES, FLOOD_PER_SECOND);
  while ((await server.ask('stats')).slowConsumers - before < STUCK) {
    await pause(STEP_MS);
    const { received } = await pairs.ask('sample');
    const standing = received.filter((count, index) => count === last[index]);
    if (standing.length > 0) throw new Error(`${standing.length} pairs have stood still`);
    last = received;
  }
  await stuck.ask('stopFlood');
}

/** What the pairs keep of their rate while readers beside them are stuck, until those have ended. */
async function round(before: Rate): Promise<{ share: Rate; after: Rate }> {
  await getStuck();
  const start = performance.now();
  const beside = await rate(allEnd);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  await stuck.ask('closeReaders');
  const after = await undisturbed();
  const cpu = (2 * beside.cpu) / (before.cpu + after.cpu);
  const wall = (2 * beside.wall) / (before.wall + after.wall);
  const queued = Math.round((await server.ask('held')).outbound / MIB);
  console.log(
    `${cpu.toFixed(2)} of the rate for ${seconds} s (${wall.toFixed(2)} by the clock), ${queued} MiB queued`,
  );
  return { share: { cpu, wall }, after };
}

async function medianShare(): Promise<Rate> {
  const shares: Rate[] = [];
  let before = await undisturbed();
  for (let index = 0; index < ROUNDS; index++) {
    const { share, after } = await round(before);
    shares.push(share);
    before = after;
  }
  return {
    cpu: median(shares.map(({ cpu }) => cpu)),
    wall: median(shares.map(({ wall }) => wall)),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const isEnough = ({ cpu, wall }: Rate): boolean => Math.min(cpu, wall) >= SHARE_MIN;

test('five pairs keep 80 % of their rate beside 100 readers that never read', async () => {
  let share = await medianShare();
  for (let retry = 0; retry < RETRIES && !isEnough(share); retry++) share = await medianShare();
  expect(share.cpu).toBeGreaterThanOrEqual(SHARE_MIN);
  expect(share.wall).toBeGreaterThanOrEqual(SHARE_MIN);
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
