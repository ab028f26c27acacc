// Random programs of pulls, acks, redeliveries and purges, played on the server under test and on nats-server: the same
// arrives in the same order, and both say the same of where they stand. PULL_CASES says how many, PULL_SEED which.
//
// Each side plays by its own clock, and what its server does by itself, as when an ack has not come in time, falls into a
// step: near the end of one it falls into another on a side that was held up. So what differs is played again with longer
// pauses, by which it lies elsewhere; a difference that depends on no clock is there again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { type PullProgram, pullProgram } from './pull-programs.ts';
import { playPulls, type StepRecord } from './pull-sides.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);
const CASES = Number(process.env.PULL_CASES ?? 24);
const SEED = Number(process.env.PULL_SEED ?? 1);
/** Programs at a time: they wait most of theirs. */
const LANES = 12;
/** Pauses after a step; the longer ones, where something has differed. */
const PAUSES_MS = [Number(process.env.PULL_PAUSE_MS ?? 80), 115, 150];

describe.skipIf(reason !== undefined)(titled('pulls beside nats-server', reason), () => {
  const servers: Server[] = [];
  const connections: NatsConnection[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pulls-'));
    for (const executable of [undefined, pathOf(reference)]) {
      const config = join(folder, `${servers.length}.conf`);
      writeFileSync(config, `jetstream { store_dir: "${join(folder, `${servers.length}`)}" }\n`);
      const options = executable === undefined ? {} : { executable };
      const server = await startServer({ ...options, args: ['-c', config] });
      servers.push(server);
      connections.push(await connect({ servers: server.url }));
    }
  });

  afterAll(async () => {
    for (const connection of connections) await connection.close();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    `${CASES} programs of pulls and acks go the same way`,
    async () => {
      const seeds = Array.from({ length: CASES }, (_, i) => SEED + i);
      const differences: string[] = [];
      let deliveries = 0;
      const play = async (): Promise<void> => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const program = pullProgram(seed);
          let found: string[] = [];
          for (const pauseMs of PAUSES_MS) {
            const sides = connections.map((connection) => playPulls(connection, program, pauseMs));
            const [ours, theirs] = (await Promise.all(sides)) as [StepRecord[], StepRecord[]];
            deliveries += JSON.stringify(theirs).split('$JS.ACK').length - 1;
            found = firstDifference(program, ours, theirs);
            if (found.length === 0) break;
          }
          differences.push(...found);
        }
      };
      await Promise.all(Array.from({ length: LANES }, play));
      expect(differences.join('\n\n')).toBe('');
      expect(deliveries).toBeGreaterThan(CASES * 2);
    },
    60_000 + CASES * 10_000,
  );
});

function firstDifference(
  { seed, steps, stream, consumer }: PullProgram,
  ours: readonly StepRecord[],
  theirs: readonly StepRecord[],
): string[] {
  const at = steps.findIndex((_, i) => textOf(ours[i]) !== textOf(theirs[i]));
  if (at < 0) return [];
  return [
    `seed ${seed}, step ${at}: ${JSON.stringify(steps[at])}\n${JSON.stringify({ stream, consumer })}`,
    `ours: ${textOf(ours[at])}`,
    `theirs: ${textOf(theirs[at])}`,
  ];
}

function textOf(record: StepRecord = {}): string {
  return JSON.stringify(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
