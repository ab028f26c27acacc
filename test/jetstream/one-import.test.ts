// One program with streams, on a server and in one process: its import decides, and its output is the same.
import { beforeAll, expect, it } from 'vitest';
import { startServer } from '../../src/testing/index.ts';
import { buildPackage } from '../readme/program.ts';
import { runInProcess, runOverTcp } from '../support/one-import-jetstream.ts';

beforeAll(buildPackage, 120_000);

it('a program with streams says the same over TCP and, by another import, in one process', async () => {
  await using server = await startServer({ jetstream: true });
  const remote = await runOverTcp(server.url);
  expect(remote).toMatchObject({ status: 0, stderr: '' });
  expect(remote.stdout.split('\n').length).toBeGreaterThan(25);
  expect(await runInProcess()).toEqual(remote);
}, 60_000);
