// The monitoring listener: which endpoints there are. It reads snapshots that it is given and changes nothing.
import { createHttpServer, type HttpServer } from '../net/http.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION, VERSION } from '../shared/version.ts';
import { healthz } from './healthz.ts';
import { indexPage, type PageLink } from './page.ts';
import { dispatch, type Endpoint, jsonResponse } from './routes.ts';
import { type VarzSource, varz } from './varz.ts';

export type { ProcessUsage, ServerCounters, ServerFacts } from './varz.ts';

/** What monitoring may ask the server for. */
export interface MonitoringSource extends VarzSource {
  /** Why the server cannot serve now; undefined when it can. */
  problem(): string | undefined;
}

interface MonitoringOptions {
  readonly host: string;
  /** 0 is a free port. */
  readonly port: number;
  /** See HttpServerOptions. */
  readonly descriptorMax?: number;
  readonly source: MonitoringSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LINKS: readonly PageLink[] = [
  { path: '/varz', title: 'General', text: 'Configuration, counters and load' },
  { path: '/healthz', title: 'Health probe', text: 'Whether clients can be served' },
];

/** Listens for HTTP; rejects with the system's error when it cannot. */
export function createMonitoring(options: MonitoringOptions): Promise<HttpServer> {
  const { host, port, descriptorMax, source, clock, logger } = options;
  const counts = new Map<string, number>();
  const endpoints = new Map<string, Endpoint>([
    ['/', () => page(source)],
    ['/varz', () => jsonResponse(200, varz(source, clock.now(), counts))],
    ['/healthz', (query) => healthz(query, source.problem(), logger)],
  ]);
  return createHttpServer({
    host,
    port,
    clock,
    ...(descriptorMax === undefined ? {} : { descriptorMax }),
    handler: (request) => dispatch(request, endpoints, counts),
    onError: (error) => logger.error(`Error answering a monitoring request: ${String(error)}`),
  });
}

function page({ facts }: MonitoringSource): ReturnType<Endpoint> {
  const shown: [string, string][] = [
    ['Name', facts.serverName],
    // An unnamed server is named by its id.
    ...(facts.serverId === facts.serverName ? [] : [['Id', facts.serverId] as [string, string]]),
    ['Version', `${VERSION}, as nats-server ${ANNOUNCED_VERSION}`],
    ['Clients', `${facts.host}:${facts.port}`],
  ];
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: indexPage(facts.serverName, shown, LINKS),
  };
}
