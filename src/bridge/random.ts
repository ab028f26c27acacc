// Chance, to spread delays by.

/** A number from 0 up to, not including, 1. */
export function randomUnit(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}
