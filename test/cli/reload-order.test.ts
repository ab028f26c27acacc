// A reload of the command is one thing with its log: both take what a file says, or neither does.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Configured, configure } from '../../src/cli/configure.ts';
import { loggingOptions, openLogging } from '../../src/cli/logging.ts';
import { Reloads } from '../../src/cli/reload.ts';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('reload-order');

/** A server that runs from a file whose log is one file, and the next text of the file, which names another. */
async function running() {
  const logs = ['old.log', 'new.log'].map((name) => join(scratch.folder, name));
  const [before, after] = logs.map((log) => `listen: "127.0.0.1:-1"\nlog_file: "${log}"\n`);
  const configFile = scratch.write(before as string);
  const flags = { configFile };
  const configured = (await configure(flags)) as Configured;
  const logging = openLogging(loggingOptions(configured.values));
  scratch.ends.push(() => logging.sink.close());
  const bus = createBus();
  scratch.ends.push(() => bus.close());
  const { logger } = logging;
  const executableName = 'nats-server';
  const server = await serve(bus, { host: '127.0.0.1', port: 0, executableName, logger });
  scratch.ends.push(() => server.close());
  const reload = (text: string): Promise<void> => {
    writeFileSync(configFile, text);
    return reloads.reload(server);
  };
  const reloads = new Reloads(flags, logging, configured);
  const lines = (index: number): string[] => {
    const path = logs[index] as string;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text.match(/Reloaded.*|Failed to reload.*|said now/g) ?? [];
  };
  return { server, logger, reload, after: after as string, lines };
}

test('the log says what changes where it was, and that it has changed where it is', async () => {
  const { reload, after, lines } = await running();
  await reload(`${after}max_payload: 1000\nserver_tags: a`);
  expect(lines(0).map((line) => line.replace(/= \/.*/, '= …'))).toEqual([
    'Reloaded: authorization users',
    'Reloaded: accounts',
    'Reloaded: max_payload = 1000',
    'Reloaded: log_file = …',
    'Reloaded: tags',
  ]);
  expect(lines(1)).toEqual([expect.stringMatching(/^Reloaded server configuration \(sha256:/)]);
});

test('what a server does not take leaves its log as it was, and another time it may be', async () => {
  const { server, logger, reload, after, lines } = await running();
  const { reload: take } = server;
  server.reload = () => Promise.reject(new Error('the server is closed'));
  await reload(after);
  logger.info('said now');
  expect([lines(0), lines(1)]).toEqual([
    ['Failed to reload server configuration: the server is closed', 'said now'],
    [],
  ]);
  server.reload = take;
  await reload(after);
  expect(lines(0).at(-1)).toMatch(/^Reloaded: log_file = /);
  expect(lines(1)).toHaveLength(1);
});
