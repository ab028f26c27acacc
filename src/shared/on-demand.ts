// Code that waits for an `import()` until it is needed, and is there from then on: whoever needs it first loads it, and
// whoever is called at once takes it from here.
import { assert } from './errors.ts';

export class OnDemand<T extends object> {
  readonly #import: () => Promise<T>;
  #loading: Promise<void> | undefined;
  #code: T | undefined;

  constructor(load: () => Promise<T>) {
    this.#import = load;
  }

  /**
   * Loads it; undefined: it is there. Rejects when it cannot be read; the next may try again, but Node 20 keeps the error of
   * a file that is there and could not be read.
   */
  load(): Promise<void> | undefined {
    if (this.#code !== undefined) return undefined;
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      this.#code = await this.#import();
    } finally {
      this.#loading = undefined;
    }
  }

  /** It has been loaded. */
  get code(): T {
    assert(this.#code !== undefined, 'code is used before it is loaded');
    return this.#code;
  }
}
