// The matcher's own door.
import { describe, expect, it } from 'vitest';
import { Sublist } from '../../src/sublist.ts';

describe('Sublist', () => {
  it('answers the ids of the filters that match', () => {
    const list = new Sublist();
    const star = list.insert('orders.*');
    const rest = list.insert('orders.>');
    const literal = list.insert('orders.created');
    list.insert('users.>');
    expect(list.match('orders.created').sort()).toEqual([star, rest, literal].sort());
    expect(list.match('orders')).toEqual([]);
    expect(list.has('orders.eu.created')).toBe(true);
    expect(list.has('nobody')).toBe(false);
    expect(list.count).toBe(4);
  });

  it('keeps equal filters apart and forgets what is removed', () => {
    const list = new Sublist();
    const a = list.insert('a.b');
    const b = list.insert('a.b');
    expect(list.match('a.b').sort()).toEqual([a, b].sort());
    expect(list.remove(a)).toBe(true);
    expect(list.remove(a)).toBe(false);
    expect(list.match('a.b')).toEqual([b]);
    expect(list.count).toBe(1);
  });

  it('writes into an array of the caller and tells how many there were', () => {
    const list = new Sublist();
    const ids = [list.insert('x'), list.insert('*'), list.insert('>')];
    const two = new Uint32Array(2);
    expect(list.matchInto('x', two)).toBe(3);
    for (const id of two) expect(ids).toContain(id);
  });

  it('refuses filters that are none, and gives its memory back', () => {
    const list = new Sublist();
    for (const filter of ['', 'a..b', '>.a', 'a b', 'a.']) {
      expect(() => list.insert(filter)).toThrow('illegal subject');
    }
    const before = list.bytes;
    const ids = Array.from({ length: 1000 }, (_, i) => list.insert(`a.${i}.*`));
    expect(list.bytes).toBeGreaterThan(before);
    for (const id of ids) list.remove(id);
    expect(list.match('a.5.b')).toEqual([]);
  });
});
