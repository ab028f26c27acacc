// What each official client does with core NATS, one set of tests for all of them.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { officialClients, titled } from './clients.ts';
import type { Peer } from './peer.ts';
import { type Server, startServer } from './server.ts';

const MIB = 1024 * 1024;
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const withLineEnds = Buffer.from('PING\r\nMSG a 1 2\r\n+OK\r\n\0\r\n');

for (const client of officialClients()) {
  const title = titled(client.title, client.missing);
  describe.skipIf(client.missing !== undefined)(title, () => {
    let server: Server;
    const peers: Peer[] = [];
    const connect = async (name = client.title): Promise<Peer> => {
      const peer = await client.connect(server.url, name);
      peers.push(peer);
      return peer;
    };
    beforeAll(async () => {
      server = await startServer({ args: ['-DV'] });
    });
    afterEach(async () => {
      await Promise.all(peers.splice(0).map((peer) => peer.close()));
    });
    afterAll(() => server?.close());

    test('reads version and max_payload from INFO', async () => {
      const peer = await connect();
      expect(peer.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
      expect(peer.maxPayload).toBe(MIB);
    });

    test('receives by literal, partial and full wildcard, and nothing else', async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const filters = ['wild.us.east', 'wild.*.east', 'wild.us.>', 'wild.>', '*.us.*', 'wild.us'];
      const subs = await Promise.all(filters.map((filter) => subscriber.subscribe(filter)));
      const end = await subscriber.subscribe('end');
      for (const subject of ['wild.us.east', 'wild.eu.east', 'wild.us.west.1', 'wild', 'end']) {
        await publisher.publish(subject, Buffer.from(subject));
      }
      await publisher.flush();
      await end.received(1);
      await subscriber.flush();
      const subjects = subs.map((sub) => sub.messages.map((message) => message.subject));
      expect(subjects).toEqual([
        ['wild.us.east'],
        ['wild.us.east', 'wild.eu.east'],
        ['wild.us.east', 'wild.us.west.1'],
        ['wild.us.east', 'wild.eu.east', 'wild.us.west.1'],
        ['wild.us.east'],
        [],
      ]);
    });

    test('carries empty and binary payloads and the reply unchanged, in order', async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const sub = await subscriber.subscribe('binary');
      const payloads = [new Uint8Array(), everyByte, withLineEnds, Buffer.from('ends in CR\r')];
      for (const payload of payloads) await publisher.publish('binary', payload, { reply: 'back' });
      const messages = await sub.received(payloads.length);
      expect(messages.map(({ data }) => [...data])).toEqual(payloads.map((bytes) => [...bytes]));
      expect(new Set(messages.map(({ reply }) => reply))).toEqual(new Set(['back']));
    });

    test('carries a payload of 1 MiB, and refuses a larger one by itself', async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const sub = await subscriber.subscribe('big');
      const payload = Buffer.alloc(MIB, everyByte);
      await publisher.publish('big', payload);
      const [message] = await sub.received(1);
      expect(payload.equals(message?.data ?? new Uint8Array())).toBe(true);
      const tooBig = publisher.publish('big', Buffer.alloc(MIB + 1));
      await expect(tooBig).rejects.toMatchObject({ kind: 'max payload' });
      await publisher.publish('big', Buffer.from('still here'));
      expect(Buffer.from((await sub.received(2))[1]?.data ?? []).toString()).toBe('still here');
    });

    test('spreads a queue group, each message to one member, and to plain subscribers all', async () => {
      const [publisher, plain] = [await connect(), await connect()];
      const members = await Promise.all([connect(), connect(), connect()]);
      const subs = await Promise.all(
        members.map((member) => member.subscribe('work.*', { queue: 'workers' })),
      );
      const all = await plain.subscribe('work.>');
      const ids = Array.from({ length: 300 }, (_, index) => `work.${index}`);
      for (const id of ids) await publisher.publish(id);
      await publisher.flush();
      await all.received(ids.length);
      await Promise.all(members.map((member) => member.flush()));
      await expect.poll(() => subs.flatMap((sub) => sub.messages).length).toBe(ids.length);
      const seen = subs.flatMap((sub) => sub.messages.map(({ subject }) => subject));
      expect(seen.toSorted()).toEqual(ids.toSorted());
      // A fair coin gives a member fewer than 50 of 300 less than once in 10^8 runs.
      for (const sub of subs) expect(sub.messages.length).toBeGreaterThan(50);
    });

    test('requests and replies, with headers both ways', async () => {
      const [requester, responder] = [await connect(), await connect('echo')];
      await responder.respond('service.*', { queue: 'services' });
      const headers = { 'X-Trace': ['a b: c'] };
      const answer = await requester.request('service.echo', everyByte, { headers });
      expect([...answer.data]).toEqual([...everyByte]);
      expect(answer.headers).toEqual({ ...headers, 'Served-By': ['echo'] });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => requester.request('service.n', Buffer.of(index))),
      );
      expect(answers.map(({ data }) => data[0])).toEqual(answers.map((_, index) => index));
    });

    test('learns at once that there are no responders, and of silence by time-out', async () => {
      const [requester, silent] = [await connect(), await connect()];
      const nobody = requester.request('nobody.home', new Uint8Array(), { timeoutMs: 20_000 });
      await expect(nobody).rejects.toMatchObject({ kind: 'no responders' });
      const heard = await silent.subscribe('silent');
      const silence = requester.request('silent', new Uint8Array(), { timeoutMs: 200 });
      await expect(silence).rejects.toMatchObject({ kind: 'timeout' });
      expect((await heard.received(1))[0]?.reply).toMatch(/^_INBOX\./);
    });

    test('publishes and receives headers, also with an empty payload', async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const sub = await subscriber.subscribe('headers');
      const headers = { One: ['1'], 'Nats-Like': ['v; q=1'] };
      await publisher.publish('headers', Buffer.from('body'), { headers });
      await publisher.publish('headers', new Uint8Array(), { headers });
      await publisher.publish('headers', Buffer.from('none'));
      const messages = await sub.received(3);
      expect(messages.map((message) => message.headers)).toEqual([headers, headers, {}]);
      expect(messages.map(({ data }) => data.length)).toEqual([4, 0, 4]);
    });

    const headersLost = client.repeatsHeaders ? undefined : 'this client keeps the last alone';
    const headersTitle = titled('keeps every value of a repeated header, in order', headersLost);
    test.skipIf(headersLost !== undefined)(headersTitle, async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const sub = await subscriber.subscribe('repeated');
      const headers = { Path: ['a', 'b', 'a'] };
      await publisher.publish('repeated', Buffer.from('body'), { headers });
      expect((await sub.received(1))[0]?.headers).toEqual(headers);
    });

    test('receives no more than the max it unsubscribed with, and then no interest is left', async () => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const sub = await subscriber.subscribe('limited');
      await sub.unsubscribe(3);
      for (let index = 0; index < 5; index += 1) await publisher.publish('limited');
      await sub.received(3);
      const more = publisher.request('limited', new Uint8Array());
      await expect(more).rejects.toMatchObject({ kind: 'no responders' });
      await subscriber.flush();
      expect(sub.messages).toHaveLength(3);
    });

    test('unsubscribes at once', async () => {
      const peer = await connect();
      const sub = await peer.subscribe('gone');
      await sub.unsubscribe();
      const request = peer.request('gone', new Uint8Array());
      await expect(request).rejects.toMatchObject({ kind: 'no responders' });
      expect(sub.messages).toHaveLength(0);
    });

    test('drains: what was published before arrives, then interest and connection are gone', async () => {
      const [publisher, subscriber] = [await connect(), await client.connect(server.url, 'drains')];
      const sub = await subscriber.subscribe('drained');
      for (let index = 0; index < 200; index += 1) await publisher.publish('drained');
      await publisher.flush();
      await subscriber.drain();
      expect(sub.messages).toHaveLength(200);
      const after = publisher.request('drained', new Uint8Array());
      await expect(after).rejects.toMatchObject({ kind: 'no responders' });
    });

    test('flushes and measures the round trip', async () => {
      const peer = await connect();
      await peer.flush();
      const rttMs = await peer.rttMs();
      expect(rttMs).toBeGreaterThanOrEqual(0);
      expect(rttMs).toBeLessThan(5_000);
    });

    test('is known to the server by the name it gave', async () => {
      const peer = await connect('a-name-to-find');
      await peer.flush();
      expect(await server.child.line(/a-name-to-find/)).toContain('cid:');
    });
  });
}
