// What filters match among thousands of messages, against a list: subjects that come in crowds, some early, some late,
// some all the time, so that each way to the next message is the shortest at times.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { NaiveStore } from '../model/naive-store.ts';
import { incoming } from '../support/stored.ts';
import { check, takeTime } from './check.ts';

takeTime();

/** Messages that are stored one after the other; those of the same stem may come again in a later crowd. */
const crowd = fc.record({
  stem: fc.constantFrom('a', 'b', 'c'),
  /** How many subjects they are on, by turns. */
  subjects: fc.constantFrom(1, 3, 40, 1500),
  messages: fc.integer({ min: 1, max: 2500 }),
  /** Only every so many-th stays. */
  kept: fc.constantFrom(1, 1, 1, 2, 50),
});

const filters = fc.constantFrom(
  ['a.>'],
  ['b.*'],
  ['b.n7'],
  ['*.n0', 'c.n1'],
  ['*.n39'],
  ['a.n1', 'b.n2', 'c.*'],
  ['d.>'],
  ['a.n1499', 'b.n1499', 'c.n1499'],
  ['*.n0', 'a.*'],
);

const program = fc.record({
  crowds: fc.array(crowd, { minLength: 1, maxLength: 4 }),
  chunkRows: fc.constantFrom(undefined, 16),
  asked: fc.array(fc.tuple(filters, fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 8,
    maxLength: 12,
  }),
});

describe('the store in memory', () => {
  it('finds what filters match among thousands', () => {
    check(
      15,
      fc.property(program, ({ crowds, chunkRows, asked }) => {
        const naive = new NaiveStore('memory');
        const store = createMemoryStore({
          storage: 'memory',
          ...(chunkRows === undefined ? {} : { chunkRows }),
        });
        for (const { stem, subjects, messages, kept } of crowds) {
          for (let i = 0; i < messages; i++) {
            const subject = `${stem}.n${i % subjects}`;
            naive.append({ timeMs: 1, subject, headers: undefined, payload: '' });
            const seq = store.append(incoming(subject), 1);
            if (i % kept !== 0) store.remove(seq);
          }
          const { lastSeq } = naive.state;
          const start = lastSeq - messages;
          naive.removeIf(({ seq }) => seq > start && (seq - start - 1) % kept !== 0);
        }
        return asked.every(([wanted, share]) => {
          const seq = Math.ceil(share * (naive.state.lastSeq + 1));
          const found = naive.matching(wanted, seq);
          // From one to the next, as a consumer goes.
          let at = seq;
          for (const each of found.slice(0, 20)) {
            if (wholly(store.findNext(wanted, at)) !== each) return false;
            at = each + 1;
          }
          const isEnd = found.length > 20 || wholly(store.findNext(wanted, at)) === 0;
          return isEnd && wholly(store.counting(wanted, seq)) === found.length;
        });
      }),
    );
  });
});
