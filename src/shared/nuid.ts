// Unique names of 22 base62 characters, as NATS uses them for inboxes: 12 random ones from the platform's
// secure source, then a counter of 10 that starts and steps at random. Fast (no random bytes per name) and
// not to be guessed from another process; whoever sees one name can guess the next, so it is no secret.

import { fillRandom } from './entropy.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX_LEN = 12;
const COUNTER_LEN = 10;
/** Characters of a unique name. */
export const NUID_LEN: number = PREFIX_LEN + COUNTER_LEN;
/** Beyond, doubles are so far from each other that a step may add nothing; 62 ** 10 is. */
const COUNTER_MAX = Number.MAX_SAFE_INTEGER;
/** Random bytes asked for at once. */
const CHUNK_BYTES = 256;
const STEP_MIN = 33;
const STEP_MAX = 333;

/** Asking the source is dear, some 20 us: what has been asked for and not been used yet is for the next. */
let chunk = new Uint8Array(0);
let used = 0;

/** `length` random base62 characters from the platform's secure source. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    if (used === chunk.length) {
      chunk = fillRandom(new Uint8Array(CHUNK_BYTES));
      used = 0;
    }
    const byte = chunk[used++] as number;
    // 248 = 4 × 62: above it the digits would not be even.
    if (byte < 248) text += DIGITS[byte % 62];
  }
  return text;
}

/** A source of unique names. */
export class Nuid {
  #prefix = '';
  #counter = 0;
  #step = 0;

  constructor() {
    this.#restart();
  }

  next(): string {
    if (this.#counter > COUNTER_MAX - this.#step) this.#restart();
    this.#counter += this.#step;
    let rest = this.#counter;
    let text = '';
    for (let i = 0; i < COUNTER_LEN; i++) {
      text = DIGITS[rest % 62] + text;
      rest = Math.floor(rest / 62);
    }
    return this.#prefix + text;
  }

  #restart(): void {
    this.#prefix = randomBase62(PREFIX_LEN);
    this.#counter = Math.floor(Math.random() * COUNTER_MAX);
    this.#step = STEP_MIN + Math.floor(Math.random() * (STEP_MAX - STEP_MIN));
  }
}

let shared: Nuid | undefined;

/** The next unique name of this process. */
export function nuid(): string {
  shared ??= new Nuid();
  return shared.next();
}
