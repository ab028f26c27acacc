// Who has his turn when many wait.
import { expect, it } from 'vitest';
import { FairQueue, laneOf } from '../../src/shared/fair-queue.ts';

function filled(...items: [lane: string, item: string][]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const [lane, item] of items) queue.add(lane, item);
  return queue;
}

function all(queue: FairQueue<string>): string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

it('lanes have their turns, each in its order', () => {
  const queue = filled(
    ['a', 'a1'],
    ['a', 'a2'],
    ['a', 'a3'],
    ['b', 'b1'],
    ['c', 'c1'],
    ['c', 'c2'],
  );
  expect(queue.size).toBe(6);
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  expect(queue.size).toBe(0);
});

it('a lane that may not go keeps its turn', () => {
  const queue = filled(['a', 'a1'], ['b', 'b1'], ['b', 'b2']);
  expect(queue.take((lane) => lane !== 'a')).toBe('b1');
  expect(queue.take(() => false)).toBe(undefined);
  expect(all(queue)).toEqual(['a1', 'b2']);
});

it('what is taken out has no turn, and nothing counts twice', () => {
  const queue = filled(['a', 'a1'], ['a', 'a1'], ['a', 'a2'], ['b', 'b1']);
  expect(queue.size).toBe(3);
  expect([queue.delete('a', 'a1'), queue.delete('a', 'a1'), queue.delete('x', 'a2')]).toEqual([
    true,
    false,
    false,
  ]);
  expect([queue.has('a'), queue.has('x'), queue.size]).toEqual([true, false, 2]);
  expect(all(queue)).toEqual(['a2', 'b1']);
  expect(queue.has('a')).toBe(false);
});

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['', ''],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::1', '2001:db8:1:2'],
  ['2001:db8::7', '2001:db8:0:0'],
  ['::1', ':0:0:0'],
  ['fe80::1:2:3:4:5:6', 'fe80:0:1:2'],
])('who comes from %j is of lane %j', (address, lane) => {
  expect(laneOf(address)).toBe(lane);
});
