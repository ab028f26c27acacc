// A server that asks its clients to go, by TCP and by WebSocket: each official client hears of it, goes to the next
// server that it knows, and its subscriptions live on there.
import { describe, expect, test } from 'vitest';
import { useScratch } from '../support/scratch.ts';
import { officialClients, titled, WAYS, WEBSOCKET } from './clients.ts';
import { startServer } from './server.ts';

const { ends, write } = useScratch('lame-duck');

// 30 s is the shortest that may be; one client is closed within a second of the grace period.
const LAME = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "100ms"';

for (const client of officialClients()) {
  for (const [way, urlOf, missing] of WAYS) {
    const reason = missing(client);
    describe.skipIf(reason !== undefined)(titled(`${client.title} by ${way}`, reason), () => {
      test('goes elsewhere when it is asked to', async () => {
        const args = ['-c', write(`${WEBSOCKET}\n${LAME}`)];
        const first = await startServer({ args });
        ends.push(() => first.close());
        const second = await startServer({ args });
        ends.push(() => second.close());
        const peer = await client.connect([urlOf(first), urlOf(second)], 'wanders');
        ends.push(() => peer.close());
        const sub = await peer.subscribe('lives.on');
        first.child.signal('SIGUSR2');
        await peer.status('ldm');
        await peer.status('reconnect');
        expect(await first.child.exited).toEqual({ code: 0, signal: null });
        await peer.flush();
        await peer.publish('lives.on', Buffer.from('elsewhere'));
        const [message] = await sub.received(1);
        expect(Buffer.from(message?.data ?? []).toString()).toBe('elsewhere');
      });
    });
  }
}
