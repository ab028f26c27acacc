// The programs of official clients that use streams, buckets and objects, on streams in files, with a server that is
// restarted in their middle: they go on, and print on this server what they print on nats-server. Each has servers of its
// own, since clients wait for long until they see that a consumer is gone.
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { restartingText, STORES, STREAMS } from '../support/one-import-jetstream.ts';
import { titled } from './clients.ts';
import { interopDir } from './paths.ts';
import { type Run, runRestarting, withModule } from './restarting.ts';
import { RESTARTS, StoredServer } from './stored-server.ts';
import { missing, pathOf } from './tools.ts';

const { goPeer, python, reference } = inject('tools');
const NAMES = ['streams', 'stores', 'push'];
/** A client may need some time to see that a consumer of its own is gone. */
const TEST_TIMEOUT_MS = 260_000;

describe.skipIf(missing(reference) !== undefined).each(RESTARTS)(
  titled('programs with streams in files and %s in the middle', missing(reference)),
  (how) => {
    async function agrees(command: string, args: readonly string[]): Promise<void> {
      const servers = [undefined, pathOf(reference)].map((path) => StoredServer.start(path));
      const runs = servers.map(async (starting): Promise<Run> => {
        const server = await starting;
        try {
          return await runRestarting(command, args, server, how);
        } finally {
          await server.close();
        }
      });
      const [mine, expected] = await Promise.all(runs);
      expect(expected?.code, expected?.output).toBe(0);
      expect(mine).toEqual(expected);
      expect(mine?.restarts).toBeGreaterThan(1);
    }

    const node = (program: string, transport: string, module?: string): Promise<void> =>
      withModule(restartingText(program, transport, module), (path) =>
        agrees(process.execPath, [path]),
      );

    test.concurrent.each([STREAMS, STORES])(
      'nats.js 3, %s',
      (program) => node(program, '@nats-io/transport-node'),
      TEST_TIMEOUT_MS,
    );

    test.concurrent.each([STREAMS, STORES])(
      'nats.js 2, %s',
      (program) => node(program, 'nats', join(interopDir, 'nats-v2.mjs')),
      TEST_TIMEOUT_MS,
    );

    test.skipIf(missing(goPeer) !== undefined).concurrent.each(NAMES)(
      titled('nats.go, %s', missing(goPeer)),
      (name) => agrees(pathOf(goPeer), [name]),
      TEST_TIMEOUT_MS,
    );

    test.skipIf(missing(python) !== undefined).concurrent.each(NAMES)(
      titled('nats-py, %s', missing(python)),
      (name) => agrees(pathOf(python), [join(interopDir, 'python', `${name}.py`)]),
      TEST_TIMEOUT_MS,
    );
  },
);
