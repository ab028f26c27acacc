// Who may come in, where that is asked: what the sessions share of it. How one of them comes in is its Admission
// (admission.ts).
//
// How many are asked about at once is bounded; whoever comes when there is no place waits. Places and turns are fair by
// address: an address has at most as many places as are free, so there is always one for somebody from elsewhere, and
// those who wait are taken in turn by address. The place of one is free when the verdict is there, or its time is over,
// and not when the peer goes: the work for him may go on.
//
// Played against nats-server 2.15.3, `--user a --pass b`; source of the rest: server/parser.go, client.go
// (processConnect), auth_callout.go (the second timeout).
import type { Turn } from '../bus/turn.ts';
import type { PeerFacts } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from '../shared/deadline-queue.ts';
import { FairQueue } from '../shared/fair-queue.ts';
import { AUTH_TIMEOUT_MS } from '../shared/limits.ts';
import type { Slices } from '../shared/slices.ts';
import type { Admission } from './admission.ts';
import type { ConnectOptions } from './connect.ts';

/** What was decided about a CONNECT: nothing but `true` lets in. */
export interface Verdict {
  readonly isAdmitted: boolean;
  /** Whom the peer was let in as, where that is known. */
  readonly user?: string;
  /** When it has to go again: milliseconds since 1970. */
  readonly expiresAt?: number;
}

/**
 * Decides whether a peer may come in. Called within a turn: what it publishes is delivered after the read at
 * hand. An error or rejection is a refusal, and is logged. `signal` gives what is aborted when nobody waits for the
 * verdict any more: its time is over, the peer has gone, or it is asked about anew.
 */
export type Authenticate = (
  options: ConnectOptions,
  peer: PeerFacts,
  signal: () => AbortSignal,
) => Verdict | PromiseLike<Verdict>;

/** Of whom something is asked: `named` is whoever says something of himself; who does not is let in at once. */
export type Asked = 'nobody' | 'named' | 'everybody';

/** The door: what is asked there, and of whom. */
export interface Entrance {
  /** Who may come in is asked here; without it everybody may. */
  readonly authenticate?: Authenticate | undefined;
  /** Of whom something is asked that comes this way (default: of everybody when there is `authenticate`). */
  readonly asked?: ((type: PeerFacts['type']) => Asked) | undefined;
  /** Whether there is a user of that name (default: that cannot be told, so there may be). */
  readonly knows?: ((user: string) => boolean) | undefined;
  /** For CONNECT to come, and for a verdict about it (default: 2 s, as nats-server has it). */
  readonly authTimeoutMs?: number | undefined;
  /** The same for who comes by WebSocket (default: as for others). */
  readonly websocketAuthTimeoutMs?: number | undefined;
}

interface AuthenticationOptions {
  /** Most CONNECTs that are asked about at once. */
  readonly max: number;
  readonly turn: Turn;
  readonly clock: Clock;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  /** What may be due for thousands at once is done by these. */
  readonly slices: Slices;
}

/** Of one that is asked about. */
interface Place {
  readonly lane: string;
}

export class Authentication {
  readonly #options: AuthenticationOptions;
  #entrance: Entrance;
  /** For CONNECT to come, and for the verdict: both have the same time. */
  readonly #deadlines: Readonly<Record<PeerFacts['type'], DeadlineQueue<Admission>>>;
  readonly #places: DeadlineQueue<Place>;
  /** How many places each lane has. */
  readonly #taken = new Map<string, number>();
  /** Those for whom there is no place. */
  readonly #waiting = new FairQueue<Admission>();
  /** Somebody of them is about to be asked about. */
  #isTurning = false;

  constructor(entrance: Entrance, options: AuthenticationOptions) {
    this.#entrance = entrance;
    this.#options = options;
    const { clock, slices } = options;
    const { nats, websocket } = this.#times();
    const expired = (admission: Admission): void => {
      const { question } = admission;
      slices.run(() => admission.expired(question));
    };
    this.#deadlines = {
      nats: new DeadlineQueue(clock, nats, expired),
      websocket: new DeadlineQueue(clock, websocket, expired),
    };
    this.#places = new DeadlineQueue(clock, nats, (place) => this.#freed(place));
  }

  /** Another door from now on. Whoever waits has the new time from now on; who came by the old one is to be reviewed. */
  reconfigure(entrance: Entrance): void {
    this.#entrance = entrance;
    const { nats, websocket } = this.#times();
    this.#deadlines.nats.delayMs = nats;
    this.#deadlines.websocket.delayMs = websocket;
    this.#places.delayMs = nats;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  asked(type: PeerFacts['type']): Asked {
    const { authenticate, asked } = this.#entrance;
    if (authenticate === undefined) return 'nobody';
    return asked?.(type) ?? 'everybody';
  }

  knows(user: string): boolean {
    const { authenticate, knows } = this.#entrance;
    return user !== '' && authenticate !== undefined && (knows?.(user) ?? true);
  }

  /** Whether one of that lane may be asked about now; else `wait`. */
  hasPlace(lane: string): boolean {
    return !this.#isTurning && !this.#waiting.has(lane) && this.#mayTake(lane);
  }

  /** Asks whoever decides: as in a handler, what he publishes waits until the read at hand has been routed. */
  ask(...question: Parameters<Authenticate>): Verdict | PromiseLike<Verdict> {
    const { turn } = this.#options;
    const { authenticate } = this.#entrance;
    if (authenticate === undefined) return { isAdmitted: true };
    return turn.within(() => {
      turn.isDelivering = true;
      return authenticate(...question);
    });
  }

  /** The time of this one begins. */
  begin(admission: Admission): void {
    this.#deadlines[admission.type].add(admission);
  }

  /** It is told to `proceed` when there is a place. */
  wait(admission: Admission): void {
    this.#waiting.add(admission.lane, admission);
  }

  /** Nothing is waited for with this one any more. */
  end(admission: Admission): void {
    this.#deadlines[admission.type].delete(admission);
    this.#waiting.delete(admission.lane, admission);
  }

  /** For a question to which the answer comes later. */
  takePlace(lane: string): Place {
    const place = { lane };
    this.#places.add(place);
    this.#taken.set(lane, (this.#taken.get(lane) ?? 0) + 1);
    return place;
  }

  returnPlace(place: Place): void {
    if (this.#places.delete(place)) this.#freed(place);
  }

  /** The sessions have ended. */
  close(): void {
    this.#deadlines.nats.clear();
    this.#deadlines.websocket.clear();
    this.#places.clear();
  }

  #times(): Readonly<Record<PeerFacts['type'], number>> {
    const { authTimeoutMs: nats = AUTH_TIMEOUT_MS, websocketAuthTimeoutMs } = this.#entrance;
    return { nats, websocket: websocketAuthTimeoutMs ?? nats };
  }

  #mayTake(lane: string): boolean {
    const free = this.#options.max - this.#places.size;
    return free > 0 && (this.#taken.get(lane) ?? 0) <= free;
  }

  #freed({ lane }: Place): void {
    const count = (this.#taken.get(lane) ?? 0) - 1;
    if (count > 0) this.#taken.set(lane, count);
    else this.#taken.delete(lane);
    // For whoever waits. Not now: whoever has returned it may stand in the middle of a turn.
    if (this.#isTurning || this.#waiting.size === 0) return;
    const { defer, slices } = this.#options;
    this.#isTurning = true;
    defer(() => slices.run(() => this.#admit()));
  }

  /** An answer at once takes no place, so the next one may have it. */
  #admit(): void {
    const next = this.#waiting.take((lane) => this.#mayTake(lane));
    this.#isTurning = next !== undefined;
    if (next === undefined) return;
    try {
      next.proceed();
    } finally {
      // Also when a log or a handler of the program has thrown: the others still wait.
      this.#options.slices.run(() => this.#admit());
    }
  }
}
