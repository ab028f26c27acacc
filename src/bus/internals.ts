// The internal door of an account, for what stands on the bus: the bridge, streams, monitoring. It has what they need
// beyond a program's rights. `internalsOf(bus)` opens it; nothing of it is exported from the package.

import type { Core } from '../core/index.ts';
import {
  ClosedConnectionError,
  InvalidOperationError,
  InvalidSubjectError,
} from '../shared/errors.ts';
import type { Engine } from './engine.ts';
import { encodeHeaders, MessageHeaders } from './headers.ts';
import { contentOf, contentOfBytes } from './message.ts';
import type { ProgramSide } from './program-side.ts';
import type { Turn } from './turn.ts';
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
  /** Not to be changed any more: recipients in this process see these very bytes. */
  readonly payload: Uint8Array;
}

export interface DeliveryOutcome {
  /** Subscriptions that got it. */
  readonly delivered: number;
  /** A recipient is above half of its pending limit: deliver no more before its session has drained. */
  readonly pressure: boolean;
}

const NO_RESPONDERS = 503;
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
   * Routes by `to`, showing `subject`. Outside of handlers only, in slices of the caller's choice: it is not
   * bounded by max_payload, and everything it makes is queued for the peers within this turn.
   * Throws InvalidOperationError inside a handler, InvalidSubjectError, InvalidArgumentError for headers and
   * ClosedConnectionError.
   */
  deliver(message: Delivery): DeliveryOutcome {
    const { turn, core } = this;
    if (this.home.isClosed) throw new ClosedConnectionError();
    if (turn.isDelivering) throw new InvalidOperationError('deliver is not for handlers');
    const { to, subject = to, reply, headers, payload } = message;
    const block = headers === undefined || isBytes(headers) ? headers : encodeHeaders(headers);
    const content = contentOfBytes(this.home, subject, reply, block, payload);
    let delivered = 0;
    let pressure = false;
    turn.within(() => {
      delivered = this.home.route(content, to);
      pressure = delivered > 0 && core.op.pressure;
    });
    return { delivered, pressure };
  }

  /** Somebody, here or at a peer, would get a message on `subject`; of that queue group, if one is given. */
  hasInterest(subject: string, queue?: string): boolean {
    return this.core.hasInterest(this.home.account.handle, subject, queue);
  }

  /**
   * Calls `onChange` at the end of each turn after which `hasInterest(subject, queue)` answers otherwise than
   * before.
   *
   * @returns ends the watch
   */
  watchInterest(
    subject: string,
    onChange: (hasInterest: boolean) => void,
    queue?: string,
  ): () => void {
    return this.engine.interest.add(this.home, subject, onChange, queue);
  }

  /**
   * Answers a request as if nobody had been interested: for a subject that is claimed and not served.
   * A peer that did not ask for such answers gets none.
   *
   * @returns whether an answer was sent
   */
  noResponders(message: Message): boolean {
    const content = contentOf(message);
    const reply = content?.reply;
    if (content === undefined || reply === undefined) return false;
    if (content.client !== undefined && !content.client.wantsNoResponders) return false;
    // nats-server 2.15.3 names the subject of the request beside the status.
    const headers = new MessageHeaders(NO_RESPONDERS);
    headers.append('Nats-Subject', content.subject);
    try {
      this.home.publish(reply, EMPTY, { headers });
      return true;
    } catch (error) {
      // A peer may name a reply that no program can publish to.
      if (error instanceof InvalidSubjectError) return false;
      throw error;
    }
  }

  /** Calls fn once, after everything of this turn has been delivered and before sessions write. */
  atTurnEnd(fn: () => void): void {
    this.turn.atTurnEnd(() => {
      try {
        fn();
      } catch (error) {
        this.home.report(error, { subject: '', sid: 0 });
      }
    });
  }
}

const doors = new WeakMap<object, BusInternals>();

/** Called by the bus for itself. */
export function openDoor(bus: object, engine: Engine, home: ProgramSide): void {
  doors.set(bus, new BusInternals(engine, home));
}

/** The internal door of a bus. Throws InvalidOperationError for what is none. */
export function internalsOf(bus: object): BusInternals {
  const internals = doors.get(bus);
  if (internals === undefined) throw new InvalidOperationError('not a bus of this package');
  return internals;
}

function isBytes(headers: Uint8Array | MsgHdrs): headers is Uint8Array {
  return ArrayBuffer.isView(headers);
}
