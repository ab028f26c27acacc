// A bound of bytes in a second, as a bucket: it fills evenly up to a burst, and a message waits until what it takes is
// there. One that is larger than the burst waits for as long as its bytes need.
// Source: nats-server 2.15.3, server/consumer.go, setRateLimit, loopAndGatherMsgs; golang.org/x/time/rate, Limiter.
import type { Parcel } from './recipients.ts';

const BITS = 8;
const MS = 1000;

export class RateLimit {
  #bytesPerMs: number;
  /** Below 0: what has been taken ahead. */
  #bytes: number;
  #atMs: number;
  /** The message that has taken its bytes and waits; 0 = none. */
  #seq = 0;
  #taken = 0;
  #untilMs = 0;

  constructor(bitsPerSecond: number, burstBytes: number, nowMs: number) {
    this.#bytesPerMs = bitsPerSecond / BITS / MS;
    this.#bytes = burstBytes;
    this.#atMs = nowMs;
  }

  /** From now on; what is in the bucket stays. */
  setRate(bitsPerSecond: number, burstBytes: number, nowMs: number): void {
    this.#fill(burstBytes, nowMs);
    this.#bytesPerMs = bitsPerSecond / BITS / MS;
  }

  /** How long a message has to wait from now on. */
  waitMs({ seq, bytes }: Parcel, burstBytes: number, nowMs: number): number {
    if (seq !== this.#seq) {
      // Another one is delivered before that.
      if (this.#seq !== 0) this.#bytes += this.#taken;
      this.#fill(burstBytes, nowMs);
      this.#bytes -= bytes;
      this.#seq = seq;
      this.#taken = bytes;
      this.#untilMs = this.#bytes >= 0 ? nowMs : nowMs - this.#bytes / this.#bytesPerMs;
    }
    return Math.max(0, this.#untilMs - nowMs);
  }

  /** It is delivered. */
  delivered(): void {
    this.#seq = 0;
  }

  #fill(burstBytes: number, nowMs: number): void {
    const bytes = this.#bytes + (nowMs - this.#atMs) * this.#bytesPerMs;
    this.#bytes = Math.min(burstBytes, bytes);
    this.#atMs = nowMs;
  }
}
