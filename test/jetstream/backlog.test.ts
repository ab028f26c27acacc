// What waits for a slow disk is bounded; a whole stream on one that is stuck is in test/soak/backlog.test.ts.
import { expect, test } from 'vitest';
import { BACKLOG_BYTES, BACKLOG_MESSAGES, Backlog } from '../../src/jetstream/stream/backlog.ts';

test('no more than so many messages, or bytes, wait', () => {
  const backlog = new Backlog(5);
  const done = backlog.begin(4 + BACKLOG_MESSAGES, 0);
  expect(backlog.isFull).toBe(false);
  const other = backlog.begin(5 + BACKLOG_MESSAGES, BACKLOG_BYTES - 1);
  expect(backlog.isFull).toBe(true);
  done();
  expect(backlog.isFull).toBe(false);
  const last = backlog.begin(6 + BACKLOG_MESSAGES, BACKLOG_BYTES);
  expect(backlog.isFull).toBe(true);
  other();
  last();
  expect(backlog.isFull).toBe(false);
});
