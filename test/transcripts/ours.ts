// Our server as a target: in this process, so that every piece that a peer writes is a read of its
// own, and on either build of the Wasm.

import { afterAll, describe, test } from 'vitest';
import { startServer } from '../../src/testing/index.ts';
import { byFeature, loadTranscripts } from './load.ts';
import type { Conversation } from './parse.ts';
import { type Address, type Cutting, play, sentBytes } from './play.ts';
import { TargetPool, type TargetServer } from './targets.ts';

/** The options of transcripts that our server has, and their names there. */
const OPTIONS: Readonly<Record<string, string>> = {
  max_payload: 'maxPayload',
  max_control_line: 'maxControlLine',
  max_connections: 'maxConnections',
  max_subscriptions: 'maxSubscriptions',
  max_sub_tokens: 'maxSubTokens',
  max_pending: 'maxPending',
  server_name: 'serverName',
  no_header_support: 'noHeaderSupport',
};

const PIECES: readonly Cutting[] = [1, 2, 3, 5].map((size) => ({ kind: 'pieces', size }));

export interface Build {
  readonly name: string;
  /** Undefined for the build that ships. */
  readonly wasm?: Uint8Array<ArrayBuffer>;
  /** Conversations of at most so many bytes are cut at every position. */
  readonly everyCutBytes: number;
}

/** Declares a test for each case, played whole, in pieces and with a cut at every position. */
export function playTranscripts(build: Build): void {
  const pool = new TargetPool((options) => start(options, build));
  afterAll(() => pool.close());
  describe(build.name, () => {
    for (const [feature, cases] of byFeature(loadTranscripts())) {
      describe(feature, () => {
        for (const { title, conversation } of cases) {
          test(title, async () => {
            const server = await pool.server(conversation.options);
            for (const cutting of cuttings(conversation, build.everyCutBytes)) {
              await play(feature, conversation, server, cutting);
              await server.idle();
            }
          });
        }
      });
    }
  });
}

function cuttings(conversation: Conversation, everyCutBytes: number): Cutting[] {
  const bytes = sentBytes(conversation);
  const positions = bytes <= everyCutBytes ? Math.max(bytes - 1, 0) : 0;
  const cuts = Array.from({ length: positions }, (_, i) => ({
    kind: 'cut' as const,
    position: i + 1,
  }));
  return [{ kind: 'whole' }, ...PIECES, ...cuts];
}

async function start(
  options: Readonly<Record<string, string>>,
  build: Build,
): Promise<TargetServer> {
  const server = await startServer({
    ...Object.fromEntries(Object.entries(options).map(toOption)),
    ...(build.wasm === undefined ? {} : { wasm: build.wasm }),
  });
  const address: Address = { host: '127.0.0.1', port: server.port };
  return {
    ...address,
    idle: async () => {
      while (server.connections().length > 0) await new Promise(setImmediate);
    },
    close: () => server.close(),
  };
}

function toOption([key, value]: [string, string]): [string, unknown] {
  const name = OPTIONS[key];
  if (name === undefined) throw new Error(`our server has no option for ${key}`);
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, /^\d+$/.test(value) ? Number(value) : value];
}
