// Subjects that all have one hash when the seed is known: the attack that a seed of one's own defeats.
//
//   hash = sum over blocks of 8 bytes of (low half + low key) × (high half + high key)   (assembly/bytes.ts)
//
// A block whose half is the negative of its key makes the product 0, whatever the other half is. Those four
// bytes are given by the seed, so the block is the first one where they may stand in a subject.

const MASK = (1n << 64n) - 1n;
/** Blocks of the longest subject. */
const BLOCKS = 512;
const BLOCK_BYTES = 8;
const HALF_BYTES = 4;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

interface Weakness {
  readonly block: number;
  /** Which half of the block is fixed. */
  readonly half: 0 | 1;
  readonly text: string;
}

/** The key table that a core draws from its seed (splitmix64), as assembly/bytes.ts makes it. */
function keysOf(seed: bigint): bigint[] {
  return Array.from({ length: BLOCKS }, (_, index) => {
    let word = (seed + BigInt(index + 1) * 0x9e3779b97f4a7c15n) & MASK;
    word = ((word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    word = ((word ^ (word >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return word ^ (word >> 31n);
  });
}

function isSubjectByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'.*>'.includes(String.fromCharCode(byte));
}

function weaknessOf(keys: readonly bigint[]): Weakness {
  for (const [block, key] of keys.entries()) {
    for (const half of [0, 1] as const) {
      const negative = -Number((key >> BigInt(half * 32)) & 0xffffffffn) >>> 0;
      const bytes = [0, 8, 16, 24].map((shift) => (negative >>> shift) & 0xff);
      if (bytes.every(isSubjectByte)) return { block, half, text: String.fromCharCode(...bytes) };
    }
  }
  throw new Error('no block of this seed can be used');
}

/** The number in letters, four of them. */
function letters(index: number): string {
  let text = '';
  for (let rest = index, digit = 0; digit < HALF_BYTES; digit++) {
    text += LETTERS[rest % LETTERS.length];
    rest = Math.floor(rest / LETTERS.length);
  }
  return text;
}

/** So many different subjects of one token that have one hash under the seed. */
export function collidingSubjects(seed: bigint, count: number): string[] {
  const { block, half, text } = weaknessOf(keysOf(seed));
  const head = 'a'.repeat(block * BLOCK_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const free = letters(index);
    return head + (half === 0 ? text + free : free + text);
  });
}
