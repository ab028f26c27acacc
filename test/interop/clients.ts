// The official clients that these tests know.
import { inject } from 'vitest';
import { nodeV2, nodeV3 } from './node-peer.ts';
import { interopDir } from './paths.ts';
import type { Client } from './peer.ts';
import { connectProcess } from './process-peer.ts';
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

/** The title of tests for something that may be missing, with the reason. */
export function titled(title: string, reason: string | undefined): string {
  return reason === undefined ? title : `${title} [${reason}]`;
}
