// Removes what a session has subscribed to: at once as much as costs next to nothing, the rest a part at a time in
// slices (slices.ts). The core delivers nothing to it meanwhile, so for everybody else all of it is gone from the first
// part on. Used by whatever takes subscriptions away: an end of any kind, another CONNECT.
import type { Turn } from '../bus/turn.ts';
import type { SessionHandle, Sessions } from '../core/index.ts';
import type { Slices } from '../shared/slices.ts';

// Work as the core counts it: a subscription, and each node that is freed with it.
/** A millisecond of it. */
const PART_WORK = 8192;
/** What is done at once, for there may be many that end in the same turn. */
const FIRST_WORK = 256;

export interface SheddingHost {
  readonly sessions: Sessions;
  readonly turn: Turn;
  readonly endings: { readonly slices: Slices };
}

export class Shedding {
  readonly #host: SheddingHost;
  readonly #handle: SessionHandle;
  #then: (() => void) | undefined;
  #isLeft = false;

  constructor(host: SheddingHost, handle: SessionHandle) {
    this.#host = host;
    this.#handle = handle;
  }

  /** They are gone for everybody, and some are still to be removed. */
  get isUnderWay(): boolean {
    return this.#isLeft;
  }

  /**
   * Removes them all. Part of a turn.
   *
   * @param then is called, as part of a turn, when the last one is gone; of several calls the last one's
   * @returns whether nothing is left now: then nobody is called
   */
  begin(then: () => void): boolean {
    const isFirst = this.#then === undefined;
    if (isFirst && this.#remove(FIRST_WORK)) return true;
    this.#then = then;
    if (isFirst) this.#goOnLater();
    return false;
  }

  /** Removes a part of them, in a turn of its own. True: nothing is left. */
  part(): boolean {
    return this.#host.turn.within(() => this.#remove(PART_WORK));
  }

  #goOnLater(): void {
    const { endings, turn } = this.#host;
    endings.slices.later(() =>
      turn.within(() => {
        if (!this.#remove(PART_WORK)) {
          this.#goOnLater();
          return;
        }
        const then = this.#then;
        this.#then = undefined;
        then?.();
      }),
    );
  }

  #remove(work: number): boolean {
    const { sessions, turn } = this.#host;
    if (sessions.subscriptionCount(this.#handle) > 0) {
      sessions.shed(this.#handle, work);
      turn.touch(); // Whoever watches interest is told in this turn.
    }
    this.#isLeft = sessions.subscriptionCount(this.#handle) > 0;
    return !this.#isLeft;
  }
}
