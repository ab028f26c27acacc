// What became of a stream of messages that are due at fixed times. The latency of a message counts from the
// moment at which it was meant to be sent, whatever held its sender up: whoever counts from the moment of
// sending leaves out just the messages that a pause has harmed (coordinated omission).
//
//   due       0.0   0.5   1.0   1.5   2.0   …        one each `intervalMs`
//   sent      0.1   0.6   ────── pause ──────► 9.0   three at once
//   arrived   0.3   0.8                        9.2   latencies 0.3, 0.3, 8.2, 7.7, 7.2
//
// It has no clock of its own; all times are milliseconds of the caller's.

/** What is known of the messages that were due in one stretch of time. */
export interface Figures {
  /** Messages that were due. */
  readonly due: number;
  /** Arrivals a second. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The longest time without an arrival. */
  readonly gap: number;
  /** Not there when the last look was taken; their latency counts until then. */
  readonly lost: number;
  /** Came twice, or before an earlier one. */
  readonly astray: number;
  /** How late the sender itself was, p99: so much of the latency is the machine's. */
  readonly senderP99: number;
}

export class Ledger {
  readonly #startMs: number;
  readonly #intervalMs: number;
  /** By number: when it was sent, and when it arrived. */
  readonly #sent: number[] = [];
  readonly #arrived: number[] = [];
  /** Times of arrival as they came. */
  readonly #arrivals: number[] = [];
  readonly #astray: number[] = [];
  #highest = -1;
  #missing = 0;

  constructor(startMs: number, intervalMs: number) {
    this.#startMs = startMs;
    this.#intervalMs = intervalMs;
  }

  /** How many of those that are due by now have not been sent. */
  dueNow(nowMs: number): number {
    return this.#firstDueAfter(nowMs) - this.#sent.length;
  }

  /** Notes that the next one is sent, and returns its number. */
  send(nowMs: number): number {
    this.#missing += 1;
    return this.#sent.push(nowMs) - 1;
  }

  arrive(number: number, nowMs: number): void {
    this.#arrivals.push(nowMs);
    if (number < this.#highest || this.#arrived[number] !== undefined) this.#astray.push(nowMs);
    this.#highest = Math.max(this.#highest, number);
    if (this.#arrived[number] !== undefined || number >= this.#sent.length) return;
    this.#arrived[number] = nowMs;
    this.#missing -= 1;
  }

  /** Whether everything that was sent has arrived. */
  isComplete(): boolean {
    return this.#missing === 0;
  }

  /**
   * Of the messages that were due from `fromMs` on and before `toMs`.
   *
   * @param endMs when the last look was taken: what had not arrived by then is lost
   */
  figures(fromMs: number, toMs: number, endMs: number): Figures {
    const first = this.#firstDueAt(fromMs);
    const end = this.#firstDueAt(toMs);
    const latencies: number[] = [];
    const lateness: number[] = [];
    let lost = 0;
    for (let number = first; number < end; number++) {
      const dueMs = this.#startMs + number * this.#intervalMs;
      const arrivedMs = this.#arrived[number];
      if (arrivedMs === undefined) lost += 1;
      latencies.push((arrivedMs ?? endMs) - dueMs);
      lateness.push((this.#sent[number] ?? endMs) - dueMs);
    }
    latencies.sort((a, b) => a - b);
    lateness.sort((a, b) => a - b);
    const isWithin = (ms: number): boolean => ms >= fromMs && ms < toMs;
    return {
      due: end - first,
      perSecond: rounded(this.#arrivals.filter(isWithin).length / ((toMs - fromMs) / 1000)),
      p50: rounded(percentile(latencies, 0.5)),
      p99: rounded(percentile(latencies, 0.99)),
      max: rounded(percentile(latencies, 1)),
      gap: rounded(this.#longestGap(fromMs, toMs, endMs, this.#arrived[end - 1] === undefined)),
      lost,
      astray: this.#astray.filter(isWithin).length,
      senderP99: rounded(percentile(lateness, 0.99)),
    };
  }

  /** A gap counts where it overlaps with the stretch, and up to the end when the last message is missing. */
  #longestGap(fromMs: number, toMs: number, endMs: number, isLastMissing: boolean): number {
    let longest = 0;
    let before = fromMs;
    for (const ms of this.#arrivals) {
      if (before >= toMs) return longest;
      if (ms <= fromMs) continue;
      longest = Math.max(longest, ms - before);
      before = ms;
    }
    return isLastMissing ? Math.max(longest, endMs - before) : longest;
  }

  #firstDueAt(ms: number): number {
    return Math.max(0, Math.ceil((ms - this.#startMs) / this.#intervalMs));
  }

  #firstDueAfter(ms: number): number {
    return Math.max(0, Math.floor((ms - this.#startMs) / this.#intervalMs) + 1);
  }
}

/** To a microsecond: a clock tells no more. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The nearest rank: the least value that `share` of all do not exceed. NaN when there is none. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}
