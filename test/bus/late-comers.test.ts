// Who came too late for a message that has waited: told by sids, once for a route, and what groups have lost.
import { describe, expect, it } from 'vitest';
import { LateComers } from '../../src/bus/late-comers.ts';
import type { Fan } from '../../src/bus/route-map.ts';
import type { BusSubscription } from '../../src/bus/subscription.ts';

function member(sid: number, subject = 'x', queue?: string): BusSubscription {
  return { sid, subject, queue } as BusSubscription;
}

/** Of plain members and of one group. */
function route(plain: readonly number[], group: readonly number[]): Fan {
  const members = group.map((sid) => member(sid, 'x', 'q'));
  return {
    handler: undefined,
    isLocal: true,
    hasRemote: false,
    plain: plain.map((sid) => member(sid)),
    groups: [{ queue: 'q', members, count: members.length }],
  };
}

const sids = ({ plain, groups }: Fan): unknown => [
  plain.map(({ sid }) => sid),
  groups.map(({ members, count }) => members.slice(0, count).map(({ sid }) => sid)),
];

describe('a route', () => {
  it('is narrowed to those who had come, and keeps a group that had anybody', () => {
    const late = new LateComers();
    const whole = route([1, 3, 5, 7], [2, 4, 6]);
    const at = (lastSid: number): unknown => sids(late.narrow(whole, 'x', { lastSid, serial: 0 }));
    expect(at(0)).toEqual([[], []]);
    expect(at(1)).toEqual([[1], []]);
    expect(at(4)).toEqual([[1, 3], [[2, 4]]]);
    expect(at(9)).toEqual([[1, 3, 5, 7], [[2, 4, 6]]]);
  });

  it('is narrowed once for all messages that have the same past', () => {
    const late = new LateComers();
    const whole = route([1, 2], [3]);
    const first = late.narrow(whole, 'x', { lastSid: 1, serial: 0 });
    expect(late.narrow(whole, 'x', { lastSid: 1, serial: 1 })).toBe(first);
    expect(late.narrow(whole, 'x', { lastSid: 2, serial: 2 })).not.toBe(first);
    expect(late.narrow(route([1, 2], [3]), 'x', { lastSid: 1, serial: 3 })).not.toBe(first);
  });

  it('keeps the late-comers of a group that has lost somebody since, and nobody else', () => {
    const late = new LateComers();
    const whole = route([9], [8]);
    late.note(member(2, 'x', 'q'), 0, 5);
    const at = (lastSid: number, serial: number): unknown =>
      sids(late.narrow(whole, 'x', { lastSid, serial }));
    expect(at(3, 4)).toEqual([[], [[8]]]);
    expect(at(3, 5)).toEqual([[], []]); // Published when it had gone.
    expect(at(1, 4)).toEqual([[], []]); // Published before it had come.
  });
});

describe('a loss', () => {
  it.each([
    ['x', 'x', true],
    ['*', 'x', true],
    ['>', 'x', true],
    ['x.*', 'x', false],
    ['x.>', 'x', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.b', 'a.c', false],
  ])('of a member on %s concerns a message on %s: %s', (filter, subject, concerns) => {
    const late = new LateComers();
    late.note(member(1, filter, 'q'), 0, 1);
    expect(late.hasLost(subject, { lastSid: 1, serial: 0 })).toBe(concerns);
    expect(late.hasLost(subject, { lastSid: 1, serial: 0 }, 'other')).toBe(false);
  });

  it('is not noted of who is in no group, nor when nothing waits', () => {
    const late = new LateComers();
    late.note(member(1, 'x'), 0, 1);
    late.note(member(2, 'x', 'q'), 1, 1);
    expect(late.hasLost('x', { lastSid: 9, serial: 0 })).toBe(false);
  });

  it('is believed beyond so many, and forgotten when nothing waits any more that was there', () => {
    const late = new LateComers();
    for (let sid = 1; sid <= 300; sid++) late.note(member(sid, 'y', 'q'), 0, 1);
    expect(late.hasLost('x', { lastSid: 9, serial: 0 })).toBe(true);
    expect(late.hasLost('x', { lastSid: 9, serial: 1 })).toBe(false);
    late.note(member(301, 'y', 'q'), 1, 2);
    expect(late.hasLost('x', { lastSid: 999, serial: 1 })).toBe(false);
    expect(late.hasLost('y', { lastSid: 999, serial: 1 })).toBe(true);
  });
});
