// What is known of one peer, and what is told about it: to subscribers of what it publishes, and to monitoring.
import type { MessageClient } from '../bus/types.ts';
import type { SessionHandle, Sessions } from '../core/index.ts';
import type { PeerFacts } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import type { ClosedReason } from './closing.ts';
import { type ConnectOptions, DEFAULT_CONNECT } from './connect.ts';
import type { ConnectionSnapshot } from './options.ts';

interface ProfileOptions {
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly cid: number;
  readonly handle: SessionHandle;
  readonly peer: PeerFacts;
  readonly serverName: string;
  /** Peers may use headers here. */
  readonly hasHeaders: boolean;
}

/** What the profile does not know by itself. */
interface SnapshotMoment {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly rttMs: number | undefined;
  readonly subscriptions: number;
  readonly stalls: number;
  readonly account: string;
  /** Who it is, or says it is, as others may see it; empty when it says nothing. */
  readonly user: string;
  /** Why it ended, if it has. */
  readonly reason: ClosedReason | undefined;
}

export class Profile {
  readonly #facts: ProfileOptions;
  readonly #start: number;
  readonly #startMonotonic: number;
  #options: ConnectOptions = DEFAULT_CONNECT;
  #client: MessageClient | undefined;
  /** Since the last `noteActivity`. */
  #hasActed = false;
  /** Monotonic milliseconds, which are cheaper to ask for than the time of day. */
  #lastActivity: number;
  #inMsgs = 0;
  #outMsgs = 0;

  constructor(facts: ProfileOptions) {
    this.#facts = facts;
    this.#start = facts.clock.now();
    this.#startMonotonic = facts.clock.monotonic();
    this.#lastActivity = this.#startMonotonic;
  }

  /** What the peer has asked for. */
  get options(): ConnectOptions {
    return this.#options;
  }

  /** Header blocks go to it: it can read them, and peers may use them here. */
  get takesHeaders(): boolean {
    return this.#options.headers && this.#facts.hasHeaders;
  }

  /** Who it is, for the messages it publishes on that account. `rttMs`: its last round trip. */
  client(account: string, rttMs: number | undefined): MessageClient {
    if (this.#client === undefined || this.#client.rttMs !== rttMs) {
      this.#client = this.#describe(account, rttMs);
    }
    return this.#client;
  }

  /** What was said of it to subscribers holds no more: it is in another account. */
  moved(): void {
    this.#client = undefined;
  }

  /** The peer has introduced itself. */
  connected(options: ConnectOptions): void {
    this.#options = options;
    this.#client = undefined;
    this.#hasActed = true;
  }

  /** The peer has done something that counts as activity: at the moment of the next `noteActivity`, which is near. */
  act(): void {
    this.#hasActed = true;
  }

  /** Messages in or out are activity, as is what it has done; PING and PONG are not. @param now monotonic milliseconds */
  noteActivity(now: number): void {
    const { sessions, handle } = this.#facts;
    const { inMsgs, outMsgs } = sessions.traffic(handle);
    if (!this.#hasActed && inMsgs === this.#inMsgs && outMsgs === this.#outMsgs) return;
    this.#hasActed = false;
    this.#inMsgs = inMsgs;
    this.#outMsgs = outMsgs;
    this.#lastActivity = now;
  }

  snapshot({ now, rttMs, reason, user, ...moment }: SnapshotMoment): ConnectionSnapshot {
    const { sessions, cid, handle, peer } = this.#facts;
    const { name, lang, version } = this.#options;
    if (this.#hasActed) this.noteActivity(this.#facts.clock.monotonic());
    // Told again it is the same moment, also where the time of day has been set meanwhile.
    const lastActivity = this.#start + (this.#lastActivity - this.#startMonotonic);
    return {
      cid,
      kind: 'Client',
      type: peer.type,
      ip: peer.address,
      port: peer.port,
      start: this.#start,
      lastActivity,
      ...(rttMs === undefined ? {} : { rttMs }),
      uptimeMs: now - this.#start,
      idleMs: Math.max(0, now - lastActivity),
      pendingBytes: sessions.pending(handle),
      ...sessions.traffic(handle),
      ...moment,
      ...(user === '' ? {} : { user }),
      ...(name === '' ? {} : { name }),
      ...(lang === '' ? {} : { lang }),
      ...(version === '' ? {} : { version }),
      ...(reason === undefined ? {} : { stop: now, reason }),
    };
  }

  #describe(account: string, rttMs: number | undefined): MessageClient {
    const { cid, peer, serverName } = this.#facts;
    const { name, lang, version, noResponders } = this.#options;
    return {
      cid,
      kind: 'CLIENT',
      type: peer.type,
      account,
      start: this.#start,
      ...(rttMs === undefined ? {} : { rttMs }),
      server: serverName,
      ...(name === '' ? {} : { name }),
      ...(lang === '' ? {} : { lang }),
      ...(version === '' ? {} : { version }),
      address: peer.address,
      port: peer.port,
      hasHeaders: this.takesHeaders,
      wantsNoResponders: this.takesHeaders && noResponders,
    };
  }
}
