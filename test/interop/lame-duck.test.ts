// A server that asks its clients to go, by TCP and by WebSocket: each official client hears of it, goes to the next
// server that it knows, and its subscriptions live on there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { officialClients, titled } from './clients.ts';
import { type Server, startServer } from './server.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-lame-duck-'));
  file = join(folder, 'server.conf');
  // 30 s is the shortest that may be; one client is closed within a second of the grace period.
  writeFileSync(
    file,
    `websocket { listen: "127.0.0.1:-1", no_tls: true }
     lame_duck_duration: "30s"
     lame_duck_grace_period: "100ms"`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WAYS: readonly [string, (server: Server) => string][] = [
  ['TCP', ({ url }) => url],
  ['WebSocket', ({ websocketUrl }) => websocketUrl],
];

for (const client of officialClients()) {
  describe.skipIf(client.missing !== undefined)(titled(client.title, client.missing), () => {
    test.each(WAYS)('by %s goes elsewhere when it is asked to', async (way, urlOf) => {
      if (way === 'WebSocket' && client.missingByWebSocket !== undefined) return;
      const [first, second] = await Promise.all(
        [0, 1].map(() => startServer({ args: ['-c', file] })),
      );
      const peer = await client.connect([urlOf(first!), urlOf(second!)], 'wanders');
      try {
        const sub = await peer.subscribe('lives.on');
        first!.child.signal('SIGUSR2');
        await peer.status('ldm');
        await peer.status('reconnect');
        expect(await first!.child.exited).toEqual({ code: 0, signal: null });
        await peer.flush();
        await peer.publish('lives.on', Buffer.from('elsewhere'));
        const [message] = await sub.received(1);
        expect(Buffer.from(message?.data ?? []).toString()).toBe('elsewhere');
      } finally {
        await peer.close();
        await Promise.all([first!.close(), second!.close()]);
      }
    });
  });
}
