// A consumer that pushes: its messages go to one subject, as long as somebody subscribes to it. Whoever listens may be
// asked how far it is (flow control), hears when nothing comes (heartbeats), and may bound the rate.
//
//   interest ──► active ─┐
//   flow window ─────────┼─► open: it gets the next message
//   rate, a pressed      │
//   session ─────────────┘
//
// Source: nats-server 2.15.3, server/consumer.go, updateDeliveryInterest, loopAndGatherMsgs, sendIdleHeartbeat,
// sendFlowControl, didNotDeliver.
import type { RawMessage } from '../../bus/raw.ts';
import type { SessionHandle } from '../../core/index.ts';
import { randomBase62 } from '../../shared/nuid.ts';
import { FlowWindow } from './flow-window.ts';
import type { ConsumerParts } from './parts.ts';
import { RateLimit } from './rate-limit.ts';
import {
  type Parcel,
  type Recipient,
  type Recipients,
  type RecipientsOwner,
  recipientOf,
} from './recipients.ts';
import type { ConsumerRules } from './rules.ts';
import { FLOW_CONTROL, idleHeartbeat, PUSH_BASED } from './statuses.ts';

/** Digits that make the subject of an answer its own. */
const ANSWER_DIGITS = 4;
/** The burst of a rate, where neither the stream nor the server bounds a message. */
const BURST_BYTES = 1_048_576;
const encoder = new TextEncoder();

export interface PushOwner extends RecipientsOwner {
  /** The next message has to wait for its time. */
  readonly isPaused: boolean;
}

export class Push implements Recipients {
  readonly waiting = 0;
  readonly #parts: ConsumerParts;
  readonly #owner: PushOwner;
  readonly #name: string;
  readonly #window: FlowWindow | undefined;
  #rate: RateLimit | undefined;
  /** Where messages go; another one after an update. */
  #target: Recipient;
  #isActive = false;
  #unwatch: () => void = () => {};
  #heldBy: SessionHandle = 0;
  #beatsMs = Number.POSITIVE_INFINITY;
  /** When the rate allows the next message; Infinity = it does. */
  #allowedMs = Number.POSITIVE_INFINITY;

  constructor(parts: ConsumerParts, owner: PushOwner, consumer: string) {
    const { rules, host } = parts;
    this.#parts = parts;
    this.#owner = owner;
    this.#name = consumer;
    this.#window = rules.hasFlowControl ? new FlowWindow() : undefined;
    this.#target = recipientOf(encoder.encode(rules.deliverTo));
    const nowMs = host.clock.monotonic();
    if (rules.heartbeatMs > 0) this.#beatsMs = nowMs + rules.heartbeatMs;
    this.#setRate(rules.bitsPerSecond);
  }

  /** Looks from now on for who subscribes. Throws CapacityError. */
  open(): void {
    const { host, rules } = this.#parts;
    const onChange = (hasSubscriber: boolean): void => this.#setActive(hasSubscriber);
    this.#unwatch = host.door.watchSubscribers(rules.deliverTo, onChange, this.#queue);
    this.#lookAround();
  }

  #lookAround(): void {
    const { host, rules } = this.#parts;
    this.#setActive(host.door.hasSubscriber(rules.deliverTo, this.#queue));
  }

  get #queue(): string | undefined {
    const { deliverGroup } = this.#parts.rules;
    return deliverGroup === '' ? undefined : deliverGroup;
  }

  /** The rules have changed. */
  update(before: ConsumerRules): void {
    const { rules } = this.#parts;
    if (rules.bitsPerSecond !== before.bitsPerSecond) this.#setRate(rules.bitsPerSecond);
    if (rules.deliverTo === before.deliverTo && rules.deliverGroup === before.deliverGroup) return;
    this.#unwatch();
    this.#target = recipientOf(encoder.encode(rules.deliverTo));
    this.#heldBy = 0;
    this.open();
  }

  get isOpen(): boolean {
    const isFree = this.#heldBy === 0 && this.#allowedMs === Number.POSITIVE_INFINITY;
    return isFree && this.#isActive && this.#window?.isOpen !== false;
  }

  get isInUse(): boolean {
    return this.#isActive;
  }

  get isBound(): boolean {
    return this.#isActive;
  }

  get dueMs(): number {
    return Math.min(this.#beatsMs, this.#allowedMs);
  }

  request(to: Uint8Array): void {
    this.#owner.say(to, PUSH_BASED);
  }

  choose(parcel: Parcel, nowMs: number): Recipient | undefined {
    if (!this.isOpen) return undefined;
    const waitMs = this.#rate?.waitMs(parcel, this.#burstBytes, nowMs) ?? 0;
    if (waitMs === 0) return this.#target;
    this.#allowedMs = nowMs + waitMs;
    this.#owner.due(this.#allowedMs);
    return undefined;
  }

  give({ to }: Recipient, { bytes, subjectBytes }: Parcel, nowMs: number): void {
    const { heartbeatMs } = this.#parts.rules;
    this.#rate?.delivered();
    if (heartbeatMs > 0) this.#beatsMs = nowMs + heartbeatMs;
    // Of the subject that it goes to, and not of its own.
    if (this.#window?.delivered(bytes - subjectBytes + to.length)) this.#ask(this.#window);
  }

  #ask(window: FlowWindow): void {
    const { name } = this.#parts.host.config;
    const reply = `$JS.FC.${name}.${this.#name}.${randomBase62(ANSWER_DIGITS)}`;
    window.ask(encoder.encode(reply));
    this.#owner.say(this.#target.to, FLOW_CONTROL, window.asked);
  }

  /** What comes on the subjects of answers; only the last that was asked for says anything. */
  answer(message: RawMessage): void {
    if (this.#window?.answered(message.subject)) this.#owner.deliverSoon();
  }

  /** Who acknowledges gets it again when the wait is over; nobody else does. */
  takeBack(): boolean {
    return false;
  }

  /** Here subscriptions by a wildcard count, too, as with the original. */
  missed(): void {
    const { host, rules } = this.#parts;
    this.#setActive(host.door.hasInterest(rules.deliverTo));
    // The watch says nothing of who comes again before the turn ends.
    if (!this.#isActive) host.door.atLoopEnd(() => this.#lookAround());
  }

  hold(recipient: Recipient, session: SessionHandle): void {
    if (recipient === this.#target) this.#heldBy = session;
  }

  release(session: SessionHandle): void {
    if (this.#heldBy === session) this.#heldBy = 0;
  }

  endOfMessages(): void {}

  look(): void {}

  scan(): void {
    const { host, rules } = this.#parts;
    const nowMs = host.clock.monotonic();
    // While a message waits for its time no heart beats, as with the original.
    const isWaiting = this.#allowedMs > nowMs && this.#allowedMs !== Number.POSITIVE_INFINITY;
    if (!isWaiting) this.#allowedMs = Number.POSITIVE_INFINITY;
    if (this.#beatsMs > nowMs) return;
    this.#beatsMs = nowMs + rules.heartbeatMs;
    if (this.#isActive && !isWaiting && !this.#owner.isPaused) this.#beat();
  }

  #beat(): void {
    const { lastConsumerSeq, lastStreamSeq } = this.#owner;
    const headers = idleHeartbeat(lastConsumerSeq, lastStreamSeq, this.#window?.asked);
    this.#owner.say(this.#target.to, headers);
  }

  end(): void {
    this.#unwatch();
  }

  #setActive(isActive: boolean): void {
    if (isActive === this.#isActive) return;
    this.#isActive = isActive;
    if (isActive) this.#owner.deliverSoon();
    else this.#owner.used(this.#parts.host.clock.monotonic());
  }

  #setRate(bitsPerSecond: number): void {
    const nowMs = this.#parts.host.clock.monotonic();
    this.#allowedMs = Number.POSITIVE_INFINITY;
    if (bitsPerSecond === 0) this.#rate = undefined;
    else if (this.#rate !== undefined) this.#rate.setRate(bitsPerSecond, this.#burstBytes, nowMs);
    else this.#rate = new RateLimit(bitsPerSecond, this.#burstBytes, nowMs);
  }

  get #burstBytes(): number {
    const { config, door } = this.#parts.host;
    const ofStream = Number(config.max_msg_size);
    if (ofStream > 0) return ofStream;
    return door.engine.maxPayload > 0 ? door.engine.maxPayload : BURST_BYTES;
  }
}
