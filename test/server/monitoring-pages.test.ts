// The monitoring pages of a server with clients: what they say, whom they choose, in which order, and beside nats-server
// what it says of the same traffic.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBus } from '../../src/index.ts';
import { loadConfig, type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { findReference, type Reference, startReference } from '../reference.ts';
import { TextPeer } from '../support/text-peer.ts';

type Json = Record<string, unknown>;

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options: ServeOptions = {}): Promise<Server> {
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, { port: 0, monitoring: { port: 0 }, ...options });
  ends.push(() => server.close());
  return server;
}

async function get(url: string, path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}${path}`, { headers });
  const body = await answer.text();
  return { status: answer.status, body, type: answer.headers.get('content-type') };
}

async function json(url: string, path: string): Promise<Json> {
  const { status, body } = await get(url, path);
  if (status !== 200) throw new Error(`${status}: ${body}`);
  return JSON.parse(body) as Json;
}

/** Who is connected in all of these tests: three clients, and one that was. The last of the three is a user. */
async function populate(port: number, credentials: Json = {}): Promise<void> {
  const open = async (name: string): Promise<TextPeer> => {
    const peer = await TextPeer.open(port, { name, lang: 'l', version: '1.0', ...credentials });
    ends.push(() => peer.close());
    return peer;
  };
  const first = await open('first');
  await first.say('SUB a.* 1\r\nSUB b q 10\r\nUNSUB 10 5\r\nSUB c.> 2\r\n');
  const second = await open('second');
  await second.say('SUB a.b 1\r\nPUB a.b 5\r\nhello\r\nPUB b 2\r\nhi\r\nPUB nobody 1\r\nx\r\n');
  const third = await open('third');
  await third.say('HPUB c.d 12 15\r\nNATS/1.0\r\n\r\nabc\r\n');
  const gone = await open('gone');
  await gone.say('SUB gone.1 1\r\nSUB gone.2 2\r\nPUB a.x 3\r\nabc\r\n');
  await gone.close();
}

describe('a server with clients', () => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = await start({ monitoring: { port: 0, hosts: ['stats.example'] } });
    url = server.monitoringUrl as string;
    await populate(server.port);
    await vi.waitUntil(() => server.connections().length === 3);
  });

  const names = async (query: string): Promise<unknown[]> =>
    ((await json(url, `/connz?${query}`)).connections as Json[]).map(({ name }) => name);

  test.each([
    ['', ['first', 'second', 'third']],
    ['sort=subs', ['first', 'second', 'third']],
    ['sort=msgs_to', ['first', 'second', 'third']],
    ['sort=msgs_from', ['second', 'third', 'first']],
    ['sort=bytes_from', ['third', 'second', 'first']],
    ['sort=pending', ['third', 'second', 'first']],
    ['sort=start&offset=1', ['second', 'third']],
    ['sort=uptime', ['third', 'second', 'first']],
    ['limit=1&offset=2', ['third']],
    ['offset=7', []],
    ['state=closed', ['gone']],
    ['state=all&sort=cid', ['first', 'second', 'third', 'gone']],
    ['state=closed&sort=reason', ['gone']],
    ['cid=2', ['second']],
    ['cid=4', []],
    ['cid=4&state=any', ['gone']],
    ['user=x', []],
    ['mqtt_client=x', []],
    ['acc=$G', ['first', 'second', 'third']],
    ['acc=$SYS', []],
  ])('/connz?%s shows whom it should', async (query, wanted) => {
    expect(await names(query)).toEqual(wanted);
  });

  test('counts what fits the query, and what of it is shown', async () => {
    expect(await json(url, '/connz?limit=2&offset=2')).toMatchObject({
      num_connections: 1,
      total: 3,
      offset: 2,
      limit: 2,
    });
    expect(await json(url, '/connz?cid=2')).toMatchObject({ total: 1, limit: 1 });
    expect(await json(url, '/connz?acc=nobody')).toMatchObject({ total: 0, connections: null });
  });

  test('remembers what ended connections were subscribed to', async () => {
    const { connections } = await json(url, '/connz?state=closed&subs=detail');
    expect(connections).toMatchObject([
      {
        reason: 'Client Closed',
        stop: expect.stringMatching(/^\d{4}-.*Z$/),
        subscriptions: 2,
        subscriptions_list_detail: [
          { subject: 'gone.1', sid: '1', msgs: 0, cid: 4 },
          { subject: 'gone.2', sid: '2' },
        ],
      },
    ]);
  });

  test('lists subscriptions by cid and the text of their sids, a page at a time', async () => {
    const subjects = async (query: string): Promise<unknown[]> => {
      const { subscriptions_list = [] } = await json(url, `/subsz?subs=1&${query}`);
      return (subscriptions_list as Json[])
        .filter(({ cid }) => cid !== 0)
        .map(({ subject }) => subject);
    };
    expect(await subjects('')).toEqual(['a.*', 'b', 'c.>', 'a.b']);
    expect(await subjects('test=a.b')).toEqual(['a.*', 'a.b']);
    expect(await subjects('test=a.b&offset=1')).toEqual(['a.b']);
    expect(await subjects('test=a.b&limit=1')).toEqual(['a.*']);
    expect(await subjects('acc=$SYS')).toEqual([]);
    const whole = await json(url, '/subsz?subs=1');
    const pages = [];
    for (let offset = 0; offset < (whole.total as number); offset += 3) {
      const { subscriptions_list } = await json(url, `/subsz?subs=1&limit=3&offset=${offset}`);
      pages.push(...(subscriptions_list as Json[]));
    }
    expect(pages).toEqual(whole.subscriptions_list);
    expect(await json(url, `/subsz?subs=1&offset=${whole.total}`)).not.toHaveProperty(
      'subscriptions_list',
    );
  });

  test('refuses to be asked by another name than those that are allowed', async () => {
    const { port } = new URL(url);
    const status = async (host: string): Promise<string> => {
      const peer = new (await import('node:net')).Socket();
      const text = await new Promise<string>((resolve) => {
        peer.connect(Number(port), '127.0.0.1', () => {
          peer.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        });
        peer.setEncoding('latin1').once('data', (data) => resolve(String(data)));
      });
      peer.destroy();
      return text.slice(9, 12);
    };
    for (const host of ['127.0.0.1:1', '[::1]:1', 'LOCALHOST:8222', 'Stats.Example', '10.1.2.3']) {
      expect([host, await status(host)]).toEqual([host, '200']);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '1.2.3.4.nip.io:80']) {
      expect([host, await status(host)]).toEqual([host, '403']);
    }
  });
});

test('pages stand below a base path, and nowhere else', async () => {
  const server = await start({ monitoring: { port: 0, basePath: 'x/y/' } });
  const url = server.monitoringUrl as string;
  const found = async (path: string): Promise<number> => (await get(url, path)).status;
  expect(await found('/x/y/connz')).toBe(200);
  for (const path of ['/', '/x', '/x/', '/x/y/', '/connz', '/x/yconnz']) {
    expect([path, await found(path)]).toEqual([path, 404]);
  }
  expect((await get(url, '/x/y')).body).toContain('<a href="./y/varz">');
  expect(await json(url, '/x/y/varz')).toMatchObject({
    http_base_path: '/x/y',
    http_req_stats: { '/': 1, '/connz': 1, '/varz': 1 },
  });
});

test('as many ended connections are remembered as are asked for', async () => {
  const server = await start({ maxClosedClients: 2 });
  for (const name of ['1', '2', '3']) await (await TextPeer.open(server.port, { name })).close();
  const url = server.monitoringUrl as string;
  await expect
    .poll(async () => {
      const { connections } = await json(url, '/connz?state=closed');
      return (connections as Json[]).map(({ name }) => name);
    })
    .toEqual(['2', '3']);
});

test('a list that is too long for one write comes whole, in chunks', async () => {
  const server = await start();
  const peer = await TextPeer.open(server.port);
  ends.push(() => peer.close());
  let text = '';
  for (let sid = 1; sid <= 5000; sid++) text += `SUB subject.number.${sid} ${sid}\r\n`;
  await peer.say(text);
  const url = server.monitoringUrl as string;
  const { connections } = await json(url, '/connz?subs=1');
  expect((connections as { subscriptions_list: string[] }[])[0]?.subscriptions_list).toHaveLength(
    5000,
  );
  const { subscriptions_list, total } = await json(url, '/subsz?subs=1&limit=9999');
  expect(subscriptions_list).toHaveLength(total as number);
  const answer = await fetch(`${url}/subsz?subs=1&limit=9999`);
  expect(answer.headers.get('transfer-encoding')).toBe('chunked');
  await answer.text();
});

/** Name and user of each connection. */
async function users(port: number, url: string): Promise<unknown[]> {
  const one = await TextPeer.open(port, { name: 'none' });
  const other = await TextPeer.open(port, { name: 'b', user: 'b', pass: 'p' });
  ends.push(() => Promise.all([one.close(), other.close()]));
  const found = async (query: string): Promise<unknown> =>
    ((await json(url, `/connz?auth=1&${query}`)).connections as Json[]).map((each) => [
      each.name,
      each.authorized_user,
    ]);
  const open = [await found(''), await found('user=a')];
  await one.close();
  await vi.waitUntil(async () => (await json(url, '/varz')).connections === 1);
  return [...open, await found('state=closed'), await found('state=closed&user=a')];
}

const AS_A = [
  [
    ['none', 'a'],
    ['b', 'b'],
  ],
  [['none', 'a']],
  [['none', 'a']],
  [['none', 'a']],
];

test('who says nothing of himself is shown as the user whom he is taken for', async () => {
  const list = ['a', 'b'].map((user) => ({ user, pass: 'p' }));
  const server = await start({ authorization: { users: list, noAuthUser: 'a' } });
  expect(await users(server.port, server.monitoringUrl as string)).toEqual(AS_A);
});

const reason = findReference() === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(reason !== '')(`beside nats-server${reason}`, () => {
  let ours: string;
  let theirs: Reference;
  const credentials = { user: 'u', pass: 'p' };
  beforeAll(async () => {
    theirs = await startReference('authorization { user: u, password: p }');
    ends.push(() => theirs.close());
    await populate(theirs.port, credentials);
    const server = await start({ authorization: credentials });
    ours = server.monitoringUrl as string;
    await populate(server.port, credentials);
    await vi.waitUntil(() => server.connections().length === 3);
    await vi.waitUntil(async () => (await json(theirs.monitorUrl, '/connz')).num_connections === 3);
  });

  test.each([
    '/varz',
    '/connz',
    '/connz?subs=1&auth=1',
    '/connz?subs=detail&auth=true&sort=msgs_to',
    '/connz?state=closed&subs=1&auth=1',
    '/connz?state=closed&subs=detail&sort=stop',
    '/connz?state=all&sort=bytes_to&limit=2',
    '/connz?state=closed&acc=$G',
    '/connz?acc=$G&user=u',
    '/connz?user=x',
    '/connz?acc=x',
    '/connz?cid=999',
    '/connz?offset=-1&limit=-1',
    '/connz?limit=x',
    '/connz?limit=99999999999999999999',
    '/connz?offset=1.5',
    '/connz?cid=-1',
    '/connz?cid=99999999999999999999',
    '/connz?state=x',
    '/connz?subs=x',
    '/connz?auth=yes',
    '/connz?sort=x',
    '/connz?sort=stop',
    '/connz?sort=reason',
    '/connz?acc=$G&filter_subject=x',
    '/connz?callback=f',
    '/connz?limit=1%',
    '/connz?limit=x;y&offset=z',
    '/connz?%6cimit=%78',
    '/connz?limit=+1',
    '/subsz',
    '/subscriptionsz?acc=$G',
    '/subsz?subs=1&acc=$G&test=a.b',
    '/subsz?subs=x',
    '/subsz?test=a.*',
    '/subsz?acc=x&subs=1',
    '/leafz',
    '/leafz?subs=x',
    '/routez',
    '/routez?subs=x',
    '/gatewayz',
    '/gatewayz?accs=x',
    '/jsz',
    '/jsz?accounts=1&acc=$G',
    '/jsz?limit=x',
    '/jsz?raft=x',
    '/jsz?leader-only=1',
    '/jsz?leader-only=x&raft=x',
    '/accountz',
    '/accountz?acc=$G',
    '/accountz?acc=x',
    '/accstatz',
    '/accstatz?unused=1',
    '/accstatz?unused=x',
    '/healthz?leaf-remotes-connected=x',
    '/healthz?leaf-remotes-connected=1',
  ])('%s is answered alike', async (path) => {
    const [our, their] = await Promise.all([get(ours, path), get(theirs.monitorUrl, path)]);
    expect([our.status, our.type]).toEqual([their.status, their.type]);
    expect(comparable(path, our.body)).toEqual(comparable(path, their.body));
  });
});

test.skipIf(reason !== '')(`nats-server shows him so, too${reason}`, async () => {
  const list = 'users: [ {user: a, password: p}, {user: b, password: p} ]';
  const theirs = await startReference(`authorization { ${list} }\nno_auth_user: a`);
  ends.push(() => theirs.close());
  expect(await users(theirs.port, theirs.monitorUrl)).toEqual(AS_A);
});

/** All that a file says and `/varz` tells again. */
const FILE = `
  server_name: nm
  server_tags: [b, " A", b]
  server_metadata { k: v }
  max_subscriptions: 100
  max_connections: 50
  max_payload: 2000
  max_control_line: 2048
  max_pending: 5MB
  ping_interval: "40s"
  ping_max: 4
  write_deadline: "3s"
  write_timeout: close
  client_advertise: "9.9.9.9:77"
  http: "127.0.0.1:-1"
  authorization { timeout: 3, users: [ {user: a, password: p} ] }
  leafnodes { host: "127.0.0.1", port: -1 }
  websocket {
    host: "127.0.0.1", port: -1, no_tls: true, compression: true, same_origin: true
    advertise: "1.2.3.4:8", handshake_timeout: "5s", allowed_origins: ["http://a.b:81", "https://c.d"]
    no_auth_user: a, authorization { timeout: 1.5 }, ping_interval: "9s"
  }`;

test.skipIf(reason !== '')(
  `/varz tells what a file says as nats-server does${reason}`,
  async () => {
    const theirs = await startReference(FILE);
    ends.push(() => theirs.close());
    const scratch = mkdtempSync(join(tmpdir(), 'ganglion-pages-'));
    ends.push(() => rmSync(scratch, { recursive: true }));
    const file = join(scratch, 'server.conf');
    writeFileSync(file, FILE);
    const server = await start({ ...(await loadConfig(file)), host: '127.0.0.1', port: 0 });
    const [our, their] = await Promise.all([
      get(server.monitoringUrl as string, '/varz'),
      get(theirs.monitorUrl, '/varz'),
    ]);
    expect(comparable('/varz', our.body)).toEqual(comparable('/varz', their.body));
  },
);

/** Keys whose values are of the machine, the moment or the process: of them the kind is compared. */
const OWN =
  /^(?:server_id|server_name|go|port|http_port|start|now|uptime|mem|cores|gomaxprocs|cpu|config_load_time|config_digest|last_activity|stop|rtt|idle|update_time|http_req_stats)$/;
/** How our sublist is asked, and its cache, is our own; and there are none of the system's subscriptions (docs/decisions/monitoring.md). */
const SUBLIST =
  /^(?:num_cache|num_matches|cache_hit_rate|max_fanout|avg_fanout|num_inserts|num_removes|num_subscriptions)$/;

function comparable(path: string, body: string): unknown {
  if (!body.startsWith('{')) return body;
  const system = /^\/(?:varz|subsz$|accstatz\?unused)/.test(path);
  const shown = (key: string, value: unknown): unknown => {
    if (OWN.test(key) || SUBLIST.test(key)) return typeof value;
    if (key === 'subscriptions' && system) return typeof value;
    // The original may note an end before it has counted its last PONG as written.
    if (key === 'pending_bytes' && path.includes('state=closed')) return typeof value;
    // Switches of JetStream.
    if (key === 'feature_flags') return {};
    // Numbers of clients begin after those of the original's own connections.
    if (key === 'cid') return typeof value;
    if (key === 'subscriptions_list' && typeof (value as unknown[])[0] === 'string') {
      return [...(value as string[])].sort();
    }
    if (key === 'subscriptions_list_detail') {
      return [...(value as Json[])].sort((a, b) => (String(a.sid) < String(b.sid) ? -1 : 1));
    }
    // The original keeps them in maps.
    if (key === 'accounts' && Array.isArray(value)) return [...(value as string[])].sort();
    if (key === 'account_statz') {
      return [...(value as Json[])].sort((a, b) => (String(a.acc) < String(b.acc) ? -1 : 1));
    }
    if (key === 'imports') {
      return [...(value as Json[])].sort((a, b) => (String(a.to) < String(b.to) ? -1 : 1));
    }
    return value;
  };
  return ordered(JSON.parse(body, (key, value) => shown(key, value)));
}

/** Objects as lists of pairs, so that the order of keys counts. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value).map(([key, inner]) => [key, ordered(inner)]);
}
