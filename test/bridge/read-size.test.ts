// How much one read of a session may bring.
import { expect, it } from 'vitest';
import { type ReadSize, ReadSizes } from '../../src/bridge/pacing/read-size.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

interface Room {
  first?: number;
  wide?: number;
  connectionsMax?: number;
  overdraft?: () => number;
}

function createSizes(room: Room = {}): ReadSizes {
  return new ReadSizes({
    inboxBytes: MIB,
    first: 256 * MIB,
    wide: 64 * MIB,
    connectionsMax: 65_536,
    overdraft: () => 0,
    ...room,
  });
}

/** Has `size` read so often all that it may; answers the bytes that it may read after each time. */
function fill(sizes: ReadSizes, size: ReadSize, times: number): number[] {
  return Array.from({ length: times }, () => {
    size.after(bytesOf(sizes, size), false);
    return bytesOf(sizes, size);
  });
}

function bytesOf(sizes: ReadSizes, size: ReadSize): number {
  return sizes.sizes[size.step] as number;
}

it('who fills 64 KiB gets the whole inbox, and who no more sends so much gives it back', () => {
  const sizes = createSizes();
  const size = sizes.open();
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
  size.after(64 * KIB - 1, false);
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
  expect(fill(sizes, size, 2)).toEqual([MIB, MIB]);
  size.after(64 * KIB - 1, false);
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
});

it('no more sessions have the whole inbox than there is room for', () => {
  const sizes = createSizes({ wide: 2 * MIB });
  const [one, two, three] = [sizes.open(), sizes.open(), sizes.open()];
  for (const size of [one, two]) expect(fill(sizes, size, 1)).toEqual([MIB]);
  expect(fill(sizes, three, 1)).toEqual([64 * KIB]);
  one.close();
  expect(fill(sizes, three, 1)).toEqual([MIB]);
  two.after(10, false);
  expect(fill(sizes, sizes.open(), 1)).toEqual([MIB]);
});

it('with many connections each reads less, and all of them together fit', () => {
  const first = 64 * MIB;
  const sizes = createSizes({ first, wide: 0 });
  const opened = Array.from({ length: 65_536 }, () => sizes.open());
  const bytes = opened.map((size) => bytesOf(sizes, size));
  expect(bytes[0]).toBe(16 * KIB);
  expect(bytes[5000]).toBe(4 * KIB);
  expect(bytes.at(-1)).toBe(256);
  for (const size of opened) fill(sizes, size, 3);
  const sum = opened.reduce((total, size) => total + bytesOf(sizes, size), 0);
  expect(sum).toBeLessThanOrEqual(first);
  expect(sum).toBeGreaterThan(first / 2);
  for (const size of opened) size.close();
  expect(bytesOf(sizes, sizes.open())).toBe(16 * KIB);
});

it('where there is little room, who fills its read gets more step by step', () => {
  const sizes = createSizes({ first: 2 * MIB, wide: 0, connectionsMax: 100 });
  const size = sizes.open();
  expect(bytesOf(sizes, size)).toBe(KIB);
  expect(fill(sizes, size, 4)).toEqual([4 * KIB, 16 * KIB, 64 * KIB, 64 * KIB]);
  size.after(100, false);
  expect(bytesOf(sizes, size)).toBe(KIB);
});

it('what others have taken makes the reads smaller, never less than the least', () => {
  let overdraft = 0;
  const sizes = createSizes({ first: 64 * MIB, connectionsMax: 1000, overdraft: () => overdraft });
  overdraft = 60 * MIB;
  expect(bytesOf(sizes, sizes.open())).toBe(KIB);
  overdraft = 100 * MIB;
  const size = sizes.open();
  expect(bytesOf(sizes, size)).toBe(256);
  expect(fill(sizes, size, 2)).toEqual([256, 256]);
});

it('a read that is counted elsewhere is 64 KiB, and takes nothing from the others', () => {
  const sizes = createSizes({ first: 2 * MIB, wide: 0, connectionsMax: 100 });
  const size = sizes.open();
  size.after(KIB, true);
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
  for (let i = 0; i < 100; i++) sizes.open().after(10, true);
  expect(bytesOf(sizes, sizes.open())).toBe(KIB);
});

it('who holds up the loop reads less than that read, and more again when all of it is cheap', () => {
  const sizes = createSizes();
  const size = sizes.open();
  size.after(64 * KIB, false, 1);
  expect(bytesOf(sizes, size)).toBe(MIB);
  size.after(MIB, false, 100);
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
  size.after(3 * KIB, false, 100);
  expect(bytesOf(sizes, size)).toBe(KIB);
  // Neither what is short nor what is not cheap brings it back.
  size.after(KIB - 1, false, 0);
  size.after(KIB, false, 10);
  expect(bytesOf(sizes, size)).toBe(KIB);
  expect(fill(sizes, size, 4)).toEqual([4 * KIB, 16 * KIB, 64 * KIB, MIB]);
});

it('a single message that holds up the loop is read all the same', () => {
  const sizes = createSizes();
  const size = sizes.open();
  for (let times = 0; times < 3; times++) size.after(100, false, 100);
  expect(bytesOf(sizes, size)).toBe(256);
  size.after(256, true, 100);
  expect(bytesOf(sizes, size)).toBe(64 * KIB);
});
