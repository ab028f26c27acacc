// Who may come in, where that is asked. Nothing is allowed before CONNECT, which has to come in time; then whoever
// decides is asked, and may take a while, too. Meanwhile the session is `authenticating`: nothing of it is read.
//
//   opened ──first byte is not C──────────────────────► Authorization Violation
//     ├──no CONNECT in time───────────────────────────► Authentication Timeout
//     └──CONNECT──► asked ──verdict at once───────────► let in, or Authorization Violation
//           ▲         └──later──► authenticating ──┬──► the same
//           └─────another one────────────── let in ┘└─no verdict in time─► Authorization Violation
//
// A verdict that comes after its time, or after the end, is dropped. How many are asked about at once is bounded:
// whoever comes when that many are waits, `authenticating` as well, until it is his turn. The place of one is free
// when the verdict is there, or its time is over, and not when the peer goes: the work for him goes on.
//
// Played against nats-server 2.15.3, `--user a --pass b`; source of the rest: server/parser.go, client.go
// (processConnect), auth_callout.go (the second timeout).
import type { Turn } from '../bus/turn.ts';
import type { PeerFacts } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from '../shared/deadline-queue.ts';
import type { Slices } from '../shared/slices.ts';
import type { ConnectOptions } from './connect.ts';

/** What was decided about a CONNECT: nothing but `true` lets in. */
export interface Verdict {
  readonly isAdmitted: boolean;
}

/**
 * Decides whether a peer may come in. Called within a turn: what it publishes is delivered after the read at
 * hand. An error or rejection is a refusal, and is logged.
 */
export type Authenticate = (
  options: ConnectOptions,
  peer: PeerFacts,
) => Verdict | PromiseLike<Verdict>;

/** The session that wants in. */
export interface Guest {
  /** What its last CONNECT said. */
  readonly options: ConnectOptions;
  /** There was no CONNECT in time. */
  late(): void;
  /** The verdict that was waited for. */
  decided(isAdmitted: boolean): void;
  /** The one who decides has failed. */
  logError(text: string): void;
}

interface AuthenticationOptions {
  readonly authenticate: Authenticate;
  readonly timeoutMs: number;
  /** Most CONNECTs that are asked about at once. */
  readonly max: number;
  readonly turn: Turn;
  readonly clock: Clock;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  /** What may be due for thousands at once is done by these. */
  readonly slices: Slices;
}

/** What the sessions share. */
export class Authentication {
  readonly #options: AuthenticationOptions;
  /** For CONNECT to come, and for the verdict: both have the same time. */
  readonly #deadlines: DeadlineQueue<Admission>;
  /** One for each that is asked about. */
  readonly #places: DeadlineQueue<object>;
  /** Those for whom there is no place, in the order in which they came. */
  readonly #waiting = new Set<Admission>();

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    const { clock, timeoutMs, slices } = options;
    this.#deadlines = new DeadlineQueue(clock, timeoutMs, (admission) => {
      const { question } = admission;
      slices.run(() => admission.expired(question));
    });
    this.#places = new DeadlineQueue(clock, timeoutMs, () => this.#next());
  }

  /** Whether somebody may be asked about now; else `wait`. */
  get hasPlace(): boolean {
    return this.#waiting.size === 0 && this.#places.size < this.#options.max;
  }

  /** Asks whoever decides: as in a handler, what he publishes waits until the read at hand has been routed. */
  ask(options: ConnectOptions, peer: PeerFacts): Verdict | PromiseLike<Verdict> {
    const { turn, authenticate } = this.#options;
    return turn.within(() => {
      turn.isDelivering = true;
      return authenticate(options, peer);
    });
  }

  /** The time of this one begins. */
  begin(admission: Admission): void {
    this.#deadlines.add(admission);
  }

  /** It is told to `proceed` when there is a place. */
  wait(admission: Admission): void {
    this.#waiting.add(admission);
  }

  /** Nothing is waited for with this one any more. */
  end(admission: Admission): void {
    this.#deadlines.delete(admission);
    this.#waiting.delete(admission);
  }

  /** For a question to which the answer comes later. */
  takePlace(): object {
    const place = {};
    this.#places.add(place);
    return place;
  }

  returnPlace(place: object): void {
    if (this.#places.delete(place)) this.#next();
  }

  /** The sessions have ended. */
  close(): void {
    this.#deadlines.clear();
    this.#places.clear();
  }

  /** There is a place, for whoever waits. Not now: whoever has returned it may stand in the middle of a turn. */
  #next(): void {
    const { defer, slices } = this.#options;
    defer(() => slices.run(() => this.#admit()));
  }

  /** An answer at once takes no place, so the next one may have it. */
  #admit(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#places.size >= this.#options.max) return;
    this.#waiting.delete(first);
    first.proceed();
    this.#options.slices.run(() => this.#admit());
  }
}

/** The question that is open before the first CONNECT. */
const FOR_CONNECT = 0;

/** How one session comes in. */
export class Admission {
  readonly #shared: Authentication;
  readonly #guest: Guest;
  readonly #peer: PeerFacts;
  /** Which one is open, an answer to another is none: at first whether CONNECT comes, then each CONNECT's own. */
  #question = FOR_CONNECT;

  constructor(shared: Authentication, guest: Guest, peer: PeerFacts) {
    this.#shared = shared;
    this.#guest = guest;
    this.#peer = peer;
  }

  get question(): number {
    return this.#question;
  }

  /** The time for CONNECT begins. */
  open(): void {
    // INFO may have been too much for it.
    if (this.#question === FOR_CONNECT) this.#shared.begin(this);
  }

  /** CONNECT has come. Undefined: the guest will be told. */
  ask(): boolean | undefined {
    this.close();
    let verdict: boolean | undefined;
    if (this.#shared.hasPlace) verdict = this.#consult(this.#question);
    else this.#shared.wait(this);
    if (verdict === undefined) this.#shared.begin(this);
    return verdict;
  }

  /** There is a place now. */
  proceed(): void {
    const question = this.#question;
    const verdict = this.#consult(question);
    if (verdict !== undefined) this.#answered(question, verdict);
  }

  /** The time of CONNECT, or of the verdict, is over, unless that has come meanwhile. */
  expired(question: number): void {
    if (question !== FOR_CONNECT) this.#answered(question, false);
    else if (question === this.#question) this.#guest.late();
  }

  /** No answer counts any more. */
  close(): void {
    this.#question += 1;
    this.#shared.end(this);
  }

  #consult(question: number): boolean | undefined {
    let answer: boolean | PromiseLike<Verdict>;
    try {
      const said = this.#shared.ask(this.#guest.options, this.#peer);
      answer = isPromise(said) ? said : said.isAdmitted === true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
    // It is waited for in any case: nobody else would take its rejection.
    if (typeof answer !== 'boolean') void this.#await(answer, question);
    // The session may have ended by what was done.
    if (question !== this.#question) return false;
    return typeof answer === 'boolean' ? answer : undefined;
  }

  async #await(answer: PromiseLike<Verdict>, question: number): Promise<void> {
    const place = this.#shared.takePlace();
    let isAdmitted = false;
    try {
      isAdmitted = (await answer).isAdmitted === true;
    } catch (error) {
      if (question === this.#question) this.#failed(error);
    }
    this.#shared.returnPlace(place);
    this.#answered(question, isAdmitted);
  }

  #answered(question: number, isAdmitted: boolean): void {
    if (question !== this.#question) return;
    this.close();
    this.#guest.decided(isAdmitted);
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#guest.logError(`authentication failed: ${text}`);
  }
}

function isPromise(answer: Verdict | PromiseLike<Verdict>): answer is PromiseLike<Verdict> {
  return 'then' in answer;
}
