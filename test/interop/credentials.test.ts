// Each official client with a token and with a password, of which the server may know a hash, and what it notices when
// the server takes another configuration.
import { writeFileSync } from 'node:fs';
import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { useScratch } from '../support/scratch.ts';
import { officialClients, titled, WAYS, WEBSOCKET } from './clients.ts';
import { isForeignServer, type Server, startServer } from './server.ts';

const { ends, write } = useScratch('credentials');

async function start(
  text: string,
): Promise<{ server: Server; reload(text: string): Promise<void> }> {
  const file = write(text);
  const server = await startServer({ args: ['-c', file] });
  ends.push(() => server.close());
  return {
    server,
    reload: async (next) => {
      const before = server.child.output().length;
      writeFileSync(file, next);
      server.child.signal('SIGHUP');
      await expect
        .poll(() => server.child.output().slice(before), { timeout: 10_000 })
        .toContain('Reloaded server configuration');
    },
  };
}

const HASH = hashSync('secret', 8);
const SECRETS: readonly [string, string, string, string][] = [
  ['a token', 'authorization { token: secret }', 'secret@', 'wrong@'],
  ['a hashed token', `authorization { token: "${HASH}" }`, 'secret@', 'wrong@'],
  ['a user and password', 'authorization { user: a, password: secret }', 'a:secret@', 'a:wrong@'],
  [
    'a hashed password',
    `authorization { users: [ {user: a, password: "${HASH}"} ] }`,
    'a:secret@',
    'b:secret@',
  ],
];

for (const client of officialClients()) {
  for (const [way, urlOf, missing] of WAYS) {
    const reason = missing(client);
    describe.skipIf(reason !== undefined)(titled(`${client.title} by ${way}`, reason), () => {
      test.each(SECRETS)('comes in with %s, and not with another', async (...row) => {
        const [, text, right, wrong] = row;
        const { server } = await start(`${text}\n${WEBSOCKET}`);
        const url = (credentials: string): string =>
          urlOf(server).replace('//', `//${credentials}`);
        // nats-py tries again for as long as its peer here is to reconnect.
        if (client.title !== 'nats-py') {
          await expect(client.connect(url(wrong), 'stranger')).rejects.toThrow();
        }
        const peer = await client.connect(url(right), 'guest');
        ends.push(() => peer.close());
        const sub = await peer.subscribe('a');
        await peer.publish('a', Buffer.from('in'));
        const [message] = await sub.received(1);
        expect(Buffer.from(message?.data ?? []).toString()).toBe('in');
      });
    });
  }

  describe.skipIf(client.missing !== undefined)(titled(client.title, client.missing), () => {
    // The original closes whoever is a server's only user by every reload, but not one of several.
    test.skipIf(isForeignServer())(
      'goes on after a reload that leaves it its password',
      async () => {
        const users = (password: string): string =>
          `authorization { users: [ {user: a, password: secret}, {user: b, password: ${password}} ] }`;
        const { server, reload } = await start(users('x'));
        const peer = await client.connect(`nats://a:secret@127.0.0.1:${server.port}`, 'stays');
        ends.push(() => peer.close());
        const sub = await peer.subscribe('a');
        await reload(`${users('y')}\nmax_payload: 100000`);
        await peer.publish('a', Buffer.from('still here'));
        const [message] = await sub.received(1);
        expect(Buffer.from(message?.data ?? []).toString()).toBe('still here');
      },
    );
  });
}
