// Which consumers a message concerns, however many there are; and that a million unacknowledged messages cost little.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ahead } from '../../src/jetstream/consumer/ahead.ts';
import { ConsumerIndex } from '../../src/jetstream/consumer/consumer-index.ts';
import { FilterTrie } from '../../src/jetstream/consumer/filter-trie.ts';
import type { StreamFollower } from '../../src/jetstream/consumer/host.ts';
import { Pending } from '../../src/jetstream/consumer/pending.ts';
import { Progress } from '../../src/jetstream/consumer/progress.ts';
import { Redelivery } from '../../src/jetstream/consumer/redelivery.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import { purgeStore } from '../../src/jetstream/stream/purge.ts';
import { subjectsCollide } from '../../src/jetstream/subjects.ts';
import { type Work, wholly } from '../../src/jetstream/work.ts';
import { matches } from '../model/matches.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';
import { incoming } from '../support/stored.ts';
import { atOnce } from '../support/work.ts';

const ahead = new Ahead();

/** A follower that writes down what it is told. */
class Listener implements StreamFollower {
  filters: readonly string[];
  readonly told: string[] = [];
  readonly slot: number = ahead.take();

  constructor(...filters: string[]) {
    this.filters = filters;
    ahead.waits[this.slot] = 1;
  }

  get stored(): number {
    return ahead.pendings[this.slot] as number;
  }

  wake(): void {
    this.told.push('wake');
  }

  uncount(): void {}

  *recount(): Work<void> {}

  restored(): void {}

  removed(seq: number): void {
    this.told.push(`removed ${seq}`);
  }

  purged(seq: number, isPart: boolean): Work<void> {
    return atOnce(() => void this.told.push(`purged ${seq}${isPart ? ' in part' : ''}`));
  }

  needs(seq: number): boolean {
    return seq > 1;
  }
}

describe('the index', () => {
  function made(...listeners: Listener[]) {
    const store = createMemoryStore({
      storage: 'memory',
      onRemoved: (seq, id) => index.removed(seq, id),
    });
    const index: ConsumerIndex = new ConsumerIndex(store, ahead);
    listeners.forEach((listener, at) => void index.add(`${at}`, listener));
    const publish = (subject: string): void => {
      const seq = store.append(incoming(subject), 1);
      index.stored(seq, store.subjectIdOf(seq));
    };
    return { store, index, publish };
  }

  test('tells many of a purge in pieces, and not those that have gone meanwhile', () => {
    const listeners = Array.from({ length: 300 }, () => new Listener());
    const { store, index, publish } = made(...listeners);
    publish('a');
    const request = { filter: 'a', seq: undefined, keep: undefined };
    const work = index.purge(request, purgeStore(store, request));
    let pieces = 1;
    for (; work.next().done !== true; pieces++) index.remove('299');
    expect(pieces).toBeGreaterThan(2);
    const told = listeners.map((listener) => listener.told);
    expect(told.filter((each) => each.includes('purged 2 in part'))).toHaveLength(299);
    expect(told[299]).toEqual([]);
  });

  test('tells those whose filters match, and wakes them once for a run', () => {
    const all = new Listener();
    const one = new Listener('a.*', 'a.b');
    const other = new Listener('c');
    const { store, index, publish } = made(all, one, other);
    for (const subject of ['a.b', 'a.c', 'd']) publish(subject);
    index.wake(3);
    index.wake(3);
    store.remove(2);
    const request = { filter: undefined, seq: undefined, keep: undefined };
    wholly(index.purge(request, purgeStore(store, request)));
    expect(all.told).toEqual(['wake', 'removed 2', 'purged 4']);
    expect(one.told).toEqual(['wake', 'removed 2', 'purged 4']);
    expect([all, one, other].map(({ stored }) => stored)).toEqual([3, 2, 0]);
    expect(other.told).toEqual(['purged 4']);
  });

  test('wakes again for what may be shown later', () => {
    const one = new Listener('a');
    const { index, publish } = made(one);
    publish('a');
    publish('a');
    index.wake(1);
    index.wake(2);
    index.wake(2);
    expect(one.told).toEqual(['wake', 'wake']);
  });

  test('wakes nobody for whom nobody waits', () => {
    const one = new Listener('a');
    const { index, publish } = made(one);
    ahead.waits[one.slot] = 0;
    publish('a');
    index.wake(1);
    expect([one.told, one.stored]).toEqual([[], 1]);
  });

  test('knows subjects again whose ids stand for others now, and filters that change', () => {
    const one = new Listener('a');
    const { store, index, publish } = made(one);
    publish('a');
    store.remove(1);
    publish('b');
    expect([one.told, one.stored]).toEqual([['removed 1'], 1]);
    one.filters = ['b'];
    index.update('0');
    publish('b');
    index.remove('0');
    publish('b');
    expect(one.stored).toBe(2);
    expect(index.size).toBe(0);
  });

  test('remembers no more than a bound, however many consumers want however many subjects', () => {
    const many = Array.from({ length: 1200 }, () => new Listener('a.*'));
    const { index, publish } = made(...many);
    for (let i = 0; i < 1000; i++) publish(`a.${i}`);
    expect(index.keptCount).toBeGreaterThan(1200);
    expect(index.keptCount).toBeLessThanOrEqual(1 << 20);
    for (const [name] of many.entries()) index.remove(`${name}`);
    expect(index.keptCount).toBe(0);
  });

  test('says whether somebody wants a subject, and whether somebody needs a message', () => {
    const { store, index, publish } = made(new Listener('a.>'));
    const wants = (subject: string): boolean =>
      index.hasInterest(new TextEncoder().encode(subject));
    expect([wants('a'), wants('a.b'), wants('b')]).toEqual([false, true, false]);
    publish('a.b');
    publish('a.b');
    publish('b');
    const needed = [1, 2, 3].map((seq) => index.needs(seq, store.subjectIdOf(seq)));
    expect(needed).toEqual([false, true, false]);
    index.add('all', new Listener());
    expect(wants('b')).toBe(true);
    expect(index.needs(3, store.subjectIdOf(3))).toBe(true);
  });
});

describe('a purge', () => {
  const filters = [undefined, 'a.*', '*.b', 'a.7', 'c.>'];

  function made(messages: number) {
    const stream = new ConsumerStream();
    for (let i = 0; i < messages; i++) stream.publish(`${'abc'[i % 3]}.${i % 11 ? i % 50 : 'b'}`);
    const consumers = filters.map((filter_subject, i) =>
      stream.consumer({ name: `C${i}`, ...(filter_subject && { filter_subject }) }),
    );
    const purge = (filter: string | undefined, keep?: number): void => {
      const request = { filter, seq: undefined, keep };
      wholly(stream.index.purge(request, purgeStore(stream.store, request)));
    };
    const pending = (): number[] => consumers.map((consumer) => consumer.info().pending);
    const ahead = (): number[] =>
      filters.map((filter) => wholly(stream.store.counting([filter ?? '>'], 1)));
    return { stream, purge, pending, ahead };
  }

  test.each([
    ['a.7', 1],
    ['a.*', undefined],
    ['*.b', 3],
    ['b.>', undefined],
    ['*.*', 5],
    [undefined, 10],
    [undefined, undefined],
  ])(
    'of %s but the last %s leaves what lies ahead right, however many it takes',
    (filter, keep) => {
      for (const messages of [300, 3000]) {
        const { purge, pending, ahead } = made(messages);
        purge(filter, keep);
        expect(pending()).toEqual(ahead());
      }
    },
  );

  test('of few has no consumer count all that lies ahead', () => {
    const { stream, purge, pending, ahead } = made(3000);
    const { counting } = stream.store;
    let counted = 0;
    stream.store.counting = (...asked) => {
      counted++;
      return counting.apply(stream.store, asked);
    };
    // As each mark does that takes the place of a message: what was before it on its subject goes.
    for (let i = 0; i < 10; i++) purge(`a.${i}`);
    expect(counted).toBe(0);
    expect(pending()).toEqual(ahead());
  });
});

test('the trie of filters finds what matches, and is empty when all are gone', () => {
  const token = fc.constantFrom('a', 'b', 'c', '*x');
  const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
  const filter = fc
    .tuple(
      fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }),
      fc.constantFrom('a', '*', '>'),
    )
    .map(([tokens, last]) => [...tokens, last].join('.'));
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 12 }), fc.array(subject), (filters, subjects) => {
      const trie = new FilterTrie<number>();
      filters.forEach((each, at) => void trie.add(each, at));
      filters.forEach((each, at) => void (at % 3 === 0 && trie.delete(each, at)));
      const agree = subjects.every((each) => {
        const found: number[] = [];
        trie.match(each, (at) => found.push(at));
        const wanted = filters.flatMap((filter_, at) =>
          at % 3 !== 0 && matches(each, filter_) ? [at] : [],
        );
        return JSON.stringify(found.sort((a, b) => a - b)) === JSON.stringify(wanted);
      });
      filters.forEach((each, at) => void trie.delete(each, at));
      return agree && trie.count === 0;
    }),
    { numRuns: 300 },
  );
});

test('the trie of filters finds what meets a filter', () => {
  const filter = fc
    .tuple(
      fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 3 }),
      fc.constantFrom('a', 'b', '*', '>'),
    )
    .map(([tokens, last]) => [...tokens, last].join('.'));
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 12 }), filter, (filters, asked) => {
      const trie = new FilterTrie<number>();
      filters.forEach((each, at) => void trie.add(each, at));
      const found: number[] = [];
      trie.meet(asked, (at) => found.push(at));
      const wanted = filters.flatMap((each, at) => (subjectsCollide(each, asked) ? [at] : []));
      expect(found.sort((a, b) => a - b)).toEqual(wanted);
    }),
    { numRuns: 1000 },
  );
});

describe('a million unacknowledged messages', () => {
  const COUNT = 1_000_000;

  test('cost at most 40 bytes each, also when all were delivered again', () => {
    const redelivery = new Redelivery([1000]);
    for (let i = 1; i <= COUNT; i++) redelivery.deliver(i * 3, i, 0);
    expect(redelivery.heldBytes).toBeLessThan(25 * COUNT);
    let expired = 0;
    for (let seqs = redelivery.expired(1000); seqs.length > 0; seqs = redelivery.expired(1000)) {
      for (const seq of seqs) redelivery.enqueue(seq);
      expired += seqs.length;
    }
    expect(expired).toBe(COUNT);
    for (let i = 1; i <= COUNT; i++) redelivery.redeliver(2000);
    expect(redelivery.first()).toBe(0);
    expect(redelivery.heldBytes).toBeLessThan(40 * COUNT);
    expect(redelivery.pending.redeliveredCount).toBe(COUNT);
    expect(redelivery.nextDueMs()).toBe(3000);
  });

  test('are removed up to one of them as one by one', () => {
    const steps = fc.array(
      fc.tuple(fc.constantFrom('queue', 'touch', 'remove', 'again'), fc.nat()),
    );
    const isSame = fc.property(steps, fc.integer({ min: 0, max: 6000 }), (some, upTo) => {
      const both = [new Redelivery([1000]), new Redelivery([1000])] as const;
      for (const redelivery of both) {
        for (let seq = 1; seq <= 5000; seq++) redelivery.deliver(seq, seq, 0);
        for (const [kind, number] of some) {
          const seq = 1 + (number % 5000);
          if (kind === 'queue') redelivery.enqueue(seq);
          else if (kind === 'touch') redelivery.touch(seq, 5);
          else if (kind === 'remove') redelivery.remove(seq);
          else if (redelivery.first() > 0) redelivery.redeliver(9);
        }
      }
      const [whole, single] = both;
      const told: number[] = [];
      const told1: number[] = [];
      whole.removeUpTo(upTo, (seq) => void told.push(seq));
      for (let at = single.pending.findFrom(1); at > 0 && at <= upTo; ) {
        single.remove(at);
        told1.push(at);
        at = single.pending.findFrom(1);
      }
      const state = (redelivery: Redelivery) => [
        redelivery.pending.count,
        redelivery.pending.redeliveredCount,
        redelivery.pending.findFrom(1),
        redelivery.queuedCount,
        redelivery.first(),
        redelivery.nextDueMs(),
      ];
      expect(state(whole)).toEqual(state(single));
      expect(told).toEqual(told1);
    });
    fc.assert(isSame, { numRuns: 20 });
  });

  test('that a purge takes out move the floors as one by one', () => {
    const step = fc.tuple(
      fc.constantFrom('ack', 'ackAll', 'queue'),
      fc.integer({ min: 1, max: 200 }),
    );
    const isSame = fc.property(
      fc.array(step, { maxLength: 30, size: 'max' }),
      fc.array(fc.integer({ min: 1, max: 210 }), { minLength: 1, maxLength: 3 }),
      (steps, purges) => {
        const both = [new Progress(1, [1000]), new Progress(1, [1000])] as const;
        for (const progress of both) {
          // With a filter: every third sequence.
          for (let seq = 2; seq <= 200; seq += 3) progress.deliver(seq, 0);
          for (const [kind, at] of steps) {
            if (kind === 'ack') progress.ack(at, 201);
            else if (kind === 'queue') progress.redelivery.enqueue(at);
            else if (progress.redelivery.pending.find(at)) {
              progress.ackAll(at, progress.redelivery.pending.consumerSeq, 201, () => {});
            }
          }
        }
        const [whole, single] = both;
        for (const seq of purges) {
          const isGone = (at: number): boolean => at % 2 === 0;
          const cursor = Math.max(seq, 201);
          const answer = wholly(whole.purge(seq, isGone, () => cursor));
          // From the first one on it goes as among those above.
          const { redelivery } = single;
          const { findFrom } = Pending.prototype;
          redelivery.removeUpTo = () => {};
          redelivery.pending.findFrom = (at) =>
            findFrom.call(redelivery.pending, at === seq ? 1 : at);
          const isOut = (at: number): boolean => at < seq || isGone(at);
          expect(wholly(single.purge(seq, isOut, () => cursor))).toBe(answer);
          redelivery.pending.findFrom = findFrom;
          expect(stateOf(whole)).toEqual(stateOf(single));
        }
      },
    );
    fc.assert(isSame, { numRuns: 200 });
  });

  test('leave little behind when one in a thousand is left', () => {
    const redelivery = new Redelivery([1000]);
    for (let i = 1; i <= COUNT; i++) redelivery.deliver(i, i, i);
    for (let i = 1; i <= COUNT; i++) if (i % 1000 !== 0) redelivery.remove(i);
    expect(redelivery.pending.count).toBe(1000);
    expect(redelivery.heldBytes).toBeLessThan(600_000);
    expect(redelivery.pending.findFrom(1)).toBe(1000);
    expect(redelivery.pending.consumerSeq).toBe(1000);
    expect(redelivery.nextDueMs()).toBe(2000);
  });

  test('that are touched are not gone through again each time somebody asks when one is due', () => {
    const redelivery = new Redelivery([1000]);
    const { pending } = redelivery;
    for (let seq = 1; seq <= 5000; seq++) redelivery.deliver(seq, seq, 0);
    for (let seq = 1; seq <= 5000; seq++) redelivery.touch(seq, seq);
    expect(redelivery.nextDueMs()).toBe(1001);
    const asked: number[] = [];
    const find = pending.findUntouched.bind(pending);
    pending.findUntouched = (seq) => {
      asked.push(seq);
      return find(seq);
    };
    expect(redelivery.nextDueMs()).toBe(1001);
    redelivery.deliver(5001, 5001, 1);
    for (let seq = 1; seq <= 5000; seq++) redelivery.remove(seq);
    expect(redelivery.nextDueMs()).toBe(1001);
    expect(redelivery.expired(2000)).toEqual([5001]);
    expect(Math.min(...asked)).toBe(5001);
  });

  test('and many acks of other times keep the heap small', () => {
    const redelivery = new Redelivery([1000]);
    for (let i = 1; i <= 100; i++) redelivery.deliver(i, i, 0);
    for (let i = 0; i < 100_000; i++) redelivery.touch(1 + (i % 100), i);
    for (let i = 0; i < 100_000; i++) redelivery.postpone(1 + (i % 100), 200_000 - i);
    for (let i = 0; i < 100_000; i++) {
      redelivery.enqueue(1 + (i % 100));
      redelivery.postpone(1 + (i % 100), 300_000);
    }
    expect(redelivery.heldBytes).toBeLessThan(20_000);
    expect(redelivery.queuedCount).toBe(0);
  });
});

test('all that a consumer waits for is one timer', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ max_ack_pending: -1, inactive_threshold: 60_000_000_000 });
  for (let i = 0; i < 100; i++) {
    stream.publish('a');
    stream.pull(consumer, {
      expires: 5_000_000_000 + i * 1_000_000,
      idle_heartbeat: 1_000_000_000,
    });
    stream.pull(consumer, { expires: 9_000_000_000, batch: 2 });
    stream.turn();
    stream.clock.advance(3);
  }
  expect(stream.clock.timerCount).toBe(1);
  consumer.close('Consumer Deleted');
  expect(stream.clock.timerCount).toBe(0);
});

function stateOf({ redelivery, delivered, floor, shownFloor }: Progress): unknown[] {
  const { pending } = redelivery;
  const first = pending.findFrom(1);
  return [pending.count, first, redelivery.queuedCount, delivered, floor, shownFloor];
}
