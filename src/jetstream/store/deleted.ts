// Which sequences between the first and the last message hold none.
import type { Rows } from './rows.ts';
import type { StoreState } from './store.ts';

/** Ascending; lazily: the store may be changed meanwhile, and then it goes on with what is there. */
export function* deletedOf(
  { messages, firstSeq, lastSeq }: StoreState,
  rows: Rows,
): Iterable<number> {
  if (messages === 0) return;
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    const next = rows.next(seq);
    const end = next === 0 ? lastSeq + 1 : next;
    for (; seq < end; seq++) yield seq;
  }
}
