// The ids of a stream's messages, for as long as its window says: a message that comes with one of them again is not
// stored again. Ids leave in the order in which they came, most when another comes, and the rest by one timer.
// Source: nats-server 2.15.3, server/stream.go, checkMsgId, storeMsgId, purgeMsgIds.
import type { Clock, Timer } from '../../shared/clock.ts';
import { IdMap } from './id-map.ts';

/**
 * Above so many the oldest is forgotten before its time. A map of the engine holds 2^24 entries; 100 bytes each, this
 * is 400 MB.
 */
const IDS_MAX = 4_194_304;
/** The list is cut when so many of its head are void, and more than half. */
const VOID_LEAST = 1024;

export class DedupWindow {
  readonly #clock: Clock;
  readonly #idsMax: number;
  #windowMs: number;
  readonly #seqs = new IdMap();
  // In the order in which they came; void in front of #head.
  #ids: string[] = [];
  #times: number[] = [];
  #head = 0;
  #timer: Timer | undefined;

  /** `windowMs` of 0 and less: no id is remembered. */
  constructor(clock: Clock, windowMs: number, idsMax: number = IDS_MAX) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#idsMax = idsMax;
  }

  get count(): number {
    return this.#seqs.size;
  }

  set windowMs(windowMs: number) {
    this.#windowMs = windowMs;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#forget();
    this.#arm();
  }

  /** The sequence of the message that came with that id; 0 = none did, or it is too long ago. */
  find(id: string): number {
    if (this.#seqs.size === 0) return 0;
    this.#forget();
    return this.#seqs.get(id) ?? 0;
  }

  /** @param ageMs how long ago it came: none came after it that is older */
  add(id: string, seq: number, ageMs = 0): void {
    if (this.#windowMs <= 0) return;
    if (this.#seqs.size >= this.#idsMax) this.#forgetFirst();
    this.#seqs.set(id, seq);
    this.#ids.push(id);
    this.#times.push(this.#clock.monotonic() - ageMs);
    if (this.#timer === undefined) this.#arm();
  }

  /** Messages from that sequence on are none: who sends them again is to be heard. */
  forgetFrom(seq: number): void {
    for (; this.#ids.length > this.#head; this.#ids.pop(), this.#times.pop()) {
      const last = this.#ids.at(-1) as string;
      const known = this.#seqs.get(last);
      if (known === undefined || known < seq) return;
      this.#seqs.delete(last);
    }
  }

  /** The same of those that are not there: what has a sequence and is not kept was refused like any other. */
  forgetMissing(from: number, isThere: (seq: number) => boolean): void {
    const ids = this.#ids;
    const times = this.#times;
    let first = ids.length;
    while (first > this.#head && this.#seqOf(first - 1) >= from) first--;
    let to = first;
    for (let at = first; at < ids.length; at++) {
      if (isThere(this.#seqOf(at))) {
        ids[to] = ids[at] as string;
        times[to++] = times[at] as number;
      } else {
        this.#seqs.delete(ids[at] as string);
      }
    }
    ids.length = to;
    times.length = to;
  }

  /** The sequence of the message with the id at that place of the list; 0 = it is not known any more. */
  #seqOf(at: number): number {
    return this.#seqs.get(this.#ids[at] as string) ?? 0;
  }

  /** The id that came with a message, if none has come with a later one; '' = none did. */
  lastOf(seq: number): string {
    const last = this.#ids.length > this.#head ? (this.#ids.at(-1) as string) : '';
    return this.#seqs.get(last) === seq ? last : '';
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#seqs.clear();
    this.#ids = [];
    this.#times = [];
    this.#head = 0;
  }

  /** Forgets whose time has come. */
  #forget(): void {
    const dueMs = this.#clock.monotonic() - this.#windowMs;
    while (this.#head < this.#ids.length && (this.#times[this.#head] as number) <= dueMs) {
      this.#forgetFirst();
    }
  }

  #forgetFirst(): void {
    this.#seqs.delete(this.#ids[this.#head] as string);
    this.#head++;
    if (this.#head < VOID_LEAST || this.#head * 2 < this.#ids.length) return;
    this.#ids = this.#ids.slice(this.#head);
    this.#times = this.#times.slice(this.#head);
    this.#head = 0;
  }

  #arm(): void {
    const first = this.#times[this.#head];
    if (first === undefined) return;
    const delayMs = first + this.#windowMs - this.#clock.monotonic();
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#forget();
        this.#arm();
      },
      Math.max(delayMs, FORGET_LEAST_MS),
      { unref: true },
    );
  }
}

/** An idle window is looked at no more often. */
const FORGET_LEAST_MS = 50;
