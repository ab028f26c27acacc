// nats-top, which reads /varz and /connz: what it shows of this server is what it shows of nats-server.
import { describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { nodeV3 } from './node-peer.ts';
import { startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { natsTop, reference } = inject('tools');
const isMissing = missing(natsTop) ?? missing(reference);

/** A page of it, sorted, after three messages of one client to itself; without what is of the moment. */
async function page(executable: string | undefined, ...args: string[]): Promise<string[]> {
  const server = await startServer(executable === undefined ? {} : { executable });
  const peer = await nodeV3.connect(server.url, 'seen by nats-top');
  try {
    const subscription = await peer.subscribe('top.>');
    for (let count = 0; count < 3; count++) await peer.publish('top.a', Buffer.from('hello'));
    await subscription.received(3);
    const { port } = new URL(server.monitorUrl);
    const { code, output } = await runChild(pathOf(natsTop), ['-m', port, '-o', '-', ...args]);
    const shown = output
      .replace(/N[A-Z2-7]{55}/, 'ID')
      .replace(/CPU:.*Memory:[^S]*/, 'USAGE ')
      .replace(/uptime: \w+/, 'AGE')
      .replace(/127\.0\.0\.1:\d+ +\d+/, 'ADDRESS')
      .replace(/\d+(?:ms|s) +\d{4}-.* UTC/, 'TIMES');
    return [`${code}`, ...shown.split('\n').map((line) => line.replace(/ +/g, ' ').trim())];
  } finally {
    await peer.close();
    await server.close();
  }
}

describe.skipIf(isMissing !== undefined)(titled('nats-top', isMissing), () => {
  test('shows the same of both servers', async () => {
    const args = ['-u', '-sort', 'msgs_to', '-n', '5'];
    const ours = await page(undefined, ...args);
    expect(ours).toEqual(await page(pathOf(reference), ...args));
    expect(ours.at(-1) || ours.at(-2)).toMatch(
      /^ADDRESS seen by nats-top 1 0 3 3 15 15 .* top\.>$/,
    );
  });
});
