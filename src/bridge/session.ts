// One connection: what the peer says, what it asks for, and what it is told. How it ends is in ending.ts, what is
// known of the peer in profile.ts. Bytes are untrusted: the core judges them, and whatever comes after the end
// is not looked at.
import type { Account } from '../bus/account.ts';
import type { MessageClient } from '../bus/types.ts';
import {
  type Core,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  SESSION_PEDANTIC,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SESSION_WANTS_PING,
  SESSION_WANTS_PONG,
  type SessionHandle,
  type SessionSubscription,
  type Sessions,
} from '../core/index.ts';
import { type Cookies, PeerError, type Transport, type TransportReader } from '../net/transport.ts';
import { Admission, type Guest } from './admission.ts';
import { CLOSINGS, ClosedReason, type Closing, type ClosingName, errorLine } from './closing.ts';
import { type ConnectOptions, shownUser } from './connect.ts';
import { Ending, type EndingSession } from './ending.ts';
import type { SessionHost } from './host.ts';
import { Keepalive, type KeptAlive } from './keepalive.ts';
import {
  admit,
  type OpTarget,
  type Performed,
  performOp,
  refuseUser,
  settleConnect,
} from './ops.ts';
import type { ConnectionSnapshot } from './options.ts';
import type { Outlet } from './outbound.ts';
import { PeerLog } from './peer-log.ts';
import { Profile } from './profile.ts';
import { Reader, type ReadSession } from './reader.ts';
import { SessionState } from './session-state.ts';
import { Shedding } from './shedding.ts';

/** Debug lines: the two ways of what a socket brings. */
const READS_INTO = 'Reads go straight into linear memory';
const READS_BY_COPY = 'Reads are copied into linear memory';
/** Of a character that is said or logged (assembly/budget.ts): what a peer has named is quoted in it, and searched. */
const CHAR_UNITS = 1 / 2;
const encoder = new TextEncoder();

export class Session
  implements TransportReader, ReadSession, OpTarget, Outlet, EndingSession, Guest, KeptAlive
{
  readonly cid: number;
  readonly core: Core;
  readonly handle: SessionHandle;
  readonly transport: Transport;
  readonly log: PeerLog;
  readonly shedding: Shedding;
  readonly #host: SessionHost;
  #account: Account;
  readonly #state: SessionState = new SessionState();
  readonly #reader: Reader;
  readonly #keepalive: Keepalive;
  readonly #profile: Profile;
  readonly #ending: Ending;
  readonly #admission: Admission;
  #hasConnected = false;
  #isIntroduced = false;
  #hasGreeted = false;
  #wantsPong = false;

  /** @param handle an open session of the core, which becomes this one's own */
  constructor(host: SessionHost, cid: number, handle: SessionHandle, transport: Transport) {
    this.#host = host;
    this.#account = host.home;
    this.cid = cid;
    this.core = host.core;
    this.handle = handle;
    this.transport = transport;
    const { options, sessions } = host;
    const { clock, hasHeaders, serverName } = options;
    this.log = new PeerLog(options.logger, transport.peer, cid);
    const { peer } = transport;
    this.shedding = new Shedding(host, handle);
    this.#profile = new Profile({ sessions, clock, cid, handle, peer, serverName, hasHeaders });
    this.#ending = new Ending(host, this, this.#state);
    this.#reader = new Reader(host, this);
    this.#admission = new Admission(host.authentication, this, transport.peer);
    this.#keepalive = new Keepalive(options, this, peer.type);
  }

  isOpen(): boolean {
    return this.#state.isOpen;
  }

  get staysInPlace(): boolean {
    return this.core.growsInPlace;
  }

  get sessions(): Sessions {
    return this.#host.sessions;
  }

  get limits(): OpTarget['limits'] {
    return this.#host.options;
  }

  get account(): Account {
    return this.#account;
  }

  /** Who it is, or says it is, as others may see it; empty when it says nothing. */
  get shownUser(): string {
    return this.#admission.user || shownUser(this.options);
  }

  get options(): ConnectOptions {
    return this.#profile.options;
  }

  get cookies(): Cookies | undefined {
    return this.transport.peer.cookies;
  }

  /** Who it is, or says it is; empty when it does not say. */
  get user(): string {
    return this.#admission.user ?? this.options.user;
  }

  /** It waits for us in the middle of a read. */
  get isWaiting(): boolean {
    return this.#reader.isWaiting;
  }

  get isDiscarding(): boolean {
    return this.#state.name === 'discarding';
  }

  get pendingBytes(): number {
    return this.#host.sessions.pending(this.handle);
  }

  /** Bytes that it may have pending. */
  get pendingMax(): number {
    return this.#host.options.maxPending;
  }

  /** What is being removed is gone for everybody. */
  get subscriptionCount(): number {
    return this.shedding.isUnderWay ? 0 : this.#host.sessions.subscriptionCount(this.handle);
  }

  /** What it is subscribed to, read as it is asked for (see Sessions). */
  subscriptions(): Iterable<SessionSubscription> {
    return this.shedding.isUnderWay ? [] : this.#host.sessions.subscriptions(this.handle);
  }

  /** Who it is, for the messages it publishes. */
  get client(): MessageClient {
    return this.#profile.client(this.#account.name, this.#keepalive.rttMs);
  }

  /** It speaks a protocol with INFO at any time, and is past its first PING. */
  get takesInfo(): boolean {
    return this.isOpen() && this.#hasGreeted && this.options.protocol >= 1;
  }

  /** Says INFO and begins to read. Part of a turn. */
  open(): void {
    this.reconfigured();
    this.log.debug('Client connection created');
    this.sendInfo();
    this.#admission.open();
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
    this.#reader.read(length);
  }

  onKept(bytes: number): void {
    if (this.isOpen()) this.#reader.kept(bytes);
  }

  /** What a peer has said before it ended its side counts; what a broken connection has left does not. */
  onClose(error?: Error): void {
    if (error instanceof PeerError && this.isOpen()) this.log.error(`read error: ${error.message}`);
    if (error !== undefined) this.#ending.transportClosed(error);
    else this.#reader.whenDone(() => this.#ending.transportClosed());
  }

  perform(): Performed {
    return performOp(this);
  }

  onRouted(isAnswer: boolean): void {
    const now = this.#host.options.clock.monotonic();
    if (!isAnswer) this.#keepalive.heard(now);
    this.#profile.noteActivity(now);
  }

  #noteActivity(): void {
    this.#profile.noteActivity(this.#host.options.clock.monotonic());
  }

  // ── What it asks for ────────────────────────────────────────────────────────────────────────────

  connected(options: ConnectOptions): boolean {
    const isFirst = !this.#hasConnected;
    this.#hasConnected = true;
    this.#profile.connected(options);
    this.#keepalive.connected();
    this.#applyFlags();
    if (isFirst) return true;
    this.#ending.traceForgotten();
    return this.shedding.begin(() => this.#forgotten());
  }

  /** What was subscribed to under the CONNECT before is gone. */
  #forgotten(): void {
    if (!this.#state.isOpen) return;
    const isNext = admit(this) === 'next';
    this.#noteActivity();
    if (isNext) this.#reader.goOn();
  }

  /**
   * Moves to another account; what it has subscribed to ends. Part of a turn.
   *
   * @returns false: it stays where it is, because it or that account has ended
   */
  enter(account: Account): boolean {
    const { sessions, engine } = this.#host;
    if (!this.#state.isOpen) return false;
    const before = this.#account;
    this.#ending.traceForgotten();
    sessions.shed(this.handle);
    if (!sessions.move(this.handle, account.handle)) return false;
    this.#account = account;
    this.#profile.moved();
    engine.leave(before);
    return true;
  }

  authenticate(isUnnamed = false): boolean | undefined {
    const isAdmitted = this.#admission.ask(isUnnamed);
    this.#applyFlags();
    if (isAdmitted === undefined) this.#state.move('authenticating');
    else if (isAdmitted && !isUnnamed) this.#introduce();
    return isAdmitted;
  }

  /** Once: what a second CONNECT says is not in the log's lines. */
  #introduce(): void {
    const options = { ...this.options, user: this.user };
    if (!this.#isIntroduced) this.log.introduce(options, this.#account.name);
    this.#isIntroduced = true;
  }

  admitUnnamed(): boolean {
    if (!this.#admission.mayBeUnnamed || this.authenticate(true) !== true) return false;
    // As if it had said CONNECT: what comes is a second one.
    this.#hasConnected = true;
    return true;
  }

  decided(isAdmitted: boolean): void {
    if (!this.isOpen()) return;
    const isConnecting = this.#state.name === 'authenticating';
    this.#host.turn.within(() => {
      if (isConnecting) this.#state.move('open');
      this.#applyFlags();
      if (isConnecting && isAdmitted) this.#introduce();
      if (isConnecting) settleConnect(this, isAdmitted);
      else if (!isAdmitted) this.#leave();
      this.#noteActivity();
    });
    if (isConnecting) this.#reader.goOn();
  }

  expired(): void {
    this.#soon(() => {
      this.log.debug('User Authentication Expired');
      this.refuse('authenticationExpired');
    });
  }

  /** Limits have changed, or what is traced. Part of a turn. */
  reconfigured(): void {
    const { maxPayload, maxControlLine, maxPending } = this.#host.options;
    this.#host.sessions.setLimits(this.handle, {
      payloadMax: maxPayload,
      controlLineMax: maxControlLine,
      pendingMax: maxPending,
    });
    this.#applyFlags();
  }

  /** There is another door. Part of a turn. @param wasKnown its user was one of those who could come in before */
  review(wasKnown: boolean): void {
    if (!this.isOpen()) return;
    if (wasKnown && !this.#host.authentication.knows(this.user)) {
      this.close(ClosedReason.ClientClosed);
      return;
    }
    const isAdmitted = this.#admission.review();
    if (isAdmitted !== undefined) this.decided(isAdmitted);
  }

  /** It may not stay. As a user whom nobody knows any more it hears no reason. */
  #leave(): void {
    const { user } = this;
    if (user === '' || this.#host.authentication.knows(user)) refuseUser(this);
    else this.close(ClosedReason.ClientClosed);
  }

  late(): void {
    this.#host.turn.within(() => {
      this.log.debug('Authentication Timeout');
      this.refuse('authenticationTimeout');
    });
  }

  ping(): void {
    this.#host.turn.within(() => {
      this.#wantsPong = true;
      this.#applyFlags();
      this.#send('PING\r\n');
    });
  }

  stale(): void {
    this.#soon(() => this.refuse('stale'));
  }

  /** There may be thousands at once. */
  #soon(fn: () => void): void {
    const { endings, turn } = this.#host;
    endings.slices.run(() => turn.within(fn));
  }

  greet(): void {
    this.#send('PONG\r\n');
    this.#hasGreeted = true;
    this.#applyFlags();
    if (this.options.protocol >= 1) this.#sendInfo(this.#account);
  }

  pong(): void {
    this.#keepalive.pong();
    this.#wantsPong = false;
    this.#applyFlags();
  }

  acknowledge(): void {
    this.#profile.act();
    if (this.options.verbose) this.#send('+OK\r\n');
  }

  refuse(name: ClosingName, values?: Readonly<Record<string, string>>): void {
    const line = errorLine(name, values);
    if (line !== undefined) this.#send(line);
    const { reason }: Closing = CLOSINGS[name];
    if (reason !== undefined) this.close(reason);
  }

  /** Tells the peer about this server, and of a change of it. Part of a turn. */
  sendInfo(): void {
    this.#sendInfo();
  }

  #sendInfo(account?: Account): void {
    this.#send(this.#host.infoLine(this.cid, this.transport.peer, account));
  }

  #applyFlags(): void {
    const { takesHeaders } = this.#profile;
    const { verbose, pedantic, echo, noResponders } = this.options;
    // The core refuses what is not CONNECT before that.
    let flags = this.#admission.isIn ? SESSION_AUTHENTICATED : 0;
    if (this.#wantsPong) flags |= SESSION_WANTS_PONG;
    if (verbose) flags |= SESSION_VERBOSE;
    if (pedantic) flags |= SESSION_PEDANTIC;
    if (echo) flags |= SESSION_ECHO;
    if (takesHeaders) flags |= SESSION_HEADERS;
    if (takesHeaders && noResponders) flags |= SESSION_NO_RESPONDERS;
    if (this.#hasConnected && !this.#hasGreeted) flags |= SESSION_WANTS_PING;
    if (this.#host.options.logger.isTrace) flags |= SESSION_TRACE;
    this.#host.sessions.setFlags(this.handle, flags);
  }

  #send(line: string): void {
    if (!this.isOpen()) return;
    this.log.traceSent(line);
    this.#host.sessions.charge(line.length * CHAR_UNITS);
    if (!this.#host.sessions.send(this.handle, encoder.encode(line)))
      this.abort(ClosedReason.WriteError);
    else if (this.pendingBytes > this.pendingMax) this.slow();
  }

  // ── Its way out ─────────────────────────────────────────────────────────────────────────────────

  onWrite(): void {
    this.#reader.onWrite();
    this.#noteActivity();
  }

  onHeld(): void {
    this.#ending.held();
  }

  onReported(error: Error | undefined): void {
    this.#ending.reported(error);
  }

  onIdle(): void {
    this.#host.pacing.stalls.drained(this.pendingBytes >= this.pendingMax / 2);
    this.#ending.idle();
  }

  /** It is over its pending limit. */
  slow(): void {
    if (!this.isOpen()) return;
    this.log.info(`Slow Consumer Detected: MaxPending of ${this.pendingMax} Exceeded`);
    this.abort(ClosedReason.SlowConsumerPendingBytes);
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
    this.#ending.close(reason);
  }

  /** Ends it at once; what is queued is lost. */
  abort(reason: ClosedReason): void {
    this.#ending.abort(reason);
  }

  giveUp(problem: string, reason: ClosedReason): void {
    this.log.error(problem);
    this.abort(reason);
  }

  stop(reason: ClosedReason): void {
    const { subscriptionList } = this.#ending;
    const snapshot = this.snapshot(this.#host.options.clock.now(), reason);
    this.#host.ended({ ...snapshot, subscriptionList }, this.#account);
    this.#admission.close();
    this.#keepalive.close();
    this.#reader.close();
  }

  // ── What is told about it ───────────────────────────────────────────────────────────────────────

  /** @param reason why it has ended, if it has */
  snapshot(now: number, reason?: ClosedReason): ConnectionSnapshot {
    const { rttMs } = this.#keepalive;
    const { subscriptionCount: subscriptions } = this.#ending;
    const { stalls } = this.#reader;
    const { name: account } = this.#account;
    const { shownUser: user } = this;
    return this.#profile.snapshot({ now, rttMs, subscriptions, stalls, account, user, reason });
  }

  logError(text: string): void {
    this.#host.sessions.charge(text.length * CHAR_UNITS);
    this.log.error(text);
  }

  logNowAndThen(text: string): void {
    this.#host.sessions.charge(text.length * CHAR_UNITS);
    this.log.errorNowAndThen(text);
  }

  restOfRead(): Uint8Array {
    return this.#host.feed.rest();
  }
}
