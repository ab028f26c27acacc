// What one connection hears and what becomes of it.
import { expect, it } from 'vitest';
import { createTestBridge } from '../support/bridge.ts';

it('a peer is greeted by INFO with the keys clients insist on', async () => {
  await using server = createTestBridge();
  const peer = server.connect();
  const line = await peer.line();
  expect(line.startsWith('INFO {')).toBe(true);
  expect(line.endsWith('} ')).toBe(true);
  expect(JSON.parse(line.slice(5))).toEqual({
    server_id: 'NTEST',
    server_name: 'test',
    version: '2.15.3',
    proto: 1,
    go: 'node',
    host: '',
    port: 0,
    headers: true,
    max_payload: 1048576,
    client_id: 1,
  });
});

it('two peers meet on a subject', async () => {
  await using server = createTestBridge();
  const a = await server.greeted();
  const b = await server.greeted();
  await a.send('SUB greet.* 7\r\n');
  await a.ping();
  await b.send('PUB greet.joe reply.to 5\r\nhello\r\n');
  await a.expectLines('MSG greet.joe 7 reply.to 5', 'hello');
  await b.ping();
});

it('the program and a peer meet on a subject', async () => {
  await using server = createTestBridge();
  const got: string[] = [];
  server.bus.subscribe('up.>', (message) => got.push(`${message.subject} ${message.string()}`));
  const peer = await server.greeted();
  await peer.send('SUB down 1\r\nPUB up.a 2\r\nhi\r\n');
  await peer.ping();
  expect(got).toEqual(['up.a hi']);
  server.bus.publish('down', 'there');
  await peer.expectLines('MSG down 1 5', 'there');
});

it('a request nobody serves is answered by status 503', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  await peer.send('SUB in.* 1\r\nPUB nobody.home in.x 0\r\n\r\n');
  await peer.expectLines('HMSG in.x 1 43 43', 'NATS/1.0 503', 'Nats-Subject: nobody.home', '', '');
  await peer.ping();
});

it('a connection that closes leaves nothing behind', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  await peer.send('SUB a 1\r\nSUB b.* q 2\r\n');
  await peer.ping();
  peer.end();
  await peer.expectEnd();
  expect(server.bridge.connections()).toEqual([]);
  expect(server.bridge.endedConnections().at(-1)).toMatchObject({
    cid: 1,
    reason: 'Client Closed',
    subscriptions: 2,
  });
});

it('the program is told who published: name, server, since when, and the round trip', async () => {
  await using server = createTestBridge();
  const start = server.clock.now();
  const told: unknown[] = [];
  server.bus.subscribe('a', (message) => told.push(message.client));
  const peer = await server.greeted({ name: 'till', lang: 'go', version: '1.2.3' });
  await peer.send('PUB a 0\r\n\r\n');
  await peer.ping();
  const facts = { cid: 1, kind: 'CLIENT', account: '$G', server: 'test', start };
  expect(told).toEqual([
    expect.objectContaining({ ...facts, name: 'till', lang: 'go', version: '1.2.3' }),
  ]);
  // The round trip is measured by the PING that follows CONNECT; what is said later names it.
  server.clock.advance(2000);
  await peer.expectLine('PING');
  server.clock.advance(7);
  await peer.send('PONG\r\nPUB a 0\r\n\r\n');
  await peer.ping();
  expect(told.at(-1)).toMatchObject({ ...facts, rttMs: 7 });
});
