// The server under test and nats-server, both with JetStream and the same limits, and a connection to each.
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll } from 'vitest';
import { type Restart, StoredServer } from './stored-server.ts';
import { type Found, pathOf } from './tools.ts';

const LIMITS = ['max_memory_store: 1GB', 'max_file_store: 1GB'];
const AGAIN_MS = 1000;

export interface JetStreamPair {
  /** Ours, theirs; there are none before the tests begin. */
  readonly connections: NatsConnection[];
  /** Restarts both; the connections are there again when it resolves. */
  restart(how: Restart): Promise<void>;
}

/** Starts both before the tests of the suite at hand, and ends them after. */
export function openPair(reference: Found): JetStreamPair {
  const servers: StoredServer[] = [];
  const connections: NatsConnection[] = [];

  beforeAll(async () => {
    for (const executable of [undefined, pathOf(reference)]) {
      const server = await StoredServer.start(executable, LIMITS);
      servers.push(server);
      const again = { reconnectTimeWait: 20, maxReconnectAttempts: -1 };
      connections.push(await connect({ servers: server.url, ...again }));
    }
  });

  afterAll(async () => {
    for (const connection of connections) await connection.close();
    for (const server of servers) await server.close();
  });

  return {
    connections,
    restart: async (how) => {
      await Promise.all(servers.map((server) => server.restart(how)));
      await Promise.all(connections.map(isThereAgain));
    },
  };
}

async function isThereAgain(connection: NatsConnection): Promise<void> {
  const timeout = AGAIN_MS;
  const asked = (): Promise<unknown> =>
    connection.request('$JS.API.INFO', '', { timeout }).catch(() => undefined);
  while ((await asked()) === undefined);
}
