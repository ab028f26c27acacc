// One connection: its state, what it reads, what it is told, and its end.
//
//   open ──close──► ending ──all written──► closed
//     │                │                      ▲
//     └────abort───────┴─────► discarding ────┘ when no write is held any more
//
// Whoever closes only moves the state; what touches the core happens at the end of the turn (`finish`), so a
// close in the middle of a turn, also of the session that is being read, harms nobody. Bytes are untrusted:
// the core judges them, and whatever comes after the end is not looked at.

import type { Turn } from '../bus/turn.ts';
import type { MessageClient } from '../bus/types.ts';
import {
  type AccountHandle,
  type Core,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  SESSION_PEDANTIC,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SESSION_WANTS_PING,
  SESSION_WANTS_PONG,
  type SessionHandle,
} from '../core/index.ts';
import type { Transport, TransportReader } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { assert } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { BusyPoll } from './busy-poll.ts';
import { CLOSINGS, ClosedReason, type Closing, type ClosingName, errorLine } from './closing.ts';
import { type ConnectOptions, DEFAULT_CONNECT } from './connect.ts';
import type { Crumbs } from './crumbs.ts';
import type { DeadlineQueue } from './deadline-queue.ts';
import type { InboundBudget } from './inbound-budget.ts';
import type { Inbox } from './inbox.ts';
import { Keepalive } from './keepalive.ts';
import { type OpTarget, performOp } from './ops.ts';
import type { BridgeOptions, ConnectionSnapshot } from './options.ts';
import type { Outbound, Outlet } from './outbound.ts';
import { PeerLog } from './peer-log.ts';
import type { Pressure } from './pressure.ts';
import type { ReadSizes } from './read-size.ts';
import { Reader, type ReadSession } from './reader.ts';
import type { Slices } from './slices.ts';

type State = 'open' | 'ending' | 'discarding' | 'closed';

const MOVES: Readonly<Record<State, readonly State[]>> = {
  open: ['ending', 'discarding'],
  ending: ['discarding', 'closed'],
  discarding: ['closed'],
  closed: [],
};

/** What sessions have in common. */
export interface SessionHost {
  readonly core: Core;
  readonly turn: Turn;
  readonly account: AccountHandle;
  readonly accountName: string;
  readonly options: BridgeOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  readonly outbound: Outbound;
  readonly inbox: Inbox;
  readonly readSizes: ReadSizes;
  readonly inbound: InboundBudget;
  readonly pressure: Pressure;
  readonly crumbs: Crumbs;
  readonly busyPoll: BusyPoll | undefined;
  /** Publishers that wait until what they have queued is written. */
  readonly behind: Pressure;
  readonly ahead: Pressure;
  readonly writeDeadlines: DeadlineQueue<Session>;
  /** The ends of connections: each costs up to a tenth of a millisecond. */
  readonly ends: Slices;
  /** The INFO line for a session now; the second one, which names the account, when `isConnectInfo`. */
  infoLine(session: Session, isConnectInfo: boolean): string;
  /** It is over its pending limit: it is closed as a slow consumer. */
  slow(session: SessionHandle): void;
  /** The session has something to `finish` at the end of the turn. */
  closing(session: Session): void;
  /** It is on its way out: this was it. */
  ended(snapshot: ConnectionSnapshot): void;
  /** Everything it had to be sent has been written, after some of it was held. */
  drained(session: Session): void;
  /** The core knows it no more. */
  gone(session: Session): void;
  /** Our side of the transport is ended; the peer's may take a moment. */
  linger(transport: Transport): void;
  /** Then the peer's side is ended, too. */
  lingered(transport: Transport): void;
}

/** Debug lines: the two ways of what a socket brings. */
const READS_INTO = 'Reads go straight into linear memory';
const READS_BY_COPY = 'Reads are copied into linear memory';
/** Subscriptions that are removed in one go: a millisecond. */
const SHED_MAX = 4096;
const encoder = new TextEncoder();
export class Session implements TransportReader, ReadSession, OpTarget, Outlet {
  readonly cid: number;
  readonly core: Core;
  readonly handle: SessionHandle;
  readonly transport: Transport;
  readonly limits: OpTarget['limits'];
  readonly log: PeerLog;
  readonly staysInPlace: boolean;
  readonly #host: SessionHost;
  readonly #reader: Reader;
  readonly #keepalive: Keepalive;
  readonly #start: number;
  #state: State = 'open';
  #client: MessageClient | undefined;
  #reason: ClosedReason | undefined;
  #options: ConnectOptions = DEFAULT_CONNECT;
  #hasConnected = false;
  #hasGreeted = false;
  #wantsPong = false;
  #peerHasEnded = false;
  #isDetached = false;
  /** How many subscriptions it had when its end began. */
  #endCount: number | undefined;
  /** Monotonic milliseconds, which are cheaper to ask for than the time of day. */
  #lastActivity: number;
  #inMsgs = 0;
  #outMsgs = 0;

  /** @param handle an open session of the core, which becomes this one's own */
  constructor(host: SessionHost, cid: number, handle: SessionHandle, transport: Transport) {
    this.#host = host;
    this.cid = cid;
    this.core = host.core;
    this.staysInPlace = host.core.growsInPlace;
    this.handle = handle;
    this.transport = transport;
    const { maxSubscriptions, maxSubTokens = 0, hasHeaders = true } = host.options;
    this.limits = { maxSubscriptions, maxSubTokens, hasHeaders };
    this.#start = host.clock.now();
    this.#lastActivity = host.clock.monotonic();
    this.log = new PeerLog(host.logger, transport.peer, cid);
    this.#reader = new Reader(host, this);
    this.#keepalive = new Keepalive({
      clock: host.clock,
      random: host.random,
      intervalMs: host.options.pingIntervalMs,
      pingMax: host.options.pingMax,
      sendPing: () => this.#ping(),
      onStale: () => this.#host.turn.within(() => this.refuse('stale')),
    });
  }

  isOpen(): boolean {
    return this.#state === 'open';
  }

  get options(): ConnectOptions {
    return this.#options;
  }

  get isDiscarding(): boolean {
    return this.#state === 'discarding';
  }

  get pendingBytes(): number {
    return this.core.pending(this.handle);
  }

  get subscriptionCount(): number {
    return this.core.subscriptionCount(this.handle);
  }

  /** Who it is, for the messages it publishes. */
  get client(): MessageClient {
    this.#client ??= this.#describe();
    return this.#client;
  }

  /** It speaks a protocol with INFO at any time, and is past its first PING. */
  get takesInfo(): boolean {
    return this.#state === 'open' && this.#hasGreeted && this.#options.protocol >= 1;
  }

  /** Says INFO and begins to read. Part of a turn. */
  open(): void {
    const { maxPayload, maxControlLine, maxPending } = this.#host.options;
    this.core.setLimits(this.handle, {
      payloadMax: maxPayload,
      controlLineMax: maxControlLine,
      pendingMax: maxPending,
    });
    this.#applyFlags();
    this.log.debug('Client connection created');
    this.#send(this.#host.infoLine(this, false));
    this.transport.start(this);
    const { reads } = this.transport;
    if (reads === 'pipe') return;
    this.log.debug(reads === 'into' && this.staysInPlace ? READS_INTO : READS_BY_COPY);
  }

  // ── What the peer says ──────────────────────────────────────────────────────────────────────────

  view(): Uint8Array {
    return this.#reader.view();
  }

  onFilled(length: number): void {
    if (!this.isOpen()) return;
    const { turn } = this.#host;
    turn.enter();
    turn.touch();
    try {
      this.#reader.read(length);
    } finally {
      turn.leave();
    }
    this.#reader.turnEnded(length);
  }

  /** Until its turn comes, nothing is known of the end. */
  onClose(error?: Error): void {
    this.#host.ends.run(() => this.#peerEnded(error));
  }

  #peerEnded(error: Error | undefined): void {
    if (this.#shed()) {
      this.#host.ends.run(() => this.#peerEnded(error));
      return;
    }
    this.#peerHasEnded = true;
    if (this.#state === 'closed') this.#host.lingered(this.transport);
    else if (error === undefined) this.close(ClosedReason.ClientClosed);
    else this.abort(isWriteError(error) ? ClosedReason.WriteError : ClosedReason.ReadError);
  }

  /** Removes some of its subscriptions, when they are too many for one slice, as if the peer had said so. */
  #shed(): boolean {
    const count = this.subscriptionCount;
    if (count <= SHED_MAX || !this.isOpen()) return false;
    this.#endCount ??= count;
    this.#host.turn.within(() => this.core.setAccount(this.handle, this.#host.account, SHED_MAX));
    return true;
  }

  perform(): void {
    performOp(this);
  }

  onRouted(isAnswer: boolean): void {
    const now = this.#host.clock.monotonic();
    if (!isAnswer) this.#keepalive.heard(now);
    this.#noteActivity(now);
  }

  // ── What it asks for ────────────────────────────────────────────────────────────────────────────

  connected(options: ConnectOptions): void {
    if (this.#hasConnected) this.core.setAccount(this.handle, this.#host.account);
    else this.log.introduce(options);
    this.#options = options;
    this.#client = undefined;
    this.#hasConnected = true;
    this.#lastActivity = this.#host.clock.monotonic();
    this.#keepalive.connected();
    this.#applyFlags();
  }

  greet(): void {
    this.#send('PONG\r\n');
    this.#hasGreeted = true;
    this.#applyFlags();
    if (this.#options.protocol >= 1) this.#send(this.#host.infoLine(this, true));
  }

  pong(): void {
    this.#keepalive.pong();
    this.#wantsPong = false;
    this.#applyFlags();
  }

  acknowledge(): void {
    this.#lastActivity = this.#host.clock.monotonic();
    if (this.#options.verbose) this.#send('+OK\r\n');
  }

  refuse(name: ClosingName, values?: Readonly<Record<string, string>>): void {
    const line = errorLine(name, values);
    if (line !== undefined) this.#send(line);
    const { reason }: Closing = CLOSINGS[name];
    if (reason !== undefined) this.close(reason);
  }

  /** Tells the peer about a change of this server. Part of a turn. */
  sendInfo(): void {
    this.#send(this.#host.infoLine(this, false));
  }

  #ping(): void {
    this.#host.turn.within(() => {
      this.core.setPingsOut(this.handle, this.core.pingsOut(this.handle) + 1);
      this.#wantsPong = true;
      this.#applyFlags();
      this.#send('PING\r\n');
    });
  }

  #applyFlags(): void {
    const { verbose, pedantic, echo, headers, noResponders } = this.#options;
    const takesHeaders = headers && this.limits.hasHeaders;
    let flags = this.#wantsPong ? SESSION_WANTS_PONG : 0;
    if (verbose) flags |= SESSION_VERBOSE;
    if (pedantic) flags |= SESSION_PEDANTIC;
    if (echo) flags |= SESSION_ECHO;
    if (takesHeaders) flags |= SESSION_HEADERS;
    if (takesHeaders && noResponders) flags |= SESSION_NO_RESPONDERS;
    if (this.#hasConnected && !this.#hasGreeted) flags |= SESSION_WANTS_PING;
    if (this.#host.logger.isTrace) flags |= SESSION_TRACE;
    this.core.setFlags(this.handle, flags);
  }

  #send(line: string): void {
    if (this.#state !== 'open') return;
    this.log.traceSent(line);
    if (!this.core.send(this.handle, encoder.encode(line))) this.abort(ClosedReason.WriteError);
    else if (this.core.pending(this.handle) > this.#host.options.maxPending) {
      this.#host.slow(this.handle);
    }
  }

  // ── Its way out ─────────────────────────────────────────────────────────────────────────────────

  onWrite(): void {
    this.#reader.onWrite();
    this.#noteActivity(this.#host.clock.monotonic());
  }

  onHeld(): void {
    this.#host.writeDeadlines.add(this);
  }

  /** The transport has held a write for too long, unless it is done with that one by now. */
  missedDeadline(): void {
    const { outbound, writeDeadlines } = this.#host;
    if (!outbound.isHeld(this.handle) || writeDeadlines.has(this)) return;
    if (this.isOpen()) {
      const { writeDeadlineMs } = this.#host.options;
      this.log.info(
        `Slow Consumer Detected: WriteDeadline of ${writeDeadlineMs / 1000}s exceeded with ${this.pendingBytes} total bytes.`,
      );
    }
    this.abort(ClosedReason.SlowConsumerWriteDeadline);
  }

  onReported(error: Error | undefined): void {
    this.#host.writeDeadlines.delete(this);
    if (error !== undefined) this.abort(ClosedReason.WriteError);
  }

  onIdle(): void {
    this.#host.drained(this);
    if (this.#state !== 'open') this.#host.turn.within(() => this.#host.closing(this));
  }

  onTooMuch(): void {
    this.log.info(
      'Slow Consumer Detected: all peers together have too much pending, this one most',
    );
    this.abort(ClosedReason.SlowConsumerPendingBytes);
  }

  // ── Its end ─────────────────────────────────────────────────────────────────────────────────────

  /** Ends it once everything that is queued has been written. Does nothing when it is ending already. */
  close(reason: ClosedReason): void {
    if (this.#state === 'open') this.#end('ending', reason);
  }

  /** Ends it at once; what is queued is lost. */
  abort(reason: ClosedReason): void {
    if (this.#state === 'open') this.#end('discarding', reason);
    else if (this.#state === 'ending') this.#move('discarding');
    else return;
    const { outbound, turn, writeDeadlines } = this.#host;
    writeDeadlines.delete(this);
    this.transport.destroy();
    turn.within(() => {
      outbound.discard(this.handle);
      this.#host.closing(this);
    });
  }

  giveUp(problem: string, reason: ClosedReason): void {
    this.log.error(problem);
    this.abort(reason);
  }

  /**
   * At the end of a turn: removes its subscriptions, writes or throws away what is queued, and when
   * nothing is held any more gives everything back. Called again when a held write has been reported.
   */
  finish(): void {
    if (this.#state === 'closed') return;
    const { core, handle } = this;
    const { outbound } = this.#host;
    if (!this.#isDetached) core.setAccount(handle, this.#host.account);
    this.#isDetached = true;
    if (!outbound.flushSession(handle)) return;
    const isLingering = this.#state === 'ending' && !this.#peerHasEnded;
    this.#move('closed');
    outbound.remove(handle);
    core.closeSession(handle);
    this.transport.end();
    if (isLingering) this.#host.linger(this.transport);
    else this.transport.destroy();
    this.#host.gone(this);
  }

  #end(state: State, reason: ClosedReason): void {
    this.#reason = reason;
    this.#host.ended(this.snapshot(this.#host.clock.now()));
    this.log.debug(`Client connection closed: ${reason}`);
    this.#move(state);
    this.#keepalive.close();
    this.#reader.close();
    this.#host.turn.within(() => this.#host.closing(this));
  }

  #move(state: State): void {
    assert(MOVES[this.#state].includes(state), `a session moves from ${this.#state} to ${state}`);
    this.#state = state;
  }

  // ── What is told about it ───────────────────────────────────────────────────────────────────────

  #describe(): MessageClient {
    const { name, lang, version, headers, noResponders } = this.#options;
    const hasHeaders = headers && this.limits.hasHeaders;
    return {
      cid: this.cid,
      kind: 'CLIENT',
      account: this.#host.accountName,
      ...(name === '' ? {} : { name }),
      ...(lang === '' ? {} : { lang }),
      ...(version === '' ? {} : { version }),
      address: this.transport.peer.address,
      port: this.transport.peer.port,
      hasHeaders,
      wantsNoResponders: hasHeaders && noResponders,
    };
  }

  snapshot(now: number): ConnectionSnapshot {
    const { rttMs } = this.#keepalive;
    const { name, lang, version } = this.#options;
    const idleMs = this.#host.clock.monotonic() - this.#lastActivity;
    return {
      cid: this.cid,
      kind: 'Client',
      type: 'nats',
      ip: this.transport.peer.address,
      port: this.transport.peer.port,
      start: this.#start,
      lastActivity: now - idleMs,
      ...(rttMs === undefined ? {} : { rttMs }),
      uptimeMs: now - this.#start,
      idleMs,
      pendingBytes: this.pendingBytes,
      ...this.core.sessionCounters(this.handle),
      subscriptions: this.#endCount ?? this.subscriptionCount,
      ...(name === '' ? {} : { name }),
      ...(lang === '' ? {} : { lang }),
      ...(version === '' ? {} : { version }),
      ...(this.#reason === undefined ? {} : { stop: now, reason: this.#reason }),
    };
  }

  logError(text: string): void {
    this.log.error(text);
  }

  /** Messages in or out are activity; PING and PONG are not. */
  #noteActivity(now: number): void {
    const { inMsgs, outMsgs } = this.core.sessionCounters(this.handle);
    if (inMsgs === this.#inMsgs && outMsgs === this.#outMsgs) return;
    this.#inMsgs = inMsgs;
    this.#outMsgs = outMsgs;
    this.#lastActivity = now;
  }
}

function isWriteError(error: Error): boolean {
  return (error as NodeJS.ErrnoException).syscall === 'write';
}
