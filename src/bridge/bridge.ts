// One server of a bus: it accepts connections and keeps their sessions. What a session is, is in session.ts; what all
// servers of an engine share, and how the turns of the core reach their sessions, in network.ts; here is only what the
// sessions of one server have in common.
import type { Account } from '../bus/account.ts';
import type { Engine } from '../bus/engine.ts';
import { type BusInternals, internalsOf } from '../bus/internals.ts';
import type { Turn } from '../bus/turn.ts';
import type { Core, SessionHandle, Sessions } from '../core/index.ts';
import { type Listener, listen } from '../net/tcp.ts';
import type { PeerFacts, Transport } from '../net/transport.ts';
import type { Timer } from '../shared/clock.ts';
import { ClosedConnectionError } from '../shared/errors.ts';
import type { Limits } from '../shared/limits.ts';
import { Authentication, type Entrance } from './authentication.ts';
import { ClosedReason } from './closing.ts';
import { Ended } from './ended.ts';
import { Endings } from './endings.ts';
import type { Feed } from './feed.ts';
import type { SessionHost } from './host.ts';
import { accountFacts, infoLine } from './info.ts';
import { LameDuck } from './lame-duck.ts';
import { Network, type SharedOptions } from './network.ts';
import {
  type BridgeAddress,
  type BridgeOptions,
  type BridgeSettings,
  type BridgeStats,
  type ConnectionSnapshot,
  type EndedConnection,
  settle,
} from './options.ts';
import type { Outbound } from './outbound.ts';
import type { Pacing } from './pacing/pacing.ts';
import { reconfigure } from './reconfigure.ts';
import { Replays } from './replay.ts';
import { Session } from './session.ts';
import { turnAway } from './turned-away.ts';

export type {
  BridgeAddress,
  BridgeOptions,
  BridgeStats,
  ConnectionSnapshot,
} from './options.ts';

/** Throws ClosedConnectionError when the bus is closed. */
export function assertServable({ home }: BusInternals): void {
  if (home.isClosed) throw new ClosedConnectionError();
}

/** What a server of the bus has in common with those that serve it already, if any do. */
export function sharedOptionsOf(bus: BusInternals): SharedOptions | undefined {
  return Network.of(bus)?.sharedWith();
}

/** Ends that are finished before their turn for one that comes; each takes a millisecond at the most. */
const HURRIED_MAX = 8;
/** What held writes get to leave when the whole bridge closes. Source: nats-server, flushAndClose. */
const CLOSE_MS = 100;

/**
 * Opens a bus to the network: listens, and serves NATS clients, which begin in the account of the bus.
 *
 * Rejects with the platform's error when it cannot listen. `bus` is one that `createBus` made; without an address
 * clients come by other listeners alone.
 */
export async function createBridge(
  bus: object,
  options: BridgeOptions,
  address: BridgeAddress | undefined,
): Promise<Bridge> {
  const bridge = new Bridge(internalsOf(bus), options);
  try {
    if (address !== undefined) await bridge.listen(address);
  } catch (error) {
    await bridge.close();
    throw error;
  }
  return bridge;
}

export class Bridge implements SessionHost {
  readonly core: Core;
  readonly sessions: Sessions;
  readonly turn: Turn;
  readonly feed: Feed;
  readonly engine: Engine;
  readonly home: Account;
  readonly options: BridgeSettings;
  readonly outbound: Outbound;
  readonly pacing: Pacing;
  readonly endings: Endings;
  readonly replays: Replays;
  readonly authentication: Authentication;
  readonly #network: Network;
  readonly #sessions = new Map<SessionHandle, Session>();
  readonly #ended: Ended;
  #listener: Listener | undefined;
  /** Listeners of other kinds that bring it peers. */
  readonly #others: Pick<Listener, 'close'>[] = [];
  #lameDuck: LameDuck | undefined;
  #isLameDuck = false;
  #onEmpty: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #totalCount = 0;
  #openCount = 0;
  #slowConsumers = 0;
  #staleConnections = 0;

  /** Throws ClosedConnectionError, and InvalidArgumentError for an option that other bridges of the engine have otherwise. */
  constructor(bus: BusInternals, options: BridgeOptions) {
    assertServable(bus);
    const { core, turn } = bus;
    this.options = settle(options);
    this.#network = Network.for(bus, this.options);
    this.core = core;
    this.turn = turn;
    this.engine = bus.engine;
    this.home = bus.home.account;
    this.home.holds += 1;
    this.#ended = new Ended(this.options.endedMax);
    const { sessions, feed, outbound, pacing } = this.#network;
    this.sessions = sessions;
    this.feed = feed;
    this.outbound = outbound;
    this.pacing = pacing;
    const { clock, defer, writeDeadlineMs } = this.options;
    this.endings = new Endings({ clock, defer, writeDeadlineMs });
    this.replays = new Replays(clock, defer);
    const { slices } = this.endings;
    const max = this.options.authenticationsMax;
    this.authentication = new Authentication(options, { max, turn, clock, defer, slices });
    this.#network.join(this);
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
      descriptorMax: this.options.descriptorMax,
      onConnection: (transport) => this.attach(transport),
      onCrowded: (transport) => this.#turnAway(transport),
      onError: (error) =>
        this.options.logger.error(`Error on the client listener: ${error.message}`),
    });
  }

  /** Another listener attaches its peers here. It is closed when nobody more is to come. */
  alsoListens(listener: Pick<Listener, 'close'>): void {
    this.#others.push(listener);
  }

  #stopListening(): void {
    this.#listener?.close();
    for (const listener of this.#others.splice(0)) listener.close();
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────

  /** Serves a peer that has come by some other way than the listener. The transport becomes the bridge's. */
  attach(transport: Transport): void {
    if (this.#isLameDuck || this.#closed !== undefined) {
      transport.destroy();
      return;
    }
    const cid = this.#nextCid();
    const { maxConnections } = this.options;
    const isFull = (): boolean => maxConnections > 0 && this.#sessions.size >= maxConnections;
    // One that has ended makes room, unless too much stands before it.
    for (let ends = 0; ends < HURRIED_MAX && isFull() && this.endings.slices.next(); ends++);
    const handle = isFull() ? 0 : this.sessions.open(this.home.handle);
    if (handle === 0) {
      turnAway(this, transport, cid);
      return;
    }
    const session = new Session(this, cid, handle, transport);
    this.#sessions.set(handle, session);
    this.#openCount += 1;
    this.#network.add(session);
    this.turn.within(() => session.open());
  }

  /** Open connections, in the order they came; who comes or goes meanwhile may be among them. */
  *openSessions(): Generator<Session, void> {
    for (const session of this.#sessions.values()) if (session.isOpen()) yield session;
  }

  /** The same of all servers of the engine. */
  allSessions(): Iterable<Session> {
    return this.#network.openSessions();
  }

  connections(): ConnectionSnapshot[] {
    const now = this.options.clock.now();
    return Array.from(this.openSessions(), (session) => session.snapshot(now));
  }

  /** The last connections that ended, oldest first: 10,000, unless they have said too much of themselves. */
  endedConnections(): readonly EndedConnection[] {
    return this.#ended.snapshots;
  }

  sessionOf(cid: number): Session | undefined {
    for (const session of this.#sessions.values()) if (session.cid === cid) return session;
    return undefined;
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  get stats(): BridgeStats {
    return {
      openConnections: this.#openCount,
      totalConnections: this.#totalCount,
      slowConsumers: this.#slowConsumers,
      staleConnections: this.#staleConnections,
      stalledClients: this.pacing.stalls.count,
    };
  }

  /** Bytes queued for all peers of the engine, and bytes of unfinished reads. */
  get heldBytes(): { readonly outbound: number; readonly inbound: number } {
    return { outbound: this.outbound.bytes, inbound: this.pacing.inbound.bytes };
  }

  /** What other servers of the engine have that this one has to have, too. */
  get sharedOptions(): SharedOptions | undefined {
    return this.#network.sharedWith(this);
  }

  /** Throws InvalidArgumentError when `reconfigure` would not go with what other servers of the engine have. */
  assertFits(options: Parameters<Network['assertFits']>[0]): void {
    this.#network.assertFits(options, this);
  }

  /** Other limits, another door and address, from now on, for those who are here as well. */
  reconfigure(options: Limits & Entrance & Pick<BridgeOptions, 'advertised'>): void {
    Object.assign(this.options, options);
    this.#network.resize();
    reconfigure(this, [...this.openSessions()], options);
  }

  /**
   * Accepts nobody any more, tells the peers, and closes them one by one after the grace period.
   *
   * Resolves when the last one is closed, or `close` was called; at once when there are none.
   */
  lameDuck(): Promise<void> {
    if (this.#isLameDuck || this.#closed !== undefined) return Promise.resolve();
    this.#isLameDuck = true;
    this.#stopListening();
    if (this.#sessions.size === 0) return Promise.resolve();
    this.turn.within(() => {
      for (const session of this.#sessions.values()) if (session.takesInfo) session.sendInfo();
    });
    const { clock, logger, random, lameDuckDurationMs, lameDuckGraceMs } = this.options;
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      this.#lameDuck = new LameDuck({
        clock,
        logger,
        random,
        durationMs: lameDuckDurationMs,
        graceMs: lameDuckGraceMs,
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
    this.#stopListening();
    this.endings.slices.close();
    const sessions = [...this.#sessions.values()];
    this.turn.within(() => {
      for (const session of sessions) session.close(ClosedReason.ServerShutdown);
    });
    if (this.#sessions.size > 0) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        timer = this.options.clock.setTimeout(() => {
          for (const session of sessions) session.abort(ClosedReason.ServerShutdown);
        }, CLOSE_MS);
      });
      timer?.cancel();
    }
    // Closed sessions leave the core's list of those with something to send, and are freed.
    this.turn.within(() => this.outbound.flush());
    this.endings.close();
    this.authentication.close();
    this.home.holds -= 1;
    this.turn.within(() => this.engine.leave(this.home));
    this.#network.leave(this);
  }

  /** There is no descriptor left for it. */
  #turnAway(transport: Transport | undefined): void {
    if (transport === undefined) {
      this.options.logger.error('maximum connections exceeded: no descriptors are left');
    } else if (this.#isLameDuck || this.#closed !== undefined) {
      transport.destroy();
    } else {
      turnAway(this, transport, this.#nextCid());
    }
  }

  #nextCid(): number {
    this.#totalCount += 1;
    return this.#network.nextCid();
  }

  // ── For sessions ────────────────────────────────────────────────────────────────────────────────

  infoLine(cid: number, peer: PeerFacts, account?: Account): string {
    return infoLine(this.#infoFacts(), {
      cid,
      peer,
      isLameDuck: this.#isLameDuck,
      ...(account === undefined ? {} : accountFacts(account)),
    });
  }

  ended(snapshot: EndedConnection, account: Account): void {
    this.#openCount -= 1;
    this.#ended.add(snapshot);
    switch (snapshot.reason) {
      case ClosedReason.SlowConsumerPendingBytes:
      case ClosedReason.SlowConsumerWriteDeadline:
        this.#slowConsumers += 1;
        this.core.accounts.countSlowConsumer(account.handle);
        break;
      case ClosedReason.StaleConnection:
        this.#staleConnections += 1;
    }
  }

  gone(handle: SessionHandle): void {
    this.#sessions.delete(handle);
    this.#network.gone(handle);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  #infoFacts(): Parameters<typeof infoLine>[0] {
    const { options } = this;
    return {
      serverId: options.serverId,
      serverName: options.serverName,
      version: options.version ?? this.engine.server.version,
      hasJetStream: this.engine.server.jetstream === true,
      domain: this.engine.server.domain,
      runtime: options.runtime ?? 'node',
      host: options.advertised?.host ?? this.host,
      port: options.advertised?.port ?? this.port,
      hasHeaders: options.hasHeaders,
      asked: (type) => this.authentication.asked(type),
      maxPayload: options.maxPayload,
      connectUrls: options.connectUrls ?? [],
    };
  }
}
