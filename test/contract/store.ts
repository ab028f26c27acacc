// What every store of a stream's messages has to keep. Each implementation is run through it by store.test.ts.
import { deepStrictEqual, notStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { OnRemoved, Store } from '../../src/jetstream/store/store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { blank, incoming, readTexts } from '../support/stored.ts';

export interface StoreSetting {
  readonly storage: 'file' | 'memory';
  readonly firstSeq?: number;
  readonly onRemoved?: OnRemoved;
}

/** @param holdsBodies payloads are in memory */
export function storeContract(
  name: string,
  open: (setting: StoreSetting) => Store,
  holdsBodies = true,
): void {
  const memory = (): Store => open({ storage: 'memory' });
  describe(`${name}: sequences and state`, () => sequences(memory, open));
  describe(`${name}: what is kept`, () => contents(memory));
  describe(`${name}: bytes`, () => bytes(memory, open, holdsBodies));
  describe(`${name}: removals`, () => removals(memory, open));
  describe(`${name}: queries`, () => queries(memory));
  describe(`${name}: subjects`, () => subjects(memory));
  describe(`${name}: commits`, () => commits(memory));
}

type Open = (setting: StoreSetting) => Store;

/** Stores messages on subjects, a millisecond apart, the first at 1000. */
function fill(store: Store, ...names: readonly string[]): Store {
  for (const [at, subject] of names.entries()) store.append(incoming(subject, subject), 1000 + at);
  return store;
}

function sequences(memory: () => Store, open: Open): void {
  it('a new store has had nothing', () => {
    const { state } = memory();
    deepStrictEqual({ ...state }, { ...NEW });
  });

  it('sequences end where numbers are not exact any more', () => {
    const store = memory();
    store.skipTo(Number.MAX_SAFE_INTEGER - 1);
    strictEqual(store.append(incoming('a'), 1000), Number.MAX_SAFE_INTEGER);
    const before = { ...store.state };
    throws(() => store.append(incoming('a'), 1001), { code: 'ERR_CAPACITY' });
    deepStrictEqual({ ...store.state }, before);
  });

  it('sequences count from 1', () => {
    const store = memory();
    strictEqual(store.append(incoming('a', 'one'), 1000.25), 1);
    strictEqual(store.append(incoming('b', 'two'), 1001.5), 2);
    const times = { firstTimeMs: 1000.25, lastTimeMs: 1001.5 };
    deepStrictEqual({ ...store.state }, { ...COUNTS, ...times, firstSeq: 1, lastSeq: 2 });
  });

  it.each([1, 77, 2 ** 32 - 1, 2 ** 52])('a stream may begin at %d', (firstSeq) => {
    const store = open({ storage: 'memory', firstSeq });
    strictEqual(store.state.firstSeq, firstSeq);
    strictEqual(store.state.lastSeq, firstSeq - 1);
    fill(store, 'a', 'b', 'a', 'b');
    store.remove(firstSeq + 1);
    deepStrictEqual(
      [store.state.firstSeq, store.state.lastSeq, store.nextOnSubject(firstSeq)],
      [firstSeq, firstSeq + 3, firstSeq + 2],
    );
    strictEqual(wholly(store.findNext(['b'], 1)), firstSeq + 3);
    strictEqual(readTexts(store, firstSeq + 3)?.payload, 'b');
  });

  it('an empty store knows which sequence comes next, and when the last came', () => {
    const store = fill(memory(), 'a', 'b');
    store.remove(1);
    store.remove(2);
    const { firstSeq, lastSeq, firstTimeMs, lastTimeMs } = store.state;
    deepStrictEqual([firstSeq, lastSeq, firstTimeMs, lastTimeMs], [3, 2, 0, 1001]);
  });

  it('sequences may be used up without a message', () => {
    const store = memory();
    store.skipTo(4);
    deepStrictEqual([store.state.firstSeq, store.state.lastSeq, store.state.lastTimeMs], [5, 4, 0]);
    fill(store, 'a');
    store.skipTo(9, 5000);
    store.skipTo(7);
    strictEqual(store.append(incoming('a'), 6000), 10);
    deepStrictEqual([...store.deleted()], [6, 7, 8, 9]);
    strictEqual(store.deletedCount, 4);
    store.skipTo(2 ** 40, 7000);
    strictEqual(store.state.lastTimeMs, 7000);
    strictEqual(store.append(incoming('a'), 8000), 2 ** 40 + 1);
    strictEqual(store.nextOnSubject(10), 2 ** 40 + 1);
    strictEqual(store.previousOnSubject(2 ** 40 + 1), 10);
  });
}

const NEW = {
  messages: 0,
  bytes: 0,
  firstSeq: 0,
  firstTimeMs: 0,
  lastSeq: 0,
  lastTimeMs: 0,
  subjects: 0,
};
const COUNTS = { ...NEW, messages: 2, bytes: 2 * (1 + 3 + 16), subjects: 2 };

function contents(memory: () => Store): void {
  it('a message is kept as it came', () => {
    const store = memory();
    const headers = 'NATS/1.0\r\na: b\r\n\r\n';
    store.append(incoming('a.b', 'with', headers), 1000.5);
    store.append(incoming('a.c', ''), 1001);
    const first = { seq: 1, timeMs: 1000.5, subject: 'a.b', headers, payload: 'with' };
    deepStrictEqual(readTexts(store, 1), first);
    const second = { seq: 2, timeMs: 1001, subject: 'a.c', headers: undefined, payload: '' };
    deepStrictEqual(readTexts(store, 2), second);
    strictEqual(readTexts(store, 3), undefined);
    strictEqual(readTexts(store, 0), undefined);
  });

  it('any bytes are kept, in subjects as well', () => {
    const store = memory();
    const name = Uint8Array.of(0xff, 0x2e, 0x01, 0xc3);
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const copy = (source: Uint8Array) => (target: Uint8Array, at: number) => {
      target.set(source, at);
      return at + source.length;
    };
    const sizes = { subjectBytes: 4, headerBytes: 0, bodyBytes: 256 };
    store.append({ ...sizes, copySubject: copy(name), copyBody: copy(body) }, 1);
    const into = blank();
    ok(store.read(1, into));
    deepStrictEqual([...into.subject], [...name]);
    deepStrictEqual([...into.payload], [...body]);
    strictEqual(store.findSubject(name), into.subjectId);
  });

  it('sizes from none to megabytes are kept', () => {
    const store = memory();
    const sizes = [0, 1, 47, 48, 49, 4096, 131_071, 131_073, 1 << 20, (4 << 20) + 1];
    for (const size of sizes) store.append(incoming('a', 'x'.repeat(size), 'h'.repeat(size)), 1);
    for (const [at, size] of sizes.entries()) {
      const message = readTexts(store, at + 1);
      strictEqual(message?.payload, 'x'.repeat(size));
      strictEqual(message.headers ?? '', 'h'.repeat(size));
    }
  });

  it('a message has its time, its bytes and its subject', () => {
    const store = fill(memory(), 'a', 'b');
    deepStrictEqual([store.has(2), store.timeOf(2), store.bytesOf(2)], [true, 1001, 18]);
    deepStrictEqual([store.has(3), store.timeOf(3), store.bytesOf(3)], [false, 0, 0]);
    strictEqual(store.subjectIdOf(3), -1);
    strictEqual(store.subjectText(store.subjectIdOf(2)), 'b');
  });
}

function bytes(memory: () => Store, open: Open, holdsBodies: boolean): void {
  // nats-server 2.15.3, server/filestore.go, fileStoreMsgSizeRaw; server/memstore.go, memStoreMsgSizeRaw.
  it('bytes count by the formula of the storage', () => {
    for (const [storage, plain, withHeaders] of [
      ['memory', 16, 16],
      ['file', 30, 34],
    ] as const) {
      const store = open({ storage });
      store.append(incoming('abc', 'payload'), 1);
      strictEqual(store.state.bytes, 3 + 7 + plain);
      store.append(incoming('abc', 'payload', 'headers!'), 1);
      strictEqual(store.bytesOf(2), 3 + 8 + 7 + withHeaders);
      store.remove(1);
      strictEqual(store.state.bytes, store.bytesOf(2));
    }
  });

  it('it says how much memory it holds, and gives it back', () => {
    const store = memory();
    for (let i = 0; i < 2000; i++) store.append(incoming(`a.${i}`, 'x'.repeat(1000)), 1);
    const before = store.heldBytes;
    const least = holdsBodies ? 2_000_000 : 2000 * 48;
    ok(before > least && before < 5_000_000, `${before}`);
    for (let seq = 2; seq <= 2000; seq++) store.remove(seq);
    // What was written last is given back when a turn has nothing to write.
    for (let i = 0; i < 2; i++) store.commit(() => {});
    ok(store.heldBytes < before / 2, `${store.heldBytes}`);
    strictEqual(readTexts(store, 1)?.payload.length, 1000);
    store.close();
  });
}

function removals(memory: () => Store, open: Open): void {
  it('a message can be removed once', () => {
    const store = fill(memory(), 'a', 'b', 'a', 'a');
    ok(store.remove(3));
    ok(!store.remove(3));
    ok(!store.remove(9));
    strictEqual(readTexts(store, 3), undefined);
    deepStrictEqual([store.nextOnSubject(1), store.previousOnSubject(4)], [4, 1]);
    deepStrictEqual([store.nextOnSubject(4), store.previousOnSubject(1)], [0, 0]);
    deepStrictEqual([store.nextOnSubject(3), store.previousOnSubject(3)], [0, 0]);
    deepStrictEqual([store.state.messages, store.state.subjects, store.deletedCount], [3, 2, 1]);
  });

  it('the first and the last of a subject go as well', () => {
    const store = fill(memory(), 'a', 'a', 'b', 'a', 'a');
    const id = store.findSubject(Buffer.from('a'));
    store.remove(1);
    deepStrictEqual([store.firstOf(id), store.lastOf(id), store.countOf(id)], [2, 5, 3]);
    deepStrictEqual([store.state.firstSeq, store.state.firstTimeMs], [2, 1001]);
    store.remove(5);
    deepStrictEqual([store.firstOf(id), store.lastOf(id), store.countOf(id)], [2, 4, 2]);
    strictEqual(store.append(incoming('a'), 2000), 6);
    deepStrictEqual([store.nextOnSubject(4), store.previousOnSubject(6)], [6, 4]);
  });

  it('who asked is told of each, while it can still be read', () => {
    const told: unknown[] = [];
    const onRemoved: OnRemoved = (seq, subjectId, bytes) => {
      told.push([readTexts(store, seq)?.payload, store.subjectText(subjectId), bytes]);
      // It may look around.
      wholly(store.findNext(['>'], 1));
    };
    const store = fill(open({ storage: 'memory', onRemoved }), 'a', 'bc', 'a', 'd', 'a');
    store.remove(2);
    deepStrictEqual(told.splice(0), [['bc', 'bc', 20]]);
    strictEqual(store.removeBelow(4), 2);
    const as = [['a', 'a', 18]];
    deepStrictEqual(told.splice(0), [...as, ...as]);
    strictEqual(store.clear(), 2);
    deepStrictEqual(told, [['d', 'd', 18], ...as]);
  });

  it('what is below a sequence can go in slices', () => {
    const store = fill(memory(), 'a', 'b', 'c', 'd', 'e');
    strictEqual(store.removeBelow(4, 2), 2);
    strictEqual(store.state.firstSeq, 3);
    strictEqual(store.removeBelow(4, 2), 1);
    strictEqual(store.removeBelow(4), 0);
    strictEqual(store.removeBelow(100), 2);
    deepStrictEqual([store.state.firstSeq, store.state.lastSeq, store.state.bytes], [6, 5, 0]);
  });

  it('everything can go, and the next sequence stays', () => {
    const store = fill(memory(), 'a', 'b', 'c');
    const id = store.findSubject(Buffer.from('b'));
    const generation = store.subjectGeneration(id);
    strictEqual(store.clear(), 3);
    strictEqual(store.clear(), 0);
    deepStrictEqual({ ...store.state }, { ...NEW, firstSeq: 4, lastSeq: 3, lastTimeMs: 1002 });
    strictEqual(store.findSubject(Buffer.from('b')), -1);
    deepStrictEqual(
      [store.next(1), store.previous(9), wholly(store.findNext(['b'], 1))],
      [0, 0, 0],
    );
    fill(store, 'b');
    strictEqual(readTexts(store, 4)?.payload, 'b');
    notStrictEqual(store.subjectGeneration(store.subjectIdOf(4)), generation);
  });
}

function queries(memory: () => Store): void {
  it('the next and the previous message are found across gaps', () => {
    const store = fill(memory(), 'a', 'b', 'c', 'd', 'e');
    for (const seq of [2, 3, 5]) store.remove(seq);
    deepStrictEqual(
      [0, 1, 2, 4, 5].map((seq) => store.next(seq)),
      [1, 1, 4, 4, 0],
    );
    deepStrictEqual(
      [0, 1, 3, 4, 9].map((seq) => store.previous(seq)),
      [0, 1, 1, 4, 4],
    );
    deepStrictEqual([...store.deleted()], [2, 3, 5]);
  });

  it.each([
    { filters: [], found: [1, 2, 3, 4, 5, 6] },
    { filters: ['>'], found: [1, 2, 3, 4, 5, 6] },
    { filters: ['a.x'], found: [1, 4] },
    { filters: ['a.*'], found: [1, 2, 4] },
    { filters: ['a.>'], found: [1, 2, 4, 5] },
    { filters: ['*'], found: [3] },
    { filters: ['*.x', 'b'], found: [1, 3, 4, 6] },
    { filters: ['a.*', 'a.x', '*.x'], found: [1, 2, 4, 6] },
    { filters: ['a', 'a.x.>', 'nobody', '*.*.*.*'], found: [] },
    { filters: ['*.*.z'], found: [5] },
  ])('$filters match what they should', ({ filters, found }) => {
    const store = fill(memory(), 'a.x', 'a.y', 'b', 'a.x', 'a.y.z', 'c.x');
    for (let seq = 0; seq <= 7; seq++) {
      const left = found.filter((each) => each >= seq);
      strictEqual(wholly(store.findNext(filters, seq)), left[0] ?? 0);
      strictEqual(wholly(store.counting(filters, seq)), left.length);
    }
  });

  it('a message is found by its time', () => {
    const store = fill(memory(), 'a', 'b', 'c', 'd');
    store.remove(2);
    const times = [0, 1000, 1000.1, 1001, 1002, 1002.5, 1003, 1003.1];
    deepStrictEqual(
      times.map((timeMs) => store.seqAtTime(timeMs)),
      [1, 1, 3, 3, 3, 4, 4, 0],
    );
    strictEqual(memory().seqAtTime(5), 0);
  });
}

function subjects(memory: () => Store): void {
  it('a subject is known as long as it has messages', () => {
    const store = fill(memory(), 'a.b', 'a.c', 'a.b');
    const id = store.findSubject(Buffer.from('a.b'));
    deepStrictEqual([store.subjectIdOf(1), store.subjectIdOf(3)], [id, id]);
    strictEqual(store.findSubject(Buffer.from('a')), -1);
    const generation = store.subjectGeneration(id);
    store.remove(1);
    store.remove(3);
    strictEqual(store.findSubject(Buffer.from('a.b')), -1);
    deepStrictEqual([store.firstOf(id), store.lastOf(id), store.countOf(id)], [0, 0, 0]);
    notStrictEqual(store.subjectGeneration(id), generation);
  });

  it('an id that has gone to another subject has another generation', () => {
    const store = memory();
    const seen = new Map<number, number>();
    let again = 0;
    for (let i = 0; i < 500; i++) {
      const seq = store.append(incoming(`a.${i}`), i);
      const id = store.subjectIdOf(seq);
      const generation = store.subjectGeneration(id);
      if (seen.has(id)) again++;
      notStrictEqual(seen.get(id), generation);
      strictEqual(store.subjectText(id), `a.${i}`);
      seen.set(id, generation);
      store.remove(seq - 3);
    }
    ok(again > 400 && seen.size < 100, 'ids are used again');
  });

  it.each([
    ['>', ['a', 'a.b', 'a.b.c', 'a-.b', 'b']],
    ['*', ['a', 'b']],
    ['a.>', ['a.b', 'a.b.c']],
    ['*.b', ['a-.b', 'a.b']],
    ['a.b', ['a.b']],
    ['a.*.c', ['a.b.c']],
    ['c.>', []],
    ['a.b.c.*', []],
  ])('%s lists its subjects', (filter, names) => {
    const store = fill(memory(), 'a.b', 'a', 'b', 'a.b', 'a.b.c', 'a-.b', 'gone');
    store.remove(7);
    const states = [...store.subjectsMatching(filter)];
    deepStrictEqual(states.map(({ subject }) => subject).sort(), [...names].sort());
    for (const { id, subject, messages, firstSeq, lastSeq } of states) {
      strictEqual(store.subjectText(id), subject);
      deepStrictEqual([messages, lastSeq - firstSeq], subject === 'a.b' ? [2, 3] : [1, 0]);
    }
  });
}

function commits(memory: () => Store): void {
  it('a message can be read before it is committed', () => {
    const store = fill(memory(), 'a');
    strictEqual(readTexts(store, 1)?.payload, 'a');
  });

  it('commits are done in their order', async () => {
    const store = memory();
    const done: number[] = [];
    const waiting = [1, 2, 3].map((number) => {
      fill(store, 'a');
      return new Promise<void>((resolve) => {
        store.commit(() => {
          done.push(number);
          resolve();
        });
      });
    });
    await Promise.all(waiting);
    deepStrictEqual(done, [1, 2, 3]);
    strictEqual(store.failure, undefined);
  });
}
