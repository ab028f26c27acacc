// The servers that transcripts are played against. One server is started for each set of options
// and used by all cases that ask for it.

import { get } from 'node:http';
import { startReference } from '../reference.ts';
import type { Address } from './play.ts';

export interface TargetServer extends Address {
  /** Resolves when the server has forgotten the peers of the last play. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

type Options = Readonly<Record<string, string>>;

/** Starts servers on demand and keeps them until `close`. */
export class TargetPool {
  readonly #start: (options: Options) => Promise<TargetServer>;
  readonly #servers = new Map<string, Promise<TargetServer>>();

  constructor(start: (options: Options) => Promise<TargetServer>) {
    this.#start = start;
  }

  /** The server with these options, started when it is asked for the first time. */
  server(options: Options): Promise<TargetServer> {
    const key = JSON.stringify(Object.entries(options).sort());
    const server = this.#servers.get(key) ?? this.#start(options);
    this.#servers.set(key, server);
    return server;
  }

  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#servers.values());
    this.#servers.clear();
    await Promise.all(
      started.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)),
    );
  }
}

/** Option names of a transcript are those of the configuration file; a dot enters a block. */
export function configText(options: Options): string {
  return Object.entries(options)
    .map(([key, value]) => {
      const path = key.split('.');
      const name = path.pop();
      return `${path.map((block) => `${block} { `).join('')}${name}: ${value}${' }'.repeat(path.length)}`;
    })
    .join('\n');
}

export async function startReferenceTarget(options: Options): Promise<TargetServer> {
  const server = await startReference(configText(options));
  const count = async (path: string, key: string): Promise<number> =>
    Number((await getJson(`${server.monitorUrl}${path}`))[key]);
  const subscriptionCount = await count('/subsz', 'num_subscriptions');
  return {
    host: server.host,
    port: server.port,
    idle: async () => {
      // It forgets a peer a moment after it has closed the socket; each question is a round trip.
      while ((await count('/connz', 'num_connections')) > 0);
      while ((await count('/subsz', 'num_subscriptions')) > subscriptionCount);
    },
    close: () => server.close(),
  };
}

function getJson(url: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve(JSON.parse(text)));
      response.once('error', reject);
    }).once('error', reject);
  });
}
