// The internal door of an account, for what stands on the bus: the bridge, streams, monitoring. It has what they need
// beyond a program's rights. `internalsOf(bus)` opens it; nothing of it is exported from the package.

import {
  type BatchEntry,
  type BatchOutcome,
  type BatchRun,
  batchOutcomes,
  type Core,
  placeBatch,
  type SessionHandle,
} from '../core/index.ts';
import { ClosedConnectionError, InvalidOperationError } from '../shared/errors.ts';
import type { CycleWatch } from './cycle-watch.ts';
import type { Engine } from './engine.ts';
import { encodeHeaders } from './headers.ts';
import { insidesOf } from './insides.ts';
import { interestOf } from './interest.ts';
import { contentOf, contentOfBytes } from './message.ts';
import type { ProgramSide } from './program-side.ts';
import {
  openRaw,
  type RawHandler,
  type RawMessage,
  type RawRefusal,
  type RawSubscription,
} from './raw.ts';
import type { Turn, Waiting } from './turn.ts';
import type { Message, MsgHdrs } from './types.ts';

/** A message that is routed by one subject and may show another. */
export interface Delivery {
  /** The subject by which it is routed: an inbox, or what a subscription listens to. */
  readonly to: string;
  /** The subject that its recipients see; `to` by default. */
  readonly subject?: string;
  readonly reply?: string;
  /** A whole `NATS/1.0` block, or what makes one. */
  readonly headers?: Uint8Array | MsgHdrs;
  readonly payload: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const EMPTY = new Uint8Array(0);

export class BusInternals {
  readonly engine: Engine;
  /** How this process publishes and subscribes in the account. */
  readonly home: ProgramSide;
  readonly core: Core;
  readonly turn: Turn;

  constructor(engine: Engine, home: ProgramSide) {
    this.engine = engine;
    this.home = home;
    this.core = engine.core;
    this.turn = engine.turn;
  }

  /**
   * A door to an account of the engine, which is made when there is none. What is subscribed by it is its own, and stays
   * when the program closes its bus of that account; whoever opens it closes it, or the end of the engine does.
   * Throws ClosedConnectionError, InvalidArgumentError and CapacityError.
   */
  account(name: string): BusInternals {
    return new BusInternals(this.engine, this.engine.open(name));
  }

  /** Ends what is subscribed by it. The door of a bus ends with the bus. */
  close(): void {
    this.turn.within(() => this.home.close());
  }

  /**
   * Routes messages by `to`, showing `subject`, all in one crossing. Outside of handlers only, in slices of the caller's
   * choice (some 256 KiB): it is not bounded by max_payload, and everything it makes is queued for the peers within this
   * turn. Bytes are copied, views of the core's own memory alone cannot be had; what cannot stand on a control line (a
   * blank, an end of line, no byte at all) reaches nobody. Recipients of this process get a copy.
   *
   * Throws InvalidOperationError inside a handler, CapacityError and ClosedConnectionError.
   *
   * @returns for each entry how many it has reached, and whether one of them is pressed
   */
  deliverBatch(entries: readonly BatchEntry[]): BatchOutcome[] {
    const { turn, core, home } = this;
    if (home.isClosed) throw new ClosedConnectionError();
    if (turn.isDelivering) throw new InvalidOperationError('deliver is not for handlers');
    return turn.within(() => {
      const batch = placeBatch(core, entries);
      turn.run(() => core.publishBatch(home.account.handle, batch), { batch });
      return batchOutcomes(core, batch);
    });
  }

  /**
   * The same of the next entries of a run, `bytesMost` at most and one at least. Nothing is heard of them. Throws alike;
   * they are taken nevertheless.
   */
  deliverRun(run: BatchRun, bytesMost: number): void {
    const { turn, core, home } = this;
    if (home.isClosed) throw new ClosedConnectionError();
    if (turn.isDelivering) throw new InvalidOperationError('deliver is not for handlers');
    turn.within(() => {
      const batch = run.place(core, bytesMost);
      turn.run(() => core.publishBatch(home.account.handle, batch), { batch });
    });
  }

  /**
   * The same of all entries of a run, which knows the outcomes then: `BatchRun.reached` and `pressed`. Throws alike, and
   * then none of them has reached anybody.
   */
  deliverSlice(run: BatchRun): void {
    const { turn, core, home } = this;
    if (home.isClosed) throw new ClosedConnectionError();
    if (turn.isDelivering) throw new InvalidOperationError('deliver is not for handlers');
    turn.within(() => {
      const batch = run.place(core, Number.POSITIVE_INFINITY);
      turn.run(() => core.publishBatch(home.account.handle, batch), { batch });
      run.noteOutcomes(core, batch);
    });
  }

  /**
   * The same of one message, with texts; who is in this process sees the very bytes of the payload, which must not change
   * any more. Throws as `deliverBatch`, InvalidSubjectError, and for headers InvalidArgumentError.
   */
  deliver({ to, subject = to, reply, headers, payload }: Delivery): BatchOutcome {
    const { turn, core, home } = this;
    if (home.isClosed) throw new ClosedConnectionError();
    if (turn.isDelivering) throw new InvalidOperationError('deliver is not for handlers');
    const block = headers === undefined || isBytes(headers) ? headers : encodeHeaders(headers);
    const content = contentOfBytes(home, subject, reply, block, payload);
    return turn.within(() => {
      // What stays in this process does not pass the core, which would then speak of a message before.
      core.op.clearPressed();
      const delivered = home.route(content, to);
      return { delivered, pressed: core.op.pressed };
    });
  }

  /**
   * A subscription that is handed the bytes of each message, as they lie in the core's memory, and no message is made:
   * for who keeps bytes. What the program publishes is encoded for it, as for a peer; of what has no bytes `refusal`
   * hears, which may answer for it. Throws InvalidSubjectError, CapacityError and ClosedConnectionError.
   */
  subscribeRaw(subject: string, handler: RawHandler, refusal?: RawRefusal): RawSubscription {
    return openRaw(this.home, subject, handler, refusal);
  }

  /** Somebody, here or at a peer, would get a message on `subject`; of that queue group, if one is given. */
  hasInterest(subject: string, queue?: string): boolean {
    return this.core.hasInterest(this.home.account.handle, subject, queue);
  }

  /** The same of a reply as a peer has named it. */
  hasListener(reply: Uint8Array): boolean {
    return this.core.hasInterestIn(this.home.account.handle, reply);
  }

  /**
   * Calls `onChange` at the end of each turn after which `hasInterest(subject, queue)` answers otherwise than
   * before. Throws CapacityError and ClosedConnectionError.
   *
   * @returns ends the watch
   */
  watchInterest(
    subject: string,
    onChange: (hasInterest: boolean) => void,
    queue?: string,
  ): () => void {
    return interestOf(this.engine).add(this.home, subject, onChange, { queue, isExact: false });
  }

  /** Somebody subscribes to that very subject, and not by a wildcard: plainly, or in that queue group. */
  hasSubscriber(subject: string, queue?: string): boolean {
    return this.core.hasSubscriber(this.home.account.handle, subject, queue);
  }

  /** The same watch as of interest, by what `hasSubscriber` answers. */
  watchSubscribers(
    subject: string,
    onChange: (hasSubscriber: boolean) => void,
    queue?: string,
  ): () => void {
    return interestOf(this.engine).add(this.home, subject, onChange, { queue, isExact: true });
  }

  /**
   * Answers a request as if nobody had been interested: for a subject that is claimed and not served. A peer that did
   * not ask for such answers gets none. In a handler the answer waits, as a publish does. A reply is answered on the very
   * bytes that the peer has named.
   *
   * @returns whether there is somebody to answer
   */
  noResponders(message: Message | RawMessage): boolean {
    if (message.client?.wantsNoResponders === false) return false;
    const [subject, reply] = 'replyBytes' in message ? spansOf(message) : textsOf(message);
    if (reply.length === 0) return false;
    const entry = { to: reply, headers: noRespondersBlock(subject), payload: EMPTY };
    if (this.turn.isBusy) this.turn.wait(new WaitingBatch(this, entry));
    else this.deliverBatch([entry]);
    return true;
  }

  /**
   * Calls fn once, in a turn of its own, when the session has less queued than half of what presses it, or is
   * gone: when more may be delivered to who was pressed. Never before this returns.
   */
  whenDrained(session: SessionHandle, fn: () => void): void {
    const run = (): void => this.turn.within(() => this.#guard(fn));
    const { network } = this.turn;
    if (network === undefined) this.atLoopEnd(fn);
    else network.whenDrained(session, run);
  }

  /** Calls fn once, after everything of this turn has been delivered and before sessions write. */
  atTurnEnd(fn: () => void): void {
    this.turn.atTurnEnd(() => this.#guard(fn));
  }

  /**
   * Calls fn once, in a turn, when this turn of the event loop has done its reads: once for all turns that they were.
   * What it queues for peers is written right after it.
   */
  atLoopEnd(fn: () => void): void {
    this.turn.atLoopEnd(() => this.#guard(fn));
  }

  #guard(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.home.report(error, { subject: '', sid: 0 });
    }
  }
}

/** A delivery that has to wait for the message at hand. */
class WaitingBatch implements Waiting {
  serial = 0;
  readonly #door: BusInternals;
  readonly #entry: BatchEntry;

  constructor(door: BusInternals, entry: BatchEntry) {
    this.#door = door;
    this.#entry = entry;
  }

  get subject(): string {
    return decoder.decode(this.#entry.to);
  }

  get cycles(): CycleWatch {
    return this.#door.home.account.cycles;
  }

  run(): void {
    const { home } = this.#door;
    if (home.isClosed) return;
    try {
      this.#door.deliverBatch([this.#entry]);
    } catch (error) {
      home.report(error, { subject: this.subject, sid: 0 });
    }
  }

  drop(): void {}
}

/** Copies of subject and reply. */
function spansOf(message: RawMessage): [subject: Uint8Array, reply: Uint8Array] {
  return [message.subject.slice(), message.reply.slice()];
}

function textsOf(message: Message): [subject: Uint8Array, reply: Uint8Array] {
  const names = contentOf(message)?.names;
  if (names !== undefined) return [names.subject, names.reply];
  const { subject, reply = '' } = message;
  return [encoder.encode(subject), encoder.encode(reply)];
}

/** nats-server 2.15.3 names the subject of the request beside the status. */
function noRespondersBlock(subject: Uint8Array): Uint8Array {
  const start = encoder.encode('NATS/1.0 503\r\nNats-Subject: ');
  const end = encoder.encode('\r\n\r\n');
  const block = new Uint8Array(start.length + subject.length + end.length);
  block.set(start);
  block.set(subject, start.length);
  block.set(end, start.length + subject.length);
  return block;
}

const doors = new WeakMap<object, BusInternals>();

/** The internal door of a bus, the same each time. Throws InvalidOperationError for what is none. */
export function internalsOf(bus: object): BusInternals {
  const known = doors.get(bus);
  if (known !== undefined) return known;
  const { engine, home } = insidesOf(bus);
  const door = new BusInternals(engine, home);
  doors.set(bus, door);
  return door;
}

function isBytes(headers: Uint8Array | MsgHdrs): headers is Uint8Array {
  return ArrayBuffer.isView(headers);
}
