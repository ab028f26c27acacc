// 5,000 peers that each send a message of 1 MiB but for its last byte: what they make the server keep is
// bounded, and somebody who behaves does not notice.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { PairsCommands } from './programs/pairs.ts';
import type { ServerCommands } from './programs/server.ts';
import type { StuckCommands } from './programs/stuck.ts';

const PEERS = 5000;
const MIB = 1024 * 1024;
/** What a machine of 4 GiB has, and less than all first reads of 64 KiB would bring. All that they want to send is 5 GiB. */
const INBOUND_MAX = [1024 * MIB, 256 * MIB];
const OPEN_TIMEOUT_MS = 60_000;
/** Well beyond the two seconds in which whoever is read has to make progress, when others wait for room. */
const LOOKS = 16;
const LOOK_MS = 500;

describe.each(INBOUND_MAX)('with an inboundMax of %i', (inboundMax) => {
  let server: Child<ServerCommands>;
  let pair: Child<PairsCommands>;
  let withholders: Child<StuckCommands>;
  const children: Child<never>[] = [];

  beforeAll(async () => {
    server = await startChild<ServerCommands>('server');
    children.push(server);
    pair = await startChild<PairsCommands>('pairs');
    children.push(pair);
    withholders = await startChild<StuckCommands>('stuck');
    children.push(withholders);
    const port = await server.ask('start', { inboundMax });
    await withholders.ask('openPublishers', port, PEERS);
    await pair.ask('open', port, 1);
  }, OPEN_TIMEOUT_MS);

  afterAll(() => closeAll(children));

  test('5,000 unfinished messages of 1 MiB stay within it, and a healthy pair goes on', async () => {
    const idle = await server.ask('watch');
    const before = (await pair.ask('sample')).received[0] as number;
    await withholders.ask('withhold', MIB);
    await watchPair(pair);
    const messages = ((await pair.ask('sample')).received[0] as number) - before;
    const growth = (await server.ask('peak')) - idle;
    const { inbound } = await server.ask('held');
    const closed = await withholders.ask('closedPublishers');
    const [growthMib, inboundMib] = [growth, inbound].map((bytes) => Math.round(bytes / MIB));
    console.log(
      `${inboundMib} MiB of unfinished reads, ${growthMib} MiB more in all; ${closed} peers closed; ` +
        `${messages} messages of the pair`,
    );
    expect(inbound).toBeLessThanOrEqual(inboundMax);
    // It is the bound that holds them, not that they send no more.
    expect(inbound).toBeGreaterThan(inboundMax / 4);
    expect(growth).toBeLessThan(inboundMax);
    expect(closed).toBeGreaterThan(0);
  });

  test('those that were closed are the ones that made no progress', async () => {
    const reasons = (await server.ask('ended')).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set(['Read Error']));
    expect(await pair.ask('stop')).toMatchObject({ closed: 0, strange: 0 });
  });
});

/** Looks at the healthy pair for a while: it gets on from look to look. */
async function watchPair(pair: Child<PairsCommands>): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const last = await pair.ask('sample');
    expect(last).toMatchObject({ closed: 0, strange: 0 });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    // While the server reads from all the others it may take longer.
    await expect
      .poll(async () => (await pair.ask('sample')).received[0])
      .toBeGreaterThan(last.received[0] as number);
  }
}
