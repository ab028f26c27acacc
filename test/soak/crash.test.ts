// A server with streams on disk is killed at random moments, again and again, while official clients publish, work off
// queues, create keys, purge and delete. Whatever it had acknowledged is so when it is there again.
//
// CRASH_ROUNDS says how often, CRASH_SEED at which moments, CRASH_SERVER which executable instead of ours.
import { describe, expect, test } from 'vitest';
import { StoredServer } from '../interop/stored-server.ts';
import { useCommand } from '../support/command.ts';
import { CRASH_SEED, crashRounds } from '../support/killed.ts';
import { everybody } from './crash/everybody.ts';
import { Crowd } from './crash/rounds.ts';

/** Of both kinds together. */
const ROUNDS = crashRounds(100);
const KINDS = [
  ['when what is written is synced later', []],
  ['when all is synced before it is acknowledged', ['sync_interval: always']],
] as const;

describe('a server that is killed at random moments', () => {
  const command = useCommand();

  test.each(KINDS)(
    'has all that it has acknowledged, %s',
    async (_, options) => {
      const server = await StoredServer.start(process.env.CRASH_SERVER || command.path, options);
      let crowd: Crowd | undefined;
      try {
        crowd = await Crowd.at(server.url, {
          seed: CRASH_SEED,
          assemble: everybody,
          awaited: ['PLAIN', 'DEDUP', 'JOBS'],
        });
        const rounds = Math.ceil(ROUNDS / KINDS.length);
        for (let i = 0; i < rounds; i++) await crowd.round(server);
        await crowd.finish();
        await crowd.check();
      } finally {
        console.log(crowd?.told(), [...new Set(server.warnings)]);
        await crowd?.close();
        await server.close();
      }
      const { PLAIN, DEDUP, JOBS } = crowd.told();
      for (const told of [PLAIN, DEDUP, JOBS]) expect(told?.acked).toBeGreaterThan(0);
    },
    60_000 + ROUNDS * 10_000,
  );
});
