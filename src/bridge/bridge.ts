// The network side of a bus: it accepts connections, keeps their sessions, and ties them to the turns of the
// core. What a session is, is in session.ts; here is only what they have in common.
import { type BusInternals, internalsOf } from '../bus/internals.ts';
import type { NetworkSide, Turn } from '../bus/turn.ts';
import type { MessageClient } from '../bus/types.ts';
import type { AccountHandle, Core, SessionHandle, SessionSubscription } from '../core/index.ts';
import { type Listener, listen } from '../net/tcp.ts';
import type { Transport } from '../net/transport.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { defer } from '../shared/defer.ts';
import { ClosedConnectionError, InvalidOperationError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION } from '../shared/version.ts';
import { BusyPoll } from './busy-poll.ts';
import { ClosedReason, errorLine } from './closing.ts';
import { Crumbs } from './crumbs.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { InboundBudget, inboundShares } from './inbound-budget.ts';
import { Inbox } from './inbox.ts';
import { infoLine } from './info.ts';
import { LameDuck } from './lame-duck.ts';
import type { BridgeAddress, BridgeOptions, BridgeStats, ConnectionSnapshot } from './options.ts';
import { Outbound } from './outbound.ts';
import { PeerLog } from './peer-log.ts';
import { AHEAD_MS, DRAIN_MS, Pressure, WRITTEN_MS } from './pressure.ts';
import { randomUnit } from './random.ts';
import { ReadSizes } from './read-size.ts';
import { PAUSED_AHEAD, PAUSED_BEHIND, PAUSED_PRESSURE } from './reader.ts';
import { Session, type SessionHost } from './session.ts';
import { Slices } from './slices.ts';

export type {
  BridgeAddress,
  BridgeOptions,
  BridgeStats,
  ConnectionSnapshot,
} from './options.ts';

/** Throws InvalidOperationError when the bus is served already, ClosedConnectionError when it is closed. */
export function assertServable({ parts, turn }: BusInternals): void {
  if (parts.isClosed) throw new ClosedConnectionError();
  if (turn.network !== undefined) throw new InvalidOperationError('the bus is served already');
}

/** What `$G` is called, for peers. */
const ACCOUNT_NAME = '$G';
/** Ended connections that are remembered. Source: nats-server, DEFAULT_MAX_CLOSED_CLIENTS. */
const ENDED_MAX = 10_000;
/** After our end the peer may still be sending; closing at once could make it lose our last words. */
const LINGER_MS = 1000;
/** What held writes get to leave when the whole bridge closes. Source: nats-server, flushAndClose. */
const CLOSE_MS = 100;

/**
 * Opens a bus to the network: listens, and serves NATS clients on the bus's global account.
 *
 * Rejects with the platform's error when it cannot listen. `bus` is one that `createBus` made.
 */
export async function createBridge(
  bus: object,
  options: BridgeOptions & BridgeAddress,
): Promise<Bridge> {
  const bridge = new Bridge(internalsOf(bus), options);
  try {
    await bridge.listen(options);
  } catch (error) {
    await bridge.close();
    throw error;
  }
  return bridge;
}

export class Bridge implements SessionHost, NetworkSide {
  readonly core: Core;
  readonly turn: Turn;
  readonly account: AccountHandle;
  readonly accountName: string = ACCOUNT_NAME;
  readonly options: BridgeOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly defer: (fn: () => void) => void;
  readonly outbound: Outbound;
  readonly inbox: Inbox;
  readonly readSizes: ReadSizes;
  readonly inbound: InboundBudget;
  readonly pressure: Pressure;
  readonly crumbs: Crumbs;
  readonly busyPoll: BusyPoll | undefined;
  readonly behind: Pressure;
  readonly ahead: Pressure;
  readonly writeDeadlines: DeadlineQueue<Session>;
  readonly ends: Slices;
  readonly #sessions = new Map<SessionHandle, Session>();
  readonly #closing = new Set<Session>();
  readonly #lingering: DeadlineQueue<Transport>;
  readonly #ended: ConnectionSnapshot[] = [];
  #listener: Listener | undefined;
  #lameDuck: LameDuck | undefined;
  #isLameDuck = false;
  #onEmpty: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #cid = 0;
  #openCount = 0;
  #slowConsumers = 0;
  #staleConnections = 0;

  /** Throws InvalidOperationError for a bus that has a bridge: its turns can tell one alone. */
  constructor(bus: BusInternals, options: BridgeOptions) {
    assertServable(bus);
    this.core = bus.core;
    this.turn = bus.turn;
    this.account = bus.account;
    this.options = options;
    this.clock = options.clock;
    this.logger = options.logger;
    this.random = options.random ?? randomUnit;
    this.defer = options.defer ?? defer;
    const { core, clock } = this;
    this.outbound = new Outbound({
      core,
      outboundMax: options.outboundMax,
      clock,
      defer: this.defer,
      onCaughtUp: () => {
        if (this.behind.hasPaused) this.behind.relieve();
      },
    });
    this.inbound = new InboundBudget(options.inboundMax, clock);
    this.readSizes = new ReadSizes({
      ...inboundShares(options),
      inboxBytes: core.inbox.bytes,
      overdraft: () => this.inbound.overdraft,
    });
    this.inbox = new Inbox(core, this.readSizes.sizes);
    this.pressure = new Pressure(clock, DRAIN_MS, PAUSED_PRESSURE);
    this.behind = new Pressure(clock, WRITTEN_MS, PAUSED_BEHIND);
    this.ahead = new Pressure(clock, AHEAD_MS, PAUSED_AHEAD);
    this.crumbs = new Crumbs(clock, this.defer);
    this.ends = new Slices(clock, this.defer);
    if (options.hasSpareProcessor === true) this.busyPoll = new BusyPoll(clock, this.defer);
    this.writeDeadlines = new DeadlineQueue(clock, options.writeDeadlineMs, (session) =>
      this.ends.run(() => session.missedDeadline()),
    );
    this.#lingering = new DeadlineQueue(clock, LINGER_MS, (transport) =>
      this.ends.run(() => transport.destroy()),
    );
    this.turn.attach(this);
  }

  // ── Where ───────────────────────────────────────────────────────────────────────────────────────

  /** The host as announced; empty while it does not listen. */
  get host(): string {
    return this.#listener?.address ?? '';
  }

  /** The port it listens on; 0 while it does not listen. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** `host:port` of every listener. */
  get addresses(): readonly string[] {
    if (this.#listener === undefined) return [];
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return [`${host}:${this.port}`];
  }

  /** Rejects with the platform's error when it cannot. */
  async listen(address: BridgeAddress): Promise<void> {
    this.#listener = await listen({
      ...address,
      onConnection: (transport) => this.attach(transport),
      onError: (error) => this.logger.error(`Error on the client listener: ${error.message}`),
    });
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────

  /** Serves a peer that has come by some other way than the listener. The transport becomes the bridge's. */
  attach(transport: Transport): void {
    if (this.#isLameDuck || this.#closed !== undefined) {
      transport.destroy();
      return;
    }
    this.#cid += 1;
    const { maxConnections } = this.options;
    const isFull = (): boolean => maxConnections > 0 && this.#sessions.size >= maxConnections;
    // One that has ended makes room.
    while (isFull() && this.ends.next());
    const handle = isFull() ? 0 : this.core.openSession(this.account);
    if (handle === 0) {
      this.#refuse(transport, this.#cid);
      return;
    }
    const session = new Session(this, this.#cid, handle, transport);
    this.#sessions.set(handle, session);
    this.#openCount += 1;
    this.outbound.add(session);
    this.turn.within(() => session.open());
  }

  /** Open connections, in the order they came. */
  connections(): ConnectionSnapshot[] {
    const now = this.clock.now();
    const open = [...this.#sessions.values()].filter((session) => session.isOpen());
    return open.map((session) => session.snapshot(now));
  }

  /** The last 10,000 connections that ended, oldest first. */
  endedConnections(): readonly ConnectionSnapshot[] {
    return this.#ended;
  }

  /** The subscriptions of an open connection. */
  subscriptionsOf(cid: number): readonly SessionSubscription[] {
    for (const session of this.#sessions.values()) {
      if (session.cid === cid) return this.core.subscriptions(session.handle);
    }
    return [];
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  get stats(): BridgeStats {
    return {
      openConnections: this.#openCount,
      totalConnections: this.#cid,
      slowConsumers: this.#slowConsumers,
      staleConnections: this.#staleConnections,
      stalledClients: this.pressure.count,
    };
  }

  /** Bytes queued for all peers, and bytes of unfinished reads. */
  get heldBytes(): { readonly outbound: number; readonly inbound: number } {
    return { outbound: this.outbound.bytes, inbound: this.inbound.bytes };
  }

  /**
   * Accepts nobody any more, tells the peers, and closes them one by one after the grace period.
   *
   * Resolves when the last one is closed, or `close` was called; at once when there are none.
   */
  lameDuck(): Promise<void> {
    if (this.#isLameDuck || this.#closed !== undefined) return Promise.resolve();
    this.#isLameDuck = true;
    this.#listener?.close();
    if (this.#sessions.size === 0) return Promise.resolve();
    this.turn.within(() => {
      for (const session of this.#sessions.values()) if (session.takesInfo) session.sendInfo();
    });
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      this.#lameDuck = new LameDuck({
        clock: this.clock,
        logger: this.logger,
        random: this.random,
        durationMs: this.options.lameDuckDurationMs,
        graceMs: this.options.lameDuckGraceMs,
        connections: () =>
          [...this.#sessions.values()].map(
            (session) => () => session.close(ClosedReason.ServerShutdown),
          ),
      });
    });
  }

  /**
   * Stops listening and ends every connection; what is queued is written if the peers take it within 100 ms.
   * Resolves when nothing of the core is held any more.
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.#lameDuck?.cancel();
    this.#onEmpty?.();
    this.#listener?.close();
    this.ends.close();
    const sessions = [...this.#sessions.values()];
    this.turn.within(() => {
      for (const session of sessions) session.close(ClosedReason.ServerShutdown);
    });
    if (this.#sessions.size > 0) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        timer = this.clock.setTimeout(() => {
          for (const session of sessions) session.abort(ClosedReason.ServerShutdown);
        }, CLOSE_MS);
      });
      timer?.cancel();
    }
    // Closed sessions leave the core's list of those with something to send, and are freed.
    this.turn.within(() => this.outbound.flush());
    this.outbound.close();
    for (const transport of this.#lingering.items()) transport.destroy();
    this.#lingering.clear();
    this.writeDeadlines.clear();
    this.inbound.close();
    this.pressure.close();
    this.crumbs.close();
    this.behind.close();
    this.ahead.close();
    this.turn.detach();
  }

  /** Says INFO and why not. */
  #refuse(transport: Transport, cid: number): void {
    const log = new PeerLog(this.logger, transport.peer, cid);
    log.debug('Client connection created');
    const info = infoLine(this.#infoFacts(), { cid, address: transport.peer.address });
    const words = new TextEncoder().encode(`${info}${errorLine('maxConnections')}`);
    transport.start({
      staysInPlace: false,
      view: () => this.inbox.view(0),
      onFilled: () => {},
      onClose: () => {
        this.#lingering.delete(transport);
        transport.destroy();
      },
    });
    transport.pause();
    const end = (): void => transport.end();
    this.#lingering.add(transport);
    if (transport.write([words], end) === 'taken') end();
    log.error('maximum connections exceeded');
    log.debug(`Client connection closed: ${ClosedReason.MaxConnectionsExceeded}`);
  }

  // ── For sessions ────────────────────────────────────────────────────────────────────────────────

  infoLine(session: Session, isConnectInfo: boolean): string {
    return infoLine(this.#infoFacts(), {
      cid: session.cid,
      address: session.transport.peer.address,
      isLameDuck: this.#isLameDuck,
      ...(isConnectInfo ? { account: this.accountName } : {}),
    });
  }

  closing(session: Session): void {
    this.#closing.add(session);
  }

  drained(session: Session): void {
    if (this.ahead.hasPaused) this.ahead.relieve();
    if (!this.pressure.hasPaused) return;
    if (session.pendingBytes < this.options.maxPending / 2) this.pressure.relieve();
  }

  ended(snapshot: ConnectionSnapshot): void {
    this.#openCount -= 1;
    if (this.#ended.length === ENDED_MAX) this.#ended.shift();
    this.#ended.push(snapshot);
    switch (snapshot.reason) {
      case ClosedReason.SlowConsumerPendingBytes:
      case ClosedReason.SlowConsumerWriteDeadline:
        this.#slowConsumers += 1;
        break;
      case ClosedReason.StaleConnection:
        this.#staleConnections += 1;
    }
  }

  gone(session: Session): void {
    this.#sessions.delete(session.handle);
    this.#closing.delete(session);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  linger(transport: Transport): void {
    this.#lingering.add(transport);
  }

  lingered(transport: Transport): void {
    this.#lingering.delete(transport);
    transport.destroy();
  }

  // ── For turns ───────────────────────────────────────────────────────────────────────────────────

  flush(): void {
    this.outbound.flush();
  }

  originOf(handle: SessionHandle): MessageClient | undefined {
    return this.#sessions.get(handle)?.client;
  }

  shared(id: number, bytes: Uint8Array): void {
    this.outbound.shared.keep(id, bytes);
  }

  sharedEnd(id: number, references: number): void {
    this.outbound.shared.end(id, references);
  }

  slow(handle: SessionHandle): void {
    const session = this.#sessions.get(handle);
    if (session === undefined || !session.isOpen()) return;
    session.log.info(`Slow Consumer Detected: MaxPending of ${this.options.maxPending} Exceeded`);
    session.abort(ClosedReason.SlowConsumerPendingBytes);
  }

  traceIn(handle: SessionHandle, line: Uint8Array, body: Uint8Array | undefined): void {
    this.#sessions.get(handle)?.log.traceIn(line, body);
  }

  traceOut(handle: SessionHandle, line: Uint8Array, body: Uint8Array | undefined): void {
    this.#sessions.get(handle)?.log.traceOut(line, body);
  }

  traceEnd(handle: SessionHandle, sid: Uint8Array): void {
    this.#sessions.get(handle)?.log.traceEnd(sid);
  }

  turnEnded(): void {
    if (this.#closing.size > 0) {
      for (const session of [...this.#closing]) {
        this.#closing.delete(session);
        session.finish();
      }
    }
    this.outbound.turnEnded();
  }

  #infoFacts(): Parameters<typeof infoLine>[0] {
    const { options } = this;
    return {
      serverId: options.serverId,
      serverName: options.serverName,
      version: options.version ?? ANNOUNCED_VERSION,
      runtime: options.runtime ?? 'node',
      host: this.host,
      port: this.port,
      hasHeaders: options.hasHeaders ?? true,
      maxPayload: options.maxPayload,
      connectUrls: options.connectUrls ?? [],
    };
  }
}
