// The inbox as what sockets read into: how much of it a session gets.
import { expect, it } from 'vitest';
import { Inbox } from '../../src/bridge/inbox.ts';
import { createCore } from '../../src/core/index.ts';

const NARROW = 65_536;
const WIDE = 1_048_576;
const GIBIBYTE = 2 ** 30;

it('who fills its view gets the whole inbox, and who no more sends so much gives it back', () => {
  const inbox = new Inbox(createCore(), GIBIBYTE);
  expect(inbox.view(false)).toHaveLength(NARROW);
  expect(inbox.isWideAfter(NARROW - 1, false)).toBe(false);
  expect(inbox.isWideAfter(NARROW, false)).toBe(true);
  expect(inbox.view(true)).toHaveLength(WIDE);
  expect(inbox.isWideAfter(WIDE, true)).toBe(true);
  expect(inbox.isWideAfter(NARROW - 1, true)).toBe(false);
});

it('no more sessions have the whole inbox than are set aside for', () => {
  const inbox = new Inbox(createCore(), GIBIBYTE);
  const wideMax = inbox.reserve / WIDE;
  expect(wideMax).toBe(64);
  for (let i = 0; i < wideMax; i++) expect(inbox.isWideAfter(NARROW, false)).toBe(true);
  expect(inbox.isWideAfter(NARROW, false)).toBe(false);
  inbox.returnWide();
  expect(inbox.isWideAfter(NARROW, false)).toBe(true);
  expect(inbox.isWideAfter(NARROW, false)).toBe(false);
  expect(inbox.isWideAfter(10, true)).toBe(false);
  expect(inbox.isWideAfter(NARROW, false)).toBe(true);
});

it('with little room for unfinished reads nobody has the whole inbox', () => {
  const inbox = new Inbox(createCore(), 2_000_000);
  expect(inbox.reserve).toBe(0);
  expect(inbox.isWideAfter(NARROW, false)).toBe(false);
});

it('a view is the same until memory grows, and then one of the same place', () => {
  const core = createCore();
  const inbox = new Inbox(core, GIBIBYTE);
  const before = inbox.view(true);
  expect(inbox.view(true)).toBe(before);
  core.exports.memory.grow(1);
  const after = inbox.view(true);
  expect(before).toHaveLength(0);
  expect(after).toHaveLength(WIDE);
  expect(after.byteOffset).toBe(core.inbox.ptr);
});
