// Consumers that push by a rate or as messages were stored, on the server under test and on nats-server: the same comes in
// the same order, on neither side too early, and on ours not much later. PACED_CASES says how many, PACED_SEED which.
import type { NatsConnection } from '@nats-io/nats-core';
import { describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { openPair } from './jetstream-pair.ts';
import { type PacedArrival, pacedProgram, playPaced } from './paced-programs.ts';
import { missing } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);
const CASES = Number(process.env.PACED_CASES ?? 24);
const SEED = Number(process.env.PACED_SEED ?? 1);
/** Programs at a time: they wait most of theirs. */
const LANES = 24;
/** Timers are of whole milliseconds, times of messages are not. */
const EARLY_MS = 5;
const LATE_MS = 5000;

describe.skipIf(reason !== undefined)(titled('what is paced beside nats-server', reason), () => {
  const { connections } = openPair(reference);

  test(
    `${CASES} consumers deliver alike, and none too early`,
    async () => {
      const seeds = Array.from({ length: CASES }, (_, i) => SEED + i);
      const differences: string[] = [];
      let paced = 0;
      const play = async (): Promise<void> => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const program = pacedProgram(seed);
          const both = (connections as NatsConnection[]).map((one) => playPaced(one, program));
          const [ours, theirs] = (await Promise.all(both)) as [PacedArrival[], PacedArrival[]];
          const found = differencesOf(ours, theirs);
          paced += theirs.filter(({ notBeforeMs }) => notBeforeMs > 100).length;
          if (found.length > 0) differences.push(`${JSON.stringify(program)}\n${found.join('\n')}`);
        }
      };
      await Promise.all(Array.from({ length: LANES }, play));
      expect(differences.join('\n\n')).toBe('');
      expect(paced).toBeGreaterThan(CASES);
    },
    30_000 + CASES * 2000,
  );
});

function differencesOf(ours: readonly PacedArrival[], theirs: readonly PacedArrival[]): string[] {
  const lines = [ours, theirs].map((side) => side.map(({ line }) => line).join('\n'));
  if (lines[0] !== lines[1]) return [`ours:\n${lines[0]}`, `theirs:\n${lines[1]}`];
  const early = [ours, theirs].flatMap((side, which) =>
    side
      .filter(({ atMs, notBeforeMs }) => atMs < notBeforeMs - EARLY_MS)
      .map((one) => `${which === 0 ? 'ours' : 'theirs'} too early: ${JSON.stringify(one)}`),
  );
  const late = ours
    .filter(({ atMs }, i) => atMs > (theirs[i] as PacedArrival).atMs + LATE_MS)
    .map((one) => `ours too late: ${JSON.stringify(one)}`);
  return [...early, ...late];
}
