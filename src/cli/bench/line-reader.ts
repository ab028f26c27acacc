// Cuts what a server sends into lines, and skips the payload behind each MSG and HMSG. It trusts the server: what
// it does not know is handed on as a line.

/** Told of each line when it, and the payload behind it, is whole. */
export interface LineListener {
  onLine(verb: string, rest: string): void;
  /** The arguments of MSG or HMSG, the verb in front. */
  onMessage(args: readonly string[], payloadLen: number): void;
}

const LF = 10;
const CR = 13;
const BLANK = new Uint8Array(0);

export class LineReader {
  readonly #listener: LineListener;
  /** The unfinished end of what came. */
  #tail: Uint8Array = BLANK;
  /** Bytes of payload and CRLF still to skip. */
  #skip = 0;

  constructor(listener: LineListener) {
    this.#listener = listener;
  }

  /** Reads on; the bytes are copied where they have to be kept. */
  feed(bytes: Uint8Array): void {
    const whole = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes]);
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
    let at = 0;
    while (at < text.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, text.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const end = text.indexOf(LF, at);
      if (end < 0) break;
      this.#line(text.toString('latin1', at, text[end - 1] === CR ? end - 1 : end));
      at = end + 1;
    }
    this.#tail = at === text.length ? BLANK : Uint8Array.from(text.subarray(at));
  }

  #line(line: string): void {
    if (line.startsWith('MSG ') || line.startsWith('HMSG ')) {
      const args = line.split(' ');
      const payloadLen = Number(args[args.length - 1]);
      this.#skip = payloadLen + 2;
      this.#listener.onMessage(args, payloadLen);
      return;
    }
    const blank = line.indexOf(' ');
    if (blank < 0) this.#listener.onLine(line, '');
    else this.#listener.onLine(line.slice(0, blank), line.slice(blank + 1));
  }
}
