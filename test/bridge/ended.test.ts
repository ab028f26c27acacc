// What is remembered of connections that have ended is bounded, in number and in text.
import { expect, it } from 'vitest';
import { Ended } from '../../src/bridge/ended.ts';
import type { ConnectionSnapshot } from '../../src/bridge/options.ts';

function snapshot(cid: number, name?: string): ConnectionSnapshot {
  return { cid, ...(name === undefined ? {} : { name }) } as ConnectionSnapshot;
}

it('the last 10,000 are remembered, the oldest first', () => {
  const ended = new Ended();
  for (let cid = 1; cid <= 10_500; cid++) ended.add(snapshot(cid, 'short'));
  expect(ended.snapshots).toHaveLength(10_000);
  expect([ended.snapshots[0]?.cid, ended.snapshots.at(-1)?.cid]).toEqual([501, 10_500]);
});

it('those with long names make the older ones go before', () => {
  const ended = new Ended();
  const long = 'n'.repeat(4000);
  for (let cid = 1; cid <= 5000; cid++) ended.add(snapshot(cid, long));
  const text = ended.snapshots.reduce((sum, { name = '' }) => sum + name.length, 0);
  expect(text).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(text).toBeGreaterThan(4 * 1024 * 1024 - 4001);
  for (let cid = 5001; cid <= 16_000; cid++) ended.add(snapshot(cid));
  expect(ended.snapshots).toHaveLength(10_000);
});
