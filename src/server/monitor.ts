// Starts monitoring for a server and gives it what it may see: facts that stay and counters of the moment.
// The module is loaded only when the options name it.
import type { Bridge } from '../bridge/bridge.ts';
import type { BusInternals } from '../bus/internals.ts';
import { peersOf } from '../core/index.ts';
import type { ServerCounters, ServerFacts } from '../monitoring/index.ts';
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

interface MonitoredServer {
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
  readonly isReady: () => boolean;
}

/** Listens for HTTP; rejects with the system's error. */
export async function startMonitoring(server: MonitoredServer): Promise<MonitoringHandle> {
  const settings = server.settings();
  const { createMonitoring } = await import('../monitoring/index.ts');
  const meter = new UsageMeter(settings.clock);
  const { host = '', port = 0, configuredPort = 0 } = settings.monitoring ?? {};
  return createMonitoring({
    host,
    port,
    // Whoever asks how it goes is answered when clients are not let in any more.
    descriptorMax: descriptorMax() - LAST_DESCRIPTORS,
    clock: settings.clock,
    logger: settings.logger,
    source: {
      get facts(): ServerFacts {
        const settings = server.settings();
        return {
          serverId: server.serverId,
          serverName: server.serverName,
          runtime: RUNTIME,
          host: settings.host,
          port: server.bridge()?.port ?? settings.port,
          limits: settings.limits,
          isAuthRequired: settings.authorization?.isAsked === true,
          authTimeoutMs: settings.authTimeoutMs,
          httpHost: host,
          httpPort: configuredPort,
          startMs: server.startMs,
          configuredMs: server.configuredMs(),
          cores: coreCount(),
          tags: settings.serverTags,
          metadata: settings.serverMetadata,
          configDigest: settings.configuration?.digest ?? '',
        };
      },
      counters: () => counters(server),
      usage: () => meter.read(),
      problem: () => problem(server),
    },
  });
}

function problem({ isReady, internals }: MonitoredServer): string | undefined {
  // The text that nats-server has for a listener that is not there.
  if (!isReady()) return 'failed to be ready for connections after 1ms: server';
  const { sessions } = peersOf(internals.core);
  return sessions.hasRoom ? undefined : 'no memory for connections and subscriptions';
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
