// Reads what a subscriber is sent, however it is cut: the numbers with which payloads begin, and the lines
// between messages.

/** Digits of the number at the front of a payload. */
export const NUMBER_DIGITS = 10;
const CRLF = '\r\n';

/** Who wants to know. */
export interface Reader {
  /** A message is there to its last byte. */
  message(number: number): void;
  /** A line that is no message, without its end. */
  line(text: string): void;
}

export class MessageReader {
  readonly #reader: Reader;
  /** What cannot be judged yet: less than a line and the number behind it. */
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of the message at hand that are still to come; 0 between messages. */
  #lacking = 0;
  #number = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  read(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at < all.length) {
      const next = this.#lacking > 0 ? this.#skip(all, at) : this.#line(all, at);
      if (next === at) break;
      at = next;
    }
    // A copy: the bytes of a read may be overwritten by the next one.
    this.#rest = Buffer.from(all.subarray(at));
  }

  #skip(all: Buffer, at: number): number {
    const count = Math.min(this.#lacking, all.length - at);
    this.#lacking -= count;
    if (this.#lacking === 0) this.#reader.message(this.#number);
    return at + count;
  }

  /** Where to go on; `at` when more bytes are needed. */
  #line(all: Buffer, at: number): number {
    const end = all.indexOf(CRLF, at);
    if (end < 0) return at;
    const text = all.toString('latin1', at, end);
    const payload = end + CRLF.length;
    if (!text.startsWith('MSG ')) {
      this.#reader.line(text);
      return payload;
    }
    if (all.length < payload + NUMBER_DIGITS) return at;
    this.#number = Number(all.toString('latin1', payload, payload + NUMBER_DIGITS));
    this.#lacking = Number(text.slice(text.lastIndexOf(' ') + 1)) + CRLF.length;
    return payload;
  }
}
