// Who gets the messages of a consumer: pulls that wait, or the deliver subject of one that pushes. Delivery asks whose turn
// it is, and tells what has become of it; the consumer asks what is due.
import type { SessionHandle } from '../../core/index.ts';

export interface Recipient {
  /** Where messages are routed by. */
  readonly to: Uint8Array;
  /** A view of the same bytes. */
  readonly toData: DataView;
}

export function recipientOf(to: Uint8Array): Recipient {
  return { to, toData: new DataView(to.buffer, to.byteOffset, to.length) };
}

/** A message, before it is given. */
export interface Parcel {
  readonly seq: number;
  /** Subject, reply, headers and payload. */
  readonly bytes: number;
  /** Of the subject alone. */
  readonly subjectBytes: number;
}

/** Times are the monotonic clock's. */
export interface Recipients {
  /** Somebody may get a message now. */
  readonly isOpen: boolean;
  /** Pulls that wait. */
  readonly waiting: number;
  /** Somebody waits, so that the consumer is in use without a delivery or an ack. */
  readonly isInUse: boolean;
  /** A subscription to the deliver subject is there; of pulls never. */
  readonly isBound: boolean;
  /** When something has to be said to one of them, or to be looked at. */
  readonly dueMs: number;

  /** Somebody asks for messages on `to`, whose bytes are kept; `body` is a view. */
  request(to: Uint8Array, body: Uint8Array): void;
  /**
   * Whose turn it is; undefined: nobody's.
   *
   * @param slice number of the slice of deliveries: within one, a listener is looked for once
   */
  choose(parcel: Parcel, nowMs: number, slice: number): Recipient | undefined;
  /** The one whose turn it was gets the message; what it is told behind it is said. */
  give(recipient: Recipient, parcel: Parcel, nowMs: number): void;
  /**
   * What it was given did not arrive.
   *
   * @returns whether the message is to be delivered again at once
   */
  takeBack(recipient: Recipient): boolean;
  /** Some of what was given has not arrived: looks who is gone. */
  missed(): void;
  /** It gets nothing before that session has drained. */
  hold(recipient: Recipient, session: SessionHandle): void;
  release(session: SessionHandle): void;
  /** There is nothing more: those that do not wait leave. */
  endOfMessages(): void;
  /** Looks who is gone, unless that has just been done. */
  look(): void;
  /**
   * Says what is due.
   *
   * @param isEnd there is nothing more
   */
  scan(isEnd: boolean): void;
  /** The consumer is at an end. */
  end(reason: EndReason): void;
}

/** Why a consumer ends, as its pulls are told. */
export type EndReason = 'Consumer Deleted' | 'Server Shutdown';

/** What they ask of their consumer. Times are the monotonic clock's. */
export interface RecipientsOwner {
  /** Messages that wait: those ahead, and those to be delivered again. */
  readonly available: number;
  readonly lastConsumerSeq: number;
  readonly lastStreamSeq: number;
  /** Tells somebody something, behind everything that was said before; `reply` where it is to be answered. */
  say(to: Uint8Array, headers: Uint8Array, reply?: Uint8Array): void;
  /** Somebody waits: delivers what there is. */
  deliverSoon(): void;
  /** Something is due then. */
  due(atMs: number): void;
  /** The consumer was in use then. */
  used(atMs: number): void;
}
