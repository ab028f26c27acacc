// The map of what the shell keeps for each handle.
import { describe, expect, it } from 'vitest';
import { HandleMap } from '../../src/core/index.ts';

describe('a map of handles', () => {
  it('finds an item by its handle, and not by another life of its number', () => {
    const map = new HandleMap<{ readonly handle: number }>();
    const first = { handle: 0x000007 };
    map.add(first);
    expect(map.get(0x000007)).toBe(first);
    expect(map.get(0x400007)).toBeUndefined();
    expect(map.get(0x000008)).toBeUndefined();
    expect(map.get(0)).toBeUndefined();
    map.delete(0x400007);
    expect(map.values()).toEqual([first]);
    map.delete(0x000007);
    expect(map.values()).toEqual([]);
  });

  it('takes numbers far apart', () => {
    const map = new HandleMap<{ readonly handle: number }>();
    const far = { handle: 0x3fffff };
    map.add(far);
    map.add({ handle: 1 });
    expect(map.get(0x3fffff)).toBe(far);
    expect(map.values().map(({ handle }) => handle)).toEqual([1, 0x3fffff]);
  });
});
