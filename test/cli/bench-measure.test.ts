// What is left of contenders when a case of the bench is over.
import { expect, test } from 'vitest';
import { type Contender, measure } from '../../src/cli/bench/contender.ts';

const EFFORT = { rounds: 1, seconds: 0 };

test.each([
  [
    'by throwing',
    () => {
      throw new Error('cannot close');
    },
  ],
  ['by rejecting', () => Promise.reject(new Error('cannot close'))],
])('every contender is closed although one fails to be %s', async (_, close) => {
  const closed: string[] = [];
  const contender = (name: string): Contender => ({
    name,
    round: async () => ({ operations: 1, seconds: 1 }),
    close: () => {
      closed.push(name);
      return name === 'b' ? close() : undefined;
    },
  });
  const measuring = measure(['a', 'b', 'c'].map(contender), EFFORT, () => {});
  await expect(measuring).rejects.toThrow('cannot close');
  expect(closed).toEqual(['a', 'b', 'c']);
});

test('what a round throws is not hidden by what a close throws', async () => {
  const contender: Contender = {
    name: 'a',
    round: () => Promise.reject(new Error('cannot measure')),
    close: () => Promise.reject(new Error('cannot close')),
  };
  await expect(measure([contender], EFFORT, () => {})).rejects.toThrow('cannot measure');
});
