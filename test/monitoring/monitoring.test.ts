// The monitoring listener over real sockets, with a source that the test makes up, and beside nats-server.
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMonitoring, type MonitoringSource } from '../../src/monitoring/index.ts';
import type { HttpServer } from '../../src/net/http.ts';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { findReference, type Reference, startReference } from '../reference.ts';
import { FakeClock } from '../support/fake-clock.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Asks with the path as it stands: fetch would clean it. */
function ask(url: string, path: string, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('end', () => {
        const headers = response.headers as Record<string, string>;
        resolve({ status: response.statusCode ?? 0, headers, body });
      });
      response.once('error', reject);
    });
    sent.once('error', reject).end();
  });
}

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 250);
const clock = new FakeClock(START_MS);
let problem: string | undefined;
let logged: string[] = [];
let subscriptionMax = 0;
let monitor: HttpServer;
let url: string;

const source: MonitoringSource = {
  get facts() {
    return {
      serverId: 'NABC',
      serverName: 'a <b> & "c"',
      version: '2.15.3',
      runtime: 'node1',
      host: '127.0.0.1',
      port: 4222,
      limits: { ...DEFAULT_LIMITS, inboundMax: 2 ** 30, maxSubscriptions: subscriptionMax },
      isAuthRequired: false,
      authTimeoutMs: 2000,
      httpHost: '127.0.0.1',
      httpPort: -1,
      httpBasePath: '',
      startMs: START_MS,
      loadedMs: START_MS + 1000,
      cores: 2,
      tags: [],
      metadata: {},
      configDigest: '',
      writeTimeout: '',
      websocket: undefined,
      leafnodes: undefined,
      serviceImports: [{ subject: '$SYS.REQ.X', to: '$SYS.REQ.*.X', share: true }],
    };
  },
  jetstream: () => undefined,
  counters: () => ({
    inMsgs: 1,
    inBytes: 2,
    outMsgs: 3,
    outBytes: 4,
    connections: 5,
    connectionsTotal: 6,
    subscriptions: 7,
    slowConsumers: 8,
    staleConnections: 9,
    stalledClients: 10,
  }),
  usage: () => ({ memoryBytes: 1000, cpuPercent: 12.5 }),
  problem: () => problem,
  accounts: () => [],
  connections: () => [],
  endedConnections: () => [],
  subscribers: () => [],
};

beforeEach(async () => {
  problem = undefined;
  logged = [];
  subscriptionMax = 0;
  const logger = createLogger({
    write: (line) => void logged.push(line),
    now: clock.now,
    hasTime: false,
  });
  monitor = await createMonitoring({ host: '127.0.0.1', port: 0, source, clock, logger });
  url = `http://127.0.0.1:${monitor.port}`;
});
afterEach(() => monitor.close());

const varz = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await ask(url, '/varz')).body);

describe('/varz', () => {
  test('has the facts and counters under the keys of nats-server', async () => {
    clock.advance(3_661_000);
    expect(await varz()).toMatchObject({
      server_id: 'NABC',
      server_name: 'a <b> & "c"',
      version: '2.15.3',
      port: 4222,
      ping_interval: 120_000_000_000,
      write_deadline: 10_000_000_000,
      start: '2026-01-02T03:04:05.25Z',
      now: '2026-01-02T04:05:06.25Z',
      uptime: '1h1m1s',
      mem: 1000,
      cpu: 12.5,
      connections: 5,
      total_connections: 6,
      in_client_msgs: 1,
      out_client_bytes: 4,
      slow_consumers: 8,
      slow_consumer_stats: { clients: 8 },
      stale_connection_stats: { clients: 9 },
      stalled_clients: 10,
    });
  });

  test('is indented JSON with the characters of HTML escaped, for any origin', async () => {
    const { status, headers, body } = await ask(url, '/varz');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'content-length': String(Buffer.byteLength(body)),
    });
    expect(body.startsWith('{\n  "server_id": "NABC",\n  "server_name"')).toBe(true);
    expect(body).toContain('a \\u003cb\\u003e \\u0026 \\"c\\"');
  });

  test('counts the requests that reached an endpoint', async () => {
    for (const path of ['/', '/healthz', '/healthz?details=x', '/nowhere', '//varz', '/varz']) {
      await ask(url, path);
    }
    expect((await varz()).http_req_stats).toEqual({ '/': 1, '/healthz': 2, '/varz': 2 });
  });

  test('shows a limit of subscriptions only when there is one', async () => {
    expect(await varz()).not.toHaveProperty('max_subscriptions');
    subscriptionMax = 3;
    expect(await varz()).toMatchObject({ max_subscriptions: 3 });
  });
});

describe('/healthz', () => {
  test('is ok in compact JSON when there is no problem', async () => {
    const { status, body } = await ask(url, '/healthz?js-enabled-only=true&account=x');
    expect([status, body]).toEqual([200, '{"status":"ok"}']);
  });

  test('says what the problem is, and logs it', async () => {
    problem = 'no "listener"';
    const { status, body } = await ask(url, '/healthz');
    expect([status, body]).toEqual([500, '{"status":"error","error":"no \\"listener\\""}']);
    expect(logged).toEqual(['[WRN] Healthcheck failed: "no \\"listener\\""\n']);
    expect((await ask(url, '/healthz?details=1')).body).toBe(
      '{"status":"error","errors":[{"type":"CONNECTION","error":"no \\"listener\\""}]}',
    );
  });
});

describe('the page', () => {
  test('links to every endpoint that there is, and to no other', async () => {
    const { status, headers, body } = await ask(url, '/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const links = [...body.matchAll(/<a href="\.(\/[^"]*)"/g)].map(([, path]) => path!);
    const z = ['var', 'conn', 'subs', 'account', 'accstat', 'leaf', 'route', 'gateway', 'js'];
    expect(links).toEqual([...z, 'health'].map((name) => `/${name}z`));
    for (const path of links) expect((await ask(url, path)).status).toBe(200);
  });

  test('shows the name as text, not as markup', async () => {
    const { body } = await ask(url, '/');
    expect(body).not.toContain('<b>');
    expect(body).toContain('a &lt;b&gt; &amp; &#34;c&#34;');
  });
});

describe('the listener', () => {
  test('ends connections that a client keeps open', async () => {
    const socket = connect(monitor.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    await monitor.close();
    await ended;
  });

  test('takes a whole URL as the target, as a proxy sends it', async () => {
    expect((await ask(url, 'http://other.example/healthz?details=1')).status).toBe(200);
    expect((await ask(url, 'http://other.example')).headers['content-type']).toMatch('text/html');
  });

  test('rejects when the port is taken', async () => {
    const { port } = monitor;
    const logger = createLogger({ write: () => {}, now: clock.now });
    await expect(
      createMonitoring({ host: '127.0.0.1', port, source, clock, logger }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('listens on both families when the host is 0.0.0.0', async () => {
    const logger = createLogger({ write: () => {}, now: clock.now });
    const all = await createMonitoring({ host: '0.0.0.0', port: 0, source, clock, logger });
    try {
      expect((await ask(`http://127.0.0.1:${all.port}`, '/healthz')).status).toBe(200);
    } finally {
      await all.close();
    }
  });

  test('answers 500 when a source throws, and goes on', async () => {
    problem = undefined;
    const broken: MonitoringSource = {
      ...source,
      counters: () => {
        throw new Error('counters are gone');
      },
    };
    const logger = createLogger({
      write: (line) => void logged.push(line),
      now: clock.now,
      hasTime: false,
    });
    const other = await createMonitoring({
      host: '127.0.0.1',
      port: 0,
      source: broken,
      clock,
      logger,
    });
    try {
      const base = `http://127.0.0.1:${other.port}`;
      expect((await ask(base, '/varz')).status).toBe(500);
      expect((await ask(base, '/healthz')).status).toBe(200);
      expect(logged[0]).toContain('counters are gone');
    } finally {
      await other.close();
    }
  });
});

const reason = findReference() === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(reason !== '')(`beside nats-server${reason}`, () => {
  let reference: Reference;
  beforeAll(async () => {
    reference = await startReference();
  });
  afterAll(() => reference.close());

  /** Keys in order, each with the type of its value. */
  const shape = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return typeof value;
    return Object.entries(value).map(([key, inner]) => [key, shape(inner)]);
  };

  test('/varz has the same keys in the same order with the same types', async () => {
    const theirs = JSON.parse((await ask(reference.monitorUrl, '/varz')).body);
    // Switches of JetStream: there is none here.
    theirs.feature_flags = {};
    expect(shape(await varz())).toEqual(shape(theirs));
  });

  test.each([
    ['GET', '/varz/'],
    ['GET', '//varz'],
    ['GET', '//varz?a=<b>'],
    ['GET', '/./varz?a=b'],
    ['GET', '/x/../healthz'],
    ['GET', '//'],
    ['GET', '//other.example/x/..'],
    ['POST', '//varz'],
    ['GET', '/nowhere'],
    ['GET', '/VARZ'],
    ['GET', '/varz%2f'],
    ['GET', '/index.html'],
    ['GET', '/favicon.ico'],
    ['GET', '/healthz'],
    ['POST', '/healthz'],
    ['HEAD', '/healthz'],
    ['GET', '/%68ealthz'],
    ['GET', '/healthz?'],
    ['GET', '/healthz?details=t&js-meta-only=0'],
    ['GET', '/healthz?js-enabled-only=x'],
    ['GET', '/healthz?js-server-only=yes'],
    ['GET', '/healthz?details=2'],
    ['GET', '/healthz?stream=s'],
    ['GET', '/healthz?consumer=c'],
    ['GET', '/healthz?consumer=c&account=a'],
    ['GET', '/healthz?stream=s&details=true'],
  ])('%s %s is answered alike', async (method, path) => {
    const kept = [
      'content-type',
      'location',
      'access-control-allow-origin',
      'x-content-type-options',
    ];
    const [ours, theirs] = await Promise.all(
      [url, reference.monitorUrl].map(async (base) => {
        const { status, headers, body } = await ask(base, path, method);
        return { status, body, headers: kept.map((name) => [name, headers[name]]) };
      }),
    );
    expect(ours).toEqual(theirs);
  });
});
