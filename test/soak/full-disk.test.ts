// The disk of a server becomes full again and again while official clients publish, work off a queue, purge, delete and
// change things, and the server is killed meanwhile. What was acknowledged is so afterwards, what was refused may be either,
// and whenever there is room again everybody gets on.
//
// CRASH_ROUNDS says how often, CRASH_SEED at which moments, CRASH_SERVER which executable instead of ours.
import { describe, expect, test } from 'vitest';
import { titled } from '../interop/clients.ts';
import { StoredServer } from '../interop/stored-server.ts';
import { useCommand } from '../support/command.ts';
import { CRASH_SEED, crashRounds } from '../support/killed.ts';
import { randomOf } from '../support/sim-disk.ts';
import type { Actor } from './crash/actor.ts';
import { changing } from './crash/changing.ts';
import { deduplicated, lastOfEach, ofFewBytes, plain } from './crash/publishing.ts';
import { queue } from './crash/queues.ts';
import { Crowd, type Hands } from './crash/rounds.ts';
import { SmallDisk } from './crash/small-disk.ts';

const ROUNDS = crashRounds(6);
const SIZE = '24m';
/** Otherwise it is what is free at a start. */
const BOUND = 'max_file: 1GB';
/** What may be left of a full disk. */
const LEFT_MOST = 65_536;
const FULL_MS_MOST = 150;
/** One after the other: behind what was refused nothing is stored. */
const ALONE = { batch: 1, ackMs: 300 };
const REFUSAL = /no space left on device|was not confirmed/;

async function assemble({ means }: Hands): Promise<Map<string, Actor>> {
  const own = await means(0);
  const others = [await means(0), await means(1)];
  const { publisher, workers } = await queue({ own, others }, 'JOBS', 'workqueue', ALONE);
  return new Map([
    ['PLAIN', await plain(await means(0), 'PLAIN')],
    ['DEDUP', await deduplicated(await means(1), 'DEDUP', 1)],
    ['LAST', await lastOfEach(await means(0), 'LAST')],
    ['SMALL', await ofFewBytes(await means(1), 'SMALL', true)],
    ['CHANGED', await changing(await means(1), 'CHANGED')],
    ['JOBS', publisher],
    ...workers.map((worker, i): [string, Actor] => [`JOBS.w${i}`, worker]),
  ]);
}

const reason = await SmallDisk.problem();

describe.skipIf(reason !== undefined)(
  titled('a server whose disk is full at times', reason),
  () => {
    const command = useCommand();

    test(
      'keeps what it has acknowledged, and stores again when there is room',
      async () => {
        const random = randomOf(CRASH_SEED + 1);
        const disk = await SmallDisk.open(SIZE);
        const executable = process.env.CRASH_SERVER || command.path;
        const server = await StoredServer.start(executable, [BOUND], disk);
        let crowd: Crowd | undefined;
        const fill = async (): Promise<void> => {
          disk.fill(Math.floor(random() * LEFT_MOST));
          await new Promise((resolve) => setTimeout(resolve, random() * FULL_MS_MOST));
        };
        const load = async (): Promise<void> => {
          for (let times = Math.floor(random() * 3); times > 0; times--) {
            await fill();
            disk.free();
            await crowd?.progress();
          }
          await fill();
          if (random() < 0.5) disk.free();
        };
        try {
          crowd = await Crowd.at(server.url, { seed: CRASH_SEED, assemble, refusal: REFUSAL });
          for (let i = 0; i < ROUNDS; i++) {
            await crowd.round(server, { load, restarted: () => disk.free() });
          }
          await crowd.finish();
          await crowd.check();
          expect(crowd.refused).toBeGreaterThan(0);
        } finally {
          console.log(crowd?.refused, crowd?.told(), [...new Set(server.warnings)]);
          await crowd?.close();
          await server.close();
          await disk.close();
        }
      },
      60_000 + ROUNDS * 20_000,
    );
  },
);
