// The store in memory against a list.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import { operation, StorePair, setting } from '../support/store-pair.ts';
import { check, takeTime } from './check.ts';

takeTime();

describe('the store in memory', () => {
  it('agrees with a list', () => {
    check(
      300,
      fc.property(
        setting,
        fc.array(operation, { maxLength: 60, size: 'max' }),
        (options, operations) => {
          const pair = new StorePair(options, createMemoryStore);
          return operations.every((each) => pair.run(each) && pair.isAlike);
        },
      ),
    );
  });
});
