// What ends when an AbortSignal is aborted. However many there are, and in however many buses, a signal has one listener:
// Node warns of a leak beyond ten, and each more costs as much as there are. When it is aborted all of a bus end in one turn.

import type { Turn } from './turn.ts';

/** A subscription, or a request. */
export interface Abortable {
  abort(): void;
}

interface Watch {
  /** Of each engine. */
  readonly all: Map<Signals, Set<Abortable>>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

export class Signals {
  readonly #turn: Turn;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Calls its `abort` when the signal, which is not aborted yet, is. */
  add(signal: AbortSignal, item: Abortable): void {
    const { all } = watches.get(signal) ?? watch(signal);
    const own = all.get(this);
    if (own === undefined) all.set(this, new Set([item]));
    else own.add(item);
  }

  delete(signal: AbortSignal, item: Abortable): void {
    const watched = watches.get(signal);
    const own = watched?.all.get(this);
    if (watched === undefined || own?.delete(item) !== true || own.size > 0) return;
    watched.all.delete(this);
    if (watched.all.size > 0) return;
    watches.delete(signal);
    signal.removeEventListener('abort', watched.listener);
  }

  abort(items: Iterable<Abortable>): void {
    this.#turn.within(() => this.#turn.runAll([...items].map((item) => () => item.abort())));
  }
}

function watch(signal: AbortSignal): Watch {
  const all: Watch['all'] = new Map();
  const listener = (): void => {
    watches.delete(signal);
    for (const [signals, items] of all) signals.abort(items);
  };
  const made = { all, listener };
  watches.set(signal, made);
  signal.addEventListener('abort', listener, { once: true });
  return made;
}
