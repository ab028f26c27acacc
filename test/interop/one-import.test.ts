// The program of test/bus/one-import.test.ts against nats-server itself.
import { expect, inject, test } from 'vitest';
import { runInProcess, runOverTcp } from '../support/one-import.ts';
import { titled } from './clients.ts';
import { startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);

test.skipIf(reason !== undefined)(
  titled('one program on nats-server and, by another import, in one process', reason),
  async () => {
    const server = await startServer({ executable: pathOf(reference) });
    try {
      const remote = await runOverTcp(server.url);
      expect(remote).toMatchObject({ status: 0, stderr: '' });
      expect(await runInProcess()).toEqual(remote);
    } finally {
      await server.close();
    }
  },
);
