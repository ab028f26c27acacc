// What a signal does that comes before the server is there. Nothing is sent: Node's events are emitted.
import { afterEach, expect, test } from 'vitest';
import type { Logging } from '../../src/cli/logging.ts';
import type { Reloads } from '../../src/cli/reload.ts';
import { handleSignals } from '../../src/cli/signals.ts';
import type { Server } from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';

const NAMES = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGQUIT'] as const;
const before = new Map(NAMES.map((name) => [name, process.listeners(name)]));

afterEach(() => {
  for (const [name, listeners] of before) {
    for (const each of process.listeners(name)) {
      if (!listeners.includes(each)) process.off(name, each);
    }
  }
});

test('a reload that is asked for before the server is there waits for it, and says so', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const logger = createLogger({ write, hasTime: false, now: () => 0 });
  let isThere = (_server: Server): void => {};
  const starting = new Promise<Server>((resolve) => {
    isThere = resolve;
  });
  const reloaded: unknown[] = [];
  const reloads = { reload: async (server: Server) => void reloaded.push(server) };
  handleSignals({
    starting,
    logging: { logger } as Logging,
    reloads: reloads as unknown as Reloads,
    exit: () => {},
  });
  process.emit('SIGHUP');
  expect(lines).toEqual([
    '[INF] Trapped "hangup" signal',
    '[INF] Server is still starting, config reload will run once startup completes',
  ]);
  expect(reloaded).toEqual([]);
  const server = {} as Server;
  isThere(server);
  await starting;
  await expect.poll(() => reloaded).toEqual([server]);
  process.emit('SIGHUP');
  await expect.poll(() => reloaded).toEqual([server, server]);
  expect(lines.slice(2)).toEqual(['[INF] Trapped "hangup" signal']);
});
