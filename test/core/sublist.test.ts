// The matcher's own door.
import { describe, expect, it } from 'vitest';
import { Sublist } from '../../src/sublist.ts';
import { collidingSubjects } from './colliding-subjects.ts';

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

  it('tells texts apart that lie in a record and beside it', () => {
    const list = new Sublist();
    const lengths = [7, 8, 9, 23, 24, 25, 31, 32, 33, 40, 300];
    const texts = lengths.flatMap((length) =>
      ['x', 'y'].map((end) => 'x'.repeat(length - 1) + end),
    );
    const ids = new Map(texts.map((text) => [text, list.insert(text)]));
    const stars = new Map(texts.map((text) => [text, list.insert(`*.${text}.>`)]));
    for (const text of texts) {
      expect(list.match(text)).toEqual([ids.get(text)]);
      expect(list.match(`a.${text}.b`)).toEqual([stars.get(text)]);
    }
    const before = list.bytes;
    for (const id of [...ids.values(), ...stars.values()]) list.remove(id);
    for (const text of texts) expect(list.has(text) || list.has(`a.${text}.b`)).toBe(false);
    for (const text of texts) ids.set(text, list.insert(text));
    for (const text of texts) stars.set(text, list.insert(`*.${text}.>`));
    // A part of a table may have kept the slots that it had doubled to.
    expect(Math.abs(list.bytes - before)).toBeLessThan(4096);
    for (const text of texts) expect(list.match(text)).toEqual([ids.get(text)]);
  });

  it('finds the dots of a subject wherever they stand', () => {
    const list = new Sublist();
    const ids = ['*.b', '*.*.c', '*.*.*.d'].map((filter) => list.insert(filter));
    for (let length = 1; length <= 66; length++) {
      const head = 'x'.repeat(length);
      expect(list.match(`${head}.b`)).toEqual([ids[0]]);
      expect(list.match(`${head}.y.c`)).toEqual([ids[1]]);
      expect(list.match(`y.${head}.y.d`)).toEqual([ids[2]]);
      expect(list.has(head)).toBe(false);
    }
  });

  it('tells texts of one hash apart', () => {
    const list = new Sublist({ seed: [0, 0] });
    const texts = collidingSubjects(0n, 12);
    const last = texts.pop();
    const ids = texts.map((text) => list.insert(text));
    const stars = texts.map((text) => list.insert(`*.${text}.*`));
    texts.forEach((text, at) => {
      expect(list.match(text)).toEqual([ids[at]]);
      expect(list.match(`a.${text}.b`)).toEqual([stars[at]]);
    });
    expect(list.has(`${last}`) || list.has(`a.${last}.b`)).toBe(false);
    for (const id of [...ids.slice(0, 5), ...stars.slice(0, 5)]) list.remove(id);
    texts.forEach((text, at) => {
      expect(list.match(text)).toEqual(at < 5 ? [] : [ids[at]]);
      expect(list.match(`a.${text}.b`)).toEqual(at < 5 ? [] : [stars[at]]);
    });
  });
});
