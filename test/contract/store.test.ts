// Every store under the one contract, and what only the one in memory has.
import { ok, strictEqual, throws } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { CapacityError } from '../../src/shared/errors.ts';
import { incoming, readTexts } from '../support/stored.ts';
import { storeContract } from './store.ts';

/** Chunks and slabs that are full after a few messages. */
const SMALL = { chunkRows: 4, slabBytes: 64 };

storeContract('memory', createMemoryStore);
storeContract('memory in small pieces', (setting) => createMemoryStore({ ...setting, ...SMALL }));
storeContract('a store that commits late', (setting) => late(createMemoryStore(setting)));

/** What has been stored is durable in a later turn of the event loop. */
function late(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key === 'commit') return (done: () => void) => void setImmediate(done);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('the store in memory', () => {
  it('commits within the call', () => {
    let isDone = false;
    createMemoryStore({ storage: 'memory' }).commit(() => {
      isDone = true;
    });
    ok(isDone);
  });

  it('tells of everything at once who asks for that', () => {
    const told: number[] = [];
    const store = createMemoryStore({
      storage: 'memory',
      onRemoved: (seq) => told.push(seq),
      onCleared: ({ messages }) => told.push(-messages),
    });
    for (let i = 0; i < 3; i++) store.append(incoming('a'), i);
    store.remove(1);
    strictEqual(store.clear(), 2);
    strictEqual(String(told), '1,-2');
  });

  it('refuses what has no room, and goes on when there is some', () => {
    const store = createMemoryStore({ storage: 'memory', heldMax: 200_000, ...SMALL });
    let count = 0;
    const fill = (): void => {
      for (; ; count++) store.append(incoming(`a.${count}.${count % 7}`, 'x'.repeat(99)), count);
    };
    throws(fill, CapacityError);
    ok(count > 100 && store.heldBytes <= 200_000);
    for (let seq = 1; seq <= count; seq++) {
      strictEqual(readTexts(store, seq)?.subject, `a.${seq - 1}.${(seq - 1) % 7}`);
    }
    strictEqual(wholly(store.counting(['a.*.*'], 1)), count);
    store.removeBelow(count / 2);
    strictEqual(store.append(incoming('a.b', 'y'), count), count + 1);
    strictEqual(wholly(store.findNext(['a.b'], 1)), count + 1);
  });

  it('keeps the subjects that are left of thousands, and takes thousands again', () => {
    const store = createMemoryStore({ storage: 'memory' });
    const fill = (start: number): void => {
      for (let i = start; i < start + 5000; i++) store.append(incoming(`a.n${i}.b`), i);
    };
    const ids = (seqs: readonly number[]): number[] => seqs.map((seq) => store.subjectIdOf(seq));
    fill(1);
    const held = store.heldBytes;
    const kept = Array.from({ length: 50 }, (_, i) => i * 100 + 1);
    const before = ids(kept);
    for (let seq = 1; seq <= 5000; seq++) if (seq % 100 !== 1) store.remove(seq);
    ok(store.heldBytes < held / 4, `${store.heldBytes} of ${held}`);
    strictEqual(String(ids(kept)), String(before));
    strictEqual([...store.subjectsMatching('a.*.b')].length, 50);
    fill(5001);
    strictEqual(String(ids(kept)), String(before));
    const states = [...store.subjectsMatching('a.>')];
    strictEqual(new Set(states.map(({ id }) => id)).size, 5050);
    for (const { id, subject, firstSeq } of states) {
      strictEqual(subject, `a.n${firstSeq}.b`);
      strictEqual(store.findSubject(Buffer.from(subject)), id);
    }
    store.removeBelow(10_001);
    strictEqual(store.state.subjects, 0);
    strictEqual([...store.subjectsMatching('>')].length, 0);
    ok(store.heldBytes < held / 4, `${store.heldBytes} of ${held}`);
  });
});
