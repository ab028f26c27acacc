// What is remembered of connections that have ended is bounded, in number and in text.
import { expect, it } from 'vitest';
import { Ended } from '../../src/bridge/ended.ts';
import type { EndedConnection } from '../../src/bridge/options.ts';

function snapshot(cid: number, name?: string): EndedConnection {
  const known = { cid, subscriptionList: [], ...(name === undefined ? {} : { name }) };
  return known as unknown as EndedConnection;
}

it('the last 10,000 are remembered, the oldest first', () => {
  const ended = new Ended(10_000);
  for (let cid = 1; cid <= 10_500; cid++) ended.add(snapshot(cid, 'short'));
  expect(ended.snapshots).toHaveLength(10_000);
  expect([ended.snapshots[0]?.cid, ended.snapshots.at(-1)?.cid]).toEqual([501, 10_500]);
});

it('those with long names make the older ones go before', () => {
  const ended = new Ended(10_000);
  const long = 'n'.repeat(4000);
  for (let cid = 1; cid <= 5000; cid++) ended.add(snapshot(cid, long));
  const text = ended.snapshots.reduce((sum, { name = '' }) => sum + name.length, 0);
  expect(text).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(text).toBeGreaterThan(4 * 1024 * 1024 - 4001);
  for (let cid = 5001; cid <= 16_000; cid++) ended.add(snapshot(cid));
  expect(ended.snapshots).toHaveLength(10_000);
});

it('what they were subscribed to counts like their names', () => {
  const ended = new Ended(10_000);
  const subject = 's'.repeat(4000);
  for (let cid = 1; cid <= 3000; cid++) {
    const list = [{ subject, queue: undefined, sid: '1', delivered: 0, max: 0 }];
    ended.add({ ...snapshot(cid), subscriptionList: list });
  }
  expect(ended.snapshots).toHaveLength(Math.floor((4 * 1024 * 1024) / 4001));
});
