// The store on disk against a list: any operations, closed and opened again at any moment, stopped at any step of the disk
// (in the middle of a write, of a compaction, of a purge), and after a power loss that keeps some half of what was not
// synced. What is there then is what was there at some moment, not before the last commit that was promised to survive.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { OpenedStore } from '../../src/jetstream/store/file/file-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { NaiveStore } from '../model/naive-store.ts';
import { closed, openStore } from '../support/file-stores.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { incoming, readTexts } from '../support/stored.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const subject = fc.constantFrom('a', 'b', 'a.b', 'a.c', 'c.d.e');
const append = fc.record({
  kind: fc.constant('append' as const),
  subject,
  bytes: fc.oneof({ weight: 8, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(900) }),
  headerBytes: fc.constantFrom(0, 0, 16),
});
const which = fc.nat();

const operation = fc.oneof(
  { weight: 12, arbitrary: append },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('remove' as const), which }) },
  // Many of those that lie together: a segment is copied when little of it lives.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('thin' as const), which, count: fc.nat(8) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('below' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('skip' as const),
      by: fc.constantFrom(1, 3, 2 ** 33),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('work' as const),
      steps: fc.oneof(fc.nat(6), fc.constant(60)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const program = fc.record({
  seed: fc.nat(),
  sync: fc.constantFrom<'always' | number>('always', 1000),
  firstSeq: fc.constantFrom(0, 0, 1, 77, 2 ** 40),
  segmentBytes: fc.constantFrom(400, 1000, 1_000_000),
  isToldAll: fc.boolean(),
  indexBytes: fc.constantFrom(0, 1_000_000),
  stopsAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 3, max: 120 })),
  operations: fc.array(operation, { minLength: 5, maxLength: 80, size: 'max' }),
});
type Program = typeof program extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly #program: Program;
  readonly #naive: NaiveStore;
  #disk: SimDisk;
  #opened: OpenedStore;
  #timeMs = 1.7e12;
  /** What there was after each operation, and which of them must be there. */
  readonly #moments: string[] = [];
  #promised = 0;
  #isRight = true;

  constructor(each: Program) {
    this.#program = each;
    this.#naive = new NaiveStore('file', each.firstSeq);
    this.#disk = new SimDisk(each.seed);
    this.#opened = this.#open();
    this.#moments.push(digest(this.#opened.store));
  }

  #open(): OpenedStore {
    const { firstSeq, segmentBytes, sync, isToldAll, indexBytes } = this.#program;
    const options = {
      disk: this.#disk,
      dir: '/s',
      firstSeq,
      segmentBytes,
      sync,
      chunkRows: 4,
      indexBytes,
    };
    return openStore({ ...options, ...(isToldAll && { onRemoved: () => {} }) });
  }

  async play(): Promise<boolean> {
    const { operations, stopsAt } = this.#program;
    this.#disk.stopsAt = stopsAt;
    for (const each of operations) {
      if (this.#disk.isStopped) break;
      await this.#do(each);
      const expected = digestOf(this.#naive);
      this.#moments.push(expected);
      if (!this.#disk.isStopped && digest(this.#opened.store) !== expected) return false;
    }
    return this.#isRight;
  }

  async #do(each: Operation): Promise<void> {
    if (each.kind === 'commit') this.#commit();
    else if (each.kind === 'work') for (let i = 0; i < each.steps; i++) await this.#disk.step();
    else if (each.kind === 'reopen') await this.#reopen();
    else this.#change(each);
  }

  #change(each: Exclude<Operation, { kind: 'commit' | 'work' | 'reopen' }>): void {
    const { store } = this.#opened;
    const naive = this.#naive;
    const chosen = 'which' in each ? naive.messages[each.which % naive.messages.length]?.seq : 0;
    if (each.kind === 'append') this.#append(each);
    else if (each.kind === 'skip') {
      const seq = naive.state.lastSeq + each.by;
      store.skipTo(seq);
      naive.skipTo(seq);
    } else if (each.kind === 'clear') {
      store.clear();
      naive.clear();
    } else if (each.kind === 'thin') {
      const seqs = naive.messages.map(({ seq }) => seq);
      const from = seqs.length === 0 ? 0 : each.which % seqs.length;
      const thinned = new Set(seqs.slice(from, from + each.count).filter((_, i) => i % 4 !== 3));
      for (const seq of thinned) store.remove(seq);
      naive.removeIf(({ seq }) => thinned.has(seq));
    } else if (each.kind === 'remove') {
      store.remove(chosen ?? 0);
      naive.removeIf(({ seq }) => seq === chosen);
    } else {
      store.removeBelow(chosen ?? 0);
      naive.removeIf(({ seq }) => seq < (chosen ?? 0));
    }
  }

  #append({ subject: name, bytes, headerBytes }: Extract<Operation, { kind: 'append' }>): void {
    this.#timeMs++;
    const headers = headerBytes === 0 ? undefined : 'N'.repeat(headerBytes);
    const payload = String.fromCharCode(48 + (bytes % 60)).repeat(bytes);
    this.#naive.append({ timeMs: this.#timeMs, subject: name, headers, payload });
    try {
      this.#opened.store.append(incoming(name, payload, headers), this.#timeMs);
    } catch (error) {
      if (!this.#disk.isStopped) throw error;
    }
  }

  #commit(): void {
    const moment = this.#moments.length - 1;
    this.#opened.store.commit((failure) => {
      if (failure === undefined) this.#promised = Math.max(this.#promised, moment);
      else if (!this.#disk.isStopped) this.#isRight = false;
    });
  }

  async #reopen(): Promise<void> {
    const end = closed(this.#opened.store);
    await this.#disk.settle();
    await end;
    if (!this.#disk.isStopped) this.#opened = this.#open();
  }

  /** The store as it is found on what is left of the disk. */
  isKept(hasPower: boolean): boolean {
    const promised = hasPower || this.#program.sync === 'always' ? this.#promised : 0;
    this.#disk = hasPower ? this.#disk.afterEnd() : this.#disk.afterPowerLoss();
    const { store } = this.#open();
    const found = digest(store);
    const isThere = this.#moments.slice(promised).includes(found);
    store.commit(() => {});
    // What has been mended stays mended.
    this.#disk = this.#disk.afterEnd();
    return isThere && digest(this.#open().store) === found;
  }
}

function digest(store: Store): string {
  const { state } = store;
  const lines = [JSON.stringify(state)];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) {
    lines.push(JSON.stringify(readTexts(store, seq), KEYS));
  }
  return lines.join('\n');
}

function digestOf({ state, messages }: NaiveStore): string {
  return [JSON.stringify(state), ...messages.map((each) => JSON.stringify(each, KEYS))].join('\n');
}

const KEYS = ['seq', 'timeMs', 'subject', 'headers', 'payload'];

describe('the store on disk', () => {
  it('agrees with a list, and keeps what it has promised when the process ends', async () => {
    await checkAsync(
      150,
      fc.asyncProperty(program, async (each) => {
        const run = new Run(each);
        return (await run.play()) && run.isKept(true);
      }),
    );
  });

  it('keeps what it has promised when the power is lost', async () => {
    await checkAsync(
      150,
      fc.asyncProperty(program, async (each) => {
        const run = new Run(each);
        return (await run.play()) && run.isKept(false);
      }),
    );
  });
});
