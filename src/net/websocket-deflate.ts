// Compression of messages (RFC 7692), each for itself, by the implementation of `ws`, which works in Node's
// threads. A compressed message is kept as it came until it is whole, and inflated only when its receiver admits
// what may come of it: a kilobyte can hold a megabyte.
import { type DeflateDone, PerMessageDeflate, type WsDeflate } from './ws-parts.ts';

/** Bytes that one byte can hold at most, and what any message may have on top. */
const RATIO_MAX = 1032;
const RATIO_EXTRA = 64;
/** The fastest level, as nats-server has it; the small hash table saves 120 KiB a connection. */
const DEFLATE_OPTIONS = { level: 1, memLevel: 4 };
/** A part of a message grows to that before there is another. */
const PART_BYTES = 4096;
const EMPTY = new Uint8Array(0);

interface DeflateOptions {
  /** Bytes of one message when it is inflated. */
  readonly messageMax: number;
  /** So many bytes may come of a message. False: it has to wait for `goOn`. */
  readonly admit: () => boolean;
}

/** What one connection compresses, and what it inflates. */
export class Deflate {
  readonly #options: DeflateOptions;
  readonly #codec: WsDeflate;
  /** The beginning of a message, compressed. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** What may come of the message that is being inflated, or waits for it. */
  #expected = 0;
  #waiting: (() => void) | undefined;
  #isInflating = false;
  #isClosed = false;

  constructor(options: DeflateOptions) {
    this.#options = options;
    this.#codec = new PerMessageDeflate({
      isServer: true,
      maxPayload: options.messageMax,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      zlibDeflateOptions: DEFLATE_OPTIONS,
    });
    this.#codec.accept([{}]);
  }

  /** Bytes that it keeps, or is going to. */
  get kept(): number {
    return this.#partBytes + this.#expected;
  }

  /** Compresses a message, which must stay as it is until `done`. */
  compress(message: Uint8Array, done: DeflateDone): void {
    this.#codec.compress(message, true, (error, bytes) => {
      this.#release();
      done(this.#isClosed ? new Error('the connection is closed') : error, bytes);
    });
  }

  /** For the receiver of `ws`, which asks for it frame by frame: the last one brings the whole message. */
  decompress(frame: Uint8Array, isFinal: boolean, done: DeflateDone): void {
    if (!isFinal) {
      this.#append(frame);
      queueMicrotask(() => done(null, EMPTY));
      return;
    }
    if (this.#parts.length > 0) this.#append(frame);
    const message = this.#parts.length === 0 ? frame : Buffer.concat(this.#parts);
    const { messageMax, admit } = this.#options;
    this.#expected = Math.min(messageMax, message.length * RATIO_MAX + RATIO_EXTRA);
    const start = (): void => this.#inflate(message, done);
    if (admit()) start();
    else this.#waiting = start;
  }

  /** There is room for what waits, if anything does. */
  goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = undefined;
    this.#parts = [];
    this.#release();
  }

  #inflate(message: Uint8Array, done: DeflateDone): void {
    this.#isInflating = true;
    this.#codec.decompress(message, true, (error, bytes) => {
      this.#isInflating = false;
      this.#parts = [];
      this.#partBytes = 0;
      this.#expected = 0;
      this.#release();
      if (!this.#isClosed) done(error, bytes);
    });
  }

  /** After the end. Not while it inflates: `ws` would look for what is gone. */
  #release(): void {
    if (this.#isClosed && !this.#isInflating) this.#codec.cleanup();
  }

  /** A copy, so that nothing around it is kept; the last part takes in small ones. */
  #append(frame: Uint8Array): void {
    const last = this.#parts.at(-1);
    this.#partBytes += frame.length;
    if (last !== undefined && last.length < PART_BYTES) {
      this.#parts[this.#parts.length - 1] = Buffer.concat([last, frame]);
    } else {
      this.#parts.push(new Uint8Array(frame));
    }
  }
}
