// What a publisher is told: the acknowledgement, byte for byte as clients and their tests know it, and the refusal.
// Acknowledgements are written straight into the run of answers; nothing is made for one.
// Source: nats-server 2.15.3, server/stream.go, processJetStreamMsg, PubAck.
import type { RawMessage } from '../../bus/raw.ts';
import type { BatchRun } from '../../core/index.ts';
import type { ApiError } from '../errors.ts';
import { FIXED_TEXT_SLACK, FixedText } from '../fixed-text.ts';
import { CLAIMS } from '../outbox.ts';

const encoder = new TextEncoder();
/** The blank is in the original. */
const DUPLICATE: FixedText = new FixedText(',"duplicate": true}');
const CLOSING_BRACE = 0x7d;
const ZERO = 0x30;
const INTEGER_MAX = 0x7fffffff;
/** Digits of 2^53. */
const DIGITS_MAX = 16;

export class PubAckWriter {
  readonly #prefix: FixedText;
  readonly #name: string;

  constructor(stream: string, domain: string | undefined) {
    this.#name = stream;
    const head = domain === undefined ? '' : `,"domain":${JSON.stringify(domain)}`;
    const prefix = `{"stream":${JSON.stringify(stream)}${head},"seq":`;
    this.#prefix = new FixedText(prefix);
  }

  /** Answers the message, which has a reply, in `run`. */
  write(run: BatchRun, message: RawMessage, seq: number, isDuplicate: boolean): void {
    const { replyBytes } = message;
    const most = replyBytes + this.#prefix.length + DIGITS_MAX + DUPLICATE.length;
    run.reserve(most + FIXED_TEXT_SLACK);
    const start = message.copyReply(run.bytes, run.used, run.data);
    let at = this.#prefix.write(run, start);
    at = writeDecimal(run.bytes, at, seq);
    if (isDuplicate) at = DUPLICATE.write(run, at);
    else run.bytes[at++] = CLOSING_BRACE;
    run.end(replyBytes, 0, at - start, CLAIMS.stored);
  }

  /** The refusal's bytes. */
  refusal({ code, errCode, description }: ApiError): Uint8Array {
    const error = { code, err_code: errCode, description };
    return encoder.encode(JSON.stringify({ error, stream: this.#name, seq: 0 }));
  }
}

/** Writes a whole number from 0 on; answers where it ends. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    // Small numbers are divided as integers, which is several times as fast.
    const next = rest <= INTEGER_MAX ? (rest / 10) | 0 : Math.floor(rest / 10);
    bytes[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}
