// A response that is made piece by piece, as its peer takes it: nobody waits until it is whole, and no more of it is
// kept than a chunk. One that turns out to be short has its length, like any other; a longer one goes in chunks.
import type { Clock } from '../shared/clock.ts';
import {
  chunkBytes,
  type HttpResponse,
  type ResponseFacts,
  responseHead,
  wholeResponse,
} from './http-text.ts';

/** Characters that are written at once. */
const CHUNK = 65_536;
/** Milliseconds of a step: others have theirs in the same turn of the loop. */
const STEP_MS = 1;
const NO_MORE = '';

export class HttpPage {
  readonly #response: HttpResponse & { readonly body: Iterable<string> };
  readonly #facts: ResponseFacts;
  readonly #clock: Clock;
  readonly #pieces: Iterator<string>;
  #text = '';
  #hasBegun = false;
  #isDone = false;

  constructor(
    response: HttpResponse & { readonly body: Iterable<string> },
    facts: ResponseFacts,
    clock: Clock,
  ) {
    this.#response = response;
    // HTTP/1.0 knows no other end of a body than that of the connection.
    this.#facts = { ...facts, staysOpen: facts.staysOpen && facts.minor > 0 };
    this.#clock = clock;
    this.#pieces = response.body[Symbol.iterator]();
  }

  /** Everything of it has been handed out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Something of it has been. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The connection may have another request behind it. */
  get staysOpen(): boolean {
    return this.#facts.staysOpen;
  }

  /** Works for a moment. Bytes to write, or undefined: it is not that far. Throws what the body throws. */
  step(): Uint8Array | undefined {
    const start = this.#clock.monotonic();
    while (this.#text.length < CHUNK) {
      const { done, value } = this.#pieces.next();
      if (done === true) return this.#last();
      this.#text += value;
      if (this.#clock.monotonic() - start >= STEP_MS) break;
    }
    if (this.#text.length < CHUNK) return undefined;
    return this.#part();
  }

  /** Nothing more of it is wanted. */
  close(): void {
    this.#pieces.return?.();
  }

  #part(): Uint8Array {
    const text = this.#text;
    this.#text = '';
    const { minor } = this.#facts;
    const bytes = minor === 0 ? Buffer.from(text) : chunkBytes(text);
    if (this.#hasBegun) return bytes;
    this.#hasBegun = true;
    const extent = minor === 0 ? '' : 'Transfer-Encoding: chunked';
    return Buffer.concat([responseHead(this.#response, this.#facts, extent), bytes]);
  }

  #last(): Uint8Array {
    this.#isDone = true;
    if (!this.#hasBegun) {
      return wholeResponse({ ...this.#response, body: this.#text }, this.#facts, false);
    }
    if (this.#facts.minor === 0) return Buffer.from(this.#text);
    const end = chunkBytes(NO_MORE);
    return this.#text === '' ? end : Buffer.concat([chunkBytes(this.#text), end]);
  }
}
