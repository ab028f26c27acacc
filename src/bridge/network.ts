// The network side of an engine: what all of its servers have in common, whoever of them a peer has come to. Made with
// the first bridge and closed with the last one. The ways out, the pool behind them and the budget of unfinished reads
// are one each, for the core has one pool and one inbox; who may come in, which limits a peer has, and how it is told
// to go, are a bridge's own.
//
//   bridge ──┐          ┌─ outbound: every peer's way out, `outboundMax`
//   bridge ──┼─ Network ┼─ pacing: every peer's reads, `inboundMax`
//   bridge ──┘     ▲    └─ feed: one call of the core at a time
//                  └─ turn: records by session, the end of a turn
import type { BusInternals } from '../bus/internals.ts';
import type { NetworkSide, Turn } from '../bus/turn.ts';
import type { MessageClient } from '../bus/types.ts';
import { PRESSED_MAX, peersOf, type SessionHandle, type Sessions } from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { type Limits, SUBSCRIPTION_BYTES_MAX } from '../shared/limits.ts';
import type { Endings } from './endings.ts';
import { Feed } from './feed.ts';
import type { BridgeSettings } from './options.ts';
import { Outbound } from './outbound.ts';
import { leastInboundMax } from './pacing/inbound-budget.ts';
import { Pacing } from './pacing/pacing.ts';
import type { PeerLog } from './peer-log.ts';
import type { Session } from './session.ts';

/** A bridge, as far as the network goes. */
interface Member {
  readonly options: BridgeSettings;
  readonly endings: Endings;
}

/** What the bridges of an engine have one value of. */
export type SharedOptions = Pick<BridgeSettings, 'inboundMax' | 'outboundMax'>;

/** What a bridge asks for that has to go with what the others have. */
type Asked = SharedOptions &
  Pick<Limits, 'maxPayload' | 'maxConnections'> & { readonly clock: Clock };

export class Network implements NetworkSide {
  readonly sessions: Sessions;
  readonly feed: Feed;
  readonly outbound: Outbound;
  readonly pacing: Pacing;
  readonly #turn: Turn;
  readonly #clock: Clock;
  readonly #defer: (fn: () => void) => void;
  readonly #outboundMax: number;
  readonly #members: Member[] = [];
  /** Of all members, in the order in which they came. */
  readonly #sessions = new Map<SessionHandle, Session>();
  #cid = 0;

  private constructor({ core, turn }: BusInternals, options: BridgeSettings) {
    const { clock, defer, outboundMax, hasSpareProcessor } = options;
    this.sessions = peersOf(core).sessions;
    this.sessions.limitSubscriptions(options.subscriptionBytesMax ?? SUBSCRIPTION_BYTES_MAX);
    this.#turn = turn;
    this.#clock = clock;
    this.#defer = defer;
    this.#outboundMax = outboundMax;
    this.feed = new Feed(core, turn, options.readUnits);
    this.outbound = new Outbound({
      core,
      outboundMax,
      clock,
      defer,
      onDue: () => turn.endLoop(),
      onCaughtUp: () => this.pacing.stalls.caughtUp(),
    });
    const { outbound } = this;
    this.pacing = new Pacing({ core, clock, defer, limits: options, hasSpareProcessor, outbound });
    turn.attach(this);
  }

  /** That of the engine, if it is served. */
  static of({ turn }: Pick<BusInternals, 'turn'>): Network | undefined {
    return turn.network instanceof Network ? turn.network : undefined;
  }

  /** That of the engine, which is made for the first. Throws InvalidArgumentError for what the others have otherwise. */
  static for(bus: BusInternals, options: BridgeSettings): Network {
    const known = Network.of(bus);
    known?.assertFits(options);
    return known ?? new Network(bus, options);
  }

  // ── For bridges ─────────────────────────────────────────────────────────────────────────────────

  /** What whoever joins has to have, too; nothing when there is nobody else. */
  sharedWith(member?: Member): SharedOptions | undefined {
    const other = this.#members.find((each) => each !== member);
    if (other === undefined) return undefined;
    return { inboundMax: other.options.inboundMax, outboundMax: this.#outboundMax };
  }

  /**
   * Throws InvalidArgumentError when what is asked for does not go with what the others have.
   *
   * @param member who asks, if it is one already
   */
  assertFits(asked: Asked, member?: Member): void {
    const shared = this.sharedWith(member);
    if (shared === undefined) return;
    for (const name of ['inboundMax', 'outboundMax'] as const) {
      if (asked[name] === shared[name]) continue;
      const text = `of ${asked[name]} differs from the ${shared[name]} that all servers of the bus have together`;
      throw InvalidArgumentError.format(name, text);
    }
    if (asked.clock !== this.#clock) {
      throw InvalidArgumentError.format(
        'clock',
        'differs from that of the other servers of the bus',
      );
    }
    const others = this.#members.filter((each) => each !== member).map(({ options }) => options);
    const limits = togetherOf([...others, asked]);
    const least = leastInboundMax(limits);
    if (asked.inboundMax >= least) return;
    const text =
      `of ${asked.inboundMax} must be at least ${least} with maxConnections of ` +
      `${limits.maxConnections} and maxPayload of ${limits.maxPayload} of all servers of the bus`;
    throw InvalidArgumentError.format('inboundMax', text);
  }

  /** In the order in which they came. */
  get members(): readonly Member[] {
    return this.#members;
  }

  join(member: Member): void {
    this.#members.push(member);
    this.resize();
  }

  /** All sessions of the member have ended. Without members the bus has no network. */
  leave(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    if (this.#members.length > 0) {
      this.resize();
      return;
    }
    this.outbound.close();
    this.pacing.close();
    this.#turn.detach();
  }

  /** The limits of a member have changed. */
  resize(): void {
    const all = this.#members.map(({ options }) => options);
    const { inboundMax } = all[0] as BridgeSettings;
    this.pacing.reconfigure({ inboundMax, maxConnections: togetherOf(all).maxConnections });
  }

  /** A number for a connection: no other of the engine has had it. */
  nextCid(): number {
    this.#cid += 1;
    return this.#cid;
  }

  add(session: Session): void {
    this.#sessions.set(session.handle, session);
    this.outbound.add(session);
  }

  gone(handle: SessionHandle): void {
    this.#sessions.delete(handle);
  }

  /** Open connections of all bridges, in the order they came; who comes or goes meanwhile may be among them. */
  *openSessions(): Generator<Session, void> {
    for (const session of this.#sessions.values()) if (session.isOpen()) yield session;
  }

  // ── For turns ───────────────────────────────────────────────────────────────────────────────────

  defer(fn: () => void): void {
    this.#defer(fn);
  }

  loopEnded(): void {
    this.outbound.loopEnded();
  }

  whenDrained(handle: SessionHandle, fn: () => void): void {
    const pendingMax = this.#sessions.get(handle)?.pendingMax ?? 0;
    this.outbound.whenDrained(handle, Math.min(pendingMax / 4, PRESSED_MAX / 2), fn);
  }

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
    this.#sessions.get(handle)?.slow();
  }

  traceIn(handle: SessionHandle, line: Uint8Array, body: Uint8Array | undefined): void {
    this.#sessions.get(handle)?.log.traceIn(line, body);
  }

  traceOut(handle: SessionHandle, ...told: Parameters<PeerLog['traceOut']>): void {
    this.#sessions.get(handle)?.log.traceOut(...told);
  }

  traceEnd(handle: SessionHandle, sid: Uint8Array): void {
    this.#sessions.get(handle)?.log.traceEnd(sid);
  }

  turnEnded(): void {
    for (const { endings } of this.#members) endings.finish();
    this.outbound.turnEnded();
  }
}

/** The limits of several as if they were one's; 0 of connections is no limit. */
function togetherOf(
  all: readonly Pick<Limits, 'maxPayload' | 'maxConnections'>[],
): Pick<Limits, 'maxPayload' | 'maxConnections'> {
  const counts = all.map(({ maxConnections }) => maxConnections);
  return {
    maxPayload: Math.max(...all.map(({ maxPayload }) => maxPayload)),
    maxConnections: counts.includes(0) ? 0 : counts.reduce((sum, count) => sum + count, 0),
  };
}
