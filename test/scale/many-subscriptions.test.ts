// 100,000 subscriptions on one subject: a fan-out that no result region holds. Nobody is forgotten, and nobody
// is served twice, however often the route stops and goes on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REQUESTS } from '../../src/system/index.ts';
import { type Child, closeAll, startChild } from './child.ts';
import type { ServerCommands } from './programs/server.ts';
import type { SubscribersCommands } from './programs/subscribers.ts';

const CONNECTIONS = 100;
const SUBSCRIPTIONS = 1000;
const LOCAL_SUBSCRIPTIONS = 100_000;
const MESSAGES = 10;
const OPEN_TIMEOUT_MS = 60_000;
/** Records of the result region in its own size: 256 KiB of 48 bytes. */
const ALL_RECORDS = 5461;
const EACH_ONCE = { missing: 0, repeated: 0, strange: 0, closed: 0 };

let server: Child<ServerCommands>;
let subscribers: Child<SubscribersCommands>;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  subscribers = await startChild<SubscribersCommands>('subscribers');
  children.push(subscribers);
  const port = await server.ask('start', {});
  await subscribers.ask('open', port, CONNECTIONS, SUBSCRIPTIONS, 'all');
}, OPEN_TIMEOUT_MS);

afterAll(() => closeAll(children));

describe('100,000 subscriptions of 100 connections on one subject', () => {
  test('each gets each message exactly once', async () => {
    const outcome = await subscribers.ask('round', MESSAGES);
    console.log(`${MESSAGES} messages to 100,000: ${Math.round(outcome.milliseconds)} ms`);
    expect(outcome).toMatchObject(EACH_ONCE);
  });

  describe('beside as many of the program itself', () => {
    beforeAll(() => server.ask('subscribe', 'all', LOCAL_SUBSCRIPTIONS));

    // With its own size the region is full 18 times a message; with room for one step, at each delivery.
    test.each([ALL_RECORDS, 1])(
      'each gets each message exactly once, with %i records to a result',
      async (records) => {
        await server.ask('limitRecords', records);
        const outcome = await subscribers.ask('round', MESSAGES);
        console.log(`… and 100,000 here: ${Math.round(outcome.milliseconds)} ms`);
        expect(outcome).toMatchObject(EACH_ONCE);
        expect(await server.ask('delivered')).toEqual([MESSAGES, MESSAGES]);
      },
    );
  });

  test('nothing is left when they have gone', async () => {
    await server.ask('unsubscribe');
    await subscribers.close();
    await expect
      .poll(() => server.ask('live'), { timeout: 10_000 })
      .toMatchObject({
        subscriptions: REQUESTS.length,
        ...{ sessions: 0, segments: 0, chunkBytes: 0, quarantine: 0 },
      });
  });
});
