// A server that goes away and comes back on the same port: each client finds it again, and its subscriptions
// live on.
import { describe, expect, test } from 'vitest';
import { officialClients, titled } from './clients.ts';
import { startServer } from './server.ts';

for (const client of officialClients()) {
  describe.skipIf(client.missing !== undefined)(titled(client.title, client.missing), () => {
    test('reconnects after a restart and receives on its old subscription', async () => {
      const first = await startServer();
      const peer = await client.connect(first.url, 'returns');
      try {
        const sub = await peer.subscribe('after.restart');
        const exit = await first.close();
        expect(exit).toEqual({ code: 0, signal: null });
        await peer.status('disconnect');
        const second = await startServer({ port: first.port });
        try {
          await peer.status('reconnect');
          await peer.flush();
          await peer.publish('after.restart', Buffer.from('again'));
          const [message] = await sub.received(1);
          expect(Buffer.from(message?.data ?? []).toString()).toBe('again');
        } finally {
          await second.close();
        }
      } finally {
        await peer.close();
      }
    });
  });
}
