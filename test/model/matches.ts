// What a filter means, and the sublist as a list: too slow to ship, too short to be wrong.

/** Whether the literal `subject` lies in `filter`. Both are valid. */
export function matches(subject: string, filter: string): boolean {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  const open = wanted.at(-1) === '>' && tokens.length >= wanted.length;
  if (!open && tokens.length !== wanted.length) return false;
  return wanted.every((want, at) => want === '*' || want === '>' || want === tokens[at]);
}

/** One subscription of the naive sublist. `queue` is empty for a plain one. */
export interface NaiveEntry<T> {
  readonly filter: string;
  readonly queue: string;
  readonly value: T;
}

/** What `NaiveSublist.match` finds: plain values, and the values of each queue group by name. */
export interface NaiveMatch<T> {
  readonly plain: readonly T[];
  readonly groups: ReadonlyMap<string, readonly T[]>;
}

/** A list of subscriptions, asked one after the other. */
export class NaiveSublist<T> {
  #entries: NaiveEntry<T>[] = [];

  get count(): number {
    return this.#entries.length;
  }

  insert(filter: string, queue: string, value: T): void {
    this.#entries.push({ filter, queue, value });
  }

  /** Removes the subscription that holds `value`; false: there is none. */
  remove(value: T): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.value !== value);
    return this.#entries.length < before;
  }

  match(subject: string): NaiveMatch<T> {
    const found = this.#entries.filter((entry) => matches(subject, entry.filter));
    const groups = new Map<string, T[]>();
    for (const { queue, value } of found) {
      if (queue !== '') groups.set(queue, [...(groups.get(queue) ?? []), value]);
    }
    return { plain: found.filter((entry) => entry.queue === '').map(({ value }) => value), groups };
  }
}
