// A process that stores is killed at random moments, again and again on one directory: what it has said to be committed is
// there, what it has removed is not, and everything is what was stored under its sequence. CRASH_ROUNDS makes it longer.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { bundleFile, type Program } from '../../support/bundle.ts';
import { closed, newDirectory, openStore, removeDirectories } from '../../support/file-stores.ts';
import { CRASH_SEED, crashRounds, killedAfter } from '../../support/killed.ts';
import { randomOf } from '../../support/sim-disk.ts';
import { readTexts } from '../../support/stored.ts';

const ROUNDS = crashRounds(6);

let program: Program;
beforeAll(async () => {
  program = await bundleFile('test/support/store-writer.ts');
}, 60_000);
afterAll(() => {
  program.remove();
  removeDirectories();
});

describe('a process that is killed', () => {
  it.each(['120000', 'always'])(
    'loses nothing that was committed, sync %s',
    async (sync) => {
      const random = randomOf(CRASH_SEED);
      const dir = newDirectory();
      for (let round = 0; round < ROUNDS; round++) {
        const lines = 1 + Math.floor(random() * 150);
        const args = [dir, sync, `${CRASH_SEED + round}`];
        const said = await killedAfter(lines, program.path, args);
        const [lastSeq = 0, firstSeq = 0] = (said.at(-1) ?? '').split(':').map(Number);
        // The next process finds what the last one left.
        const copy = newDirectory();
        cpSync(dir, copy, { recursive: true });
        const { store, lost } = openStore({ dir: copy });
        deepStrictEqual(lost, []);
        const { state } = store;
        ok(state.lastSeq >= lastSeq, `round ${round}: ${state.lastSeq} of ${lastSeq}`);
        ok(state.messages === 0 || state.firstSeq >= firstSeq || firstSeq === 0);
        for (let seq = state.firstSeq; seq <= lastSeq; seq++) {
          const payload = readTexts(store, seq)?.payload;
          const isRight = seq % 2 === 0 ? payload === undefined : payload?.startsWith(`${seq}:`);
          ok(isRight, `round ${round}, sequence ${seq}: ${payload?.slice(0, 20)}`);
        }
        await closed(store);
        rmSync(copy, { recursive: true });
      }
    },
    10_000 * ROUNDS,
  );
});
