// A subscription of the client, which may move: an ordered consumer that begins anew listens to another inbox with what
// it has been given once.
import type { Message, Subscription } from '../../bus/types.ts';

type Subscribe = (subject: string) => Subscription;

export class MovingSubscription {
  readonly #subscribe: Subscribe;
  #current: Subscription;
  #resolveClosed!: () => void;
  /** Resolves when it has ended, wherever it is then. */
  readonly closed: Promise<void>;

  constructor(subscribe: Subscribe, subject: string) {
    this.#subscribe = subscribe;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#current = this.#open(subject);
  }

  move(subject: string): void {
    const before = this.#current;
    if (before.isClosed()) return;
    this.#current = this.#open(subject);
    before.unsubscribe();
  }

  getSubject(): string {
    return this.#current.getSubject();
  }

  isDraining(): boolean {
    return this.#current.isDraining();
  }

  isClosed(): boolean {
    return this.#current.isClosed();
  }

  unsubscribe(max?: number): void {
    this.#current.unsubscribe(max);
  }

  drain(): Promise<void> {
    return this.#current.drain();
  }

  #open(subject: string): Subscription {
    const opened = this.#subscribe(subject);
    void opened.closed.then(() => {
      if (this.#current === opened) this.#resolveClosed();
    });
    return opened;
  }
}

/** What a callback of the client takes. */
export type Callback = (error: Error | null, message: Message) => void;
