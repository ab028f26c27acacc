// Several servers of one bus: what they share, and what each has for itself.
import { connect as openSocket } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { answer, IN, OUT, said } from '../support/login.ts';
import { TextPeer } from '../support/text-peer.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Json = Record<string, unknown>;

function makeBus(): Bus {
  const bus = createBus();
  ends.push(() => bus.close());
  return bus;
}

async function serveOn(bus: Bus, options: ServeOptions = {}): Promise<Server> {
  const server = await serve(bus, { port: 0, ...options });
  ends.push(() => server.close());
  return server;
}

async function two(
  first: ServeOptions = {},
  second: ServeOptions = {},
): Promise<{ bus: Bus; a: Server; b: Server }> {
  const bus = makeBus();
  const a = await serveOn(bus, { serverName: 'a', ...first });
  const b = await serveOn(bus, { serverName: 'b', ...second });
  return { bus, a, b };
}

async function peerOf(server: Server, options: Json = {}): Promise<TextPeer> {
  const peer = await TextPeer.open(server.port, options);
  ends.push(() => peer.close());
  return peer;
}

async function clientOf(server: Server) {
  const client = await connect({ servers: server.url, reconnect: false });
  ends.push(() => client.close());
  return client;
}

async function info(server: Server): Promise<Json> {
  return JSON.parse((await said(server.port, '', /\r\n/)).slice('INFO '.length)) as Json;
}

async function page(server: Server, path: string): Promise<Json> {
  return (await (await fetch(`${server.monitoringUrl}${path}`)).json()) as Json;
}

/** A reader that stops reading once it has subscribed. */
async function stuckReader(server: Server, subject: string): Promise<void> {
  const socket = openSocket(server.port, '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.on('error', () => {});
  let text = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      text += data;
      if (text.includes('PONG')) resolve();
    });
    socket.write(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`);
  });
  socket.pause();
}

describe('clients of two servers', () => {
  test('hear each other, and the program', async () => {
    const { bus, a, b } = await two();
    const [left, right] = [await peerOf(a), await peerOf(b)];
    const own: string[] = [];
    bus.subscribe('talk', (msg) => own.push(`${msg.string()} by ${msg.client?.cid}`));
    await left.say('SUB talk 1\r\n');
    await right.say('SUB talk 2\r\n');
    expect(await left.say('PUB talk 2\r\nhi\r\n')).toBe('MSG talk 1 2\r\nhi\r\n');
    expect(await right.say('')).toBe('MSG talk 2 2\r\nhi\r\n');
    bus.publish('talk', 'all');
    expect(await left.say('')).toBe('MSG talk 1 3\r\nall\r\n');
    expect(await right.say('')).toBe('MSG talk 2 3\r\nall\r\n');
    expect(own).toEqual(['hi by 1', 'all by undefined']);
  });

  test('get large payloads, which are kept once for both', async () => {
    const { a, b } = await two();
    const size = 200_000;
    const [left, right] = [await peerOf(a), await peerOf(b)];
    await left.say('SUB big 1\r\n');
    await right.say('SUB big 1\r\n');
    const expected = `MSG big 1 ${size}\r\n${'x'.repeat(size)}\r\n`;
    expect(await left.say(`PUB big ${size}\r\n${'x'.repeat(size)}\r\n`)).toBe(expected);
    expect(await right.say('')).toBe(expected);
  });

  test('share the work of a queue group, each message once', async () => {
    const { a, b } = await two();
    const clients = [await clientOf(a), await clientOf(b)];
    const got: string[][] = [[], []];
    for (const [index, client] of clients.entries()) {
      client.subscribe('job', {
        queue: 'workers',
        callback: (_, msg) => void got[index]?.push(msg.string()),
      });
      await client.flush();
    }
    const jobs = Array.from({ length: 200 }, (_, index) => String(index));
    for (const job of jobs) clients[0]?.publish('job', job);
    for (const client of clients) await client.flush();
    expect(got.flat().sort()).toEqual([...jobs].sort());
    expect(got.every((part) => part.length > 0)).toBe(true);
  });

  test('answer each other, and hear when nobody does', async () => {
    const { a, b } = await two();
    const [asks, answers] = [await clientOf(a), await clientOf(b)];
    answers.subscribe('add', { callback: (_, msg) => void msg.respond(`${msg.string()}+1`) });
    await answers.flush();
    expect((await asks.request('add', '1')).string()).toBe('1+1');
    await expect(asks.request('nobody', '1')).rejects.toThrow('no responders');
  });

  test('of two accounts of the bus do not', async () => {
    const bus = makeBus();
    const [a, b] = [await serveOn(bus.account('A')), await serveOn(bus.account('B'))];
    const [left, right] = [await peerOf(a), await peerOf(b)];
    await right.say('SUB talk 2\r\n');
    await left.say('SUB talk 1\r\nPUB talk 2\r\nhi\r\n');
    expect(await right.say('')).toBe('');
  });
});

describe('each server has its own', () => {
  test('door', async () => {
    const { a, b } = await two({}, { authorization: { user: 'u', pass: 'p' } });
    expect(await answer(a.port, {})).toEqual(['INFO undefined', 'PONG', 'INFO undefined']);
    expect(await answer(b.port, {})).toEqual(OUT);
    expect(await answer(b.port, { user: 'u', pass: 'p' })).toEqual(IN);
  });

  test('limits', async () => {
    const { a, b } = await two({ maxPayload: 4, maxConnections: 1 }, { maxPayload: 8 });
    expect(await info(a)).toMatchObject({ server_id: a.id, server_name: 'a', max_payload: 4 });
    expect(await info(b)).toMatchObject({ server_id: b.id, server_name: 'b', max_payload: 8 });
    const left = await peerOf(a);
    const right = await peerOf(b);
    await left.say('SUB talk 1\r\n');
    await right.say('PUB talk 8\r\n12345678\r\n');
    expect(await left.say('')).toBe('MSG talk 1 8\r\n12345678\r\n');
    expect(await said(a.port, '', /-ERR.*\r\n/)).toContain('maximum connections exceeded');
    await peerOf(b);
    await expect(left.say('PUB talk 5\r\n12345\r\n')).rejects.toThrow('Maximum Payload Violation');
    expect(await right.say('')).toBe('');
  });

  test('slow consumers', async () => {
    const monitoring = {};
    const { a, b } = await two({ maxPending: 300_000, monitoring }, { monitoring });
    await stuckReader(a, 'flood');
    const reader = await peerOf(b);
    await reader.say('SUB flood 1\r\n');
    const publisher = await peerOf(b);
    const size = 65_536;
    const message = `PUB flood ${size}\r\n${'x'.repeat(size)}\r\n`;
    let sent = 0;
    for (; a.connections().length > 0 && sent < 2000; sent++) await publisher.say(message);
    expect(a.connections()).toEqual([]);
    expect((await reader.say('')).length).toBe(
      sent * (size + `MSG flood 1 ${size}\r\n\r\n`.length),
    );
    expect(await page(a, '/varz')).toMatchObject({ slow_consumers: 1, connections: 0 });
    expect(await page(b, '/varz')).toMatchObject({ slow_consumers: 0, connections: 2 });
  });

  test('connections on its pages; subscriptions are those of the bus', async () => {
    const { a, b } = await two({ monitoring: {} }, { monitoring: {} });
    const [left, right] = [await peerOf(a, { name: 'left' }), await peerOf(b, { name: 'right' })];
    await left.say('SUB l 1\r\n');
    await right.say('SUB r 1\r\n');
    expect(await page(a, '/connz')).toMatchObject({
      server_id: a.id,
      total: 1,
      connections: [{ cid: 1, name: 'left' }],
    });
    expect(await page(b, '/connz')).toMatchObject({
      server_id: b.id,
      total: 1,
      connections: [{ cid: 2, name: 'right' }],
    });
    expect(a.connections().map(({ name }) => name)).toEqual(['left']);
    expect(await page(b, '/varz')).toMatchObject({ connections: 1, total_connections: 1 });
    for (const server of [a, b]) {
      const { total, num_subscriptions, subscriptions_list } = await page(server, '/subsz?subs=1');
      expect(total).toBe(num_subscriptions);
      const subjects = (subscriptions_list as Json[]).map(({ subject, cid }) => [subject, cid]);
      expect(subjects).toContainEqual(['l', 1]);
      expect(subjects).toContainEqual(['r', 2]);
    }
  });

  test('answers to the system, as two servers of a cluster', async () => {
    const { bus, a, b } = await two({ authorization: { user: 'u', pass: 'p' } });
    const right = await peerOf(b);
    await peerOf(a, { user: 'u', pass: 'p' });
    const inbox = await peerOf(a, { user: 'u', pass: 'p' });
    await inbox.say('SUB reply.> 9\r\n');
    const ask = async (peer: TextPeer, subject: string, count: number): Promise<Json[]> => {
      const early = await peer.say(`PUB ${subject} reply.x 0\r\n\r\n`);
      let heard = peer === inbox ? early : '';
      while ((heard.match(/\}\r\n/g) ?? []).length < count) {
        heard += `${await inbox.until('}\r\n')}}\r\n`;
      }
      // Another answer would be made behind this one.
      expect(await inbox.say('')).toBe('');
      return Array.from(heard.matchAll(/^\{.*\}/gm), ([json]) => JSON.parse(json) as Json);
    };
    const names = (answers: Json[]): unknown[] =>
      answers.map(({ server }) => (server as Json).name).sort();
    const connz = await ask(inbox, '$SYS.REQ.SERVER.PING.CONNZ', 2);
    expect(names(connz)).toEqual(['a', 'b']);
    const totals = connz.map(({ server, data }) => [(server as Json).name, (data as Json).total]);
    expect(totals.sort()).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(names(await ask(inbox, '$SYS.REQ.ACCOUNT.PING.STATZ', 1))).toEqual(['a']);
    const [mine] = await ask(inbox, '$SYS.REQ.USER.INFO', 1);
    expect(mine).toMatchObject({ server: { name: 'a' }, data: { user: 'u' } });
    const [theirs] = await ask(right, '$SYS.REQ.USER.INFO', 1);
    expect(theirs).toMatchObject({ server: { name: 'b' }, data: { user: '' } });
    const own = JSON.parse((await bus.request('$SYS.REQ.USER.INFO', '')).string()) as Json;
    expect(own.server).toMatchObject({ name: 'a' });
  });
});

describe('the end of one', () => {
  test('under load of the other loses nothing of it', async () => {
    const { bus, a, b } = await two();
    const leaving = [await clientOf(a), await clientOf(a)];
    for (const client of leaving) client.subscribe('load', { callback: () => {} });
    for (const client of leaving) await client.flush();
    const [publisher, reader] = [await clientOf(b), await clientOf(b)];
    let got = 0;
    reader.subscribe('load', { callback: () => void got++ });
    await reader.flush();
    const payload = new Uint8Array(1000);
    let closed: Promise<void> | undefined;
    for (let round = 0; round < 40; round++) {
      for (let index = 0; index < 100; index++) publisher.publish('load', payload);
      if (round === 10) closed = a.close();
      if (round % 5 === 0) await publisher.flush();
    }
    await closed;
    await Promise.all(leaving.map((client) => client.closed()));
    await publisher.flush();
    await reader.flush();
    expect(got).toBe(4000);
    expect(a.connections()).toEqual([]);
    expect(b.connections()).toHaveLength(2);
    const again = await serveOn(bus);
    expect((await info(again)).server_id).toBe(again.id);
  });

  test('comes to its own clients alone, lame duck too', async () => {
    const { a, b } = await two({ lameDuckDurationMs: 20, lameDuckGraceMs: 0 });
    const [left, right] = [await clientOf(a), await clientOf(b)];
    await a.lameDuck();
    await left.closed();
    right.subscribe('echo', { callback: (_, msg) => void msg.respond('there') });
    expect((await right.request('echo', '')).string()).toBe('there');
    expect((await info(b)).ldm).toBeUndefined();
    await expect(info(a)).rejects.toThrow('ECONNREFUSED');
  });

  test('leaves nothing behind, in any order', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { bus, a, b } = await two();
      const { core, turn } = internalsOf(bus);
      await clientOf(a);
      await clientOf(b);
      for (const index of order) await [a, b][index]?.close();
      expect(core.live()).toMatchObject({ sessions: 0, subscriptions: 0 });
      expect(core.poolUsed).toBe(0);
      expect(turn.network).toBeUndefined();
    }
  });

  test('is told by the bus, which speaks of the one that has been there longest', async () => {
    const bus = makeBus();
    const before = bus.info;
    const a = await serveOn(bus, { serverName: 'a', maxPayload: 100 });
    const b = await serveOn(bus, { serverName: 'b' });
    expect(bus.info).toMatchObject({ server_name: 'a', port: a.port, max_payload: 100 });
    await b.reload({ port: 0, serverName: 'b', maxPayload: 200 });
    expect(bus.info).toMatchObject({ server_name: 'a', max_payload: 100 });
    await a.close();
    expect(bus.info).toMatchObject({ server_id: b.id, port: b.port, max_payload: 200 });
    await b.close();
    expect(bus.info).toEqual(before);
  });

  test('at its start leaves the other as it is', async () => {
    const bus = makeBus();
    const a = await serveOn(bus, { serverName: 'a' });
    const client = await clientOf(a);
    await expect(serve(bus, { port: a.port })).rejects.toThrow('EADDRINUSE');
    await client.flush();
    expect(bus.info.server_name).toBe('a');
    await serveOn(bus);
  });
});

describe('what all servers have together', () => {
  test('is what the first one was told', async () => {
    const { b } = await two({ inboundMax: 2 ** 29, outboundMax: 2 ** 28 });
    await b.reload({ port: 0, serverName: 'b', pingMax: 3 });
    await expect(
      b.reload({ port: 0, serverName: 'b', pingMax: 4, inboundMax: 2 ** 30 }),
    ).rejects.toThrow(
      "'inboundMax' of 1073741824 differs from the 536870912 that all servers of the bus have together",
    );
  });

  test.each([
    [{ inboundMax: 2 ** 30 }, `'inboundMax' of ${2 ** 30} differs from the ${2 ** 29}`],
    [{ outboundMax: 2 ** 30 }, `'outboundMax' of ${2 ** 30} differs from the ${2 ** 28}`],
    [{ clock: new FakeClock() }, "'clock' differs from that of the other servers"],
    [{ maxPayload: 2 ** 26 }, "'inboundMax' of 536870912 must be at least 1073741824"],
    [{ jetstream: true }, 'JetStream is enabled on this bus already'],
  ])('cannot be something else: %o', async (options, text) => {
    const bus = makeBus();
    const a = await serveOn(bus, { inboundMax: 2 ** 29, outboundMax: 2 ** 28, jetstream: true });
    await expect(serve(bus, { port: 0, ...options })).rejects.toThrow(text);
    const client = await clientOf(a);
    await client.flush();
    await a.close();
    await serveOn(bus, { ...options, port: 0 });
  });

  test('has room for the connections of all', async () => {
    const bus = makeBus();
    await serveOn(bus, { maxConnections: 1000, maxPayload: 1000, inboundMax: 3_000_000 });
    const second = { maxPayload: 1000, maxConnections: 500 };
    await expect(serve(bus, { port: 0, ...second })).rejects.toThrow(
      "'inboundMax' of 3000000 must be at least 3072000 with maxConnections of 1500 and maxPayload of 1000 of all servers",
    );
    const b = await serveOn(bus, { ...second, maxConnections: 400 });
    await expect(b.reload({ port: 0, ...second })).rejects.toThrow('at least 3072000');
    expect(b.connections()).toEqual([]);
  });

  test('are streams, which clients of both see', async () => {
    const { a, b } = await two({ jetstream: true });
    expect((await info(b)).jetstream).toBe(true);
    const right = await clientOf(b);
    const reply = await right.request('$JS.API.INFO', '');
    expect(reply.json()).toMatchObject({ streams: 0 });
    await a.close();
    expect((await info(b)).jetstream).toBeUndefined();
  });
});

test('two may start at the same time, and one while another ends', async () => {
  const bus = makeBus();
  const [a, b] = await Promise.all([serveOn(bus), serveOn(bus)]);
  const right = await peerOf(b);
  const [c] = await Promise.all([serveOn(bus), a.close()]);
  await right.say('SUB talk 1\r\n');
  await (await peerOf(c)).say('PUB talk 2\r\nhi\r\n');
  expect(await right.say('')).toBe('MSG talk 1 2\r\nhi\r\n');
});

test('a reload of one is nothing to the other', async () => {
  const { a, b } = await two();
  const [left, right] = [await peerOf(a), await peerOf(b)];
  await a.reload({ port: 0, serverName: 'a', maxPayload: 3, authorization: { token: 't' } });
  await expect(left.say('')).rejects.toThrow('Authorization Violation');
  await right.say('SUB talk 1\r\n');
  expect(await right.say('PUB talk 4\r\nfour\r\n')).toBe('MSG talk 1 4\r\nfour\r\n');
  expect(await answer(a.port, {})).toEqual(OUT);
  expect(await answer(b.port, {})).toEqual(['INFO undefined', 'PONG', 'INFO undefined']);
});
