// The machine stops between any two steps of what gives back room: a copy of neighbours, an unlink, a purge of all, of the
// front, of the middle, the making of an index. After the end of the process, and after a power loss that keeps this or that
// of what was not synced, everything is there that was committed, and nothing that was removed by a commit that is done.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { kept } from '../../support/failing-store.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const SETTING = { dir: '/s', sync: 'always' as const, segmentBytes: 1000, indexBytes: 0 };
/** Power losses at each step, and disks whose work is done in another order. */
const LOSSES = 3;
const SEEDS = 3;

/** Six segments of four messages, and one more message in the last. */
async function filled(disk: SimDisk): Promise<Store> {
  const { store } = openStore({ ...SETTING, disk });
  for (let seq = 1; seq <= 25; seq++) {
    store.append(incoming('a', `${seq}`.padEnd(150, '.')), 1);
    store.commit(() => {});
    await disk.settle();
  }
  return store;
}

function removedAll(store: Store, seqs: readonly number[]): void {
  for (const seq of seqs) store.remove(seq);
}

/** What is done in a row, each behind the other's commit, and whether anything of it has come to its end. */
const courses: [string, (store: Store) => void][] = [
  [
    'neighbours of which little lives are copied',
    (store) => removedAll(store, [5, 6, 7, 9, 10, 11, 13, 14, 15]),
  ],
  [
    'one that names what was in a copy is copied itself',
    (store) => removedAll(store, [6, 17, 18, 19]),
  ],
  ['what lives in none is unlinked', (store) => removedAll(store, [8, 12, 16])],
  ['the front is purged', (store) => void store.removeBelow(20)],
  ['more is purged than there was', (store) => store.skipTo(40)],
  ['all is purged', (store) => void store.clear()],
];

/** The sequences that another process finds; each message says its own. */
function found(disk: SimDisk): number[] {
  const texts = kept(openStore({ ...SETTING, disk }).store);
  return texts.map((text) => {
    const [seq = '', payload = ''] = text.split(':');
    deepStrictEqual(payload, seq.padEnd(150, '.'));
    return Number(seq);
  });
}

const seqsOf = (store: Store): number[] => {
  const seqs: number[] = [];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) seqs.push(seq);
  return seqs;
};

describe('a machine that stops at any step', () => {
  it('has what was committed, and nothing that was removed', { timeout: 60_000 }, async () => {
    let steps = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const disk = new SimDisk(seed);
      const store = await filled(disk);
      for (const [what, change] of courses) {
        const before = new Set(seqsOf(store));
        change(store);
        const after = seqsOf(store);
        let isDone = false;
        store.commit(() => {
          isDone = true;
        });
        do {
          steps++;
          const disks = [disk.afterEnd()];
          for (let i = 0; i < LOSSES; i++) disks.push(disk.afterPowerLoss());
          for (const [i, each] of disks.entries()) {
            const seqs = found(each);
            const where = `seed ${seed}, ${what}, ${i === 0 ? 'end' : 'power loss'}`;
            deepStrictEqual(
              isDone ? seqs : seqs.filter((seq) => after.includes(seq)),
              after,
              where,
            );
            ok(
              seqs.every((seq) => before.has(seq)),
              where,
            );
          }
        } while (await disk.step());
        ok(isDone, what);
      }
      deepStrictEqual(store.state.lastSeq, 40);
    }
    ok(steps > SEEDS * 20, `${steps}`);
  });

  it('has what neighbours were copied with, though the directory could not be synced at once', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const disk = new SimDisk(seed);
      const store = await filled(disk);
      const done: string[] = [];
      disk.fails = (verb) => {
        const isFirst = !done.includes('syncDir') && done.includes('rename');
        if (verb === 'rename' || verb === 'syncDir' || verb === 'unlink') done.push(verb);
        return isFirst && verb === 'syncDir' ? 'EIO' : undefined;
      };
      removedAll(store, [5, 6, 7, 9, 10, 11, 13, 14, 15]);
      const left = seqsOf(store);
      store.commit(() => {});
      await disk.step();
      do {
        for (let i = 0; i < LOSSES; i++) {
          const seqs = found(disk.afterPowerLoss());
          deepStrictEqual(
            seqs.filter((seq) => left.includes(seq)),
            left,
            `seed ${seed}, ${done}`,
          );
        }
      } while (await disk.step());
      const last = done.lastIndexOf('syncDir');
      ok(done.includes('rename') && done.indexOf('syncDir') < last, String(done));
      ok(done.includes('unlink') && done.indexOf('unlink') < last, String(done));
    }
  });

  it('has of each subject a value that it had, synced or not', async () => {
    let steps = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const disk = new SimDisk(seed);
      const { store } = openStore({ ...SETTING, disk, sync: 120_000 });
      for (let i = 0; i < 12; i++) {
        store.append(incoming(`s.${i}`, 'x'.repeat(150)), 1);
        store.commit(() => {});
        await disk.settle();
      }
      // Full segments have been synced, and the last one is by this.
      const end = closed(store);
      await disk.settle();
      await end;
      const { store: next } = openStore({ ...SETTING, disk, sync: 120_000 });
      await disk.settle();
      // Of the first segment nothing lives then, or of the second little.
      for (let i = seed % 2 === 0 ? 0 : 4; i < 7; i++) {
        const id = next.findSubject(new TextEncoder().encode(`s.${i}`));
        next.append(incoming(`s.${i}`, 'y'.repeat(20)), 2);
        next.evict(next.firstOf(id));
      }
      next.commit(() => {});
      do {
        steps++;
        for (let i = 0; i < LOSSES; i++) {
          const { state } = openStore({ ...SETTING, disk: disk.afterPowerLoss() }).store;
          strictEqual(state.subjects, 12, `seed ${seed}, step ${steps}`);
        }
      } while (await disk.step());
    }
    ok(steps > SEEDS * 5, `${steps}`);
  });

  it('twice, by power losses, has what there was at one moment, and not the parts of two', async () => {
    const texts = (store: Store): string[] => kept(store).map((each) => each.split(':')[1] ?? '');
    let mixed = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const setting = { ...SETTING, sync: 120_000, segmentBytes: 300 };
      const disk = new SimDisk(seed);
      const { store } = openStore({ ...setting, disk });
      const old = Array.from({ length: 12 }, (_, i) => `o${i}`.padEnd(40, '.'));
      for (const text of old) {
        store.append(incoming('a', text), 1);
        store.commit(() => {});
        await disk.step();
      }
      const second = disk.afterPowerLoss();
      const { store: next } = openStore({ ...setting, disk: second });
      const before = texts(next);
      deepStrictEqual(before, old.slice(0, before.length));
      const others = Array.from({ length: 6 }, (_, i) => `n${i}`.padEnd(40, '.'));
      for (const text of others) {
        try {
          next.append(incoming('a', text), 1);
        } catch {
          // Its segment is not safe yet.
        }
        next.commit(() => {});
        await second.step();
      }
      const after = texts(next);
      for (let i = 0; i < 8; i++) {
        const found = texts(openStore({ ...setting, disk: second.afterPowerLoss() }).store);
        const isOld = found.every((text, at) => text === old[at]);
        const isNew = found.every((text, at) => text === after[at]);
        ok(isOld || isNew, `seed ${seed}: ${found.map((text) => text.slice(0, 3))}`);
        if (!isOld && before.length < old.length) mixed++;
      }
    }
    ok(mixed > 10, `${mixed}`);
  });

  it('has no use for what a power loss has brought back of a segment that was none yet, however little', async () => {
    const setting = { ...SETTING, sync: 120_000, segmentBytes: 300 };
    const disk = new SimDisk();
    const { store } = openStore({ ...setting, disk });
    const fill = async (into: Store, on: SimDisk, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        into.append(incoming('a', 'x'.repeat(40)), 1);
        into.commit(() => {});
        await on.settle();
      }
    };
    await fill(store, disk, 12);
    const names = (of: SimDisk): string[] =>
      [...of.names.keys()].filter((name) => /log$/.test(name));
    const last = names(disk).length;
    const torn = [last + 1, last + 2].map((number) => `/s/${String(number).padStart(8, '0')}.log`);
    const files = (of: SimDisk): [string, Uint8Array][] =>
      [...of.names].map(([name, { bytes }]) => [name, bytes]);
    const nothing = torn.map((name): [string, Uint8Array] => [name, new Uint8Array(400)]);
    const second = new SimDisk(1, new Map([...files(disk), ...nothing]));
    const { store: next } = openStore({ ...setting, disk: second });
    deepStrictEqual(kept(next), kept(store));
    await fill(next, second, 12);
    deepStrictEqual(names(second).includes(torn[0] as string), false);
    ok(names(second).length > last + 1);
    const third = new SimDisk(1, new Map([...nothing, ...files(second)]));
    deepStrictEqual(kept(openStore({ ...setting, disk: third }).store), kept(next));
    deepStrictEqual(names(third).sort(), names(second).sort());
  });

  it('keeps segments that were left whose heads have gone in front of their frames, and is told of them', async () => {
    const disk = new SimDisk();
    await filled(disk);
    const files = [...disk.names].filter(([name]) => /log$/.test(name)).sort();
    ok(files.length > 3);
    const without = (heads: number): SimDisk => {
      const all = files.map(([name, { bytes }]): [string, Uint8Array] => [name, bytes.slice()]);
      for (const [, bytes] of all.slice(-heads)) bytes.fill(0, 0, 128);
      return new SimDisk(1, new Map(all));
    };
    ok(kept(openStore({ ...SETTING, disk: without(1) }).store).length >= 20);
    const damaged = without(2);
    throws(() => openStore({ ...SETTING, disk: damaged }), /it has no head$/);
    ok(damaged.names.has(files.at(-2)?.[0] as string));
  });
});
