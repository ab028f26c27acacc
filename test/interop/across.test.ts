// Different official clients on one server: what one says, every other hears.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { officialClients } from './clients.ts';
import type { Client, Peer } from './peer.ts';
import { type Server, startServer } from './server.ts';

const clients = officialClients().filter(({ missing }) => missing === undefined);
const pairs = clients.flatMap((from) =>
  clients.filter((to) => to !== from).map((to) => [from, to]),
);
const payload = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
const headers = { 'X-From': ['across'] };

describe('across clients', () => {
  let server: Server;
  const peers = new Map<Client, Peer>();
  const peerOf = (client: Client | undefined): Peer => {
    const peer = client === undefined ? undefined : peers.get(client);
    if (peer === undefined) throw new Error('not connected');
    return peer;
  };
  beforeAll(async () => {
    server = await startServer();
    for (const client of clients) {
      peers.set(client, await client.connect(server.url, client.title));
    }
  });
  afterAll(async () => {
    await Promise.all([...peers.values()].map((peer) => peer.close()));
    await server?.close();
  });

  for (const [from, to] of pairs) {
    test(`${from?.title} publishes to ${to?.title}`, async () => {
      const sub = await peerOf(to).subscribe('across.*.>');
      await peerOf(from).publish('across.a.b', payload, { headers, reply: 'back.to.me' });
      await peerOf(from).publish('across.a.b.c');
      const [first, second] = await sub.received(2);
      expect({ ...first, data: [...(first?.data ?? [])] }).toEqual({
        subject: 'across.a.b',
        reply: 'back.to.me',
        data: [...payload],
        headers,
      });
      expect(second).toMatchObject({ subject: 'across.a.b.c', reply: '', headers: {} });
      await sub.unsubscribe();
    });
  }

  for (const [from, to] of pairs) {
    test(`${from?.title} requests of ${to?.title}`, async () => {
      const subject = `ask.${clients.indexOf(from!)}.${clients.indexOf(to!)}`;
      await peerOf(to).respond(subject);
      const answer = await peerOf(from).request(subject, payload, { headers });
      expect([...answer.data]).toEqual([...payload]);
      expect(answer.headers).toEqual({ ...headers, 'Served-By': [to?.title] });
    });
  }

  test('one queue group spans all clients', async () => {
    const members = await Promise.all(
      [...peers.values()].map((peer) => peer.subscribe('shared.work', { queue: 'all' })),
    );
    const count = 100 * members.length;
    const ids = Array.from({ length: count }, (_, index) => `task ${index}`);
    for (const id of ids) await peerOf(clients[0]).publish('shared.work', Buffer.from(id));
    await expect.poll(() => members.flatMap((sub) => sub.messages).length).toBe(count);
    const seen = members.flatMap(({ messages }) =>
      messages.map(({ data }) => Buffer.from(data).toString()),
    );
    expect(seen.toSorted()).toEqual(ids.toSorted());
    // Each expects 100; under 40 is six standard deviations away.
    for (const sub of members) expect(sub.messages.length).toBeGreaterThan(40);
  });
});
