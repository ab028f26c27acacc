// A server that goes away and comes back on the same ports, by TCP and by WebSocket: each client finds it again, and its
// subscriptions live on.
import { describe, expect, test } from 'vitest';
import { useScratch } from '../support/scratch.ts';
import { officialClients, titled, WAYS } from './clients.ts';
import { type Server, startServer } from './server.ts';

const { ends, write } = useScratch('reconnect');

/** On these ports, or on free ones. */
async function start(port = -1, websocketPort = '-1'): Promise<Server> {
  const file = write(`websocket { listen: "127.0.0.1:${websocketPort}", no_tls: true }`);
  const server = await startServer({ port, args: ['-c', file] });
  ends.push(() => server.close());
  return server;
}

for (const client of officialClients()) {
  for (const [way, urlOf, missing] of WAYS) {
    const reason = missing(client);
    describe.skipIf(reason !== undefined)(titled(`${client.title} by ${way}`, reason), () => {
      test('reconnects after a restart and receives on its old subscription', async () => {
        const first = await start();
        const peer = await client.connect(urlOf(first), 'returns');
        ends.push(() => peer.close());
        const sub = await peer.subscribe('after.restart');
        expect(await first.close()).toEqual({ code: 0, signal: null });
        await peer.status('disconnect');
        await start(first.port, new URL(first.websocketUrl).port);
        await peer.status('reconnect');
        await peer.flush();
        await peer.publish('after.restart', Buffer.from('again'));
        const [message] = await sub.received(1);
        expect(Buffer.from(message?.data ?? []).toString()).toBe('again');
      });
    });
  }
}
