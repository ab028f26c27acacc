// What anybody may ask the system of a server, from his own account; and that nothing else comes back to it.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createBus } from '../../src/index.ts';
import { enableJetStream } from '../../src/jetstream/index.ts';
import { type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { findReference, startReference } from '../reference.ts';
import { TextPeer } from '../support/text-peer.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Json = Record<string, unknown>;

async function start(options: ServeOptions = {}) {
  const bus = createBus();
  ends.push(() => bus.close());
  const server: Server = await serve(bus, { port: 0, serverName: 'here', ...options });
  ends.push(() => server.close());
  return { bus, server };
}

async function open(port: number, options: Json = {}): Promise<TextPeer> {
  const peer = await TextPeer.open(port, options);
  ends.push(() => peer.close());
  return peer;
}

/** The payload of the message that answers, or the head of one with headers. */
async function answer(peer: TextPeer, subject: string, body = ''): Promise<string> {
  const early = await peer.say(
    `SUB reply 99\r\nPUB ${subject} reply ${body.length}\r\n${body}\r\n`,
  );
  const line = `${early}${early.includes('\r\n') ? '' : await peer.until('\r\n')}`;
  const [head = '', ...rest] = line.split('\r\n');
  if (head.startsWith('HMSG')) return head;
  const size = Number(head.split(' ').at(-1));
  const text = rest.join('\r\n');
  return text.length >= size ? text.slice(0, size) : `${text}${await peer.until('\r\n')}`;
}

const CONNZ = '$SYS.REQ.SERVER.PING.CONNZ';
const OWN = ['$SYS.REQ.ACCOUNT.PING.CONNZ', CONNZ];

test('everybody hears who he is', async () => {
  const { server, bus } = await start({ authorization: { user: 'u', pass: 'p' } });
  const peer = await open(server.port, { user: 'u', pass: 'p' });
  const { data, server: envelope } = JSON.parse(await answer(peer, '$SYS.REQ.USER.INFO')) as {
    data: Json;
    server: Json;
  };
  expect(data).toEqual({ user: 'u', account: '$G', account_name: '$G' });
  expect(envelope).toMatchObject({ name: 'here', id: server.id, ver: '2.15.3', jetstream: false });
  const reply = await bus.request('$SYS.REQ.USER.INFO', '');
  expect(JSON.parse(reply.string())).toMatchObject({ data: { user: '', account: '$G' } });
});

test('the answers say whether there is JetStream', async () => {
  const { server } = await start({ jetstream: true, monitoring: { port: 0 } });
  const said = JSON.parse(await answer(await open(server.port), '$SYS.REQ.USER.INFO')) as Json;
  expect(said.server).toMatchObject({ jetstream: true, flags: 1 });
  const page = await fetch(`${server.monitoringUrl}/accountz?acc=$G`);
  expect(await page.json()).toMatchObject({ account_detail: { jetstream_enabled: true } });
});

test.each([false, true])(
  'INFO, the answers and /varz announce one version, with streams of the program: %s',
  async (hasStreams) => {
    const { bus, server } = await start({ monitoring: { port: 0 } });
    // Not by an option of the server, and after it has begun.
    if (hasStreams)
      ends.push(
        (
          (jetstream) => () =>
            jetstream.close()
        )(await enableJetStream(bus)),
      );
    const socket = connect(server.port, '127.0.0.1');
    ends.push(() => socket.destroy());
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    const info = JSON.parse(bytes.toString().slice('INFO '.length)) as Json;
    const { version } = info;
    expect(version).toBe(hasStreams ? '2.10.29' : '2.15.3');
    const said = JSON.parse(await answer(await open(server.port), '$SYS.REQ.USER.INFO')) as Json;
    expect(said.server).toMatchObject({ ver: version, jetstream: hasStreams });
    const page = (await (await fetch(`${server.monitoringUrl}/varz`)).json()) as Json;
    expect(page.version).toBe(version);
    expect(Object.keys(page.jetstream as Json).length > 0).toBe(hasStreams);
  },
);

test.each(OWN)('%s tells of the connections of the account', async (subject) => {
  const { server } = await start();
  const peer = await open(server.port, { name: 'asks' });
  await open(server.port, { name: 'other' });
  const body = '{"subscriptions":true,"sort":"cid","limit":1,"acc":"$SYS"}';
  const { data } = JSON.parse(await answer(peer, subject, body)) as { data: Json };
  expect(data).toMatchObject({
    total: 2,
    num_connections: 1,
    connections: [{ name: 'asks', subscriptions_list: ['reply'] }],
  });
});

test('answers to many requests come in order, also while long ones are made', async () => {
  const { server } = await start();
  const peer = await open(server.port);
  let text = 'SUB r.* 1\r\n';
  for (let sid = 2; sid < 3000; sid++) text += `SUB s.${sid} ${sid}\r\n`;
  await peer.say(text);
  const long = '{"subscriptions_detail":true}';
  let heard = await peer.say(
    `PUB ${CONNZ} r.1 ${long.length}\r\n${long}\r\nPUB ${CONNZ} r.2 1\r\n{\r\n` +
      'PUB $SYS.REQ.ACCOUNT.PING.STATZ r.3 0\r\n\r\n',
  );
  while (!heard.includes('MSG r.3')) heard += `${await peer.until('\r\n')}\r\n`;
  expect([...heard.matchAll(/^MSG r\.(\d)/gm)].map(([, number]) => number)).toEqual([
    '1',
    '2',
    '3',
  ]);
});

test('1,000 publishes on other subjects leave the core without a record', async () => {
  const { server, bus } = await start();
  const peer = await open(server.port);
  const { core, turn } = internalsOf(bus);
  const before = turn.onRecords;
  let records = 0;
  turn.onRecords = (published, isResumed) => {
    records += core.recordCount;
    return before?.(published, isResumed);
  };
  let text = '';
  for (let i = 0; i < 1000; i++) text += `PUB $SYS.REQ.${i} 2\r\nhi\r\n`;
  await peer.say(text);
  expect(records).toBe(0);
  await answer(peer, '$SYS.REQ.USER.INFO');
  expect(records).toBe(1);
});

test('what the system does not serve has no responders', async () => {
  const { server } = await start();
  const peer = await open(server.port);
  for (const subject of ['$SYS.REQ.SERVER.PING', '$SYS.REQ.ACCOUNT.PING', '$SYS.REQ.X']) {
    expect(await answer(peer, subject)).toMatch(/^HMSG reply 99 \d+ \d+$/);
  }
});

test('nothing of the system is left when the server has closed', async () => {
  const { server, bus } = await start();
  await server.close();
  expect(internalsOf(bus).core.live().subscriptions).toBe(0);
  expect(internalsOf(bus).hasInterest('$SYS.REQ.USER.INFO')).toBe(false);
});

test.each([
  ['{"constructor":1,"__proto__":1}', 1],
  ['{"state":1}', 0],
  ['{"state":2}', 1],
  ['{"state":3}', 0],
])('%s is answered with %i connections', async (body, count) => {
  const { server } = await start();
  const { data } = JSON.parse(await answer(await open(server.port), CONNZ, body)) as { data: Json };
  expect(data.connections).toHaveLength(count);
});

test('streams of all accounts are told, whoever has enabled them', async () => {
  const { bus, server } = await start({ monitoring: { port: 0 } });
  for (const account of ['A', 'B']) {
    const jetstream = await enableJetStream(bus.account(account));
    ends.push(() => jetstream.close());
  }
  const said = JSON.parse(await answer(await open(server.port), '$SYS.REQ.USER.INFO')) as Json;
  expect(said.server).toMatchObject({ ver: '2.10.29', jetstream: true });
  const page = (await (await fetch(`${server.monitoringUrl}/jsz?accounts=1`)).json()) as Json;
  expect((page.account_details as Json[]).map(({ name }) => name)).toEqual(['A', 'B']);
});

const reason = findReference() === undefined ? ' (nats-server was not found)' : '';
test.skipIf(reason !== '')(`wrong options are refused as nats-server does${reason}`, async () => {
  const theirs = await startReference('server_name: here');
  ends.push(() => theirs.close());
  const { server } = await start();
  const peers = [await open(server.port), await open(theirs.port)] as const;
  const cases: [string, string][] = [];
  for (const body of [
    '{',
    'x',
    '[]',
    '"x"',
    'null',
    '{"sort":"x"}',
    '{"sort":1}',
    '{"sort":"stop"}',
    '{"cid":"x"}',
    '{"cid":-1}',
    '{"limit":1.5}',
    '{"auth":1}',
    '{"state":"open"}',
    '{"server_name":1}',
    '{"acc":true}',
    '{"cid":12}',
    '{"server_name":"he"}',
    '{"server_name":"here","exact_match":true}',
    '{"host":"127"}',
    '{"filter_subject":"nobody"}',
    '{"state":1}',
    '{"state":3}',
    '{"state":-1}',
    '{"constructor":1,"__proto__":1}',
  ]) {
    cases.push([CONNZ, body]);
  }
  cases.push(
    ['$SYS.REQ.ACCOUNT.PING.STATZ', '{'],
    ['$SYS.REQ.ACCOUNT.PING.STATZ', '{"accounts":1}'],
  );
  for (const [subject, body] of cases) {
    const [our, their] = await Promise.all(
      peers.map(async (peer) => {
        const { data, error } = JSON.parse(await answer(peer, subject, body)) as Json;
        const connections = (data as Json | null | undefined)?.connections;
        return [Array.isArray(connections) ? connections.length : data === null, error];
      }),
    );
    expect([body, our]).toEqual([body, their]);
  }
});
