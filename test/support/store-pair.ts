// A store against a list: any operations, with chunks and slabs so small that they are packed all the time, and with so
// little memory that some are refused.
import fc from 'fast-check';
import type { IndexOptions } from '../../src/jetstream/store/indexed-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { CapacityError } from '../../src/shared/errors.ts';
import { type NaiveMessage, NaiveStore } from '../model/naive-store.ts';
import { incoming, readTexts } from './stored.ts';

interface Append {
  readonly subject: string;
  readonly size: number;
  readonly headerSize: number;
  readonly stepMs: number;
}

export type Operation =
  | { readonly kind: 'append'; readonly each: Append }
  | { readonly kind: 'fill'; readonly many: readonly [stem: string, count: number] }
  | { readonly kind: 'remove' | 'below'; readonly which: number }
  | { readonly kind: 'thin'; readonly share: number }
  | { readonly kind: 'skip'; readonly by: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'ask'; readonly filters: readonly string[]; readonly which: number };

const token = fc.constantFrom('a', 'b', 'ab', 'a-', 'b!', 'c~', '*', 'ü');
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const pattern = fc.tuple(
  fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }),
  fc.constantFrom('a', 'b', '*', '>', '>'),
);
const filter = pattern.map(([tokens, last]) => [...tokens, last].join('.'));
const filters = fc.array(filter, { minLength: 0, maxLength: 3 });
const size = fc.oneof({ weight: 6, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(300) });
const many = fc.tuple(subject, fc.nat(40));
const append = fc.record({
  subject,
  size,
  headerSize: fc.constantFrom(0, 0, 0, 16),
  stepMs: fc.nat(2),
});

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('append' as const), each: append }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fill' as const), many }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('thin' as const), share: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('below' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('skip' as const),
      by: fc.constantFrom(1, 3, 40, 2 ** 31, 2 ** 33),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('ask' as const), filters, which: fc.nat() }),
  },
);

export interface Setting {
  readonly storage: 'file' | 'memory';
  readonly firstSeq: number;
  readonly heldMax: number;
  readonly chunkRows: number;
  readonly slabBytes: number;
}

export const setting: fc.Arbitrary<Setting> = fc.record({
  storage: fc.constantFrom('file' as const, 'memory' as const),
  firstSeq: fc.constantFrom(0, 0, 1, 77, 2 ** 32 - 10, 2 ** 45),
  heldMax: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 40_000),
  chunkRows: fc.constantFrom(4, 8, 64),
  slabBytes: fc.constantFrom(64, 256, 4096),
});

/** A store beside a list. */
export class StorePair {
  #store: Store;
  readonly #naive: NaiveStore;
  readonly #options: IndexOptions;
  readonly #removed: number[] = [];
  #timeMs = 1.7e12;

  /** @param create makes the store, which is empty */
  constructor(options: Setting, create: (options: IndexOptions) => Store) {
    const onRemoved = (seq: number, id: number, bytes: number): void => {
      const message = this.#naive.get(seq);
      const isRight =
        message !== undefined &&
        this.#naive.bytesOf(message) === bytes &&
        this.#store.subjectText(id) === message.subject;
      this.#removed.push(isRight ? seq : -1);
    };
    this.#options = { ...options, onRemoved };
    this.#store = create(this.#options);
    this.#naive = new NaiveStore(options.storage, options.firstSeq);
  }

  /** Goes on with a store that has the same messages. */
  async replace(by: (store: Store, options: IndexOptions) => Promise<Store>): Promise<void> {
    this.#store = await by(this.#store, this.#options);
  }

  commit(): void {
    this.#store.commit(() => {});
  }

  /** @returns false: it has answered something else */
  run(each: Operation): boolean {
    if (each.kind === 'append') this.#append(each.each);
    else if (each.kind === 'fill') this.#fill(...each.many);
    else if (each.kind === 'skip') this.#skip(each.by);
    else if (each.kind === 'ask') return this.#ask(each.filters, each.which);
    else return this.#remove(each);
    return true;
  }

  #append({ subject: name, size: bytes, headerSize, stepMs }: Append): void {
    this.#timeMs += stepMs;
    const headers = headerSize === 0 ? undefined : 'N'.repeat(headerSize);
    const payload = String.fromCharCode(48 + (bytes % 60)).repeat(bytes);
    const message = { timeMs: this.#timeMs, subject: name, headers, payload };
    try {
      this.#store.append(incoming(name, payload, headers), this.#timeMs);
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
      return;
    }
    this.#naive.append(message);
  }

  #fill(stem: string, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#append({ subject: `${stem}.n${i}`, size: i, headerSize: 0, stepMs: 1 });
    }
  }

  #skip(by: number): void {
    const { lastSeq } = this.#naive.state;
    // What lies between would be listed one by one.
    if (by > 100 && this.#naive.messages.length > 0 && lastSeq % 2 === 0) return;
    this.#store.skipTo(lastSeq + by);
    this.#naive.skipTo(lastSeq + by);
  }

  #remove(each: Operation): boolean {
    const { messages } = this.#naive;
    let gone: NaiveMessage[] = [];
    const chosen = 'which' in each ? (messages[each.which % messages.length]?.seq ?? 5) : 0;
    if (each.kind === 'remove') {
      if (this.#store.remove(chosen) !== messages.length > 0) return false;
      gone = this.#naive.removeIf(({ seq }) => seq === chosen);
    } else if (each.kind === 'thin') {
      const isGone = ({ seq }: NaiveMessage): boolean => seq % 7 > each.share;
      for (const message of messages) if (isGone(message)) this.#store.remove(message.seq);
      gone = this.#naive.removeIf(isGone);
    } else if (each.kind === 'below') {
      const count = this.#store.removeBelow(chosen, 3) + this.#store.removeBelow(chosen);
      gone = this.#naive.removeIf(({ seq }) => seq < chosen);
      if (count !== gone.length) return false;
    } else {
      if (this.#store.clear() !== messages.length) return false;
      gone = this.#naive.clear();
    }
    return String(this.#removed.splice(0)) === String(gone.map(({ seq }) => seq));
  }

  /** All messages are the same. */
  get isAlike(): boolean {
    const { messages, state } = this.#naive;
    const store = this.#store;
    if (JSON.stringify(store.state) !== JSON.stringify(state)) return false;
    return messages.every((message) => {
      const stored = readTexts(store, message.seq);
      const isSame = JSON.stringify(stored, KEYS) === JSON.stringify(message, KEYS);
      return isSame && store.bytesOf(message.seq) === this.#naive.bytesOf(message);
    });
  }

  #ask(wanted: readonly string[], which: number): boolean {
    const naive = this.#naive;
    const store = this.#store;
    const { messages } = naive;
    const { lastSeq, firstSeq } = naive.state;
    const some = messages[which % messages.length];
    for (const count of [1, 3, which % 100]) {
      if (count > 0 && store.seqFromEnd(count) !== (messages.at(-count)?.seq ?? 0)) return false;
    }
    const withHeaders = messages.filter(({ headers }) => headers !== undefined);
    const from = some?.seq ?? 1;
    const headed = store.nextWithHeaders(from, Number.POSITIVE_INFINITY);
    if (headed !== (withHeaders.find(({ seq }) => seq >= from)?.seq ?? 0)) return false;
    const seqs = [0, firstSeq, lastSeq + 1, some?.seq ?? 1, (some?.seq ?? 1) + 1];
    for (const seq of seqs) {
      const found = naive.matching(wanted, seq);
      if (wholly(store.findNext(wanted, seq)) !== (found[0] ?? 0)) return false;
      if (wholly(store.counting(wanted, seq)) !== found.length) return false;
      if (wholly(store.findLast(wanted)) !== (naive.matching(wanted, 0).at(-1) ?? 0)) return false;
      if (store.next(seq) !== naive.next(seq)) return false;
      if (store.previous(seq) !== naive.previous(seq)) return false;
      if (store.has(seq) !== (naive.get(seq) !== undefined)) return false;
      if (store.timeOf(seq) !== (naive.get(seq)?.timeMs ?? 0)) return false;
    }
    for (const timeMs of [0, some?.timeMs ?? 5, (some?.timeMs ?? 5) + 0.5, this.#timeMs + 1]) {
      if (store.seqAtTime(timeMs) !== naive.atTime(timeMs)) return false;
    }
    if (lastSeq - firstSeq < 10_000) {
      const deleted = naive.deleted();
      if (String([...store.deleted()]) !== String(deleted)) return false;
      if (store.deletedCount !== deleted.length) return false;
    }
    return wanted.every((each) => this.#asksSubjects(each));
  }

  #asksSubjects(wanted: string): boolean {
    const naive = this.#naive;
    const store = this.#store;
    const chains = new Map<string, number[]>();
    for (const seq of naive.matching([wanted], 0)) {
      const name = naive.get(seq)?.subject ?? '';
      chains.set(name, [...(chains.get(name) ?? []), seq]);
    }
    const states = [...store.subjectsMatching(wanted)];
    if (states.length !== chains.size) return false;
    if (wholly(store.findLast([wanted])) !== (naive.matching([wanted], 0).at(-1) ?? 0))
      return false;
    return states.every(({ id, subject: name, messages, firstSeq, lastSeq }) => {
      const chain = chains.get(name) ?? [];
      const ends = [messages, firstSeq, lastSeq];
      return (
        String(ends) === String([chain.length, chain[0], chain.at(-1)]) &&
        String(ends) === String([store.countOf(id), store.firstOf(id), store.lastOf(id)]) &&
        store.findSubject(Buffer.from(name)) === id &&
        chain.every((seq, at) => {
          const next = store.nextOnSubject(seq) === (chain[at + 1] ?? 0);
          const previous = store.previousOnSubject(seq) === (chain[at - 1] ?? 0);
          return next && previous && store.subjectIdOf(seq) === id;
        })
      );
    });
  }
}

const KEYS = ['seq', 'timeMs', 'subject', 'headers', 'payload'];
