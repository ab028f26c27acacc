// A consumer: a cursor over a stream, which whoever asks, or listens to where it pushes, is given messages from, and which
// knows what of them is acknowledged. Its parts each have a room; here they meet, and here is the one timer of all that falls due.
//
//   pulls ──────────► pull ─┐
//   interest, flow ─► push ─┴─────► delivery ──► outbox        cursor       what lies ahead
//   acks ───────────► acks ──┐         ▲                       progress     what was delivered, the floors
//   the stream ─────► cursor, progress ┘                       redelivery   what waits for an ack, and when it is due
//   the alarm ──────► pull or push, redelivery, inactivity
import type { RawMessage, RawSubscription } from '../../bus/raw.ts';
import type { ApiConsumer, ConsumerState } from '../api/account-door.ts';
import { refusal } from '../errors.ts';
import type { Work } from '../work.ts';
import { type AckForm, type AckPlace, TOKENS_V1, TOKENS_V2 } from './ack-subject.ts';
import { Acks, type AcksOwner } from './acks.ts';
import { Advisories, DELETED_UNACKED } from './advisories.ts';
import { Alarm } from './alarm.ts';
import type { ConsumerConfig } from './config.ts';
import { Cursor } from './cursor.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { ConsumerHost, StreamFollower } from './host.ts';
import { Inactivity } from './inactivity.ts';
import type { Journal } from './journal.ts';
import type { ConsumerParts } from './parts.ts';
import { Progress } from './progress.ts';
import { Pulls } from './pull.ts';
import { PullReader } from './pull-request.ts';
import { Push, type PushOwner } from './push.ts';
import type { EndReason, Recipients } from './recipients.ts';
import { asksForLevel } from './required-level.ts';
import { rulesOf } from './rules.ts';
import type { SavedParts, SavedState } from './saved-state.ts';
import type { Start } from './start.ts';
import { REQUIRED_API_LEVEL } from './statuses.ts';

/** A slice of the loop's turn in which messages go that are acknowledged, and how many between two looks at the clock. */
const SETTLING_MS = 2;
const SETTLED_AT_ONCE = 64;

export class Consumer implements StreamFollower, ApiConsumer, PushOwner, AcksOwner, DeliveryOwner {
  readonly createdMs: number;
  #config: ConsumerConfig;
  readonly #host: ConsumerHost;
  readonly #journal: Journal | undefined;
  readonly #parts: ConsumerParts;
  readonly #reader: PullReader;
  readonly #recipients: Recipients;
  /** The same, if it pushes. */
  readonly #push: Push | undefined;
  readonly #delivery: Delivery;
  readonly #acks: Acks;
  readonly #inactivity: Inactivity;
  readonly #alarm: Alarm;
  readonly #subscriptions: RawSubscription[] = [];
  /** To be settled when the stream is done with what it is at. */
  #unsettled: number[] = [];
  /** How many of these have been. */
  #settled = 0;
  #isClosed = false;

  /**
   * Everything is checked, and it has a name. Throws CapacityError.
   *
   * @param start where it begins, or goes on
   * @param journal told of what it does
   * @param saved what it knew when it was saved
   */
  constructor(
    host: ConsumerHost,
    config: ConsumerConfig,
    createdMs: number,
    start: Start,
    journal?: Journal,
    saved?: SavedState,
  ) {
    this.#host = host;
    this.#config = config;
    this.#journal = journal;
    this.createdMs = createdMs;
    const rules = rulesOf(config);
    const cursor = new Cursor(host.store, host.ahead, rules.filters, start);
    const progress = new Progress(cursor.next, rules.ackWaitsMs, journal);
    if (saved !== undefined) progress.restore(saved, host.clock, (seq) => host.store.has(seq));
    const advisories = new Advisories(host, config.name);
    this.#parts = { host, cursor, progress, advisories, rules };
    this.#reader = new PullReader(config);
    // Whether somebody listens is asked when there is something for them.
    if (rules.deliverTo !== '') host.ahead.waits[cursor.slot] = 1;
    this.#push = rules.deliverTo === '' ? undefined : new Push(this.#parts, this, config.name);
    this.#recipients =
      this.#push ?? new Pulls(host, this, this.#reader, rules.maxWaiting, cursor.slot);
    this.#delivery = new Delivery(this.#parts, this, this.#recipients, config.name);
    this.#acks = new Acks(this.#parts, this);
    this.#inactivity = new Inactivity(rules.inactiveMs, host.clock.monotonic());
    this.#alarm = new Alarm(host.clock, () => this.#tick());
    try {
      this.#listen();
    } catch (error) {
      this.close('Consumer Deleted');
      throw error;
    }
    const dueMs = Math.min(this.#inactivity.dueMs, this.#recipients.dueMs);
    this.due(Math.min(dueMs, progress.redelivery.nextDueMs()));
  }

  /** To acks and answers of both forms that nats-server understands; nobody is interested in other numbers of tokens. */
  #listen(): void {
    const name = `${this.#host.config.name}.${this.#config.name}`;
    const { acks, hasFlowControl } = this.#parts.rules;
    const push = this.#push;
    const acksOf = (form: AckForm) => (message: RawMessage) => this.#acks.take(message, form);
    if (acks !== 'none') {
      this.#subscribe(`$JS.ACK.${name}.*.*.*.*.*`, acksOf(TOKENS_V1));
      this.#subscribe(`$JS.ACK.*.*.${name}.*.*.*.*.>`, acksOf(TOKENS_V2));
    }
    if (hasFlowControl) {
      this.#subscribe(`$JS.FC.${name}.*`, (message) => push?.answer(message));
      this.#subscribe(`$JS.FC.*.*.${name}.*`, (message) => push?.answer(message));
    }
    push?.open();
  }

  #subscribe(subject: string, handler: (message: RawMessage) => void): void {
    this.#subscriptions.push(this.#host.door.subscribeRaw(subject, handler));
  }

  get config(): ConsumerConfig {
    return this.#config;
  }

  /** What is saved of it. */
  get parts(): SavedParts {
    return this.#parts;
  }

  get filters(): readonly string[] {
    return this.#parts.rules.filters;
  }

  /** Source: nats-server 2.15.3, server/consumer.go, infoWithSnapAndReply. */
  info(): ConsumerState {
    const { progress, cursor, rules, host } = this.#parts;
    const { redelivery, delivered, shownFloor } = progress;
    if (!this.#isClosed) this.#recipients.look();
    const isNew = delivered.consumer === 0 && delivered.stream === 0;
    const redelivered = redelivery.pending.redeliveredCount + redelivery.exhausted.size;
    return {
      delivered: {
        consumer: delivered.consumer,
        stream: isNew ? cursor.next - 1 : delivered.stream,
        lastMs: progress.lastDelivery.wallMs(host.clock),
      },
      ackFloor: { ...shownFloor, lastMs: progress.acked.wallMs(host.clock) },
      ackPending: redelivery.pending.count,
      redelivered: rules.maxDeliver === 1 ? 0 : redelivered,
      waiting: this.#recipients.waiting,
      isBound: this.#recipients.isBound,
      pending: cursor.pending,
    };
  }

  /**
   * In pieces: of other filters it is counted what lies ahead. Throws StorageError, ApiError, and then nothing has changed.
   * Source: nats-server 2.15.3, server/consumer.go, updateConfig.
   */
  *update(config: ConsumerConfig): Work<void> {
    const { cursor, progress, rules: before } = this.#parts;
    const rules = rulesOf(config);
    const isRefiltered = rules.filters.join(' ') !== before.filters.join(' ');
    const pending = isRefiltered ? yield* cursor.counting(rules.filters) : 0;
    // It has gone meanwhile, as one that nobody uses does.
    if (this.#isClosed) throw refusal('consumerDoesNotExist');
    this.#journal?.configured(config);
    this.#config = config;
    this.#parts.rules = rules;
    this.#reader.update(config);
    if (rules.ackWaitsMs.join() !== before.ackWaitsMs.join()) {
      progress.redelivery.setWaits(rules.ackWaitsMs, this.#host.clock.monotonic());
      this.#alarm.at(progress.redelivery.nextDueMs());
    }
    if (rules.inactiveMs !== before.inactiveMs) {
      this.#inactivity.setThreshold(rules.inactiveMs, this.#host.clock.monotonic());
      this.#alarm.at(this.#inactivity.dueMs);
    }
    if (isRefiltered) {
      cursor.setFilters(rules.filters, pending);
      this.#host.refiltered(config.name);
    }
    if (rules.deliverTo !== before.deliverTo) {
      const nowMs = this.#host.clock.monotonic();
      this.#redeliver(progress.redelivery.waiting(), nowMs);
    }
    this.#push?.update(before);
    const isOther = rules.maxAckPending !== before.maxAckPending;
    if (isOther || this.available > 0) this.#delivery.soon();
  }

  /** A request on `$JS.API.CONSUMER.MSG.NEXT.>`. */
  pull(message: RawMessage): void {
    if (this.#isClosed || message.replyBytes === 0) return;
    const to = message.reply.slice();
    if (this.#push === undefined && message.headerBytes > 0 && asksForLevel(message.headers)) {
      this.say(to, REQUIRED_API_LEVEL);
      return;
    }
    this.#recipients.request(to, message.payload);
  }

  // What the stream tells.

  get slot(): number {
    return this.#parts.cursor.slot;
  }

  wake(): void {
    this.#delivery.soon();
  }

  uncount(seq: number): void {
    this.#parts.cursor.removed(seq);
  }

  recount(): Work<void> {
    return this.#parts.cursor.recount();
  }

  restored(seq: number): void {
    this.#parts.cursor.restored(seq);
  }

  removed(seq: number, _subjectId = -1, mayReturn = false): void {
    const { progress, host } = this.#parts;
    const { pending, exhausted } = progress.redelivery;
    if (mayReturn) {
      // What lies ahead has not been delivered: of that nothing is to be said.
      if (!pending.find(seq) && !exhausted.has(seq)) return;
      host.atCommit(() => {
        if (!this.#isClosed && !host.store.has(seq)) this.removed(seq);
      });
      return;
    }
    if (pending.find(seq)) this.lost(seq, DELETED_UNACKED);
    else this.#endExhausted(seq);
  }

  /** What was delivered too often leaves the stream, which counts as an ack: nats-server 2.15.3, decStreamPending. */
  #endExhausted(seq: number): void {
    const { progress, host } = this.#parts;
    if (progress.redelivery.exhausted.delete(seq)) progress.acked.at(host.clock.monotonic());
  }

  /** Source: nats-server 2.15.3, server/consumer.go, purge. */
  *purged(seq: number, isPart: boolean, only: number): Work<void> {
    if (this.#isClosed) return;
    const { cursor, progress, host } = this.#parts;
    const unacked = this.#placeOf(only);
    this.#endExhausted(only);
    cursor.purged(seq);
    const isGone = isPart ? (at: number): boolean => !host.store.has(at) : undefined;
    const hadWaited = yield* progress.purge(seq, isGone, () => cursor.next);
    if (this.#isClosed) return;
    // Their ends count as acks.
    if (hadWaited) progress.acked.at(host.clock.monotonic());
    this.#alarm.at(progress.redelivery.nextDueMs());
    if (unacked !== undefined) this.#acks.terminate(unacked, DELETED_UNACKED);
  }

  needs(seq: number): boolean {
    const { redelivery } = this.#parts.progress;
    return (
      seq >= this.#parts.cursor.next ||
      redelivery.pending.find(seq) ||
      redelivery.exhausted.has(seq)
    );
  }

  // What its parts ask.

  get available(): number {
    return this.#parts.cursor.pending + this.#parts.progress.redelivery.queuedCount;
  }

  get lastConsumerSeq(): number {
    return this.#parts.progress.consumerSeq;
  }

  get lastStreamSeq(): number {
    return this.#parts.cursor.next - 1;
  }

  request(to: Uint8Array, body: Uint8Array): void {
    if (!this.#isClosed) this.#recipients.request(to, body);
  }

  get isPaused(): boolean {
    return this.#delivery.isPaused;
  }

  say(to: Uint8Array, headers: Uint8Array, reply?: Uint8Array): void {
    this.#delivery.say(to, headers, reply);
  }

  deliverSoon(): void {
    this.#delivery.soon();
  }

  due(atMs: number): void {
    this.#alarm.at(atMs);
  }

  used(atMs: number): void {
    this.#inactivity.used(atMs);
  }

  /** What it needs no more may go, when the stream is done with what it is at. */
  settle(seq: number): void {
    if (this.#host.config.retention === 'limits') return;
    if (this.#unsettled.length === 0) this.#host.door.atLoopEnd(() => this.#settleSome());
    this.#unsettled.push(seq);
  }

  lost(seq: number, reason: string): void {
    const place = this.#placeOf(seq);
    if (place !== undefined) this.#acks.terminate(place, reason);
  }

  /** Of a message that waits for its ack. */
  #placeOf(seq: number): AckPlace | undefined {
    const { pending } = this.#parts.progress.redelivery;
    if (!pending.find(seq)) return undefined;
    const deliveries = Math.max(1, pending.redelivered);
    return { streamSeq: seq, consumerSeq: pending.consumerSeq, deliveries };
  }

  /** One ack may be of a million: they go in slices. What fails is told to the bus, and does not come again. */
  #settleSome(): void {
    const { clock, door } = this.#host;
    const endMs = clock.monotonic() + SETTLING_MS;
    try {
      while (this.#settled < this.#unsettled.length) {
        this.#host.settled(this.#unsettled[this.#settled++] as number);
        if (this.#settled % SETTLED_AT_ONCE === 0 && clock.monotonic() > endMs) return;
      }
    } finally {
      if (this.#settled < this.#unsettled.length) {
        door.atLoopEnd(() => this.#settleSome());
      } else {
        this.#unsettled = [];
        this.#settled = 0;
      }
    }
  }

  #tick(): void {
    if (this.#isClosed) return;
    const { redelivery } = this.#parts.progress;
    const nowMs = this.#host.clock.monotonic();
    const recipients = this.#recipients;
    const isTime = recipients.dueMs <= nowMs;
    const { isAtEnd } = this.#delivery;
    if (isTime) recipients.scan(isAtEnd);
    const isMore = this.#redeliver(redelivery.expired(nowMs), nowMs);
    const { isPaused, isStalled } = this.#delivery;
    if (isTime || isMore || isPaused || isStalled) this.#delivery.soon();
    if (nowMs >= this.#inactivity.dueMs) {
      recipients.scan(isAtEnd);
      const ofPulls = this.#push === undefined ? redelivery : undefined;
      if (this.#inactivity.isOver(nowMs, recipients.isInUse, ofPulls)) {
        this.#host.drop(this.#config.name);
        return;
      }
    }
    const nextMs = Math.min(recipients.dueMs, redelivery.nextDueMs(), this.#inactivity.dueMs);
    this.#alarm.at(nextMs);
  }

  /**
   * Whose wait is over is delivered again, or was delivered too often.
   *
   * @returns whether there was one
   */
  #redeliver(seqs: readonly number[], nowMs: number): boolean {
    const { progress, cursor, rules, advisories } = this.#parts;
    const { redelivery } = progress;
    for (const seq of seqs) {
      if (!redelivery.pending.find(seq)) continue;
      const { redelivered } = redelivery.pending;
      // As the original counts: here only who is delivered once at most is seen to have had it.
      if (Math.max(1, redelivered) >= rules.maxDeliver) {
        progress.exhaust(seq, Math.max(1, redelivered), cursor.next);
        advisories.exhausted(seq, redelivered + 1);
      } else {
        redelivery.restart(nowMs);
        redelivery.enqueue(seq);
      }
    }
    return seqs.length > 0;
  }

  /** Ends its pulls, its watch and all that it listens to. */
  close(reason: EndReason): void {
    if (this.#isClosed) return;
    this.#recipients.end(reason);
    this.#isClosed = true;
    this.#delivery.close();
    this.#alarm.close();
    this.#parts.cursor.close();
    for (const subscription of this.#subscriptions) subscription.close();
  }
}
