// Numbers written as text, of which each answer and each delivery has some.

const ZERO = 0x30;
const INTEGER_MAX = 0x7fff_ffff;

/** Writes a whole number from 0 to 2^53; answers where it ends. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  let place = at + digits;
  while (rest > INTEGER_MAX) {
    const tenth = Math.floor(rest / 10);
    bytes[--place] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  // Small numbers are divided as integers, which is several times as fast.
  let small = rest | 0;
  do {
    const tenth = (small / 10) | 0;
    bytes[--place] = ZERO + (small - tenth * 10);
    small = tenth;
  } while (place > at);
  return at + digits;
}
