// The store on disk while the disk fails now and then: what was committed is there and what was removed is gone, now and for
// the process that comes next, whenever this one ends; and when the disk is well again, so is the store.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { Store } from '../../src/jetstream/store/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { closed, openStore } from '../support/file-stores.ts';
import { SimDisk, type Verb } from '../support/sim-disk.ts';
import { incoming, readTexts } from '../support/stored.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const verbs = fc.constantFrom<readonly Verb[]>(
  ['write'],
  ['write', 'truncate'],
  ['write', 'create'],
  ['create', 'unlink'],
  ['rename'],
  ['unlink'],
  ['read'],
  ['sync'],
  ['syncDir'],
);
const which = fc.nat();
const operation = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('append' as const), bytes: fc.nat(60) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('replace' as const), on: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('remove' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('below' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), by: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), isWell: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('work' as const), steps: fc.nat(6) }) },
  // A round of syncs is due then, and on a full disk room is looked for again.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fault' as const), verbs, times: fc.nat(4) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const program = fc.record({
  seed: fc.nat(),
  sync: fc.constantFrom<'always' | number>('always', 1000),
  segmentBytes: fc.constantFrom(400, 1000),
  indexBytes: fc.constantFrom(0, 1_000_000),
  chunkRows: fc.constantFrom(4, 64),
  /** Whether something is stored at the end; otherwise what was removed is all that there is to say. */
  isStored: fc.boolean(),
  operations: fc.array(operation, { minLength: 5, maxLength: 80, size: 'max' }),
});
type Program = typeof program extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly #disk: SimDisk;
  #store: Store;
  readonly #clock = new FakeClock();
  readonly #isStored: boolean;
  readonly #options: Pick<Program, 'sync' | 'segmentBytes' | 'indexBytes' | 'chunkRows'>;
  /** Sequences whose commit has been asked for, and those that were committed and not removed. */
  #asked: number[] = [];
  readonly #kept = new Map<number, string>();
  readonly #removed = new Set<number>();
  /** Sequences of whose removal a commit was done: nothing brings them back. */
  readonly #gone = new Set<number>();
  /** What has made room since the last commit was asked for, and what for: it is gone when that is there. */
  #evicted = new Map<number, number>();
  /** What has gone, and what it made room for, too. */
  readonly #goneForNothing: number[] = [];
  /** The same, where it has been asked for: all of it, and of each commit. */
  readonly #settling = new Set<number>();
  readonly #asking = new Set<ReadonlyMap<number, number>>();

  constructor({ seed, isStored, ...options }: Program) {
    this.#isStored = isStored;
    this.#disk = new SimDisk(seed);
    const { sync, segmentBytes, indexBytes, chunkRows } = options;
    this.#options = { sync, segmentBytes, indexBytes, chunkRows };
    this.#store = this.#open();
  }

  #open(): Store {
    return openStore({ ...this.#options, disk: this.#disk, dir: '/s', clock: this.#clock }).store;
  }

  async play(operations: readonly Operation[]): Promise<boolean> {
    for (const each of operations) {
      await this.#do(each);
      if (!this.#isKept(this.#store)) return false;
    }
    this.#disk.fails = () => undefined;
    if (!this.#isFound()) return false;
    await this.#disk.settle();
    // Nothing more is stored then, what is removed is not told either, and what was committed is there.
    if (isOfSync(this.#store.failure)) {
      this.#removed.clear();
      return this.#isKept(openStore({ disk: this.#disk.afterEnd(), dir: '/s' }).store);
    }
    if (this.#isStored) this.#append(1);
    await this.#committed();
    const expected = digest(this.#store);
    if (this.#store.failure !== undefined || !this.#isKept(this.#store)) return false;
    const options = { ...this.#options, dir: '/s' };
    const next = openStore({ ...options, disk: this.#disk.afterEnd() }).store;
    const end = closed(this.#store);
    await this.#disk.settle();
    await end;
    const last = openStore({ ...options, disk: this.#disk.afterEnd() }).store;
    return digest(next) === expected && digest(last) === expected;
  }

  async #do(each: Operation): Promise<void> {
    const store = this.#store;
    if (each.kind === 'append') this.#append(each.bytes);
    else if (each.kind === 'replace') this.#replace(`a.${each.on}`);
    else if (each.kind === 'commit') this.#commit();
    else if (each.kind === 'work') for (let i = 0; i < each.steps; i++) await this.#disk.step();
    else if (each.kind === 'wait') this.#clock.advance(1100);
    else if (each.kind === 'fault') this.#fail(each.verbs, each.times);
    else if (each.kind === 'reopen') await this.#reopen(each.isWell);
    else if (each.kind === 'skip') store.skipTo(store.state.lastSeq + each.by);
    else if (each.kind === 'clear') {
      const { firstSeq, lastSeq } = store.state;
      store.clear();
      for (let gone = firstSeq; gone <= lastSeq; gone++) this.#forget(gone);
      // Of everything that is gone nothing comes back.
      for (const gone of [...this.#evicted.keys(), ...this.#settling]) this.#forget(gone);
    } else {
      const { firstSeq, lastSeq } = store.state;
      const seq = firstSeq + (each.which % (lastSeq - firstSeq + 2));
      const from = each.kind === 'below' ? firstSeq : seq;
      const to = each.kind === 'below' ? seq - 1 : seq;
      // One that has made room is not there to be removed, and may be there again.
      const there: number[] = [];
      for (let at = store.next(from); at > 0 && at <= to; at = store.next(at + 1)) there.push(at);
      if (each.kind === 'below') store.removeBelow(seq);
      else store.remove(seq);
      for (const gone of there) this.#forget(gone);
    }
  }

  /** What is removed is told before an end in order, if the disk is well then. */
  async #reopen(isWell: boolean): Promise<void> {
    const store = this.#store;
    if (isWell) this.#disk.fails = () => undefined;
    const isTold = isWell && !isOfSync(store.failure);
    const expected = isTold ? digest(store) : '';
    const end = closed(store);
    await this.#disk.settle();
    await end;
    this.#disk.fails = () => undefined;
    this.#asked = [];
    for (const seq of this.#evicted.keys()) this.#kept.delete(seq);
    this.#evicted.clear();
    this.#store = this.#open();
    if (!isTold) this.#removed.clear();
    else if (digest(this.#store) !== expected) throw new Error('it is not what it was');
  }

  #forget(seq: number): void {
    if (seq <= this.#store.state.lastSeq) this.#removed.add(seq);
    this.#kept.delete(seq);
  }

  /** @returns its sequence; 0 = it is not kept */
  #append(bytes: number, subject = `a.${bytes % 4}`): number {
    try {
      const seq = this.#store.state.lastSeq + 1;
      this.#store.append(incoming(subject, `${seq}`.padEnd(bytes, 'x')), 1);
      // What nobody was told of may come again.
      this.#gone.delete(seq);
      this.#asked.push(seq);
      return seq;
    } catch {
      // It says so, and has kept nothing.
      return 0;
    }
  }

  /** A message of which there is one on its subject: all before it make room. */
  #replace(subject: string): void {
    const store = this.#store;
    const seq = this.#append(20, subject);
    const id = store.findSubject(new TextEncoder().encode(subject));
    if (seq === 0 || id < 0) return;
    while (store.has(seq) && store.firstOf(id) < seq) {
      const first = store.firstOf(id);
      this.#evicted.set(first, seq);
      store.evict(first);
    }
  }

  #commit(done: () => void = () => {}): void {
    const asked = this.#asked;
    const removed = [...this.#removed];
    const evicted = this.#evicted;
    this.#asked = [];
    this.#evicted = new Map();
    for (const seq of evicted.keys()) this.#settling.add(seq);
    this.#asking.add(evicted);
    this.#store.commit((failure, unsaid) => {
      for (const seq of unsaid === undefined ? removed : []) this.#gone.add(seq);
      const kept = failure === undefined ? asked : [];
      for (const seq of kept) if (!this.#removed.has(seq)) this.#kept.set(seq, `${seq}`);
      this.#asking.delete(evicted);
      for (const seq of evicted.keys()) this.#settle(seq, evicted, failure);
      done();
    });
  }

  #settle(seq: number, evicted: ReadonlyMap<number, number>, failure: Error | undefined): void {
    // It was there again, and has made room for another.
    if ([this.#evicted, ...this.#asking].some((others) => others.has(seq))) return;
    this.#settling.delete(seq);
    if (failure === undefined) {
      this.#kept.delete(seq);
      this.#removed.add(seq);
    } else if (!this.#store.has(seq)) {
      // After a failed sync nobody knows.
      const hasSynced = ![failure, this.#store.failure].some((each) => isOfSync(each));
      const isKnown = this.#kept.has(seq) && hasSynced;
      if (isKnown && !this.#isReplaced(seq, evicted)) this.#goneForNothing.push(seq);
      this.#kept.delete(seq);
    }
  }

  /** What it has made room for was there all the same: it is, or was removed, or has made room itself. */
  #isReplaced(seq: number, evicted: ReadonlyMap<number, number>): boolean {
    const maps = [evicted, this.#evicted, ...this.#asking];
    const by = maps.map((each) => each.get(seq)).find((other) => other !== undefined);
    if (by === undefined) return false;
    return this.#store.has(by) || this.#removed.has(by) || this.#isReplaced(by, evicted);
  }

  async #committed(): Promise<void> {
    const end = new Promise<void>((resolve) => this.#commit(resolve));
    await this.#disk.settle();
    await end;
  }

  #fail(failing: readonly Verb[], times: number): void {
    let left = times;
    this.#disk.fails = (each) => (failing.includes(each) && left-- > 0 ? 'EIO' : undefined);
  }

  /** Whether what was committed is there for who comes after the process has ended, or the power was lost, in between. */
  #isFound(): boolean {
    const disks = [this.#disk.afterEnd()];
    if (this.#options.sync === 'always') disks.push(this.#disk.afterPowerLoss());
    return disks.every((disk) => {
      const { store } = openStore({ ...this.#options, disk, dir: '/s' });
      return this.#isThere(store) && [...this.#gone].every((seq) => !store.has(seq));
    });
  }

  #isThere(store: Store): boolean {
    return [...this.#kept].every(([seq, text]) => {
      if (this.#evicted.has(seq) || this.#settling.has(seq)) return true;
      return readTexts(store, seq)?.payload.startsWith(text) === true;
    });
  }

  #isKept(store: Store): boolean {
    const { fails } = this.#disk;
    this.#disk.fails = () => undefined;
    const isThere = this.#isThere(store);
    this.#disk.fails = fails;
    if (!isThere || this.#goneForNothing.length > 0) return false;
    return [...this.#removed].every((seq) => !store.has(seq));
  }
}

function isOfSync(failure: Error | undefined): boolean {
  return failure?.message.startsWith('sync') === true;
}

function digest(store: Store): string {
  const lines = [JSON.stringify(store.state)];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) {
    lines.push(JSON.stringify(readTexts(store, seq)));
  }
  return lines.join('\n');
}

describe('the store on disk', () => {
  it('keeps what it has promised while the disk fails now and then', async () => {
    await checkAsync(
      150,
      fc.asyncProperty(program, (each) => new Run(each).play(each.operations)),
    );
  });
});
