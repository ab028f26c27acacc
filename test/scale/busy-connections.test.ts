// 10,000 connections, all of them busy: each publishes and receives on subjects of its own and on shared ones,
// works in a queue group, asks others, the program and nobody, and answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { BusyCommands, BusyLoad, BusyOutcome } from './programs/busy.ts';
import type { ServerCommands, Usage } from './programs/server.ts';

const CONNECTIONS = 10_000;
const PROGRAMS = 4;
const SHARED_SUBJECTS = 100;
const SUBSCRIPTIONS = 5;
const KIB = 1024;
const MIB = 1024 * KIB;
const LOAD: BusyLoad = { own: 20, shared: 1, work: 5, asks: 3 };
const OPEN_TIMEOUT_MS = 120_000;
const EMPTY_TIMEOUT_MS = 30_000;
/** An open connection with five subscriptions: its socket, session, channel and records. */
const CONNECTION_BYTES_MAX = 24 * KIB;
/** What is on its way at one time, and the heap's slack: most of a million messages may be queued. */
const BUSY_BYTES_MAX = 512 * MIB;
const LEFT_BYTES_MAX = 192 * MIB;

let server: Child<ServerCommands>;
let idle: Record<string, number>;
let before: Usage;
const programs: Child<BusyCommands>[] = [];
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  const port = await server.ask('start', {});
  await server.ask('serve', 'service');
  idle = await server.ask('live');
  before = await server.ask('usage');
  for (let index = 0; index < PROGRAMS; index++) {
    const program = await startChild<BusyCommands>('busy');
    children.push(program);
    programs.push(program);
  }
  const size = CONNECTIONS / PROGRAMS;
  await Promise.all(
    programs.map((program, index) => {
      const from = index * size;
      return program.ask('open', { port, total: CONNECTIONS, from, to: from + size });
    }),
  );
}, OPEN_TIMEOUT_MS);

afterAll(() => closeAll(children));

async function round(load: BusyLoad): Promise<BusyOutcome> {
  await Promise.all(programs.map((program) => program.ask('ready', load)));
  await Promise.all(programs.map((program) => program.ask('round')));
  const outcomes = await Promise.all(programs.map((program) => program.ask('outcome')));
  return outcomes.reduce((sum, outcome) => ({
    own: sum.own + outcome.own,
    shared: sum.shared + outcome.shared,
    work: sum.work + outcome.work,
    answers: sum.answers + outcome.answers,
    served: sum.served + outcome.served,
    refused: sum.refused + outcome.refused,
    problems: [...sum.problems, ...outcome.problems],
    closed: sum.closed + outcome.closed,
  }));
}

describe('10,000 busy connections', () => {
  test('are all there, and cost little', async () => {
    expect(await server.ask('live')).toMatchObject({
      sessions: CONNECTIONS,
      subscriptions: CONNECTIONS * SUBSCRIPTIONS + (idle.subscriptions as number),
    });
    const open = await server.ask('usage');
    const each = (open.rss - before.rss) / CONNECTIONS;
    console.log(`${(each / KIB).toFixed(1)} KiB for each of ${CONNECTIONS} connections`);
    expect(each).toBeLessThan(CONNECTION_BYTES_MAX);
  });

  test('get exactly what is sent to them, round after round', async () => {
    const start = await server.ask('watch');
    for (let number = 0; number < 2; number++) {
      const begun = performance.now();
      const outcome = await round(LOAD);
      const deliveries =
        outcome.own + outcome.shared + outcome.work + 2 * outcome.answers + outcome.served;
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      console.log(`${deliveries} deliveries in ${seconds} s`);
      expect(outcome).toEqual({
        own: CONNECTIONS * LOAD.own,
        shared: CONNECTIONS * LOAD.shared * (CONNECTIONS / SHARED_SUBJECTS),
        work: CONNECTIONS * LOAD.work,
        answers: CONNECTIONS * LOAD.asks,
        served: CONNECTIONS * LOAD.asks,
        refused: CONNECTIONS * LOAD.asks,
        problems: [],
        closed: 0,
      });
    }
    const grown = (await server.ask('peak')) - start;
    console.log(`${Math.round(grown / MIB)} MiB more at the peak`);
    expect(grown).toBeLessThan(BUSY_BYTES_MAX);
    expect(await server.ask('ended')).toEqual([]);
  });

  test('leave nothing behind when they go', async () => {
    await Promise.all(programs.map((program) => program.ask('go')));
    // The system may still hand over what it has of them: nothing is left once both say so.
    await expect
      .poll(async () => [await server.ask('live'), await server.ask('connections')], {
        timeout: EMPTY_TIMEOUT_MS,
      })
      .toEqual([{ ...idle, heapBytes: expect.any(Number) }, []]);
    const { rss } = await server.ask('usage');
    console.log(`${Math.round((rss - before.rss) / MIB)} MiB more than before they came`);
    expect(rss - before.rss).toBeLessThan(LEFT_BYTES_MAX);
  });
});
