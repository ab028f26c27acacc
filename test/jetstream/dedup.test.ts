// The window of ids of a stream: what it knows, for how long, and what it forgets when messages are none after all.
import { expect, test } from 'vitest';
import { DedupWindow } from '../../src/jetstream/stream/dedup.ts';
import { FakeClock } from '../support/fake-clock.ts';

const WINDOW_MS = 1000;

function windowOf(count: number): { window: DedupWindow; clock: FakeClock } {
  const clock = new FakeClock();
  const window = new DedupWindow(clock, WINDOW_MS);
  for (let seq = 1; seq <= count; seq++) {
    window.add(`id ${seq}`, seq);
    clock.advance(1);
  }
  return { window, clock };
}

const known = (window: DedupWindow, count: number): number[] =>
  Array.from({ length: count }, (_, i) => window.find(`id ${i + 1}`)).filter((seq) => seq > 0);

test('an id is known until its time is over, each by its own', () => {
  const { window, clock } = windowOf(5);
  expect(known(window, 5)).toEqual([1, 2, 3, 4, 5]);
  clock.advance(WINDOW_MS - 3);
  expect(known(window, 5)).toEqual([4, 5]);
  expect([window.count, window.lastOf(5), window.lastOf(4)]).toEqual([2, 'id 5', '']);
});

test('of messages that are none, here and there, the ids are forgotten, and those of others go by their time', () => {
  const { window, clock } = windowOf(9);
  const asked: number[] = [];
  window.forgetMissing(4, (seq) => asked.push(seq) > 0 && seq % 3 === 0);
  // Those before are not asked about.
  expect(asked).toEqual([4, 5, 6, 7, 8, 9]);
  expect(known(window, 9)).toEqual([1, 2, 3, 6, 9]);
  expect([window.count, window.lastOf(9)]).toEqual([5, 'id 9']);
  clock.advance(WINDOW_MS - 9 + 3);
  expect(known(window, 9)).toEqual([6, 9]);
  clock.advance(3);
  expect(known(window, 9)).toEqual([9]);
});

test('of all from one message on the ids are forgotten, and the last is another', () => {
  const { window } = windowOf(9);
  window.forgetFrom(7);
  window.forgetMissing(6, () => false);
  expect(known(window, 9)).toEqual([1, 2, 3, 4, 5]);
  expect(window.lastOf(5)).toBe('id 5');
});

test('very many that are none, and others between them, are gone through once', () => {
  const count = 100_000;
  const clock = new FakeClock();
  const window = new DedupWindow(clock, WINDOW_MS);
  for (let seq = 1; seq <= count; seq++) window.add(`${seq}`, seq);
  let asked = 0;
  window.forgetMissing(1, (seq) => {
    asked++;
    return seq % 2 === 0;
  });
  expect([asked, window.count, window.find('2'), window.find('1')]).toEqual([
    count,
    count / 2,
    2,
    0,
  ]);
  clock.advance(WINDOW_MS);
  expect([window.find('2'), window.count]).toEqual([0, 0]);
});
