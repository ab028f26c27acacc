// Where a consumer begins, and how much lies ahead of it: among very many subjects that takes its time, so it is found in
// pieces, before there is a consumer.
// Source: nats-server 2.15.3, server/consumer.go, selectStartingSeqNo.
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import { timeMs } from '../wire-time.ts';
import type { Work } from '../work.ts';
import type { ConsumerConfig } from './config.ts';
import { filtersOf } from './rules.ts';
import { clampState, type SavedState } from './saved-state.ts';

const ALL: readonly string[] = ['>'];

export interface Start {
  /** The first sequence that it has not passed. */
  readonly next: number;
  /** Sequences to be delivered before everything above `resume`. */
  readonly lasts: Float64Array<ArrayBuffer>;
  readonly resume: number;
  /** Messages that match and lie ahead. */
  readonly pending: number;
}

/**
 * @param saved what it knew, if it was there before: it is not beyond the end of its stream then
 */
export function* startOf(
  store: Store,
  stream: Pick<StreamConfig, 'max_msgs_per_subject'>,
  config: ConsumerConfig,
  saved?: SavedState,
): Work<Start> {
  const filters = filtersOf(config);
  if (saved === undefined) {
    return yield* findStart(store, config, filters, Number(stream.max_msgs_per_subject));
  }
  clampState(saved, store);
  return yield* findSavedStart(store, filters, saved);
}

/** Of a new one. */
export function* findStart(
  store: Store,
  config: ConsumerConfig,
  filters: readonly string[],
  perSubject: number,
): Work<Start> {
  const isAskedFor = config.opt_start_seq !== undefined;
  if (config.deliver_policy === 'last_per_subject' && perSubject !== 1) {
    const { lastSeq: resume } = store.state;
    const lasts = Float64Array.from(yield* store.lasts(filters));
    return yield* counted(store, filters, clamp(store, lasts[0] ?? resume, false), lasts, resume);
  }
  const next = clamp(store, yield* wantedStart(store, config, filters), isAskedFor);
  return yield* counted(store, filters, next, new Float64Array(0), 0);
}

/** Of one that was saved: with the last messages, of each subject what is still the last one of those up to there. */
function* findSavedStart(
  store: Store,
  filters: readonly string[],
  { next, lastsUpTo }: Pick<SavedState, 'next' | 'lastsUpTo'>,
): Work<Start> {
  if (lastsUpTo < next) return yield* counted(store, filters, next, new Float64Array(0), 0);
  const isAhead = (seq: number): boolean => seq >= next && seq <= lastsUpTo;
  const lasts = Float64Array.from((yield* store.lasts(filters)).filter(isAhead));
  return yield* counted(store, filters, lasts[0] ?? lastsUpTo + 1, lasts, lastsUpTo);
}

function* counted(
  store: Store,
  filters: readonly string[],
  next: number,
  lasts: Float64Array<ArrayBuffer>,
  resume: number,
): Work<Start> {
  const pending = yield* countAhead(store, filters, lasts.length > 0 ? resume + 1 : next);
  // Some may have gone since they were found.
  const alive = lasts.reduce((sum, seq) => sum + Number(store.has(seq)), 0);
  return { next, lasts, resume, pending: pending + alive };
}

/** Messages from `seq` on, and below `below`, that match. */
export function* countAhead(
  store: Store,
  filters: readonly string[],
  seq: number,
  below?: number,
): Work<number> {
  const { state, deletedCount } = store;
  if (seq > state.lastSeq || state.messages === 0) return 0;
  if (filters.length > 0 || below !== undefined) {
    return yield* store.counting(filters.length > 0 ? filters : ALL, seq, below);
  }
  if (seq <= state.firstSeq) return state.messages;
  return deletedCount === 0 ? state.lastSeq - seq + 1 : yield* store.counting(ALL, seq);
}

function* wantedStart(
  store: Store,
  config: ConsumerConfig,
  filters: readonly string[],
): Work<number> {
  const { state } = store;
  if (config.opt_start_seq !== undefined) return Number(config.opt_start_seq);
  if (config.opt_start_time !== undefined) {
    return yield* startAtTime(store, timeMs(config.opt_start_time), filters);
  }
  switch (config.deliver_policy) {
    case 'last':
      return filters.length === 0 ? state.lastSeq : yield* store.findLast(filters);
    case 'new':
      return state.lastSeq + 1;
    default:
      return state.firstSeq;
  }
}

/** A start beyond the end is kept only when its number was asked for. */
function clamp({ state }: Store, seq: number, isAskedFor: boolean): number {
  if (state.firstSeq === 0 && !isAskedFor) return 1;
  if (seq > state.lastSeq && !isAskedFor) return state.lastSeq + 1;
  return Math.max(seq, state.firstSeq, 1);
}

function* startAtTime(store: Store, atMs: number, filters: readonly string[]): Work<number> {
  const { state } = store;
  const { firstSeq, lastSeq } = state;
  const seq = store.seqAtTime(atMs) || lastSeq + 1;
  // With filters it goes on to their first message, as the original does, and it shows.
  let first = lastSeq;
  for (const filter of filters) {
    const found = yield* store.findNext([filter], firstSeq);
    if (found >= seq && found < first) first = found;
    yield;
  }
  return filters.length > 0 && first > seq && first < lastSeq ? first : seq;
}
