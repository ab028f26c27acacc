// One program, on a NATS server and in one process: its import decides, and its output is the same.
import { beforeAll, expect, it } from 'vitest';
import { startServer } from '../../src/testing/index.ts';
import { buildPackage } from '../readme/program.ts';
import { runInProcess, runOverTcp } from '../support/one-import.ts';

beforeAll(buildPackage, 120_000);

it('a program of strings and bytes says the same over TCP and, by another import, in one process', async () => {
  const server = await startServer();
  try {
    const remote = await runOverTcp(server.url);
    expect(remote).toMatchObject({ status: 0, stderr: '' });
    expect(remote.stdout.split('\n').length).toBeGreaterThan(40);
    expect(await runInProcess()).toEqual(remote);
  } finally {
    await server.close();
  }
}, 60_000);
