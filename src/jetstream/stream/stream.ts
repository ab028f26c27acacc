// A stream: the messages of some subjects, kept as its configuration says. It ties its parts together (ingest, eviction,
// duplicates, consumers) and is what the API and its consumers know of it.
//
//   subjects ──raw──► ingest ──► store ──► followers (consumers: how many are pending)
//                        │         │ ▲
//                        ▼         ▼ │ removed: limits, age, purge, acks
//                      outbox ◄─ commit ──► followers wake
import type { BusInternals } from '../../bus/internals.ts';
import type { RawMessage, RawSubscription } from '../../bus/raw.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ApiConsumer, ApiStream, PurgeRequest } from '../api/account-door.ts';
import { DirectGet } from '../api/direct-get.ts';
import { Ahead } from '../consumer/ahead.ts';
import type { ConsumerConfig } from '../consumer/config.ts';
import { Consumer } from '../consumer/consumer.ts';
import { ConsumerIndex } from '../consumer/consumer-index.ts';
import type { SavedConsumer } from '../consumer/consumer-log.ts';
import type { ConsumerHost, PullQuota } from '../consumer/host.ts';
import type { EndReason } from '../consumer/recipients.ts';
import { type Start, startOf } from '../consumer/start.ts';
import { refusal } from '../errors.ts';
import { type Pool, reservedBytes } from '../limits.ts';
import { StreamOutbox } from '../outbox.ts';
import type { Keeping } from '../place/keeping.ts';
import type { StreamMeta } from '../place/meta-file.ts';
import type { StreamPlace } from '../place/place.ts';
import type { IndexOptions } from '../store/indexed-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Incoming, Store } from '../store/store.ts';
import type { Work } from '../work.ts';
import { amended } from './amending.ts';
import { Commits } from './commits.ts';
import type { StreamConfig } from './config.ts';
import { DedupWindow } from './dedup.ts';
import { Eviction } from './eviction.ts';
import { Expiry } from './expiry.ts';
import { Ingest } from './ingest.ts';
import { PubAckWriter } from './pub-ack.ts';
import { purgeStore } from './purge.ts';
import { recoverHeaders } from './recovery.ts';
import { Retention } from './retention.ts';
import { rulesOf, type StreamRules } from './rules.ts';
import { Settling } from './settling.ts';
import type { StreamAccount } from './stream-account.ts';

export class Stream implements ApiStream, ConsumerHost {
  config: StreamConfig;
  rules: StreamRules;
  readonly createdMs: number;
  readonly account: StreamAccount;
  readonly door: BusInternals;
  readonly clock: Clock;
  readonly store: Store;
  readonly outbox: StreamOutbox;
  readonly pool: Pool;
  readonly #share: Pool;
  /** What else is on disk, if it is. */
  readonly #keeping: Keeping | undefined;
  readonly dedup: DedupWindow;
  readonly eviction: Eviction;
  readonly #expiry: Expiry;
  readonly pubAck: PubAckWriter;
  readonly consumers: Map<string, Consumer> = new Map();
  readonly followers: ConsumerIndex;
  readonly ahead: Ahead = new Ahead();
  readonly commits: Commits;
  /** Something has made room for what has not been committed. */
  #isDoubtful = false;
  readonly #ingest: Ingest;
  readonly #directGet: DirectGet;
  readonly #retention: Retention;
  readonly settling: Settling;
  readonly #subscriptions = new Map<string, RawSubscription>();
  #timeMs = 0;
  /** The turn in which the clock was asked. */
  #timedIn = -1;
  /** What of the store has been counted among what all hold. */
  #held = 0;
  /** Its messages are still to be read. */
  #reading: Work<void> | undefined;
  readonly #isFound: boolean;
  /** What it takes has been counted. */
  #isCounted = false;
  /** All consumers are there that were there before. */
  #isPeopled = false;
  #isClosed = false;

  /**
   * Its configuration has been checked. It is to be opened, and to be closed, whatever comes of that.
   *
   * @param place where it is kept; by default in memory
   * @param found it has been there before
   */
  constructor(
    account: StreamAccount,
    config: StreamConfig,
    place?: StreamPlace,
    found?: Pick<StreamMeta, 'createdMs'>,
  ) {
    const { door, clock, domain } = account;
    this.account = account;
    this.config = config;
    this.rules = rulesOf(config);
    this.door = door;
    this.clock = clock;
    this.createdMs = found?.createdMs ?? clock.now();
    this.pool = account.pool(config.storage);
    this.#share = account.share(config.storage);
    const index: IndexOptions = {
      storage: config.storage,
      firstSeq: Number(config.first_seq ?? 0),
      onRemoved: (seq, subjectId, bytes, mayReturn) => {
        this.#removed(seq, subjectId, bytes, mayReturn);
      },
      onCleared: ({ bytes }) => this.#use(-bytes),
      onTakenBack: (seq) => this.#takenBack(seq),
      onRestored: (seq, subjectId, bytes) => this.#restored(seq, subjectId, bytes),
    };
    const messages = place?.openMessages(config, index);
    this.store = messages?.store ?? createMemoryStore(index);
    this.#reading = messages?.reading;
    this.#keeping = place?.keep(found !== undefined, () => this.outbox.due());
    this.#isFound = found !== undefined;
    this.commits = new Commits(this.store);
    this.followers = new ConsumerIndex(this.store, this.ahead);
    this.#retention = new Retention(this.store, this.followers, door, clock);
    this.outbox = new StreamOutbox(
      door,
      clock,
      // What is shown is whole, and durable.
      (done) => this.settling.behind(() => this.#commit(done)),
      () => this.followers.wake(this.visibleSeq),
      (_failure, claim, answer) => amended(this.commits.failed, claim, answer, this.pubAck),
      () => this.#isDoubtful,
    );
    this.settling = new Settling(door, clock);
    this.dedup = new DedupWindow(clock, this.rules.duplicateWindowMs);
    this.eviction = new Eviction(this.store, this.rules);
    this.#expiry = new Expiry(this.store, clock, this.rules, (subject) =>
      this.#ingest.mark(subject),
    );
    this.pubAck = new PubAckWriter(config.name, domain);
    this.#ingest = new Ingest(this);
    this.#directGet = new DirectGet(this);
  }

  /** Has what is there of it, and takes messages. Throws CapacityError, StorageError, ClosedConnectionError. */
  *open(): Work<void> {
    const { config, store } = this;
    const keeping = this.#keeping;
    if (this.#reading !== undefined) yield* this.#reading;
    // A generator that has ended keeps what it worked with: the room for pieces of a log and its indexes.
    this.#reading = undefined;
    if (keeping !== undefined) yield* keeping.read();
    this.commits.start();
    this.#isCounted = true;
    this.#reserve(reservedBytes(config));
    this.#use(store.state.bytes);
    if (this.#isFound) yield* this.#recover();
    else keeping?.save(config, this.createdMs);
    this.#isPeopled = true;
    this.#subscribe(config.subjects);
  }

  get visibleSeq(): number {
    return this.commits.visibleSeq;
  }

  get isFull(): boolean {
    return this.outbox.isFull;
  }

  /** Why nothing more can be stored; undefined = all is well. */
  get failure(): Error | undefined {
    return this.store.failure ?? this.#keeping?.failure;
  }

  /** Knows again what it knew of its messages, and has the consumers that it had. */
  *#recover(): Work<void> {
    const { store, clock, rules, dedup } = this;
    const onLife = (seq: number, seconds: number): void => this.#expiry.stored(seq, seconds);
    yield* this.eviction.recovered();
    yield* recoverHeaders(store, clock, rules, dedup, onLife);
    this.#ingest.lastIs(store.state.lastSeq);
    const keeping = this.#keeping;
    const saved =
      keeping === undefined ? [] : yield* keeping.consumers.read((text) => this.account.warn(text));
    for (const [, consumer] of saved) {
      const start = yield* startOf(store, this.config, consumer.config, consumer.state);
      this.#addConsumer(consumer, start);
      yield;
    }
    this.#isPeopled = true;
    this.#expiry.update(rules);
    yield* this.#retention.recovered(this.config.retention);
  }

  /** Throws StorageError: it is new, and cannot be saved. */
  #addConsumer({ config, createdMs, state }: SavedConsumer, start: Start, isNew = false): Consumer {
    const { name } = config;
    const log = config.mem_storage ? undefined : this.#keeping?.consumers;
    const journal = log?.journal(name);
    const consumer = new Consumer(this, config, createdMs, start, journal, state);
    if (journal !== undefined) log?.add(journal, consumer.parts, { config, createdMs });
    if (journal !== undefined && isNew) this.#begin(consumer, name);
    this.consumers.set(name, consumer);
    this.account.consumers.count++;
    this.followers.add(name, consumer);
    return consumer;
  }

  #begin(consumer: Consumer, name: string): void {
    try {
      this.#keeping?.consumers.begin(name);
    } catch (error) {
      consumer.close('Consumer Deleted');
      throw error;
    }
  }

  /** Takes messages of these subjects, and no others. Throws CapacityError, and then nothing has changed. */
  #subscribe(subjects: readonly string[]): void {
    const before = new Set(this.#subscriptions.keys());
    try {
      for (const subject of subjects) if (!before.has(subject)) this.#open(subject);
    } catch (error) {
      this.#keepOnly(before);
      throw error;
    }
    this.#keepOnly(new Set(subjects));
  }

  #open(subject: string): void {
    const subscription = this.door.subscribeRaw(
      subject,
      (message) => this.#ingest.take(message),
      (reply, error) => this.#ingest.refuseValue(reply, error),
    );
    this.#subscriptions.set(subject, subscription);
  }

  #keepOnly(wanted: ReadonlySet<string>): void {
    for (const [subject, subscription] of this.#subscriptions) {
      if (wanted.has(subject)) continue;
      subscription.close();
      this.#subscriptions.delete(subject);
    }
  }

  /** Saves another configuration, if it is kept; rejected with StorageError: then it is not saved. */
  save(config: StreamConfig): Promise<void> | undefined {
    return this.#keeping?.replace(config, this.createdMs);
  }

  /** No start finds it again, if it is kept; rejected with StorageError: then it goes on. */
  leave(): Promise<void> | undefined {
    return this.#keeping?.leave();
  }

  /** The configuration has been checked, and saved. Throws CapacityError, and then nothing has changed. */
  *update(config: StreamConfig): Work<void> {
    try {
      this.#subscribe(config.subjects);
    } catch (error) {
      this.#keeping?.save(this.config, this.createdMs);
      throw error;
    }
    this.#reserve(reservedBytes(config) - reservedBytes(this.config));
    this.config = config;
    this.rules = rulesOf(config);
    this.dedup.windowMs = this.rules.duplicateWindowMs;
    yield* this.eviction.update(this.rules);
    this.#expiry.update(this.rules);
    this.#retention.relaxed(config.retention);
    this.outbox.due();
  }

  /**
   * Stores a message. Throws CapacityError, StorageError, and then nothing has changed.
   *
   * @param seconds how long it lives by itself; 0 = it does not end so
   */
  append(message: Incoming, seconds: number): void {
    const { store } = this;
    const { state } = store;
    const before = state.bytes;
    const seq = store.append(message, this.#time());
    this.#use(state.bytes - before);
    this.commits.storedBytes += state.bytes - before;
    if (this.consumers.size > 0) this.followers.stored(seq, store.subjectIdOf(seq));
    this.#expiry.stored(seq, seconds);
  }

  atCommit(work: () => void): void {
    this.commits.atEnd(work);
  }

  /** Nobody wants the message: it has a sequence, and is not kept. */
  skip(): void {
    this.store.skipTo(this.store.state.lastSeq + 1, this.#time());
  }

  /**
   * The wall clock, which may be set back; times of a stream are not. It is asked once a turn: what came in one read came
   * at one time, and to ask for each was a tenth of a publish.
   */
  #time(): number {
    const { serial } = this.door.turn;
    if (serial !== this.#timedIn) {
      this.#timedIn = serial;
      this.#timeMs = Math.max(this.clock.now(), this.store.state.lastTimeMs);
    }
    return this.#timeMs;
  }

  *purge(request: PurgeRequest): Work<number> {
    // Consumers are told what is left: what may come back is there again, or gone for good.
    this.store.write();
    const count = yield* this.followers.purge(request, purgeStore(this.store, request));
    this.outbox.due();
    return count;
  }

  removeMessage(seq: number): boolean {
    const isThere = this.store.remove(seq);
    this.outbox.due();
    return isThere;
  }

  settled(seq: number): void {
    // What it held has been given back when it is closed; acks of the same turn may be behind that.
    if (this.#isClosed) return;
    // Before all are there nobody can say that none needs it; who does is asked again then.
    if (this.config.retention !== 'limits' && this.#isPeopled) this.#retention.settled(seq);
    if (this.#keeping !== undefined) this.outbox.due();
  }

  directGet(message: RawMessage, keyAt: number): void {
    this.#directGet.take(message, keyAt);
  }

  *createConsumer(config: ConsumerConfig): Work<ApiConsumer> {
    const createdMs = this.clock.now();
    const start = yield* startOf(this.store, this.config, config);
    if (this.#isClosed) throw refusal('streamNotFound');
    const consumer = this.#addConsumer({ config, createdMs, state: undefined }, start, true);
    this.#adviseConsumer(config.name, 'CREATED', 'create');
    return consumer;
  }

  deleteConsumer(name: string): void {
    this.#keeping?.consumers.remove(name);
    this.#end(name, 'Consumer Deleted');
  }

  drop(name: string): void {
    this.#keeping?.consumers.drop(name);
    this.#end(name, 'Consumer Deleted');
  }

  #end(name: string, reason: EndReason): void {
    const consumer = this.consumers.get(name);
    if (consumer === undefined) return;
    this.consumers.delete(name);
    this.account.consumers.count--;
    this.followers.remove(name);
    consumer.close(reason);
    this.#retention.relaxed(this.config.retention);
    this.#adviseConsumer(name, 'DELETED', 'delete');
  }

  #adviseConsumer(consumer: string, kind: string, action: string): void {
    const { name: stream } = this.config;
    this.advise(`CONSUMER.${kind}.${stream}.${consumer}`, 'consumer_action', () => ({
      stream,
      consumer,
      action,
    }));
  }

  get pulls(): PullQuota {
    return this.account.pulls;
  }

  refiltered(consumer: string): void {
    this.followers.update(consumer);
    this.#retention.relaxed(this.config.retention);
  }

  advise(kind: string, type: string, fields: () => object): void {
    this.account.advise(kind, type, fields);
  }

  measure(kind: string, type: string, fields: () => object): void {
    this.account.advise(`METRIC.${kind}`, type, fields);
  }

  /**
   * Ends it and its consumers, whose pulls are told the reason; `done` is called when the last word has been said.
   * Nothing of its messages is left then.
   */
  close(reason: EndReason, done: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
    for (const [name, consumer] of this.consumers) {
      consumer.close(reason);
      if (reason === 'Consumer Deleted') this.#adviseConsumer(name, 'DELETED', 'delete');
    }
    this.account.consumers.count -= this.consumers.size;
    this.consumers.clear();
    this.#expiry.close();
    this.#retention.close();
    this.#directGet.close();
    this.dedup.close();
    const isDeleted = reason === 'Consumer Deleted';
    if (isDeleted) this.settling.close();
    // A start must not find the half of something that was acknowledged.
    this.settling.behind(() => this.#giveBack(isDeleted, done));
  }

  #giveBack(isDeleted: boolean, done: () => void): void {
    if (this.#isCounted) {
      this.#use(-this.store.state.bytes);
      this.#reserve(-reservedBytes(this.config));
    }
    if (isDeleted) this.#keeping?.forget();
    this.outbox.finish(() => {
      this.#hold(0);
      this.store.close(() => {
        if (this.#keeping === undefined) done();
        else this.#keeping.close(isDeleted, done);
      });
    });
  }

  /** What has been stored up to now may be shown when it is durable. */
  #commit(done: (failure?: Error) => void): void {
    const { store, commits } = this;
    const keeping = this.#keeping;
    this.#hold(store.heldBytes + (keeping?.heldBytes ?? 0));
    this.#isDoubtful = false;
    commits.run(
      (end) => (keeping === undefined ? store.commit(end) : keeping.commit(store, end)),
      (failure) => {
        if (commits.failed.ofStream !== undefined) {
          this.dedup.forgetMissing(this.visibleSeq + 1, (seq) => store.has(seq));
        }
        done(failure);
        if (keeping?.isSaved === false && !this.#isClosed) this.account.abandon(this);
      },
    );
  }

  /** Messages from there on could not be written: who sends them again is to be heard. */
  #takenBack(from: number): void {
    this.commits.takenBack(this.outbox.isDue || this.settling.isBusy);
    this.dedup.forgetFrom(from);
    this.#ingest.lastIs(this.store.previous(from - 1));
  }

  #hold(bytes: number): void {
    this.pool.held.bytes += bytes - this.#held;
    this.#held = bytes;
  }

  #use(bytes: number): void {
    this.pool.used += bytes;
    this.#share.used += bytes;
  }

  #reserve(bytes: number): void {
    this.pool.reserved += bytes;
    this.#share.reserved += bytes;
  }

  #removed(seq: number, subjectId: number, bytes: number, mayReturn: boolean): void {
    this.#use(-bytes);
    if (mayReturn) this.#isDoubtful = true;
    if (this.consumers.size > 0) this.followers.removed(seq, subjectId, mayReturn);
  }

  /** It has made room for a message that could not be written. */
  #restored(seq: number, subjectId: number, bytes: number): void {
    this.#use(bytes);
    if (this.store.next(seq + 1) === 0) this.#ingest.lastIs(seq);
    if (this.consumers.size > 0) this.followers.restored(seq, subjectId);
    this.#expiry.restored(seq);
    if (this.config.retention !== 'limits') this.#retention.settled(seq);
    this.eviction.restored(subjectId);
  }
}
