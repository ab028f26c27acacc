// Messages for the measures of stores.
import type { Incoming } from '../../src/jetstream/store/store.ts';

/** A message on one of so many subjects, as a raw message of the bus is: bytes to be copied. */
export class MessageSource implements Incoming {
  readonly #subject = new Uint8Array(64);
  readonly #payload: Uint8Array;
  subjectBytes = 0;
  readonly headerBytes = 0;
  readonly bodyBytes: number;

  constructor(bytes: number) {
    this.#payload = new Uint8Array(bytes).fill(120);
    this.bodyBytes = bytes;
  }

  /** `orders.r7.id1007`: a thousand second tokens. */
  goTo(number: number): this {
    this.subjectBytes = 0;
    this.#put('orders.r', number % 1000);
    this.#put('.id', number);
    return this;
  }

  #put(text: string, number: number): void {
    for (let i = 0; i < text.length; i++) this.#subject[this.subjectBytes++] = text.charCodeAt(i);
    let digits = 1;
    for (let left = number; left >= 10; left = Math.floor(left / 10)) digits++;
    let left = number;
    for (let at = this.subjectBytes + digits; at > this.subjectBytes; ) {
      this.#subject[--at] = 48 + (left % 10);
      left = Math.floor(left / 10);
    }
    this.subjectBytes += digits;
  }

  copySubject(target: Uint8Array, at: number): number {
    for (let i = 0; i < this.subjectBytes; i++) target[at + i] = this.#subject[i] as number;
    return at + this.subjectBytes;
  }

  copyBody(target: Uint8Array, at: number): number {
    target.set(this.#payload, at);
    return at + this.bodyBytes;
  }
}
