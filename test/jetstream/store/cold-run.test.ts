// Subjects of messages that stay as an index has kept them: their counts and their chains, from block to block.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it, vi } from 'vitest';
import { ColdRows } from '../../../src/jetstream/store/cold-rows.ts';
import { type CompactPart, partsOf } from '../../../src/jetstream/store/compact-parts.ts';
import { hashText } from '../../../src/jetstream/store/hash-index.ts';
import type { IndexedStore } from '../../../src/jetstream/store/indexed-store.ts';
import { createMemoryStore } from '../../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const SETTING = { dir: '/s', indexBytes: 0 };

/** The store, opened again; nothing of it was unfolded for that. */
async function again(store: Store, disk: SimDisk): Promise<Store> {
  const end = closed(store);
  await disk.settle();
  await end;
  const unfold = vi.spyOn(ColdRows.prototype, 'unfold');
  const opened = openStore({ ...SETTING, disk: disk.afterEnd() }).store;
  strictEqual(unfold.mock.calls.length, 0);
  ok(opened.has(opened.state.firstSeq));
  strictEqual(unfold.mock.calls.length, 1);
  unfold.mockRestore();
  return opened;
}

/** Of each subject its number of messages, and their sequences by the chain, forwards and backwards. */
function chains(store: Store): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { subject } of store.subjectsMatching('>')) {
    const id = store.findSubject(new TextEncoder().encode(subject));
    const forwards: number[] = [];
    for (let seq = store.firstOf(id); seq > 0; seq = store.nextOnSubject(seq)) forwards.push(seq);
    const backwards: number[] = [];
    for (let seq = store.lastOf(id); seq > 0; seq = store.previousOnSubject(seq)) {
      backwards.unshift(seq);
    }
    deepStrictEqual(backwards, forwards);
    found.set(subject, [store.countOf(id), forwards]);
  }
  return found;
}

function isSame(opened: Store, store: ReadonlyMap<string, unknown>): void {
  const found = chains(opened);
  deepStrictEqual([...found].sort(), [...store].sort());
}

describe('messages that stay cold', () => {
  it('are chained by subject through blocks, in which its text has another number each', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    for (let i = 0; i < 40_000; i++)
      store.append(incoming(`a.${(i * i + 7 * i) % 101}`, ''), i + 1);
    const before = chains(store);
    isSame(await again(store, disk), before);
  });

  it('are chained when there are more subjects than are known at a time', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    for (let i = 0; i < 45_000; i++) store.append(incoming(`a.${i % 7000}`, ''), i + 1);
    const before = chains(store);
    const opened = await again(store, disk);
    strictEqual(opened.state.subjects, 7000);
    isSame(opened, before);
  });

  it('are chained to one that is further away than a word can say', () => {
    const store = createMemoryStore({ storage: 'memory' }) as IndexedStore;
    const adoption = store.adopting();
    const lengths = Uint32Array.of(1);
    const compact = new Uint32Array(2 * 100);
    const heads = { frame: 32, message: 28 };
    const place = { at: 160, inFrame: 32, end: 160 + 100 * 29, heads, lengths };
    const text = Uint8Array.of(97);
    const texts = { texts: text, ends: lengths, hashes: Uint32Array.of(hashText(text, 0, 1)) };
    const begins = [1, 2 ** 33, 2 ** 33 + 2 ** 32, 2 ** 34];
    for (const seq of begins) {
      const parts = partsOf({ rows: 100, compact: compact.slice(), firstTimeMs: 1, ...place }, 100);
      adoption.beginCold(texts, 0);
      adoption.keep((parts as CompactPart[])[0] as CompactPart, seq);
    }
    adoption.settle();
    const seqs = begins.flatMap((seq) => Array.from({ length: 100 }, (_, i) => seq + i));
    isSame(store, new Map([['a', [400, seqs]]]));
  });

  it('are known to the table of subjects when what is behind them says that some are gone', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    for (let i = 0; i < 40_000; i++) store.append(incoming(`a.${i % 3}`, ''), i + 1);
    store.commit(() => {});
    await disk.settle();
    // One of a chunk in the middle, the last of a subject, and one of the first.
    for (const seq of [20_000, 39_999, 2]) store.remove(seq);
    store.commit(() => {});
    for (let i = 0; i < 20_000; i++) store.append(incoming(`a.${i % 4}`, ''), 50_000 + i);
    const before = chains(store);
    const end = closed(store);
    await disk.settle();
    await end;
    isSame(openStore({ ...SETTING, disk: disk.afterEnd() }).store, before);
  });

  it('are chained to those that are stored afterwards', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    for (let i = 0; i < 20_000; i++) store.append(incoming(`a.${i % 3}`, ''), i + 1);
    const opened = await again(store, disk);
    for (const subject of ['a.0', 'b', 'a.2', 'a.0']) opened.append(incoming(subject, ''), 30_000);
    const id = opened.findSubject(new TextEncoder().encode('a.0'));
    deepStrictEqual(
      [opened.lastOf(id), opened.previousOnSubject(20_004), opened.previousOnSubject(20_001)],
      [20_004, 20_001, 19_999],
    );
    deepStrictEqual([opened.nextOnSubject(19_999), opened.countOf(id)], [20_001, 6669]);
  });
});
