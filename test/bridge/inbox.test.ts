// The inbox of the core as what sockets read into.
import { expect, it } from 'vitest';
import { Inbox } from '../../src/bridge/pacing/inbox.ts';
import { createCore } from '../../src/core/index.ts';

it('a view is the beginning of the inbox, as long as its size', () => {
  const core = createCore();
  const inbox = new Inbox(core, [16, 4096]);
  expect(inbox.view(0)).toHaveLength(16);
  expect(inbox.view(1)).toHaveLength(4096);
  expect(inbox.view(0).byteOffset).toBe(core.inbox.ptr);
  expect(inbox.view(1).byteOffset).toBe(core.inbox.ptr);
});

it('a view is the same until memory grows, and then one of the same place', () => {
  const core = createCore();
  const inbox = new Inbox(core, [16, core.inbox.bytes]);
  const before = inbox.view(1);
  expect(inbox.view(1)).toBe(before);
  core.exports.memory.grow(1);
  const after = inbox.view(1);
  expect(before).toHaveLength(0);
  expect(after).toHaveLength(core.inbox.bytes);
  expect(after.byteOffset).toBe(core.inbox.ptr);
});
