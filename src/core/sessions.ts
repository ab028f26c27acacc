// Sessions of a core: how they begin and end, what they may do, what they are subscribed to, and what is said to them.
import { SCRATCH_BYTES, SESSION_PENDING, SESSION_SUBS_COUNT } from '../../assembly/abi.ts';
import type { AccountHandle } from './accounts.ts';
import type { WasmExports } from './instance.ts';
import type { OpView } from './records.ts';
import type { SubHandle } from './route.ts';
import { SCRATCH_ASK, SCRATCH_TEXT } from './scratch.ts';
import {
  readSubscriptions,
  readTraffic,
  type SessionSubscription,
  type Traffic,
} from './session-state.ts';
import type { Views } from './views.ts';

/** A peer's session: number and generation of its record. Never 0. */
export type SessionHandle = number;

/** Subscriptions that are read at once: a tenth of a millisecond. */
const READ_AT_ONCE = 64;

/** The core, as far as its sessions go. */
export interface SessionsOwner {
  readonly views: Views;
  readonly op: OpView;
  /** Goes up with every call that may change who is interested in what. */
  changes: number;
  /** Records of the last call. */
  recordCount: number;
}

export class Sessions {
  readonly #owner: SessionsOwner;
  readonly #exports: WasmExports;
  readonly #views: Views;
  readonly #askPtr: number;

  constructor(owner: SessionsOwner, exports: WasmExports, scratchPtr: number) {
    this.#owner = owner;
    this.#exports = exports;
    this.#views = owner.views;
    this.#askPtr = scratchPtr + SCRATCH_ASK;
  }

  /** Bounds the bytes of all subscriptions of peers; those of one may take half of it. */
  limitSubscriptions(bytes: number): void {
    this.#exports.subscriptionsBound(bytes);
  }

  /** Whether a peer that has no subscription would be given one. */
  get hasRoom(): boolean {
    return this.#exports.subscriptionsHaveRoom() !== 0;
  }

  /** A session for a peer, or 0 when there is no memory. */
  open(account: AccountHandle): SessionHandle {
    return this.#exports.sessionOpen(account);
  }

  /** Sets the SESSION_* flags of a peer; those not given are cleared. */
  setFlags(session: SessionHandle, flags: number): void {
    this.#exports.sessionSetFlags(session, flags);
  }

  /** Sets a session's limits, in bytes. */
  setLimits(
    session: SessionHandle,
    limits: { payloadMax: number; controlLineMax: number; pendingMax: number },
  ): void {
    const { payloadMax, controlLineMax, pendingMax } = limits;
    const pending = Math.min(pendingMax, 0x7fffffff);
    this.#exports.sessionSetLimits(session, payloadMax, controlLineMax, pending);
  }

  /**
   * Removes a session's subscriptions, the newest first. As long as some are left nothing is delivered to it.
   *
   * @param most work after which it stops, a subscription or a node being one; 0 = all of it
   */
  shed(session: SessionHandle, most = 0): void {
    this.#owner.changes++;
    this.#exports.sessionShed(session, most);
  }

  /** Moves a session to an account. False, and nothing is done, while it has subscriptions in its own. */
  move(session: SessionHandle, account: AccountHandle): boolean {
    this.#owner.changes++;
    return this.#exports.sessionMove(session, account) !== 0;
  }

  subscriptionCount(session: SessionHandle): number {
    return this.#word(session, SESSION_SUBS_COUNT);
  }

  /** Bytes queued for the peer, wherever they are. */
  pending(session: SessionHandle): number {
    return this.#word(session, SESSION_PENDING);
  }

  /** Messages and payload bytes of one session. */
  traffic(session: SessionHandle): Traffic {
    const ptr = this.#exports.sessionPtr(session) >>> 0;
    if (ptr === 0) return { inMsgs: 0, inBytes: 0, outMsgs: 0, outBytes: 0 };
    return readTraffic(this.#views, ptr);
  }

  /**
   * A session's subscriptions, the newest first. They are read a few at a time, as they are asked for: meanwhile some may
   * come, which are not among them, and some may go.
   */
  *subscriptions(session: SessionHandle): Generator<SessionSubscription, void> {
    let before: SubHandle[] = [];
    while (true) {
      const ptr = this.#exports.sessionPtr(session) >>> 0;
      if (ptr === 0) return;
      const handles: SubHandle[] = [];
      yield* readSubscriptions(this.#exports, this.#views, ptr, READ_AT_ONCE, before, handles);
      if (handles.length < READ_AT_ONCE) return;
      before = handles;
    }
  }

  /** Closes a session. A write of it that is still held must be `release`d when it is done. */
  close(session: SessionHandle): void {
    this.#owner.changes++;
    this.#exports.sessionClose(session);
  }

  /** Inserts the subscription that `op` holds. STATUS_*. */
  subscribe(session: SessionHandle): number {
    this.#owner.changes++;
    const { op } = this.#owner;
    return this.#exports.sessionSubscribe(
      session,
      op.subjectPtr,
      op.subjectLen,
      op.replyPtr,
      op.replyLen,
      op.sidPtr,
      op.sidLen,
    );
  }

  /**
   * Feeds bytes of a session that lie at `ptr`; `op` tells how far it got.
   *
   * @param units of work after which the rest is to wait (STATUS_SPENT); 0: what the last call has left of them
   */
  ingest(session: SessionHandle, ptr: number, length: number, units = 0): number {
    const owner = this.#owner;
    owner.changes++;
    const status = this.#exports.ingest(session, ptr, length, units);
    owner.recordCount = this.#exports.recordCount();
    return status;
  }

  /** So many units of work have been done for the read at hand, beside what the core has done. */
  charge(units: number): void {
    this.#exports.budgetCharge(units);
  }

  /** Appends protocol bytes behind what is queued. False: there is no room for them. */
  send(session: SessionHandle, bytes: Uint8Array): boolean {
    if (bytes.length > SCRATCH_BYTES) return false;
    const ptr = this.#askPtr;
    for (let at = 0; at < bytes.length; at += SCRATCH_TEXT * 2) {
      const piece = bytes.subarray(at, at + SCRATCH_TEXT * 2);
      this.#views.u8.set(piece, ptr);
      if (this.#exports.sessionSend(session, ptr, piece.length) === 0) return false;
    }
    return true;
  }

  #word(session: SessionHandle, offset: number): number {
    const ptr = this.#exports.sessionPtr(session) >>> 0;
    return ptr === 0 ? 0 : this.#views.word(ptr + offset);
  }
}
