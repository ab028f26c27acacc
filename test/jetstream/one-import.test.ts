// Programs with streams, on a server and in one process: their imports decide, and their output is the same.
import { beforeAll, expect, it } from 'vitest';
import { startServer } from '../../src/testing/index.ts';
import { buildPackage } from '../readme/program.ts';
import { runInProcess, runOverTcp, STORES, STREAMS } from '../support/one-import-jetstream.ts';

beforeAll(buildPackage, 120_000);

it.each([STREAMS, STORES])(
  '%s says the same over TCP and, by another import, in one process',
  async (program) => {
    await using server = await startServer({ jetstream: true });
    const remote = await runOverTcp(program, server.url);
    expect(remote).toMatchObject({ status: 0, stderr: '' });
    expect(remote.stdout.split('\n').length).toBeGreaterThan(25);
    expect(await runInProcess(program)).toEqual(remote);
  },
  60_000,
);
