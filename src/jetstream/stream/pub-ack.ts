// What a publisher is told: the acknowledgement, byte for byte as clients and their tests know it, and the refusal.
// Acknowledgements are written straight into the run of answers; nothing is made for one. The last one is kept: the next
// differs from it by a digit, mostly.
// Source: nats-server 2.15.3, server/stream.go, processJetStreamMsg, PubAck.
import type { RawMessage } from '../../bus/raw.ts';
import { type BatchRun, copyWords } from '../../core/index.ts';
import { goJson } from '../../shared/go-json.ts';
import { writeDecimal } from '../decimal.ts';
import type { ApiError } from '../errors.ts';
import { FIXED_TEXT_SLACK, FixedText } from '../fixed-text.ts';
import { CLAIMS } from '../outbox.ts';

const encoder = new TextEncoder();
/** The blank is in the original. */
const DUPLICATE: FixedText = new FixedText(',"duplicate": true}');
const CLOSING_BRACE = 0x7d;
const NINE = 0x39;
/** Digits of 2^53. */
const DIGITS_MAX = 16;

export class PubAckWriter {
  readonly #name: string;
  /** The acknowledgement that was shown last, and a view of it. */
  readonly #line: Uint8Array;
  readonly #data: DataView;
  readonly #seqAt: number;
  #seq = -1;
  #length = 0;

  constructor(stream: string, domain: string | undefined) {
    this.#name = stream;
    const head = domain === undefined ? '' : `,"domain":${JSON.stringify(domain)}`;
    const prefix = encoder.encode(`{"stream":${JSON.stringify(stream)}${head},"seq":`);
    this.#seqAt = prefix.length;
    this.#line = new Uint8Array(prefix.length + DIGITS_MAX + 1 + FIXED_TEXT_SLACK);
    this.#line.set(prefix);
    this.#data = new DataView(this.#line.buffer);
  }

  /** Answers the message, which has a reply, in `run`. */
  write(run: BatchRun, message: RawMessage, seq: number, isDuplicate: boolean): void {
    const { replyBytes } = message;
    run.reserve(replyBytes + this.#line.length + DUPLICATE.length + FIXED_TEXT_SLACK);
    const start = message.copyReply(run.bytes, run.used, run.data);
    this.#show(seq);
    copyWords(
      this.#data,
      0,
      (this.#length + FIXED_TEXT_SLACK) & ~FIXED_TEXT_SLACK,
      run.data,
      start,
    );
    const end = start + this.#length;
    const at = isDuplicate ? DUPLICATE.write(run, end - 1) : end;
    run.end(replyBytes, 0, at - start, CLAIMS.stored);
  }

  #show(seq: number): void {
    const line = this.#line;
    const last = this.#length - 2;
    if (seq === this.#seq + 1 && line[last] !== NINE) {
      line[last] = (line[last] as number) + 1;
    } else {
      const end = writeDecimal(line, this.#seqAt, seq);
      line[end] = CLOSING_BRACE;
      this.#length = end + 1;
    }
    this.#seq = seq;
  }

  /** The refusal's bytes. */
  refusal({ code, errCode, description }: ApiError): Uint8Array {
    const error = { code, err_code: errCode, description };
    return encoder.encode(goJson({ error, stream: this.#name, seq: 0 }, 0));
  }
}
