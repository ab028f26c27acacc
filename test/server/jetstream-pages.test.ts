// What the monitoring pages say of streams: by themselves, and beside nats-server with the same streams.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';
import { findReference, startReference } from '../reference.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';
import { TextPeer } from '../support/text-peer.ts';

type Json = Record<string, unknown>;

const ends: (() => unknown)[] = [removeDirectories];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Our own, with streams or without. */
async function start(
  hasStreams: boolean,
  storeDir = newDirectory(),
): Promise<{ port: number; url: string }> {
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, {
    port: 0,
    monitoring: { port: 0 },
    ...(hasStreams && { jetstream: { storeDir, domain: 'hub' } }),
  });
  ends.push(() => server.close());
  return { port: server.port, url: server.monitoringUrl as string };
}

/** Two streams, of which one has two consumers, and a request that is refused. */
async function populate(port: number): Promise<void> {
  const peer = await TextPeer.open(port, { name: 'maker' });
  ends.push(() => peer.close());
  const ask = async (subject: string, body: Json): Promise<void> => {
    const text = JSON.stringify(body);
    const before = await peer.say(`PUB $JS.API.${subject} answers ${text.length}\r\n${text}\r\n`);
    // The original answers beside its reading: the answer may come in front of the PONG, too.
    if (before !== '') return;
    await peer.until('\r\n');
    await peer.until('\r\n');
  };
  await peer.say('SUB answers 1\r\n');
  const orders = { name: 'ORDERS', subjects: ['orders.>'], storage: 'memory', max_bytes: 100_000 };
  await ask('STREAM.CREATE.ORDERS', { ...orders, max_age: 3_600_000_000_000 });
  await ask('STREAM.CREATE.EMPTY', { name: 'EMPTY', subjects: ['<e>'], storage: 'memory' });
  await ask('STREAM.CREATE.WRONG', { name: 'OTHER' });
  for (const name of ['bill', 'ship']) {
    const config = { durable_name: name, ack_policy: 'explicit', filter_subject: 'orders.a' };
    await ask(`CONSUMER.CREATE.ORDERS.${name}.orders.a`, { stream_name: 'ORDERS', config });
  }
  await ask('STREAM.CREATE.KEPT', { name: 'KEPT', subjects: ['kept'], storage: 'file' });
  const pushed = {
    deliver_subject: 'answers.p',
    flow_control: true,
    idle_heartbeat: 9_000_000_000,
  };
  const sampled = { sample_freq: '10%', rate_limit_bps: 8000, headers_only: true };
  const config = { durable_name: 'push', ack_policy: 'all', ...pushed, ...sampled };
  await ask('CONSUMER.CREATE.KEPT.push', { stream_name: 'KEPT', config });
  await peer.say(`PUB orders.a 5\r\nhello\r\n`.repeat(3));
}

async function get(url: string, path: string) {
  const answer = await fetch(`${url}${path}`);
  const body = await answer.text();
  return { status: answer.status, body, type: answer.headers.get('content-type') };
}

describe('a server with streams', () => {
  const store = newDirectory();
  let url: string;
  beforeAll(async () => {
    const server = await start(true, store);
    url = server.url;
    await populate(server.port);
  });

  const json = async (path: string): Promise<Json> => JSON.parse((await get(url, path)).body);

  test('says the version whose features they have, and what they hold', async () => {
    const page = await json('/varz');
    expect(page).toMatchObject({
      version: '2.10.29',
      jetstream: {
        config: {
          store_dir: join(store, 'ganglion'),
          domain: 'hub',
          strict: true,
          sync_interval: 120e9,
        },
        stats: { memory: expect.any(Number), reserved_memory: 100_000, accounts: 1 },
        limits: { default_max_consumers: 1000 },
      },
    });
    expect(await json('/accountz?acc=$G')).toMatchObject({
      account_detail: { jetstream_enabled: true },
    });
    expect(await json('/accountz?acc=$SYS')).toMatchObject({
      account_detail: { jetstream_enabled: false },
    });
  });

  test('says what nothing can be reserved as nats-server does: -1 without a sign', async () => {
    const { body } = await get(url, '/jsz?accounts=1');
    expect(body).toContain('"reserved_memory": 18446744073709551615,');
  });

  test.each([
    ['', 200, ''],
    ['?account=$G', 200, ''],
    ['?account=$G&stream=ORDERS', 200, ''],
    ['?account=$G&stream=ORDERS&consumer=bill', 200, ''],
    ['?account=none', 404, 'JetStream account "none" not found'],
    ['?account=$G&stream=none', 404, 'JetStream stream "none" not found on account "$G"'],
    [
      '?account=$G&stream=ORDERS&consumer=none',
      404,
      'JetStream consumer "none" not found for stream "ORDERS" on account "$G"',
    ],
    ['?account=$G&stream=none&js-enabled-only=1', 200, ''],
  ])('/healthz%s is %i', async (query, status, error) => {
    const answer = await get(url, `/healthz${query}`);
    expect(answer.status).toBe(status);
    const wanted = error === '' ? { status: 'ok' } : { status: 'unavailable', error };
    expect(JSON.parse(answer.body)).toEqual(wanted);
  });
});

test('a server without streams says so', async () => {
  const { url } = await start(false);
  expect(JSON.parse((await get(url, '/jsz?accounts=1')).body)).toMatchObject({
    disabled: true,
    accounts: 0,
    total: 0,
  });
  expect(JSON.parse((await get(url, '/varz')).body)).toMatchObject({
    version: '2.15.3',
    jetstream: {},
  });
});

const reason = findReference() === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(reason !== '')(`beside nats-server${reason}`, () => {
  let ours: string;
  let theirs: string;
  beforeAll(async () => {
    const place = JSON.stringify(newDirectory());
    const reference = await startReference(`jetstream { domain: hub, store_dir: ${place} }`);
    ends.push(() => reference.close());
    theirs = reference.monitorUrl;
    const server = await start(true);
    ours = server.url;
    await populate(reference.port);
    await populate(server.port);
  });

  test.each([
    '/jsz',
    '/jsz?accounts=1',
    '/jsz?streams=1',
    '/jsz?consumers=1',
    '/jsz?consumers=1&config=1',
    '/jsz?accounts=1&acc=$G',
    '/jsz?accounts=1&acc=none',
    '/jsz?acc=$G',
    '/jsz?raft=1',
    '/jsz?acc=none',
    '/jsz?accounts=1&offset=1',
    '/jsz?accounts=1&limit=1',
    '/jsz?accounts=x',
    '/varz',
    '/healthz?account=none',
    '/healthz?account=none&details=1',
    '/healthz?account=$G&stream=none',
    '/healthz?account=$G&stream=none&details=1',
    '/healthz?account=$G&stream=KEPT',
    '/healthz?account=$G&stream=KEPT&consumer=push',
    '/healthz?account=$G&stream=KEPT&consumer=none',
    '/healthz?account=$G&stream=KEPT&consumer=none&details=1',
    '/healthz?account=$G&consumer=push',
    '/healthz?js-enabled-only=1&account=none',
    '/healthz?js-server-only=1&account=none',
  ])('%s is answered alike', async (path) => {
    const [our, their] = await Promise.all([get(ours, path), get(theirs, path)]);
    expect([our.status, our.type]).toEqual([their.status, their.type]);
    expect(comparable(path, our.body)).toEqual(comparable(path, their.body));
  });
});

/** Keys whose values are of the machine, the moment or the process: of them the kind is compared. */
const OWN =
  /^(?:server_id|now|created|ts|first_ts|last_ts|leader|store_dir|max_memory|max_storage|level)$/;

function comparable(path: string, body: string): unknown {
  if (!body.startsWith('{')) return body;
  const document = JSON.parse(body, (key, value) => {
    if (OWN.test(key)) return typeof value;
    // Of a consumer that is not paused the original tells Go's time of nothing.
    if (key === 'pause_until') return undefined;
    // The original keeps them in maps.
    if (key === 'stream_detail' || key === 'consumer_detail') {
      return [...(value as Json[])].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
    }
    return value;
  });
  const shown = path === '/varz' ? document.jetstream : document;
  return ordered(shown);
}

/** Objects as lists of pairs, so that the order of keys counts. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value).map(([key, inner]) => [key, ordered(inner)]);
}
