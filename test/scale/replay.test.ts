// A million stored messages replayed to a healthy reader that is slower than we are: all arrive, in order, and it is not
// closed as a slow consumer.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { ReplayCommands } from './programs/replay.ts';
import type { ServerCommands } from './programs/server.ts';

const MESSAGES = 1_000_000;
const PAYLOAD_BYTES = 200;
const MIB = 1024 * 1024;
/** A reader may have so many bytes pending; above half of it is pressed. */
const PENDING_MAX = 64 * MIB;
const TIMEOUT_MS = 120_000;

let server: Child<ServerCommands>;
let peers: Child<ReplayCommands>;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  peers = await startChild<ReplayCommands>('replay');
  children.push(server, peers);
}, TIMEOUT_MS);

afterAll(() => closeAll(children));

test(
  'a million messages reach a reader that is slower than the server',
  async () => {
    const port = await server.ask('start', {});
    await server.ask('keep');
    await peers.ask('fill', port, MESSAGES, PAYLOAD_BYTES);
    expect(await server.ask('kept')).toMatchObject({ count: MESSAGES });
    await server.ask('watch');
    const outcome = await peers.ask('replay', port, MESSAGES, PAYLOAD_BYTES);
    const { waits } = await server.ask('kept');
    const { outbound } = await server.ask('held');
    console.log(
      `${outcome.milliseconds} ms, ${waits} waits, ${(outbound / MIB).toFixed(1)} MiB held`,
    );
    expect(outcome).toMatchObject({ count: MESSAGES, problems: [] });
    expect(waits).toBeGreaterThan(0);
    expect(outbound).toBeLessThan(PENDING_MAX);
    const ended = await server.ask('ended');
    expect(ended.filter(({ reason }) => reason !== 'Client Closed')).toEqual([]);
    expect(await server.ask('stats')).toMatchObject({ slowConsumers: 0 });
  },
  TIMEOUT_MS,
);
