// The official clients that these tests know.
import { inject } from 'vitest';
import { nodeV2, nodeV3 } from './node-peer.ts';
import { interopDir } from './paths.ts';
import type { Client } from './peer.ts';
import { connectProcess } from './process-peer.ts';
import type { Server } from './server.ts';
import { type Found, missing, pathOf } from './tools.ts';

/** All of them; the ones of other languages may be missing here. */
export function officialClients(): Client[] {
  const { python, goPeer, consumer } = inject('tools');
  return [
    nodeV2(consumer),
    nodeV3,
    processClient('nats-py', python, [`${interopDir}python/peer.py`], false),
    processClient('nats.go', goPeer, [], true),
  ];
}

function processClient(
  title: string,
  found: Found,
  args: readonly string[],
  repeatsHeaders: boolean,
): Client {
  return {
    title,
    missing: missing(found),
    missingByWebSocket: undefined,
    repeatsHeaders,
    connect: (urls, name) => connectProcess([pathOf(found), ...args], urls, name),
  };
}

/** How a client may come, and what of a server it dials then. */
export const WAYS: readonly (readonly [
  way: string,
  urlOf: (server: Server) => string,
  missing: (client: Client) => string | undefined,
])[] = [
  ['TCP', ({ url }) => url, ({ missing }) => missing],
  [
    'WebSocket',
    ({ websocketUrl }) => websocketUrl,
    ({ missing, missingByWebSocket }) => missing ?? missingByWebSocket,
  ],
];

/** With the listener for WebSocket of a configuration file. */
export const WEBSOCKET = 'websocket { listen: "127.0.0.1:-1", no_tls: true }';

/** The title of tests for something that may be missing, with the reason. */
export function titled(title: string, reason: string | undefined): string {
  return reason === undefined ? title : `${title} [${reason}]`;
}
