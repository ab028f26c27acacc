// What a store is, as a list of messages: too slow to ship, too short to be wrong.
import type { StoreState } from '../../src/jetstream/store/store.ts';
import { matches } from './matches.ts';

export interface NaiveMessage {
  readonly seq: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly headers: string | undefined;
  readonly payload: string;
}

export class NaiveStore {
  messages: NaiveMessage[] = [];
  #isUsed: boolean;
  #lastSeq: number;
  #lastTimeMs = 0;
  readonly #storage: 'file' | 'memory';

  constructor(storage: 'file' | 'memory', firstSeq = 0) {
    this.#storage = storage;
    this.#isUsed = firstSeq > 0;
    this.#lastSeq = Math.max(0, firstSeq - 1);
  }

  get state(): StoreState {
    const [first] = this.messages;
    return {
      messages: this.messages.length,
      bytes: this.messages.reduce((sum, each) => sum + this.bytesOf(each), 0),
      firstSeq: first?.seq ?? (this.#isUsed ? this.#lastSeq + 1 : 0),
      firstTimeMs: first?.timeMs ?? 0,
      lastSeq: this.#lastSeq,
      lastTimeMs: this.#lastTimeMs,
      subjects: new Set(this.messages.map(({ subject }) => subject)).size,
    };
  }

  bytesOf({ subject, headers, payload }: NaiveMessage): number {
    const bytes = Buffer.byteLength(subject + (headers ?? '') + payload);
    if (this.#storage === 'memory') return bytes + 16;
    return bytes + (headers === undefined ? 30 : 34);
  }

  append(message: Omit<NaiveMessage, 'seq'>): number {
    this.#isUsed = true;
    this.messages.push({ ...message, seq: ++this.#lastSeq });
    this.#lastTimeMs = message.timeMs;
    return this.#lastSeq;
  }

  skipTo(seq: number): void {
    if (seq <= this.#lastSeq) return;
    this.#isUsed = true;
    this.#lastSeq = seq;
  }

  get(seq: number): NaiveMessage | undefined {
    return this.messages.find((each) => each.seq === seq);
  }

  /** @returns what went */
  removeIf(isGone: (message: NaiveMessage) => boolean): NaiveMessage[] {
    const gone = this.messages.filter(isGone);
    this.messages = this.messages.filter((each) => !isGone(each));
    return gone;
  }

  /** @returns what went */
  clear(): NaiveMessage[] {
    this.#isUsed = true;
    return this.removeIf(() => true);
  }

  next(seq: number): number {
    return this.messages.find((each) => each.seq >= seq)?.seq ?? 0;
  }

  previous(seq: number): number {
    return this.messages.findLast((each) => each.seq <= seq)?.seq ?? 0;
  }

  matching(filters: readonly string[], seq: number): number[] {
    const isMatch = ({ subject }: NaiveMessage): boolean =>
      filters.length === 0 || filters.some((filter) => matches(subject, filter));
    return this.messages.filter((each) => each.seq >= seq && isMatch(each)).map((each) => each.seq);
  }

  atTime(timeMs: number): number {
    return this.messages.find((each) => each.timeMs >= timeMs)?.seq ?? 0;
  }

  onSubject(subject: string): number[] {
    return this.messages.filter((each) => each.subject === subject).map((each) => each.seq);
  }

  deleted(): number[] {
    const [first] = this.messages;
    const gone: number[] = [];
    if (first === undefined) return gone;
    for (let seq = first.seq; seq <= this.#lastSeq; seq++) if (!this.get(seq)) gone.push(seq);
    return gone;
  }
}
