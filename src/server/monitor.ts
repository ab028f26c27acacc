// Starts monitoring for a server and gives it what it may see: facts that stay and counters of the moment.
// The module is loaded only when the options name it.
import type { Bridge } from '../bridge/bridge.ts';
import type { BusInternals } from '../bus/internals.ts';
import { ProgramSide } from '../bus/program-side.ts';
import { type Core, peersOf, type SessionSubscription } from '../core/index.ts';
import { jetStreamsOf } from '../jetstream/enabled.ts';
import type { JetStreamSnapshot } from '../jetstream/jetstream.ts';
import type {
  MonitoringSource,
  ServerCounters,
  ServerFacts,
  Subscriber,
} from '../monitoring/index.ts';
import { type Answers, REQUESTS, serveRequests } from '../system/index.ts';
import type { ServerSettings } from './options.ts';
import { coreCount, descriptorMax, UsageMeter } from './process-usage.ts';

/** What is told under the key `go`, which clients insist on. */
export const RUNTIME: string = `node${process.versions.node}`;

/** Descriptors that are left for the program. */
const LAST_DESCRIPTORS = 16;

export interface MonitoringHandle {
  readonly port: number;
  close(): Promise<void>;
}

export interface MonitoredServer {
  readonly internals: BusInternals;
  /** As they are now. */
  readonly settings: () => ServerSettings;
  /** When they were made. */
  readonly configuredMs: () => number;
  readonly serverId: string;
  readonly serverName: string;
  readonly startMs: number;
  /** Undefined until clients are listened for. */
  readonly bridge: () => Bridge | undefined;
  /** Undefined unless it is listened on. */
  readonly leafnodesPort: () => number | undefined;
  readonly websocketPort: () => number | undefined;
  readonly isReady: () => boolean;
  /** Of the servers of its account it is the one that answers for all of them. */
  readonly isFirst: () => boolean;
}

/** Listens for HTTP; rejects with the system's error. */
export async function startMonitoring(server: MonitoredServer): Promise<MonitoringHandle> {
  const settings = server.settings();
  const { createMonitoring } = await import('../monitoring/index.ts');
  const { host = '', port = 0, basePath = '', hosts } = settings.monitoring ?? {};
  return createMonitoring({
    host,
    port,
    basePath,
    hosts,
    // Whoever asks how it goes is answered when clients are not let in any more.
    descriptorMax: descriptorMax() - LAST_DESCRIPTORS,
    clock: settings.clock,
    logger: settings.logger,
    source: monitoringSource(server),
  });
}

/** Answers what anybody may ask the system for; it loads what makes the answers when somebody does. */
export function startRequests(server: MonitoredServer): { close(): void } {
  const { internals } = server;
  const { clock, logger } = server.settings();
  const load = async (): Promise<Answers> => {
    const { answersOf } = await import('../monitoring/requests.ts');
    const sessionOf = (cid: number): { readonly shownUser: string } | undefined =>
      server.bridge()?.sessionOf(cid);
    return answersOf(monitoringSource(server), { sessionOf, isFirst: server.isFirst }, clock);
  };
  return serveRequests({ internals, load, clock, logger });
}

/** What monitoring may see of a server. */
function monitoringSource(server: MonitoredServer): MonitoringSource {
  const { internals } = server;
  const meter = new UsageMeter(server.settings().clock);
  const { engine, core } = internals;
  return {
    get facts(): ServerFacts {
      return facts(server);
    },
    counters: () => counters(server),
    usage: () => meter.read(),
    problem: () => problem(server),
    accounts: () =>
      engine.accounts().map((account) => ({
        name: account.name,
        counts: () => account.counts(),
        sublist: () => peersOf(core).sublist(account.handle),
      })),
    jetstream: () => jetstream(internals),
    connections: () => server.bridge()?.openSessions() ?? [],
    endedConnections: () => server.bridge()?.endedConnections() ?? [],
    subscribers: () => subscribers(server),
  };
}

/** Of all accounts together, with the settings of the first. */
function jetstream(internals: BusInternals): JetStreamSnapshot | undefined {
  const [first, ...others] = jetStreamsOf(internals).map((each) => each.snapshot());
  if (first === undefined || others.length === 0) return first;
  const all = [first, ...others];
  const sum = (of: (snapshot: JetStreamSnapshot) => number): number =>
    all.reduce((total, snapshot) => total + of(snapshot), 0);
  return {
    ...first,
    memoryUsed: sum(({ memoryUsed }) => memoryUsed),
    memoryReserved: sum(({ memoryReserved }) => memoryReserved),
    fileUsed: sum(({ fileUsed }) => fileUsed),
    fileReserved: sum(({ fileReserved }) => fileReserved),
    accounts: all.flatMap(({ accounts }) => accounts),
  };
}

function facts(server: MonitoredServer): ServerFacts {
  const settings = server.settings();
  const { host = '', configuredPort = 0, basePath = '' } = settings.monitoring ?? {};
  const leafPort = server.leafnodesPort();
  const webSocketPort = server.websocketPort();
  const { leafnodes, websocket } = settings;
  return {
    serverId: server.serverId,
    serverName: server.serverName,
    version: server.internals.engine.server.version,
    runtime: RUNTIME,
    host: settings.advertised?.host ?? settings.host,
    port: settings.advertised?.port ?? server.bridge()?.port ?? settings.port,
    limits: settings.limits,
    isAuthRequired: settings.authorization?.isAsked === true,
    authTimeoutMs: settings.authTimeoutMs,
    httpHost: host,
    httpPort: configuredPort,
    httpBasePath: basePath,
    startMs: server.startMs,
    loadedMs: server.configuredMs(),
    cores: coreCount(),
    tags: settings.serverTags,
    metadata: settings.serverMetadata,
    configDigest: settings.configuration?.digest ?? '',
    writeTimeout: settings.configuration?.others?.WriteTimeout ?? '',
    leafnodes:
      leafnodes === undefined || leafPort === undefined
        ? undefined
        : { host: leafnodes.host, port: leafPort },
    websocket:
      websocket === undefined || webSocketPort === undefined
        ? undefined
        : { ...websocket, port: webSocketPort },
    serviceImports: REQUESTS,
  };
}

/** Those of this process first, by account; then connections of all servers of the bus, in the order of their cids. */
function* subscribers({ internals, bridge }: MonitoredServer): Generator<Subscriber, void> {
  for (const account of internals.engine.accounts()) {
    const sides = [...account.sides].filter((side) => side instanceof ProgramSide);
    for (const side of sides) yield new ProgramSubscriber(internals.core, side);
  }
  yield* bridge()?.allSessions() ?? [];
}

class ProgramSubscriber implements Subscriber {
  readonly cid = 0;
  readonly account: { readonly name: string };
  readonly #core: Core;
  readonly #side: ProgramSide;

  constructor(core: Core, side: ProgramSide) {
    this.account = side.account;
    this.#core = core;
    this.#side = side;
  }

  get subscriptionCount(): number {
    return this.#side.subscriptions.size + this.#side.raws.size;
  }

  *subscriptions(): Generator<SessionSubscription, void> {
    for (const each of this.#side.subscriptions) {
      const { subject, queue, sid } = each;
      const [delivered, max = 0] = [each.getReceived(), each.getMax()];
      yield { subject, queue, sid: String(sid), delivered, max };
    }
    for (const { subject, sid, handle } of this.#side.raws) {
      const delivered = this.#core.delivered(handle);
      yield { subject, queue: undefined, sid: String(sid), delivered, max: 0 };
    }
  }
}

function problem({ isReady, internals }: MonitoredServer): string | undefined {
  // The text that nats-server has for a listener that is not there.
  if (!isReady()) return 'failed to be ready for connections after 1ms: server';
  return peersOf(internals.core).sessions.hasRoom
    ? undefined
    : 'no memory for connections and subscriptions';
}

function counters({ internals, bridge }: MonitoredServer): ServerCounters {
  const { core } = internals;
  const stats = bridge()?.stats;
  return {
    ...core.accounts.traffic(),
    connections: stats?.openConnections ?? 0,
    connectionsTotal: stats?.totalConnections ?? 0,
    subscriptions: core.live().subscriptions,
    slowConsumers: stats?.slowConsumers ?? 0,
    staleConnections: stats?.staleConnections ?? 0,
    stalledClients: stats?.stalledClients ?? 0,
  };
}
