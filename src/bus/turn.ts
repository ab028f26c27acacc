// A turn: everything that happens from one call into the bus to its return, whoever made it (the program, a
// socket, a timer). The one place that runs a call of the core to its end.
//
//   enter ─► core call ─► records to handlers ─► (again while AGAIN) ─► leave
//            at the outermost leave: publishes that handlers made, in order, each to its end
//                                    ─► atTurnEnd functions ─► sessions write ─► core.turnEnd()
//
// While a message is on its way to its subscribers nothing else is delivered: a handler's publish waits
// here. So every subscriber sees one publisher's messages in order, and the stack does not grow.

import {
  type BatchPlace,
  type Core,
  type SessionHandle,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
} from '../core/index.ts';
import { assert } from '../shared/errors.ts';
import { inNextTurn } from '../shared/next-turn.ts';
import type { CycleWatch } from './cycle-watch.ts';
import type { Content } from './message.ts';
import type { MessageClient } from './types.ts';

/** The network side of a bus: the sessions, as far as turns have to do with them. */
export interface NetworkSide {
  /** Sessions write, from copies when the pool is more than half used: it has run dry. */
  flush(): void;
  /**
   * Sessions write, after the atTurnEnd functions; once more when this has itself begun something (`run`,
   * `within`), so it may do that only when there is something to do.
   */
  turnEnded(): void;
  /** Calls `fn` when the reads of this turn of the event loop are done. */
  defer(fn: () => void): void;
  /** The functions of the loop's end have run: what they have queued is written now. */
  loopEnded(): void;
  /** Calls `fn` once, later, when the session has less queued than half of what presses it, or is gone. */
  whenDrained(session: SessionHandle, fn: () => void): void;
  /** Who the session is, for `msg.client`. */
  originOf(session: SessionHandle): MessageClient | undefined;
  /** A payload that several sessions refer to; `bytes` are the network side's own. */
  shared(id: number, bytes: Uint8Array): void;
  /** So many references to it have been made, and no more will be. */
  sharedEnd(id: number, references: number): void;
  /** The session went over its pending limit. */
  slow(session: SessionHandle): void;
  /** An op has come; `body` is header block and payload of a publish. */
  traceIn(session: SessionHandle, line: Uint8Array, body: Uint8Array | undefined): void;
  /**
   * A line is sent; `body` is header block and payload of a message. `limit` is the max of its subscription when it is
   * the last one that this allows, else 0.
   */
  traceOut(
    session: SessionHandle,
    line: Uint8Array,
    body: Uint8Array | undefined,
    limit: number,
  ): void;
  /** A subscription has ended, by UNSUB or by its max. */
  traceEnd(session: SessionHandle, sid: Uint8Array): void;
}

/** What this process publishes through the core: a message, or a batch of them. */
export interface Published {
  readonly content?: Content;
  /** The subject it is routed by; `content` may show another. */
  readonly to?: string;
  readonly batch?: BatchPlace;
}

/** What waits for its turn: a publish, or what is to be done after those before it. */
export interface Waiting {
  /** How many have waited before it; set when it begins to wait. */
  serial: number;
  readonly subject: string;
  /** Of its account; undefined: it cannot be part of a circle. */
  readonly cycles: CycleWatch | undefined;
  /** Delivers it; never throws. */
  run(): void;
  /** It is not going to be delivered. */
  drop(error: Error): void;
}

// Parts of the level.
const DELIVERING = 1;
const DEPTH = 2;

export class Turn {
  readonly #core: Core;
  /** Set by the bus: hands the records of the last call to the program's subscriptions. */
  onRecords: ((published: Published | undefined, isBegun: boolean) => void) | undefined;
  /** Called when a turn has nothing left to do, before sessions write: watches of interest are looked at. */
  readonly atSettled: (() => void)[] = [];
  /** Set by the bus: takes what an atTurnEnd function throws. */
  onFault: ((error: unknown) => void) | undefined;
  /** Called when the core has forgotten what was closed in a turn. */
  readonly atForgotten: (() => void)[] = [];

  /**
   * Twice how deep the calls into the bus are; odd while a message is on its way to its subscribers. One word, so
   * that a delivery of its own is one store at its begin and one at its end. Whoever begins a turn on a hot path
   * sets it back to what it was when something is thrown: a call could throw again, if the stack is used up.
   */
  level = 0;
  #network: NetworkSide | undefined;
  #hasWork = false;
  #waiting: Waiting[] = [];
  #next = 0;
  /** How many have ever waited. */
  #waited = 0;
  /** How many turns there have been. */
  serial = 0;
  readonly #broken: CycleWatch[] = [];
  #atEnd: (() => void)[] = [];
  #atLoopEnd: (() => void)[] = [];
  /** What was asked for while such functions ran: the next turn's. */
  #atNextLoopEnd: (() => void)[] = [];
  #isLoopEnding = false;

  constructor(core: Core) {
    this.#core = core;
  }

  /** The network side that is attached. */
  get network(): NetworkSide | undefined {
    return this.#network;
  }

  /** Gives the bus its network side: one at most, from now until `detach`. */
  attach(network: NetworkSide): void {
    assert(this.#network === undefined, 'a bus has one network side at most');
    this.#network = network;
  }

  detach(): void {
    this.#network = undefined;
  }

  /** A publish made now has to wait: for handlers, or for others that wait. */
  get isBusy(): boolean {
    return this.isDelivering || this.#next < this.#waiting.length;
  }

  get isActive(): boolean {
    return this.level !== 0;
  }

  /** A message is on its way to its subscribers. */
  get isDelivering(): boolean {
    return (this.level & DELIVERING) !== 0;
  }

  set isDelivering(isDelivering: boolean) {
    this.level = isDelivering ? this.level | DELIVERING : this.level & ~DELIVERING;
  }

  /** Begins a turn, or a part of the one that is going on; `leave` must follow. For hot paths. */
  enter(): void {
    this.level += DEPTH;
  }

  leave(): void {
    this.#leaveTo(this.level - DEPTH);
  }

  /** The level first: where #end throws because the stack is used up, what is left to do waits for the next turn. */
  #leaveTo(level: number): void {
    this.level = level;
    if (level === 0 && this.#hasWork) this.#end();
  }

  /** Begins a turn that is one delivery; there must be none. `endDelivery` must follow. */
  beginDelivery(): void {
    this.level = DEPTH | DELIVERING;
  }

  endDelivery(): void {
    this.#leaveTo(0);
  }

  /** Something was done that the end of the turn has to know: the core was changed or called. */
  touch(): void {
    this.#hasWork = true;
  }

  /** Runs fn as part of a turn. */
  within<T>(fn: () => T): T {
    const { level } = this;
    this.level += DEPTH;
    this.#hasWork = true;
    try {
      return fn();
    } finally {
      this.level = level;
      this.#leaveTo(level);
    }
  }

  /**
   * Runs `call` (core.ingest or core.publish) until it no longer answers AGAIN, and hands over its records.
   *
   * @param published what is published, when this process publishes it
   * @returns the last answer of the core
   */
  run(call: () => number, published?: Published): number {
    assert(!this.isDelivering, 'a handler may not call the core');
    const { level } = this;
    this.level += DEPTH;
    this.#hasWork = true;
    try {
      let status = call();
      for (let isBegun = false; ; ) {
        if (this.#drain(published, isBegun)) isBegun = true;
        if (status === STATUS_AGAIN_POOL) status = this.#core.resume(!this.#relieve());
        else if (status === STATUS_AGAIN_RESULT) status = this.#core.resume();
        else return status;
      }
    } catch (error) {
      // What is half told must not go on with the next call.
      this.#core.abandon();
      throw error;
    } finally {
      this.level = level;
      this.#leaveTo(level);
    }
  }

  /** Sessions write. False: that has brought no chunk back to the pool. */
  #relieve(): boolean {
    const before = this.#core.poolUsed;
    this.#network?.flush();
    return this.#core.poolUsed < before;
  }

  /** Queues a publish. It is run now when nothing is being delivered, else at the end of the turn. */
  wait(item: Waiting): void {
    const { cycles } = item;
    if (cycles?.error !== undefined) {
      item.drop(cycles.error);
      return;
    }
    this.#hasWork = true;
    item.serial = this.#waited++;
    this.#waiting.push(item);
    if (!this.isDelivering) this.#runWaiting();
    else if (cycles?.count(this.serial, item.subject) === true) this.#break(cycles);
  }

  /**
   * Calls fn when all that is on its way or waits has been delivered, and before what is published from now on: at once
   * when nothing does. Resolves then, or rejects as fn throws.
   */
  afterWaiting(fn: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          fn();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      if (!this.isBusy) run();
      else this.wait({ serial: 0, subject: '', cycles: undefined, run, drop: reject });
    });
  }

  /** The number of the first that waits, and that of the next that will: the same when none does. */
  get waitingFrom(): number {
    return this.#waiting[this.#next]?.serial ?? this.#waited;
  }

  get waitingTo(): number {
    return this.#waited;
  }

  /** Calls fn once, after everything of this turn has been delivered and before sessions write. */
  atTurnEnd(fn: () => void): void {
    this.#atEnd.push(fn);
    this.#hasWork = true;
    if (this.level === 0) this.within(() => {});
  }

  /**
   * Calls fn once, in a turn, when this turn of the event loop has done the reads that are due: once for all turns
   * that they were. Without a network side, when the program's own code has run to its end. What such a function asks for
   * is called in the next turn of the loop: whoever does a slice each time does one a turn.
   */
  atLoopEnd(fn: () => void): void {
    const functions = this.#isLoopEnding ? this.#atNextLoopEnd : this.#atLoopEnd;
    functions.push(fn);
    if (functions.length > 1) return;
    const isNext = this.#isLoopEnding;
    const end = isNext ? () => this.#endNextLoop() : () => this.endLoop();
    if (this.#network !== undefined) this.#network.defer(end);
    // Long work in slices would else hold the program's timers and sockets until all of it is done.
    else if (isNext) inNextTurn(end);
    else queueMicrotask(end);
  }

  #endNextLoop(): void {
    this.#atLoopEnd = [...this.#atNextLoopEnd.splice(0), ...this.#atLoopEnd];
    this.endLoop();
  }

  /** Runs them now; outside of any turn. */
  endLoop(): void {
    if (this.#atLoopEnd.length === 0) return;
    const functions = this.#atLoopEnd;
    this.#atLoopEnd = [];
    this.#isLoopEnding = true;
    try {
      this.within(() => this.runAll(functions));
    } finally {
      this.#isLoopEnding = false;
    }
    this.#network?.loopEnded();
  }

  /** @returns false: there were none. @param isBegun some of this call have been handed over */
  #drain(published: Published | undefined, isBegun: boolean): boolean {
    if (this.#core.recordCount === 0) return false;
    this.isDelivering = true;
    try {
      this.onRecords?.(published, isBegun);
    } finally {
      this.isDelivering = false;
      this.#core.clearRecords();
    }
    return true;
  }

  /** The depth is one now and stays so until all is done: whatever is called from here is part of this turn. */
  #end(): void {
    this.level = DEPTH;
    try {
      while (this.#hasWork) {
        this.#hasWork = false;
        this.#runWaiting();
        this.#runAtEnd();
        if (!this.#hasWork) for (const fn of this.atSettled) fn();
        if (!this.#hasWork) this.#network?.turnEnded();
      }
    } finally {
      this.level = 0;
      this.serial++;
      this.#core.turnEnd();
      for (const fn of this.atForgotten) fn();
    }
  }

  #runWaiting(): void {
    while (this.#next < this.#waiting.length) {
      const item = this.#waiting[this.#next++] as Waiting;
      item.run();
    }
    this.#waiting = [];
    this.#next = 0;
    if (this.#broken.length > 0) for (const cycles of this.#broken.splice(0)) cycles.tell();
  }

  #runAtEnd(): void {
    const functions = this.#atEnd;
    if (functions.length === 0) return;
    this.#atEnd = [];
    this.runAll(functions);
  }

  /** Calls them all; what one throws is reported. */
  runAll(functions: readonly (() => void)[]): void {
    for (const fn of functions) {
      try {
        fn();
      } catch (error) {
        this.onFault?.(error);
      }
    }
  }

  /** A circle: all that waits of its account is dropped. */
  #break(cycles: CycleWatch): void {
    const { error } = cycles;
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = waiting.filter((item) => item.cycles !== cycles);
    this.#next = 0;
    this.#broken.push(cycles);
    if (error === undefined) return;
    for (const item of waiting) if (item.cycles === cycles) item.drop(error);
  }
}
