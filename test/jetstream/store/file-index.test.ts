// Indexes of segments: when they are made, what a start reads then, and that they go with their segments. That nothing is
// lost by them the properties show, and the tests of damaged and forged files.
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it, vi } from 'vitest';
import { ColdRows } from '../../../src/jetstream/store/cold-rows.ts';
import { FRAMES_AT } from '../../../src/jetstream/store/file/format.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { contents } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const LOG = '/s/00000001.log';
const INDEX = '/s/00000001.idx';
const MARK_BYTES = 64;
const SETTING = { dir: '/s', segmentBytes: 2000, indexBytes: 0, sync: 'always' as const };

async function fill(store: Store, disk: SimDisk, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    store.append(incoming(`a.${i % 3}`, `m${i}`), i + 1);
    if (i % 10 !== 9) continue;
    store.remove(store.state.lastSeq - 5);
    store.commit(() => {});
    await disk.settle();
  }
}

function namesOf({ names }: SimDisk, ending: string): string[] {
  const chosen = [...names.keys()].filter((name) => name.endsWith(ending));
  return chosen.map((name) => name.replace(ending, '')).sort();
}

function filesOf({ names }: SimDisk): Map<string, Uint8Array> {
  return new Map([...names].map(([name, { bytes }]) => [name, bytes.slice()]));
}

/** Up to where an index says that its segment was synced; 0 = it does not. */
function markOf(index: Uint8Array = new Uint8Array(0)): number {
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const at = index.length - MARK_BYTES;
  return at >= 0 && view.getUint32(at + 8, true) === 3 ? view.getUint32(at + 16, true) : 0;
}

/** Up to where the last block of an index says what is in the segment. */
function endOf(index: Uint8Array = new Uint8Array(0)): number {
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  let end = 0;
  for (let at = 0; at < index.length; at += view.getUint32(at + 12, true)) {
    if (view.getUint32(at + 8, true) !== 3) end = view.getUint32(at + 20, true);
  }
  return end;
}

/** Whatever is other behind `from` in the segment is found as it is without an index. */
function isJudged(all: ReadonlyMap<string, Uint8Array>, from: number): void {
  const found = (files: ReadonlyMap<string, Uint8Array>): unknown =>
    contents(openStore({ ...SETTING, disk: new SimDisk(1, files) }).store);
  const expected = found(all);
  const log = all.get(LOG) as Uint8Array;
  for (let at = from; at < log.length; at += 3) {
    const changed = log.slice();
    changed[at] = (changed[at] as number) ^ (1 << (at % 8));
    const other = found(new Map([...all, [LOG, changed]]));
    deepStrictEqual(other, found(new Map([...all, [LOG, changed], [INDEX, new Uint8Array(0)]])));
    notDeepStrictEqual(other, expected);
  }
}

describe('the index of a segment', () => {
  it('is made while the store is in use, so that a start after a kill reads heads and indexes', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 200);
    const killed = disk.afterEnd();
    ok(namesOf(killed, '.log').length > 3);
    deepStrictEqual(namesOf(killed, '.idx'), namesOf(killed, '.log'));
    const reads = new Map<string, number>();
    killed.fails = (verb, path) => {
      if (verb === 'read') reads.set(path, (reads.get(path) ?? 0) + 1);
      return undefined;
    };
    const again = openStore({ ...SETTING, disk: killed }).store;
    for (const name of namesOf(killed, '.log')) strictEqual(reads.get(`${name}.log`), 1);
    deepStrictEqual(contents(again), contents(store));
  });

  it('is made of what was not synced yet, and believed where that is there as it was', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk, sync: 1000, segmentBytes: 1e6 });
    await fill(store, disk, 20);
    const all = filesOf(disk);
    ok((all.get(INDEX) as Uint8Array).length > 0);
    deepStrictEqual(
      contents(openStore({ ...SETTING, disk: disk.afterEnd() }).store),
      contents(store),
    );
    isJudged(all, FRAMES_AT);
  });

  it('says of what has been synced alone that it was', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk, segmentBytes: 1e6 });
    let part: Map<string, Uint8Array> | undefined;
    for (let i = 0; i < 60; i++) {
      store.append(incoming(`a.${i % 3}`, `m${i}`), i + 1);
      store.commit(() => {});
      for (let steps = 0; steps < i % 7; steps++) {
        await disk.step();
        const marked = markOf(disk.names.get(INDEX)?.bytes);
        const { synced } = disk.names.get(LOG) as { synced: Uint8Array };
        ok(marked <= synced.length, `${marked} of ${synced.length}`);
        // A block lies behind the mark, or is in part.
        if (marked > 0 && marked < endOf(disk.names.get(INDEX)?.bytes)) part = filesOf(disk);
      }
    }
    ok(part !== undefined, 'it never was behind');
    isJudged(part, markOf(part.get(INDEX)));
  });

  it.each([4, 4096])(
    'knows how much of a segment lives, in chunks of %d rows',
    async (chunkRows) => {
      const disk = new SimDisk();
      const setting = { ...SETTING, segmentBytes: 1e6, chunkRows };
      const { store } = openStore({ ...setting, disk });
      for (let i = 0; i < 8; i++) store.append(incoming('a', 'x'.repeat(i < 4 ? 10 : 500)), i + 1);
      const end = closed(store);
      await disk.settle();
      await end;
      const again = disk.afterEnd();
      const reopened = openStore({ ...setting, segmentBytes: 1000, disk: again }).store;
      // It is left as soon as its name has been synced.
      for (const timeMs of [9, 10]) {
        reopened.append(incoming('a', ''), timeMs);
        reopened.commit(() => {});
        await again.settle();
      }
      const before = again.names.get(LOG)?.bytes.slice();
      for (const seq of [2, 3, 4, 5]) reopened.remove(seq);
      reopened.commit(() => {});
      await again.settle();
      deepStrictEqual(again.names.get(LOG)?.bytes, before);
      for (const seq of [6, 7, 8]) reopened.remove(seq);
      reopened.commit(() => {});
      await again.settle();
      notDeepStrictEqual(again.names.get(LOG)?.bytes, before);
    },
  );

  it('goes on where it ended before a start, and with what is stored behind it', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 50);
    const again = disk.afterEnd();
    const reopened = openStore({ ...SETTING, disk: again }).store;
    const before = new Map([...again.names].map(([name, { bytes }]) => [name, bytes.slice()]));
    await fill(reopened, again, 50);
    const end = closed(reopened);
    await again.settle();
    await end;
    for (const name of namesOf(again, '.idx')) {
      // The mark at its end is overwritten.
      const old = (before.get(`${name}.idx`) ?? new Uint8Array(MARK_BYTES)).slice(0, -MARK_BYTES);
      const { bytes } = again.names.get(`${name}.idx`) as { bytes: Uint8Array };
      deepStrictEqual(bytes.subarray(0, old.length), old);
    }
    const third = openStore({ ...SETTING, disk: again.afterEnd() }).store;
    const { messages, lastSeq, subjects } = third.state;
    deepStrictEqual([messages, lastSeq, subjects], [90, 100, 3]);
  });

  it('goes when its segment does, and is another when that is rewritten', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 200);
    for (let seq = 1; seq <= 150; seq++) if (seq < 60 || seq % 10 > 0) store.remove(seq);
    store.commit(() => {});
    await disk.settle();
    // Two in a row: the last that is said is synced by the next.
    await fill(store, disk, 40);
    const logs = namesOf(disk, '.log');
    ok(!logs.includes('/s/00000001'));
    deepStrictEqual(namesOf(disk, '.idx'), logs);
    deepStrictEqual(
      contents(openStore({ ...SETTING, disk: disk.afterEnd() }).store),
      contents(store),
    );
  });

  it('that cannot be written is told, and the store goes on', async () => {
    const disk = new SimDisk();
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    disk.fails = (_, path) => (path.endsWith('.idx') ? 'ENOSPC' : undefined);
    const { store } = openStore({ ...SETTING, disk, warn });
    await fill(store, disk, 100);
    ok(warnings.length > 1);
    for (const each of warnings) ok(each.startsWith('the next start takes longer: '), each);
    deepStrictEqual(
      contents(openStore({ ...SETTING, disk: disk.afterEnd() }).store),
      contents(store),
    );
  });

  it('keeps rows as they are where nothing was removed between them', async () => {
    const unfold = vi.spyOn(ColdRows.prototype, 'unfold');
    const unfolded: number[][] = [];
    for (const every of [1500, Number.POSITIVE_INFINITY]) {
      const disk = new SimDisk();
      const setting = { disk, dir: '/s', indexBytes: 0, chunkRows: 256 };
      const { store } = openStore(setting);
      for (let seq = 1; seq <= 3000; seq++) {
        store.append(incoming('a', ''), seq);
        if (seq % every === 0) store.remove(seq - 20);
      }
      const end = closed(store);
      await disk.settle();
      await end;
      unfold.mockClear();
      const again = openStore({ ...setting, disk: disk.afterEnd() }).store;
      const atStart = unfold.mock.calls.length;
      ok(again.has(1));
      unfolded.push([atStart, unfold.mock.calls.length - atStart]);
    }
    unfold.mockRestore();
    deepStrictEqual(unfolded, [
      [0, 0],
      [0, 1],
    ]);
  });

  it('is unfolded a few chunks at a time, also along a subject of which nearly each has a message', async () => {
    const disk = new SimDisk();
    const setting = { disk, dir: '/s', indexBytes: 0, chunkRows: 32 };
    const { store } = openStore(setting);
    for (let seq = 1; seq <= 120_000; seq++) {
      const isRare = seq % 40 === 0 && !(seq > 50_000 && seq < 70_000);
      store.append(incoming(isRare ? 'rare' : 'a', ''), seq);
    }
    const end = closed(store);
    await disk.settle();
    await end;
    let unfolded = 0;
    const { unfold } = ColdRows.prototype;
    const spy = vi.spyOn(ColdRows.prototype, 'unfold').mockImplementation(function (
      this: ColdRows,
      chunk,
    ) {
      unfolded += this.count;
      unfold.call(this, chunk);
    });
    const found: number[] = [];
    let most = 0;
    for (const [ask, seq] of [
      ['findNext', 50_001],
      ['counting', 90_001],
    ] as const) {
      for (const filters of [['rare'], ['rare', 'other']]) {
        const again = openStore({ ...setting, disk: disk.afterEnd() }).store;
        const work = again[ask](filters, seq);
        for (let isDone = false; !isDone; ) {
          unfolded = 0;
          const step = work.next();
          most = Math.max(most, unfolded);
          isDone = step.done === true;
          if (step.done) found.push(step.value);
        }
      }
    }
    spy.mockRestore();
    deepStrictEqual(found, [70_000, 70_000, 750, 750]);
    ok(most > 20_000 && most < 36_000, `${most}`);
  });

  it('says which messages have headers, also of chunks that stay as they were kept', async () => {
    const disk = new SimDisk();
    const setting = { disk, dir: '/s', indexBytes: 0, chunkRows: 32 };
    const { store } = openStore(setting);
    const withHeaders = [1, 70, 71, 130, 199];
    for (let seq = 1; seq <= 200; seq++) {
      const headers = withHeaders.includes(seq) ? 'NATS/1.0\r\n\r\n' : undefined;
      store.append(incoming('a', '', headers), seq);
    }
    const end = closed(store);
    await disk.settle();
    await end;
    const again = openStore({ ...setting, disk: disk.afterEnd() }).store;
    const found: number[] = [];
    for (let seq = 1; seq <= 200; ) {
      const next = again.nextWithHeaders(seq, 1000);
      if (next <= 0) break;
      found.push(next);
      seq = next + 1;
    }
    deepStrictEqual(found, withHeaders);
  });

  it('takes no more memory than the store before, where long runs of rows and short ones take turns', async () => {
    const disk = new SimDisk();
    const setting = { disk, dir: '/s', indexBytes: 0, chunkRows: 256 };
    const { store } = openStore(setting);
    for (let seq = 1; seq <= 4000; seq++) {
      store.append(incoming('a', ''), seq);
      // A record of what is gone ends a run.
      if (seq % 80 === 0 || seq % 80 === 64) store.remove(seq - 4);
    }
    const { heldBytes } = store;
    const end = closed(store);
    await disk.settle();
    await end;
    const again = openStore({ ...setting, disk: disk.afterEnd(), heldMax: 1.5 * heldBytes }).store;
    strictEqual(again.state.messages, 3900);
  });
});
