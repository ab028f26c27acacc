// When a consumer that nobody uses goes: after its threshold without a pull, a delivery or an ack, and not while somebody
// may still be at work on what was delivered. One that pushes is in use while somebody subscribes to where it pushes; then
// nobody's work counts but acks.
// Source: nats-server 2.15.3, server/consumer.go, deleteNotActive, updateInactiveThreshold.
import type { Redelivery } from './redelivery.ts';

/** The original adds from 100 ms to a second, by chance. */
const GRACE_MS = 100;

export class Inactivity {
  #thresholdMs: number;
  #usedMs = Number.NEGATIVE_INFINITY;
  /** When it has to be looked at. */
  dueMs: number;

  /** @param thresholdMs Infinity: it stays */
  constructor(thresholdMs: number, nowMs: number) {
    this.#thresholdMs = thresholdMs + GRACE_MS;
    this.dueMs = nowMs + this.#thresholdMs;
  }

  setThreshold(thresholdMs: number, nowMs: number): void {
    this.#thresholdMs = thresholdMs + GRACE_MS;
    this.dueMs = nowMs + this.#thresholdMs;
  }

  used(atMs: number): void {
    if (atMs > this.#usedMs) this.#usedMs = atMs;
  }

  /**
   * @param isInUse somebody waits for messages
   * @param redelivery of a consumer that is pulled from
   * @returns whether it has to go
   */
  isOver(nowMs: number, isInUse: boolean, redelivery: Redelivery | undefined): boolean {
    if (nowMs < this.dueMs) return false;
    const threshold = this.#thresholdMs;
    if (isInUse) {
      this.dueMs = nowMs + threshold;
      return false;
    }
    this.dueMs = this.#usedMs + threshold;
    if (this.dueMs > nowMs) return false;
    if (redelivery === undefined) return true;
    this.dueMs = lastAckMs(redelivery) + threshold;
    return this.dueMs <= nowMs;
  }
}

/** When the last wait for an ack ends. */
function lastAckMs({ pending }: Redelivery): number {
  let last = Number.NEGATIVE_INFINITY;
  for (let seq = pending.findFrom(1); seq > 0; seq = pending.findFrom(seq + 1)) {
    if (pending.dueMs > last && pending.dueMs !== Number.POSITIVE_INFINITY) last = pending.dueMs;
  }
  return last;
}
