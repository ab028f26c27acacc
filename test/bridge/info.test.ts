// INFO: what it says of where a peer is, by the listener that it came by.

import { expect, test } from 'vitest';
import type { Asked } from '../../src/bridge/authentication.ts';
import { infoLine } from '../../src/bridge/info.ts';
import type { PeerFacts } from '../../src/net/transport.ts';

const FACTS = {
  serverId: 'NTEST',
  serverName: 'test',
  version: '2.15.3',
  hasJetStream: false,
  domain: undefined,
  runtime: 'node',
  host: '0.0.0.0',
  port: 4222,
  hasHeaders: true,
  asked: (): Asked => 'nobody',
  maxPayload: 1000,
  connectUrls: ['a:4222', 'b:4222'],
};
const PLAIN: PeerFacts = { address: '10.0.0.1', port: 7, type: 'nats' };
const WEB: PeerFacts = {
  address: '10.0.0.1',
  port: 7,
  type: 'websocket',
  listener: { host: '127.0.0.1', port: 8080 },
  forwardedFor: '10.9.9.9',
  cookies: { token: 'secret' },
};

function info(peer: PeerFacts, isLameDuck = false): Record<string, unknown> {
  const line = infoLine(FACTS, { cid: 3, peer, isLameDuck });
  expect(line).toMatch(/^INFO \{.*\} \r\n$/);
  return JSON.parse(line.slice('INFO '.length));
}

test('a plain client is told of the client listener, and of other addresses of it', () => {
  expect(info(PLAIN)).toMatchObject({
    host: '0.0.0.0',
    port: 4222,
    client_ip: '10.0.0.1',
    connect_urls: ['a:4222', 'b:4222'],
  });
});

test('a client by WebSocket is told of its own listener, and of no address that it cannot use', () => {
  const told = info(WEB);
  expect(told).toMatchObject({ host: '127.0.0.1', port: 8080, client_ip: '10.0.0.1' });
  expect(told).not.toHaveProperty('connect_urls');
  expect(JSON.stringify(told)).not.toContain('secret');
});

test('in lame duck nobody is told of our addresses', () => {
  expect(info(PLAIN, true)).not.toHaveProperty('connect_urls');
});

test('where nobody has to say who it is, the first INFO to a plain client does not ask', () => {
  const facts = { ...FACTS, asked: (): Asked => 'named' };
  const asked = (moment: object): unknown => {
    const line = infoLine(facts, { cid: 3, peer: PLAIN, ...moment });
    return JSON.parse(line.slice('INFO '.length)).auth_required;
  };
  expect(asked({})).toBeUndefined();
  expect([asked({ account: '$G' }), asked({ isLameDuck: true }), asked({ peer: WEB })]).toEqual([
    true,
    true,
    true,
  ]);
});

test('JetStream and its domain are said where they are', () => {
  const facts = { ...FACTS, hasJetStream: true, domain: 'hub' };
  const line = infoLine(facts, { cid: 3, peer: PLAIN });
  expect(JSON.parse(line.slice('INFO '.length))).toMatchObject({ jetstream: true, domain: 'hub' });
  expect(info(PLAIN)).not.toHaveProperty('jetstream');
});
