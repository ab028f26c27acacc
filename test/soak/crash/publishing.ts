// Streams that are published to: what was acknowledged is there, in order and once, and what was removed is not.
import { deepStrictEqual, ok } from 'node:assert/strict';
import type { StreamConfig } from '@nats-io/jetstream';
import { type Actor, bodyOf, type Held, held, type Means, rises } from './actor.ts';

const BATCH = 64;
/** More than that is purged. */
const MOST = 800;

/** Makes a stream in files. */
export async function makeStream({ manager }: Means, config: Partial<StreamConfig>): Promise<void> {
  await manager.streams.add({ storage: 'file', ...config } as StreamConfig & { name: string });
}

/** The sequences that were acknowledged, with the numbers that were sent. */
class Acked {
  readonly bySeq = new Map<number, number>();
  last = 0;

  add(seq: number, n: number, isDuplicate: boolean): void {
    const known = this.bySeq.get(seq);
    ok(known === undefined || (known === n && isDuplicate), `sequence ${seq} was given twice`);
    ok(known !== undefined || isDuplicate || seq > this.last - BATCH, `${seq} behind ${this.last}`);
    this.bySeq.set(seq, n);
    this.last = Math.max(this.last, seq);
  }

  forgetBelow(seq: number): void {
    for (const each of this.bySeq.keys()) if (each < seq) this.bySeq.delete(each);
  }
}

const PLAIN_SUBJECTS = 7;

/** Messages that are to go, or have gone. */
class Removal {
  readonly #single = new Set<number>();
  /** By subject: below it all. */
  readonly #below = new Array<number>(PLAIN_SUBJECTS).fill(0);

  one(seq: number): void {
    this.#single.add(seq);
  }

  /** @param only the subject; -1 = all */
  below(seq: number, only: number): void {
    for (const [i, before] of this.#below.entries()) {
      if (only < 0 || only === i) this.#below[i] = Math.max(seq, before);
    }
  }

  has(seq: number, n: number): boolean {
    return this.#single.has(seq) || seq < (this.#below[n % PLAIN_SUBJECTS] ?? 0);
  }

  /** Below it all. */
  get floor(): number {
    return Math.min(...this.#below);
  }
}

/** Publishes without an id, purges in all ways, and deletes single messages. */
export async function plain(means: Means, name: string): Promise<Actor> {
  const { link, manager, random } = means;
  await makeStream(means, { name, subjects: [`${name}.*`] });
  const acked = new Acked();
  const asked = new Removal();
  const gone = new Removal();
  const counts = { acked: 0, deleted: 0, purgedBelow: 0, purgedOfSubject: 0, purgedWhole: 0 };
  let next = 0;
  let lastSeen = 0;

  const purge = async (): Promise<void> => {
    const chance = random();
    const below = acked.last - Math.floor(random() * 200);
    const isPart = chance < 0.9;
    if (below < 2) return;
    const only = chance < 0.3 ? Math.floor(random() * PLAIN_SUBJECTS) : -1;
    const seq = isPart && only < 0 ? below : acked.last + 1;
    const request = only >= 0 ? { filter: `${name}.${only}` } : isPart ? { seq } : undefined;
    asked.below(seq, only);
    await link.during(
      manager.streams.purge(name, request).then(() => {
        gone.below(seq, only);
        counts[only >= 0 ? 'purgedOfSubject' : isPart ? 'purgedBelow' : 'purgedWhole']++;
      }),
    );
    acked.forgetBelow(gone.floor);
  };
  const remove = async (): Promise<void> => {
    const seq = Math.max(1, acked.last - Math.floor(random() * 100));
    const n = acked.bySeq.get(seq);
    if (n === undefined || asked.has(seq, n)) return;
    asked.one(seq);
    const erase = random() < 0.5;
    const answered = manager.streams.deleteMessage(name, seq, erase).then(() => {
      gone.one(seq);
      counts.deleted++;
    });
    await link.during(answered);
  };

  return {
    turn: async () => {
      const batch = Array.from({ length: 1 + Math.floor(random() * BATCH) }, async () => {
        const n = next++;
        const { seq } = await link.publish(`${name}.${n % PLAIN_SUBJECTS}`, bodyOf(n), undefined);
        counts.acked++;
        acked.add(seq, n, false);
      });
      await link.all(batch);
      if (random() < 0.3) await remove();
      if (acked.bySeq.size > MOST || random() < 0.05) await purge();
    },
    check: async () => {
      const [state, found] = await held(means, name);
      const { first_seq, last_seq, messages, num_deleted = 0 } = state;
      rises(name, found);
      ok(last_seq >= acked.last, `${name}: last ${last_seq}, acked ${acked.last}`);
      ok(last_seq >= lastSeen, `${name}: last ${last_seq}, was ${lastSeen}`);
      lastSeen = last_seq;
      ok(first_seq >= gone.floor, `${name}: first ${first_seq}, purged below ${gone.floor}`);
      const span = last_seq === 0 ? 0 : last_seq - first_seq + 1;
      deepStrictEqual(num_deleted, span - messages, `${name}: deleted`);
      lacksOnly(name, acked, found, { asked, gone });
    },
    told: () => counts,
  };
}

/** What was acknowledged is there but for what was to go, and what has gone is not. */
function lacksOnly(
  name: string,
  acked: Acked,
  found: readonly Held[],
  { asked, gone }: { readonly asked: Removal; readonly gone: Removal },
): void {
  const bySeq = new Map(found.map((one) => [one.seq, one.n]));
  for (const [seq, n] of acked.bySeq) {
    const there = bySeq.get(seq);
    if (there === n) ok(!gone.has(seq, n), `${name}: ${seq} was removed and is there`);
    else {
      const isAsked = there === undefined && asked.has(seq, n);
      ok(isAsked, `${name}: ${seq} is lost (${n}, now ${there})`);
    }
  }
}

/**
 * Publishes with ids, and again with the same ids what was not acknowledged.
 *
 * @param most at a time; of several one may be refused, and be stored behind the others
 */
export async function deduplicated(
  means: Means,
  name: string,
  most: number = BATCH,
): Promise<Actor> {
  const { link, manager, random } = means;
  await makeStream(means, { name, subjects: [`${name}.*`] });
  const acked = new Acked();
  const seqOf = new Map<number, number>();
  let acks = 0;
  let retries = 0;
  let duplicates = 0;
  /** Everything below is acknowledged. */
  let next = 0;
  let sent = 0;

  const send = async (n: number): Promise<void> => {
    if (n < sent) retries++;
    sent = Math.max(sent, n + 1);
    const { seq, duplicate } = await link.publish(`${name}.${n % 5}`, bodyOf(n), `${name}-${n}`);
    if (duplicate) duplicates++;
    else acks++;
    acked.add(seq, n, duplicate);
    const known = seqOf.get(n);
    ok(known === undefined || (known === seq && duplicate), `${name}: ${n} is at ${known}, ${seq}`);
    seqOf.set(n, seq);
  };

  return {
    turn: async () => {
      const end = Math.max(sent, next + 1 + Math.floor(random() * most));
      const batch = Array.from({ length: end - next }, (_, i) => send(next + i));
      await link.all(batch);
      next = end;
      // One that is known, of the last seconds.
      if (random() < 0.2)
        await link.during(send(next - 1 - Math.floor(random() * Math.min(next, 400))));
      if (acked.bySeq.size > MOST) {
        const seq = acked.last - 450;
        acked.forgetBelow(seq);
        for (const [n, each] of seqOf) if (each < seq) seqOf.delete(n);
        await link.during(manager.streams.purge(name, { seq }));
      }
    },
    check: async () => {
      const [state, found] = await held(means, name);
      rises(name, found);
      ok(state.last_seq >= acked.last, `${name}: last ${state.last_seq}, acked ${acked.last}`);
      lacksNone(name, acked, found);
    },
    told: () => ({ acked: acks, retries, duplicates }),
  };
}

function lacksNone(name: string, acked: Acked, found: readonly Held[]): void {
  const bySeq = new Map(found.map(({ seq, n }) => [seq, n]));
  for (const [seq, n] of acked.bySeq) {
    ok(bySeq.get(seq) === n, `${name}: ${n} at ${seq} is lost: there is ${bySeq.get(seq)}`);
  }
}

const SUBJECTS = 20;
const PER_SUBJECT = 2;

/** A stream that keeps the last two of each subject. */
export async function lastOfEach(means: Means, name: string): Promise<Actor> {
  const { link, manager } = means;
  const limit = { max_msgs_per_subject: PER_SUBJECT };
  await makeStream(means, { name, subjects: [`${name}.*`], ...limit });
  const acked = new Map<string, number[]>();
  let next = 0;
  let acks = 0;
  return {
    turn: async () => {
      const batch = Array.from({ length: BATCH }, async () => {
        const n = next++;
        const subject = `${name}.${(n * 7) % SUBJECTS}`;
        await link.publish(subject, bodyOf(n), undefined);
        acks++;
        acked.set(subject, [...(acked.get(subject) ?? []).slice(-1), n]);
      });
      await link.all(batch);
    },
    check: async () => {
      const [state, found] = await held(means, name);
      rises(name, found);
      const info = await manager.streams.info(name, { subjects_filter: '>' });
      const counts = info.state.subjects ?? {};
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      deepStrictEqual(total, state.messages);
      for (const [subject, [older = -1, newer = -1]] of acked) {
        const there = found.filter((one) => one.subject === subject).map(({ n }) => n);
        deepStrictEqual(counts[subject], there.length, `${name}: count of ${subject}`);
        ok(there.length <= PER_SUBJECT, `${name}: ${there.length} of ${subject}`);
        const [second = -1, last = -1] = there.length < PER_SUBJECT ? [-1, ...there] : there;
        const least = newer < 0 ? [-1, older] : [older, newer];
        ok(last >= least[1]!, `${name}: ${subject} ends with ${last}, acked ${least[1]}`);
        ok(second >= (last > least[1]! ? least[1]! : least[0]!), `${name}: ${subject}: ${there}`);
      }
    },
    told: () => ({ acked: acks }),
  };
}

const SMALL_BYTES = 262_144;

/**
 * A stream of few bytes: its files are small, and rewritten and given back all the time.
 *
 * @param hasGaps what is refused has had a sequence
 */
export async function ofFewBytes(means: Means, name: string, hasGaps = false): Promise<Actor> {
  const { link } = means;
  await makeStream(means, { name, subjects: [`${name}.*`], max_bytes: SMALL_BYTES });
  const acked = new Acked();
  let next = 0;
  let acks = 0;
  let bytes = 0;
  return {
    turn: async () => {
      const batch = Array.from({ length: BATCH }, async () => {
        const n = next++;
        const body = bodyOf(n);
        const { seq } = await link.publish(`${name}.a`, body, undefined);
        acks++;
        bytes += body.length;
        acked.add(seq, n, false);
      });
      await link.all(batch);
      acked.forgetBelow(acked.last - 2000);
    },
    check: async () => {
      const [state, found] = await held(means, name);
      rises(name, found);
      ok(state.last_seq >= acked.last, `${name}: last ${state.last_seq}, acked ${acked.last}`);
      const span = state.messages && state.last_seq - state.first_seq + 1;
      ok(hasGaps || state.messages === span, `${name}: ${state.messages} messages of ${span}`);
      ok(state.bytes <= SMALL_BYTES, `${name}: ${state.bytes} bytes`);
      // It gives back no more than it must.
      ok(
        bytes < SMALL_BYTES || state.bytes > SMALL_BYTES - 25_000,
        `${name}: ${state.bytes} bytes`,
      );
      acked.forgetBelow(state.first_seq);
      lacksNone(name, acked, found);
    },
    told: () => ({ acked: acks }),
  };
}

/** Everything that does not stay is gone by then. */
const GONE_MS = 20_000;

/** A stream whose messages do not stay: what it says of sequences is all that is to survive. */
export async function fleeting(
  means: Means,
  name: string,
  config: Partial<StreamConfig>,
): Promise<Actor> {
  const { link, manager } = means;
  await makeStream(means, { name, subjects: [`${name}.*`], ...config });
  let next = 0;
  let last = 0;
  return {
    turn: async () => {
      const before = last;
      const batch = Array.from({ length: 10 }, async () => {
        const { seq } = await link.publish(`${name}.a`, bodyOf(next++), undefined);
        ok(seq > before, `${name}: ${seq} behind ${before}`);
        last = Math.max(last, seq);
      });
      await link.all(batch);
    },
    check: async () => {
      const { state } = await manager.streams.info(name);
      ok(state.last_seq >= last, `${name}: last sequence ${state.last_seq}, acked ${last}`);
      ok(state.first_seq <= state.last_seq + 1, `${name}: ${state.first_seq}, ${state.last_seq}`);
    },
    finish: async () => {
      const end = performance.now() + GONE_MS;
      while ((await manager.streams.info(name)).state.messages > 0) {
        ok(performance.now() < end, `${name}: its messages stay`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    told: () => ({ acked: last }),
  };
}
