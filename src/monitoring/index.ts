// The monitoring listener: which endpoints there are. It reads snapshots that it is given and changes nothing.
import { createHttpServer, type HttpServer } from '../net/http.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION, VERSION } from '../shared/version.ts';
import { gatewayz, leafz, routez } from './absent.ts';
import { accountz, accstatz } from './accounts.ts';
import { connz, connzOptions } from './connz.ts';
import { healthz } from './healthz.ts';
import { jsz } from './jsz.ts';
import { indexPage, type PageLink } from './page.ts';
import { dispatch, type Endpoint, jsonResponse, pageResponse } from './routes.ts';
import type { MonitoringSource } from './source.ts';
import { subsz } from './subsz.ts';
import { varz } from './varz.ts';

export type { MonitoredAccount, MonitoringSource, Subscriber } from './source.ts';
export type { ProcessUsage, ServerCounters, ServerFacts } from './varz.ts';

interface MonitoringOptions {
  readonly host: string;
  /** 0 is a free port. */
  readonly port: number;
  /** See Routes. */
  readonly basePath?: string;
  readonly hosts?: readonly string[] | undefined;
  /** See HttpServerOptions. */
  readonly descriptorMax?: number;
  readonly source: MonitoringSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LINKS: readonly PageLink[] = [
  { path: '/varz', title: 'General', text: 'Configuration, counters and load' },
  { path: '/connz', title: 'Connections', text: 'Who is connected, and who was' },
  { path: '/subsz', title: 'Subscriptions', text: 'Who is interested in what' },
  { path: '/accountz', title: 'Accounts', text: 'Which there are, and one in detail' },
  { path: '/accstatz', title: 'Account statistics', text: 'What has gone through each' },
  { path: '/leafz', title: 'Leaf nodes', text: 'None yet' },
  { path: '/routez', title: 'Routes', text: 'None: a server stands alone' },
  { path: '/gatewayz', title: 'Gateways', text: 'None: a server stands alone' },
  { path: '/jsz', title: 'JetStream', text: 'Streams and consumers, and what they hold' },
  { path: '/healthz', title: 'Health probe', text: 'Whether clients can be served' },
];

/** Listens for HTTP; rejects with the system's error when it cannot. */
export function createMonitoring(options: MonitoringOptions): Promise<HttpServer> {
  const { host, port, basePath = '', hosts, descriptorMax, clock, logger } = options;
  const counts = new Map<string, number>();
  const endpoints = endpointsOf(options, counts);
  return createHttpServer({
    host,
    port,
    clock,
    ...(descriptorMax === undefined ? {} : { descriptorMax }),
    handler: (request) => dispatch(request, { endpoints, basePath, hosts }, counts),
    onError: (error) => logger.error(`Error answering a monitoring request: ${String(error)}`),
  });
}

function endpointsOf(
  { source, clock, logger, basePath = '' }: MonitoringOptions,
  counts: ReadonlyMap<string, number>,
): Map<string, Endpoint> {
  type Document = (source: MonitoringSource, query: URLSearchParams, nowMs: number) => object;
  const whole =
    (document: Document): Endpoint =>
    (query) =>
      jsonResponse(200, document(source, query, clock.now()));
  const subscriptions: Endpoint = (query) => {
    const { pieces, isHeavy } = subsz(source, query, clock.now());
    return pageResponse(pieces, isHeavy);
  };
  return new Map<string, Endpoint>([
    ['/', () => page(source, basePath)],
    ['/varz', () => jsonResponse(200, varz(source, clock.now(), counts))],
    ['/connz', (query) => pageResponse(connz(source, connzOptions(query), clock.now(), 2))],
    ['/subsz', subscriptions],
    ['/subscriptionsz', subscriptions],
    ['/accountz', whole(accountz)],
    ['/accstatz', whole(accstatz)],
    ['/leafz', whole(leafz)],
    ['/routez', whole(routez)],
    ['/gatewayz', whole(gatewayz)],
    ['/jsz', (query) => pageResponse(jsz(source, query, clock.now()))],
    ['/healthz', (query) => healthz(query, source, logger)],
  ]);
}

function page({ facts }: MonitoringSource, basePath: string): ReturnType<Endpoint> {
  const shown: [string, string][] = [
    ['Name', facts.serverName],
    // An unnamed server is named by its id.
    ...(facts.serverId === facts.serverName ? [] : [['Id', facts.serverId] as [string, string]]),
    ['Version', `${VERSION}, as nats-server ${ANNOUNCED_VERSION}`],
    ['Clients', `${facts.host}:${facts.port}`],
  ];
  // Seen from the page, so that they lead there also where a proxy has taken something off the path.
  const here = basePath.slice(basePath.lastIndexOf('/') + 1);
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: indexPage(facts.serverName, shown, LINKS, here === '' ? '.' : `./${here}`),
  };
}
