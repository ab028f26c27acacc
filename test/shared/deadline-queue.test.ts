// Things with one time to live: each expires in its time, whatever is done meanwhile.
import { expect, it } from 'vitest';
import { DeadlineQueue } from '../../src/shared/deadline-queue.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('an error of one goes to the platform and takes nobody else along', () => {
  const clock = new FakeClock();
  const expired: string[] = [];
  const queue = new DeadlineQueue<string>(clock, 10, (item) => {
    expired.push(item);
    if (item.startsWith('bad')) throw new Error(item);
  });
  for (const item of ['bad 1', 'good', 'bad 2']) queue.add(item);
  clock.advance(5);
  queue.add('later');
  expect(() => clock.advance(5)).toThrow('bad 1');
  expect(() => clock.advance(0)).toThrow('bad 2');
  clock.advance(4);
  expect(expired).toEqual(['bad 1', 'good', 'bad 2']);
  clock.advance(1);
  expect(expired).toEqual(['bad 1', 'good', 'bad 2', 'later']);
  expect([queue.size, clock.timerCount]).toEqual([0, 0]);
});

it('who is added anew while others expire delays nobody', () => {
  const clock = new FakeClock();
  const expired: string[] = [];
  const queue = new DeadlineQueue<string>(clock, 10, (item) => {
    expired.push(item);
    if (expired.length === 1) queue.add(item);
  });
  queue.add('again');
  clock.advance(1);
  queue.add('next');
  clock.advance(10);
  expect(expired).toEqual(['again', 'next']);
  clock.advance(9);
  expect(expired).toEqual(['again', 'next', 'again']);
});

it('what is forgotten while it expires leaves no timer', () => {
  const clock = new FakeClock();
  const queue = new DeadlineQueue<string>(clock, 10, () => {
    queue.add('more');
    queue.clear();
  });
  queue.add('one');
  queue.add('two');
  clock.advance(10);
  expect([queue.size, clock.timerCount]).toEqual([0, 0]);
});
