// What an unfinished read holds: as many bytes as are counted for it, however small the pieces in which it came.
import { expect, it } from 'vitest';
import { Tail } from '../../src/bridge/tail.ts';
import type { Core } from '../../src/core/index.ts';

/** Memory that a tail is written to. */
function memory(bytes: number): { core: Core; u8: Uint8Array } {
  const u8 = new Uint8Array(bytes);
  const core = { writeBytes: (ptr: number, part: Uint8Array) => u8.set(part, ptr) };
  return { core: core as unknown as Core, u8 };
}

/** As the reader does: the first bytes with what they lack, then pieces behind them. */
function gather(payload: Uint8Array, pieceBytes: number): { tail: Tail; most: number } {
  const tail = new Tail();
  const first = payload.slice(0, pieceBytes);
  tail.replace(first, payload.length - first.length, true);
  let most = 0;
  for (let at = pieceBytes; at < payload.length; at += pieceBytes) {
    tail.append(payload.subarray(at, at + pieceBytes));
    most = Math.max(most, tail.held / tail.bytes);
    if (tail.held > payload.length) throw new Error(`${tail.held} bytes for ${payload.length}`);
  }
  return { tail, most };
}

it.each([1, 7, 1000, 65_536])('pieces of %i bytes are the frame again', (pieceBytes) => {
  const payload = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251);
  const { tail, most } = gather(payload, pieceBytes);
  expect(tail.bytes).toBe(payload.length);
  expect(tail.held).toBe(payload.length);
  expect(most).toBeLessThanOrEqual(2);
  const { core, u8 } = memory(payload.length);
  tail.writeTo(core, 0);
  expect(Buffer.compare(u8, payload)).toBe(0);
});

it('a megabyte in single bytes makes no array for each of them', () => {
  const { slice } = Uint8Array.prototype;
  let arrays = 0;
  const bytes = new Uint8Array(1);
  const tail = new Tail();
  tail.replace(Uint8Array.of(1), 1_048_575, true);
  const before = tail.held;
  Uint8Array.prototype.slice = function count(...args): Uint8Array<ArrayBuffer> {
    arrays += 1;
    return slice.apply(this, args) as Uint8Array<ArrayBuffer>;
  };
  try {
    let held = before;
    for (let i = 1; i < 1_048_576; i++) {
      tail.append(bytes);
      if (tail.held !== held) arrays += 1;
      held = tail.held;
    }
  } finally {
    Uint8Array.prototype.slice = slice;
  }
  expect(arrays).toBeLessThan(25);
});

it('what is taken off the front is counted until it is let go of, and nothing is left of nothing', () => {
  const tail = new Tail();
  tail.replace(
    Uint8Array.from({ length: 10 }, (_, i) => i),
    90,
    true,
  );
  tail.append(Uint8Array.of(10));
  expect([tail.bytes, tail.held, tail.frames]).toEqual([11, 20, 1]);
  tail.take(4, 0);
  expect([tail.bytes, tail.held, tail.frames]).toEqual([7, 20, 2]);
  tail.trim();
  expect([tail.bytes, tail.held]).toEqual([7, 16]);
  tail.append(Uint8Array.of(11, 12));
  const { core, u8 } = memory(9);
  tail.writeTo(core, 0);
  expect([...u8]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12]);
  tail.take(7, 0);
  expect([tail.bytes, tail.held]).toEqual([2, 10]);
  const rest = memory(2);
  tail.writeTo(rest.core, 0);
  expect([...rest.u8]).toEqual([11, 12]);
  tail.take(2, 0);
  expect([tail.bytes, tail.held]).toEqual([0, 0]);
  // Of what follows nothing is known: no room is made for it.
  tail.append(Uint8Array.of(1, 2));
  tail.append(Uint8Array.of(3));
  expect([tail.bytes, tail.held]).toEqual([3, 3]);
});
