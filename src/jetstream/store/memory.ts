// The memory of one store: every buffer is taken here and given back here, so that what it occupies is known and
// bounded, and a refusal of the platform becomes one kind of error.
import { CapacityError } from '../../shared/errors.ts';

/** What lies around a buffer in the heap: its object, two views, and who names them. */
const AROUND_BYTES = 400;

export class Memory {
  readonly #max: number;
  #held = 0;

  /** @param max bytes that may be held */
  constructor(max: number) {
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** A buffer of zeros. Throws CapacityError. */
  take(bytes: number): ArrayBuffer {
    this.promise(bytes);
    try {
      return new ArrayBuffer(bytes);
    } catch (cause) {
      this.give(bytes);
      throw new CapacityError('another message', { cause });
    }
  }

  /** A buffer will be used: it counts from now on. Throws CapacityError. */
  promise(bytes: number): void {
    const after = this.#held + bytes + AROUND_BYTES;
    if (after > this.#max) throw new CapacityError('another message');
    this.#held = after;
  }

  /** The buffer is used no more. */
  give(bytes: number): void {
    this.#held -= bytes + AROUND_BYTES;
  }

  /** Nothing is used any more. */
  giveAll(): void {
    this.#held = 0;
  }
}
