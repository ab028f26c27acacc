// Peers in accounts: where they begin, what they are told and counted in, and how they leave.
import { expect, it } from 'vitest';
import type { Session } from '../../src/bridge/session.ts';
import type { Account } from '../../src/bus/account.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

/** Moves the newest peer of a server to an account, as whoever authenticates it will. */
function enter(server: TestBridge, name: string): Account {
  const account = server.bridge.engine.account(name);
  server.bridge.turn.within(() => newest(server).enter(account));
  return account;
}

function newest(server: TestBridge): Session {
  const cid = Math.max(...server.bridge.connections().map((connection) => connection.cid));
  return server.bridge.sessionOf(cid) as Session;
}

it('who is sent to an account that has ended stays where it is', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  const { engine, turn } = server.bridge;
  const gone = engine.account('A');
  turn.within(() => engine.leave(gone));
  expect(gone.handle).toBe(0);
  turn.within(() => expect(newest(server).enter(gone)).toBe(false));
  expect(newest(server).account.name).toBe('$G');
  await peer.send('SUB a 1\r\nPUB a 1\r\nx\r\n');
  await peer.expectLine('MSG a 1 1');
});

async function greetedIn(server: TestBridge, name: string): Promise<PipePeer> {
  const peer = await server.greeted();
  enter(server, name);
  return peer;
}

it('peers begin in $G, and are told the account that they are in', async () => {
  await using server = createTestBridge();
  const peer = server.connect();
  await peer.expectLine(/^INFO /);
  enter(server, 'A');
  await peer.send('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n');
  await peer.expectLine('PONG');
  const info = JSON.parse((await peer.line()).slice(5)) as Record<string, unknown>;
  expect(info).toMatchObject({ connect_info: true, remote_account: 'A' });
  expect(info.acc_is_sys).toBeUndefined();
  const other = server.connect();
  await other.expectLine(/^INFO /);
  enter(server, '$SYS');
  await other.send('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n');
  await other.expectLine('PONG');
  expect(JSON.parse((await other.line()).slice(5))).toMatchObject({
    remote_account: '$SYS',
    acc_is_sys: true,
  });
});

it('peers of two accounts meet on no subject, nor in a queue group', async () => {
  await using server = createTestBridge();
  const a = await greetedIn(server, 'A');
  const b = await greetedIn(server, 'B');
  for (const peer of [a, b]) await peer.send('SUB > 1\r\nSUB x q 2\r\n');
  await Promise.all([a.ping(), b.ping()]);
  await a.send('PUB x 1\r\na\r\n');
  expect([await a.line(), await a.line(), await a.line(), await a.line()].sort()).toEqual([
    'MSG x 1 1',
    'MSG x 2 1',
    'a',
    'a',
  ]);
  await a.ping();
  await b.ping();
});

it('a peer and the bus of its account meet, and the message says whence it came', async () => {
  await using server = createTestBridge();
  const accounts: unknown[] = [];
  const a = server.bus.account('A');
  a.subscribe('up', (msg) => accounts.push(msg.client?.account));
  const before: unknown[] = [];
  server.bus.subscribe('up', (msg) => before.push(msg.client?.account));
  const peer = await server.greeted();
  await peer.send('PUB up 0\r\n\r\n');
  await peer.ping();
  enter(server, 'A');
  await peer.send('SUB down 1\r\nPUB up 0\r\n\r\n');
  await peer.ping();
  expect([before, accounts]).toEqual([['$G'], ['A']]);
  a.publish('down', 'hi');
  server.bus.publish('down', 'from another account');
  await peer.expectLines('MSG down 1 2', 'hi');
  await peer.ping();
});

it('a request is answered by status 503 where only another account has a responder', async () => {
  await using server = createTestBridge();
  server.bus.subscribe('svc', (msg) => msg.respond('of $G'));
  const peer = await greetedIn(server, 'A');
  await peer.send('SUB in 1\r\nPUB svc in 0\r\n\r\n');
  await peer.expectLines('HMSG in 1 35 35', 'NATS/1.0 503', 'Nats-Subject: svc', '', '');
});

it('whoever moves leaves the subscriptions behind', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  await peer.send('SUB x 1\r\n');
  await peer.ping();
  enter(server, 'A');
  server.bus.publish('x', 'no');
  server.bus.account('A').publish('x', 'no');
  await peer.ping();
  await peer.send('SUB x 1\r\n');
  await peer.ping();
  server.bus.account('A').publish('x', 'yes');
  await peer.expectLines('MSG x 1 3', 'yes');
});

it('a second CONNECT keeps the account', async () => {
  await using server = createTestBridge();
  const peer = await greetedIn(server, 'A');
  await peer.send('SUB x 1\r\nCONNECT {"verbose":false}\r\nSUB x 2\r\n');
  await peer.ping();
  server.bus.account('A').publish('x', 'hi');
  await peer.expectLines('MSG x 2 2', 'hi');
  await peer.ping();
});

it('connections, subscriptions, traffic and slow consumers are counted in their account', async () => {
  await using server = createTestBridge({ maxPending: 4096 });
  const slow = await greetedIn(server, 'A');
  const account = enter(server, 'A');
  const other = server.bridge.engine.account('B');
  await slow.send('SUB x 1\r\nSUB y 2\r\nPUB z 3\r\nabc\r\n');
  await slow.ping();
  expect(account.counts()).toEqual({
    connections: 1,
    subscriptions: 2,
    slowConsumers: 0,
    inMsgs: 1,
    inBytes: 3,
    outMsgs: 0,
    outBytes: 0,
  });
  slow.pause();
  server.bus.account('A').publish('x', new Uint8Array(5000));
  await slow.ended();
  expect(account.counts()).toMatchObject({
    connections: 0,
    subscriptions: 0,
    slowConsumers: 1,
    outMsgs: 1,
    outBytes: 5000,
  });
  expect(other.counts()).toMatchObject({ connections: 0, slowConsumers: 0, outMsgs: 0 });
  expect(server.bridge.stats.slowConsumers).toBe(1);
});

it('the last peer to leave an account that the program has closed takes its memory with it', async () => {
  await using server = createTestBridge();
  const [a, b] = [await greetedIn(server, 'A'), await greetedIn(server, 'A')];
  await a.send('SUB x.* 1\r\n');
  await a.ping();
  await server.bus.account('A').close();
  await b.send('PUB x.y 2\r\nhi\r\n');
  await a.expectLines('MSG x.y 1 2', 'hi');
  a.end();
  await a.expectEnd();
  expect(server.bus.accounts()).toContain('A');
  enter(server, '$G');
  expect(server.bus.accounts()).toEqual(['$G', '$SYS']);
  await b.ping();
});

it('an account that was made for peers ends with the last of them, whoever hangs up', async () => {
  await using server = createTestBridge();
  const peers = [await greetedIn(server, 'A'), await greetedIn(server, 'A')];
  for (const peer of peers) {
    expect(server.bus.accounts()).toEqual(['$G', '$SYS', 'A']);
    peer.end();
    await peer.expectEnd();
  }
  expect(server.bus.accounts()).toEqual(['$G', '$SYS']);
});

it('whoever has ended moves to no other account', async () => {
  await using server = createTestBridge();
  const peer = await greetedIn(server, 'A');
  const session = newest(server);
  peer.end();
  await peer.expectEnd();
  server.bridge.turn.within(() => session.enter(server.bridge.engine.account('B')));
  expect(session.account.name).toBe('A');
  expect(server.bridge.engine.account('B').counts().connections).toBe(0);
});

it('a bridge goes on to serve an account that the program has closed', async () => {
  await using server = createTestBridge({}, {}, 'A');
  await server.bus.account('A').close();
  expect(server.bus.accounts()).toContain('A');
  const peer = await server.greeted();
  await peer.send('SUB x 1\r\nPUB x 2\r\nhi\r\n');
  await peer.expectLines('MSG x 1 2', 'hi');
  server.bus.account('A').publish('x', 'yo');
  await peer.expectLines('MSG x 1 2', 'yo');
  await server.bus.account('A').close();
  await server.bridge.close();
  expect(server.bus.accounts()).toEqual(['$G', '$SYS']);
});

it('a bridge on the bus of an account serves that account', async () => {
  await using server = createTestBridge({}, {}, 'A');
  const peer = await server.greeted();
  await peer.send('SUB x 1\r\n');
  await peer.ping();
  server.bus.account('A').publish('x', 'hi');
  await peer.expectLines('MSG x 1 2', 'hi');
});
