// How a connection ends. Whoever closes only moves the state; what touches the core happens at the end of the turn
// (`finish`), so a close in the middle of a turn, even of the session that is being read, harms nobody.
//
//   close, abort ──► told, read no more ──end of the turn──► subscriptions removed, what is queued written
//                                                            │
//                          given back to the core, our side ended ◄──no write is held any more──┘
//                                      │
//                          the peer's side ended ◄── it has ended it, or a second has passed
import type { Account } from '../bus/account.ts';
import type { SessionHandle, SessionSubscription } from '../core/index.ts';
import type { Transport } from '../net/transport.ts';
import { formatDuration, NANOS_PER_MS } from '../shared/time.ts';
import { ClosedReason, farewell } from './closing.ts';
import type { SessionHost } from './host.ts';
import type { PeerLog } from './peer-log.ts';
import type { SessionState } from './session-state.ts';
import type { Shedding } from './shedding.ts';

/** The session that ends. */
export interface EndingSession {
  readonly handle: SessionHandle;
  readonly transport: Transport;
  readonly log: PeerLog;
  /** The account that it is in. */
  readonly account: Account;
  readonly pendingBytes: number;
  readonly subscriptionCount: number;
  subscriptions(): Iterable<SessionSubscription>;
  readonly shedding: Shedding;
  /** Its end begins: nothing is read any more, nor asked of the peer. It is told after the state has moved. */
  stop(reason: ClosedReason): void;
}

// Subscriptions that are told of when it has ended; to read one takes a microsecond.
const KEPT_MAX = 64;
const TRACED_MAX = 1000;

export class Ending {
  readonly #host: SessionHost;
  readonly #session: EndingSession;
  readonly #state: SessionState;
  #reason: ClosedReason = ClosedReason.ClientClosed;
  #endCount: number | undefined;
  /** The newest of those that it had then, oldest first. */
  #endList: readonly SessionSubscription[] = [];
  #peerHasEnded = false;

  constructor(host: SessionHost, session: EndingSession, state: SessionState) {
    this.#host = host;
    this.#session = session;
    this.#state = state;
  }

  /** How many subscriptions it has, or had when its end began. */
  get subscriptionCount(): number {
    return this.#endCount ?? this.#session.subscriptionCount;
  }

  /** What it was subscribed to when its end began, unless that is too much to be kept. */
  get subscriptionList(): readonly SessionSubscription[] {
    return this.subscriptionCount > KEPT_MAX ? [] : this.#endList;
  }

  /** Ends it once everything that is queued has been written. Does nothing when it is ending already. */
  close(reason: ClosedReason): void {
    if (this.#state.isOpen) this.#begin('ending', reason);
  }

  /** Ends it at once; what is queued is lost. */
  abort(reason: ClosedReason): void {
    if (this.#state.isOpen) this.#begin('discarding', reason);
    else if (this.#state.name === 'ending') this.#state.move('discarding');
    else return;
    const { outbound, turn, endings } = this.#host;
    endings.writeDeadlines.delete(this);
    this.#session.transport.destroy();
    turn.within(() => {
      outbound.discard(this.#session.handle);
      endings.closing(this);
    });
  }

  /**
   * At the end of a turn: removes its subscriptions, writes or throws away what is queued, and when
   * nothing is held any more gives everything back. Called again when a held write has been reported.
   */
  finish(): void {
    if (this.#state.name === 'closed') return;
    const { handle, transport, shedding } = this.#session;
    const { outbound, endings, sessions } = this.#host;
    const isDetached = shedding.begin(() => endings.closing(this));
    // The peer hears why, whatever is left of its subscriptions.
    if (!outbound.flushSession(handle) || !isDetached) return;
    const isLingering = this.#state.name === 'ending' && !this.#peerHasEnded;
    this.#state.move('closed');
    outbound.remove(handle);
    sessions.close(handle);
    this.#host.engine.leave(this.#session.account);
    transport.end(farewell(this.#reason));
    if (isLingering) endings.linger(transport);
    else transport.destroy();
    endings.gone(this);
    this.#host.gone(handle);
  }

  /** The transport has told the end. Until its turn comes, nothing is known of it. */
  transportClosed(error?: Error): void {
    this.#host.endings.slices.run(() => this.#peerEnded(error));
  }

  #peerEnded(error: Error | undefined): void {
    if (this.#state.isOpen) {
      this.#noteSubscriptions();
      if (!this.#session.shedding.part()) {
        this.transportClosed(error);
        return;
      }
    }
    this.#peerHasEnded = true;
    if (this.#state.name === 'closed') this.#host.endings.lingered(this.#session.transport);
    else if (error === undefined) this.close(ClosedReason.ClientClosed);
    else this.abort(isWriteError(error) ? ClosedReason.WriteError : ClosedReason.ReadError);
  }

  /** The transport holds what was written. */
  held(): void {
    this.#host.endings.writeDeadlines.add(this);
  }

  /** The transport has held a write for too long, unless it is done with that one by now. */
  missedDeadline(): void {
    const { outbound, endings, options } = this.#host;
    const { handle, log } = this.#session;
    const held = outbound.heldOf(handle);
    if (held === undefined || endings.writeDeadlines.has(this)) return;
    if (this.#state.isOpen) {
      const deadline = formatDuration(BigInt(options.writeDeadlineMs * NANOS_PER_MS));
      log.info(
        `Slow Consumer Detected: WriteDeadline of ${deadline} exceeded with ${held.chunks} chunks of ${held.bytes} total bytes.`,
      );
    }
    this.abort(ClosedReason.SlowConsumerWriteDeadline);
  }

  /** The transport is done with a held write. */
  reported(error: Error | undefined): void {
    this.#host.endings.writeDeadlines.delete(this);
    if (error !== undefined) this.abort(ClosedReason.WriteError);
  }

  /** Nothing is held any more, and nothing more is there to send. */
  idle(): void {
    if (this.#state.isOpen) return;
    this.#host.turn.within(() => this.#host.endings.closing(this));
  }

  /** The connection stays, and its subscriptions go: they are told of before the first of them is removed. */
  traceForgotten(): void {
    if (!this.#host.options.logger.isTrace) return;
    for (const { sid } of this.#newest(TRACED_MAX)) this.#session.log.traceEnd(sid);
  }

  /** Before the first of them is removed; those that another CONNECT is taking away have been told of then. */
  #noteSubscriptions(): void {
    if (this.#endCount !== undefined) return;
    if (this.#session.shedding.isUnderWay) {
      this.#endCount = 0;
      return;
    }
    this.#endCount = this.#session.subscriptionCount;
    this.#endList = this.#newest(this.#host.options.logger.isTrace ? TRACED_MAX : KEPT_MAX);
  }

  /** The newest of its subscriptions, oldest first. */
  #newest(max: number): readonly SessionSubscription[] {
    const list: SessionSubscription[] = [];
    for (const each of this.#session.subscriptions()) {
      if (list.push(each) === max) break;
    }
    return list.reverse();
  }

  #begin(state: 'ending' | 'discarding', reason: ClosedReason): void {
    const { log } = this.#session;
    this.#noteSubscriptions();
    log.debug(`Client connection closed: ${reason}`);
    for (const { sid } of this.#endList) log.traceEnd(sid);
    this.#reason = reason;
    this.#state.move(state);
    this.#session.stop(reason);
    this.#host.turn.within(() => this.#host.endings.closing(this));
  }
}

function isWriteError(error: Error): boolean {
  return (error as NodeJS.ErrnoException).syscall === 'write';
}
