// The server under test and nats-server, both with JetStream and the same limits, and a connection to each.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll } from 'vitest';
import { type Server, startServer } from './server.ts';
import { type Found, pathOf } from './tools.ts';

export interface JetStreamPair {
  /** Ours, theirs; there are none before the tests begin. */
  readonly connections: NatsConnection[];
}

/** Starts both before the tests of the suite at hand, and ends them after. */
export function openPair(reference: Found): JetStreamPair {
  const servers: Server[] = [];
  const connections: NatsConnection[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jetstream-'));
    for (const executable of [undefined, pathOf(reference)]) {
      const config = join(folder, `${servers.length}.conf`);
      const store = join(folder, `store${servers.length}`);
      const limits = 'max_memory_store: 1GB, max_file_store: 1GB';
      writeFileSync(config, `jetstream { store_dir: "${store}", ${limits} }\n`);
      const server = await startServer({
        ...(executable !== undefined && { executable }),
        args: ['-c', config],
      });
      servers.push(server);
      connections.push(await connect({ servers: server.url }));
    }
  });

  afterAll(async () => {
    for (const connection of connections) await connection.close();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  return { connections };
}
