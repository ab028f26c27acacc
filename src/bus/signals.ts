// What ends when an AbortSignal is aborted. However many there are, an engine has one listener a signal: Node warns of
// a leak beyond ten, and each more costs as much as there are. When it is aborted all end in one turn.

import type { Turn } from './turn.ts';

/** A subscription, or a request. */
export interface Abortable {
  abort(): void;
}

interface Watch {
  readonly all: Set<Abortable>;
  readonly listener: () => void;
}

export class Signals {
  readonly #turn: Turn;
  readonly #watches = new Map<AbortSignal, Watch>();

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Calls its `abort` when the signal, which is not aborted yet, is. */
  add(signal: AbortSignal, item: Abortable): void {
    let watch = this.#watches.get(signal);
    if (watch === undefined) {
      watch = { all: new Set(), listener: () => this.#abort(signal) };
      signal.addEventListener('abort', watch.listener, { once: true });
      this.#watches.set(signal, watch);
    }
    watch.all.add(item);
  }

  delete(signal: AbortSignal, item: Abortable): void {
    const watch = this.#watches.get(signal);
    if (watch?.all.delete(item) !== true || watch.all.size > 0) return;
    this.#watches.delete(signal);
    signal.removeEventListener('abort', watch.listener);
  }

  #abort(signal: AbortSignal): void {
    const all = this.#watches.get(signal)?.all ?? [];
    this.#watches.delete(signal);
    this.#turn.within(() => this.#turn.runAll([...all].map((item) => () => item.abort())));
  }
}
