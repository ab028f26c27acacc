// Cuts what a server sends into lines, and passes over the payload behind each MSG and HMSG. Every byte is
// untrusted: a line has a longest length, a payload the server's own max_payload, and CRLF must follow it. What
// is out of order ends in an exception, after which a reader is of no use.

/** Told of each line when it is whole; what it throws goes to whoever feeds the reader. */
export interface LineListener {
  onLine(verb: string, rest: string): void;
  /** The arguments of MSG or HMSG, the verb in front, before the payload is passed over. */
  onMessage(args: readonly string[], payloadLen: number): void;
}

/** Bytes of a line: INFO names every server of a cluster, and has no bound of its own. */
export const LINE_MAX: number = 1024 * 1024;
/** Bytes of headers, above max_payload: a server adds its own to what was published. */
const HEADERS_MAX = 64 * 1024;
/** The largest max_payload of nats-server, until INFO says what it is. */
const PAYLOAD_MAX = 64 * 1024 * 1024;

const CRLF_LEN = 2;
const LF = 10;
const CR = 13;
const SIZE = /^\d{1,10}$/;

export class LineReader {
  readonly #listener: LineListener;
  /** Largest payload that may come. */
  payloadMax: number = PAYLOAD_MAX;
  /** The unfinished line: joined once, when it is whole. */
  #line = '';
  /** Bytes of payload still to pass over. */
  #payload = 0;
  /** Of the CRLF behind it. */
  #trailer = 0;

  constructor(listener: LineListener) {
    this.#listener = listener;
  }

  /** Nothing is unfinished. */
  get isBetween(): boolean {
    return this.#line === '' && this.#payload === 0 && this.#trailer === 0;
  }

  /**
   * Reads on, to the end of one line or one payload at most.
   *
   * @param at first byte to be read
   * @returns the first byte that was not
   *
   * Throws Error for what a server does not send.
   */
  feed(bytes: Buffer, at: number): number {
    if (this.#payload > 0) {
      const passed = Math.min(this.#payload, bytes.length - at);
      this.#payload -= passed;
      return at + passed;
    }
    if (this.#trailer > 0) {
      if (bytes[at] !== (this.#trailer === CRLF_LEN ? CR : LF)) {
        throw new Error('the server sent a message that is longer than it said');
      }
      this.#trailer--;
      return at + 1;
    }
    const lineEnd = bytes.indexOf(LF, at);
    const end = lineEnd < 0 ? bytes.length : lineEnd;
    if (this.#line.length + end - at > LINE_MAX) {
      throw new Error(`the server sent a line of more than ${LINE_MAX} bytes`);
    }
    this.#line += bytes.toString('latin1', at, end);
    if (lineEnd < 0) return end;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#read(line);
    return end + 1;
  }

  #read(line: string): void {
    const blank = line.indexOf(' ');
    const verb = blank < 0 ? line : line.slice(0, blank);
    if (verb === 'MSG' || verb === 'HMSG') this.#message(line.split(' '), verb === 'HMSG');
    else this.#listener.onLine(verb, blank < 0 ? '' : line.slice(blank + 1));
  }

  /** `MSG subject sid [reply] size`, or `HMSG subject sid [reply] headers total`. */
  #message(args: readonly string[], hasHeaders: boolean): void {
    const { length } = args;
    const least = hasHeaders ? 5 : 4;
    const total = sizeOf(args[length - 1]);
    const headers = hasHeaders ? sizeOf(args[length - 2]) : 0;
    const room = this.payloadMax + (hasHeaders ? HEADERS_MAX : 0);
    // What is no size is NaN, which no comparison lets pass.
    const isSound = headers <= total && total <= room && length >= least && length <= least + 1;
    if (!isSound) throw new Error(`the server sent ${args[0]} with a size that cannot be`);
    this.#payload = total;
    this.#trailer = CRLF_LEN;
    this.#listener.onMessage(args, total);
  }
}

/** NaN for what is no size. */
function sizeOf(text: string | undefined): number {
  return text !== undefined && SIZE.test(text) ? Number(text) : Number.NaN;
}
