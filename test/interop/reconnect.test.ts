// A server that goes away and comes back on the same port, by TCP and by WebSocket: each client finds it again, and its
// subscriptions live on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { officialClients, titled } from './clients.ts';
import { type Server, startServer } from './server.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-reconnect-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** On these ports, or on free ones. */
function start(port = -1, websocketPort = '-1'): Promise<Server> {
  const file = join(folder, 'server.conf');
  writeFileSync(file, `websocket { listen: "127.0.0.1:${websocketPort}", no_tls: true }`);
  return startServer({ port, args: ['-c', file] });
}

const WAYS: readonly [string, (server: Server) => string][] = [
  ['TCP', ({ url }) => url],
  ['WebSocket', ({ websocketUrl }) => websocketUrl],
];

for (const client of officialClients()) {
  describe.skipIf(client.missing !== undefined)(titled(client.title, client.missing), () => {
    test.each(WAYS)(
      'by %s reconnects after a restart and receives on its old subscription',
      async (way, urlOf) => {
        if (way === 'WebSocket' && client.missingByWebSocket !== undefined) return;
        const first = await start();
        const peer = await client.connect(urlOf(first), 'returns');
        try {
          const sub = await peer.subscribe('after.restart');
          const exit = await first.close();
          expect(exit).toEqual({ code: 0, signal: null });
          await peer.status('disconnect');
          const second = await start(first.port, new URL(first.websocketUrl).port);
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
      },
    );
  });
}
