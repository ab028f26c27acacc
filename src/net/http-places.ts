// Who of those with a page to make has his made. Each page keeps what it has chosen to tell for as long as its peer takes
// to read it, so there are a few places, and fewer for those that keep much; whoever comes when all are taken waits, and a
// place goes to another address first. While somebody waits, a peer who has kept his place for long by not reading has
// to give it up.
//
//   open ──► a place is free ────► begin ──► close
//     └────► waits, fair by lane ────┘         ▲
//                 └─ looks twice a second: who has read slowly for longest? ── giveWay
import type { Clock } from '../shared/clock.ts';
import { FairQueue } from '../shared/fair-queue.ts';

/** Whoever has a page to make. */
export interface Paged {
  /** Those of one lane wait for each other. */
  readonly lane: string;
  /** How long, in all, it was its peer who had to take something. Milliseconds. */
  readonly heldMs: number;
  /** It has a place. */
  begin(): void;
  /** It is to end; `close` follows. */
  giveWay(): void;
}

/** A page of 10,000 connections keeps 1 MB. */
export const PLACES_MAX = 16;
/** One of a million subscriptions keeps 50 MB. */
export const HEAVY_PLACES_MAX = 4;
/** A peer may be slow for as long while others wait. */
export const PATIENCE_MS = 2000;
const LOOK_MS = 500;

export class PagePlaces {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #begun = new Set<Paged>();
  readonly #waiting = new FairQueue<Paged>();
  #isLooking = false;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  open(page: Paged): void {
    this.#waiting.add(page.lane, page);
    this.#next();
  }

  close(page: Paged): void {
    this.#waiting.delete(page.lane, page);
    if (this.#begun.delete(page)) this.#next();
  }

  #next(): void {
    while (this.#begun.size < this.#max) {
      const page = this.#waiting.take();
      if (page === undefined) return;
      this.#begun.add(page);
      page.begin();
    }
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isLooking || this.#waiting.size === 0) return;
    this.#isLooking = true;
    this.#clock.setTimeout(() => this.#look(), LOOK_MS, { unref: true });
  }

  /** As many as wait, and the slowest. */
  #look(): void {
    this.#isLooking = false;
    const slow = [...this.#begun].filter(({ heldMs }) => heldMs >= PATIENCE_MS);
    slow.sort((a, b) => b.heldMs - a.heldMs);
    for (const page of slow.slice(0, this.#waiting.size)) page.giveWay();
    this.#lookLater();
  }
}
