// PINGs to one peer: the first soon after it has introduced itself, to measure the round trip; then one per
// interval in which nothing came from it; and an end when too many are unanswered.
// Source: nats-server 1787eee, server/client.go, processPingTimer and setFirstPingTimer.
import type { PeerFacts } from '../net/transport.ts';
import type { Clock, Timer } from '../shared/clock.ts';

/** The first PING to a client does not wait longer than this. */
const FIRST_PING_MS = 2000;
/** The first PING is spread by up to this share, so that peers that came together are not asked together. */
const FIRST_PING_SPREAD = 0.2;
/** After this the round trip is measured again, even when the peer is busy. */
const RTT_REFRESH_MS = 3_600_000;

interface KeepaliveOptions {
  readonly clock: Clock;
  /** 0 to 1, for the spread. */
  readonly random: () => number;
  readonly pingIntervalMs: number;
  /** Of those who come by WebSocket, where that is another. */
  readonly websocketPingIntervalMs?: number | undefined;
  /** PINGs that may be unanswered. */
  readonly pingMax: number;
}

/** Who is asked. */
export interface KeptAlive {
  /** It waits for us: what it has answered is not read. */
  readonly isWaiting: boolean;
  ping(): void;
  /** Too many PINGs are unanswered. */
  stale(): void;
}

export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #peer: KeptAlive;
  readonly #type: PeerFacts['type'];
  readonly #start: number;
  #timer: Timer | undefined;
  #pingsOut = 0;
  #lastIn: number;
  #pingSent = Number.NEGATIVE_INFINITY;
  #rttMs: number | undefined;

  constructor(options: KeepaliveOptions, peer: KeptAlive, type: PeerFacts['type']) {
    this.#options = options;
    this.#peer = peer;
    this.#type = type;
    this.#start = options.clock.monotonic();
    this.#lastIn = this.#start;
    this.#arm(this.#intervalMs);
  }

  /** Round trip in milliseconds; before the first PONG, how long the peer took to introduce itself. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** The peer has sent CONNECT. */
  connected(): void {
    const { clock, random } = this.#options;
    this.#rttMs = clock.monotonic() - this.#start;
    this.#arm(this.#firstMs * (1 + random() * FIRST_PING_SPREAD));
  }

  /** The peer has sent something other than PONG, at that monotonic time. */
  heard(now: number): void {
    this.#lastIn = now;
  }

  /** The peer has answered. */
  pong(): void {
    this.#pingsOut = 0;
    if (Number.isFinite(this.#pingSent)) {
      this.#rttMs = this.#options.clock.monotonic() - this.#pingSent;
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #firstMs(): number {
    return Math.min(this.#intervalMs, FIRST_PING_MS);
  }

  get #intervalMs(): number {
    const { pingIntervalMs, websocketPingIntervalMs } = this.#options;
    if (this.#type !== 'websocket') return pingIntervalMs;
    return websocketPingIntervalMs ?? pingIntervalMs;
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(() => this.#tick(), delayMs, { unref: true });
  }

  #tick(): void {
    if (this.#peer.isWaiting) {
      this.#arm(this.#firstMs);
      return;
    }
    const { clock, pingMax } = this.#options;
    const intervalMs = this.#intervalMs;
    const now = clock.monotonic();
    const needsRtt = now - this.#pingSent > RTT_REFRESH_MS;
    if (needsRtt || now - this.#lastIn >= intervalMs) {
      if (this.#pingsOut + 1 > pingMax) {
        this.#timer = undefined;
        this.#peer.stale();
        return;
      }
      this.#pingsOut += 1;
      this.#pingSent = now;
      this.#peer.ping();
    }
    this.#arm(intervalMs);
  }
}
