// Who may come in, where that is asked. Nothing is allowed before CONNECT, which has to come in time; then whoever
// decides is asked, and may take a while, too. Meanwhile the session is `authenticating`: nothing of it is read.
//
//   opened ──first byte is not C──────────────────────► Authorization Violation
//     ├──no CONNECT in time───────────────────────────► Authentication Timeout
//     └──CONNECT──► asked ──verdict at once───────────► let in, or Authorization Violation
//           ▲         └──later──► authenticating ──┬──► the same
//           └─────another one────────────── let in ┘└─no verdict in time─► Authorization Violation
//
// A verdict that comes after its time, or after the end, is dropped. Played against nats-server 2.15.3, `--user a
// --pass b`; source of the rest: server/parser.go, client.go (processConnect), auth_callout.go (the second timeout).
import type { PeerFacts } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from '../shared/deadline-queue.ts';
import type { ConnectOptions } from './connect.ts';

/** What was decided about a CONNECT. */
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
  /** There was no CONNECT in time. */
  late(): void;
  /** The verdict that was waited for. */
  decided(isAdmitted: boolean): void;
  /** The one who decides has failed. */
  logError(text: string): void;
}

/** What the sessions share. */
export class Authentication {
  readonly authenticate: Authenticate;
  /** For CONNECT to come, and for the verdict: both have the same time. */
  readonly deadlines: DeadlineQueue<Admission>;

  constructor(authenticate: Authenticate, timeoutMs: number, clock: Clock) {
    this.authenticate = authenticate;
    this.deadlines = new DeadlineQueue(clock, timeoutMs, (admission) => admission.expired());
  }

  close(): void {
    this.deadlines.clear();
  }
}

/** How one session comes in. */
export class Admission {
  readonly #shared: Authentication;
  readonly #guest: Guest;
  readonly #peer: PeerFacts;
  #isWaiting = false;
  /** Which answer is the one to the last question. */
  #question = 0;

  constructor(shared: Authentication, guest: Guest, peer: PeerFacts) {
    this.#shared = shared;
    this.#guest = guest;
    this.#peer = peer;
  }

  /** The time for CONNECT begins. */
  open(): void {
    this.#shared.deadlines.add(this);
  }

  /** CONNECT has come. Undefined: the guest will be told. */
  ask(options: ConnectOptions): boolean | undefined {
    this.#shared.deadlines.delete(this);
    this.#question += 1;
    const question = this.#question;
    let answer: boolean | PromiseLike<Verdict>;
    try {
      const said = this.#shared.authenticate(options, this.#peer);
      answer = isPromise(said) ? said : said.isAdmitted;
    } catch (error) {
      this.#failed(error);
      return false;
    }
    // The session may have ended by what was done.
    if (question !== this.#question) return false;
    if (typeof answer === 'boolean') return answer;
    this.#isWaiting = true;
    this.#shared.deadlines.add(this);
    void this.#await(answer, question);
    return undefined;
  }

  /** The time of CONNECT, or of the verdict, is over. */
  expired(): void {
    if (this.#isWaiting) this.#answered(this.#question, false);
    else this.#guest.late();
  }

  /** The session has ended: no answer counts any more. */
  close(): void {
    this.#question += 1;
    this.#isWaiting = false;
    this.#shared.deadlines.delete(this);
  }

  async #await(answer: PromiseLike<Verdict>, question: number): Promise<void> {
    let isAdmitted = false;
    try {
      ({ isAdmitted } = await answer);
    } catch (error) {
      if (question === this.#question) this.#failed(error);
    }
    this.#answered(question, isAdmitted);
  }

  #answered(question: number, isAdmitted: boolean): void {
    if (question !== this.#question || !this.#isWaiting) return;
    this.#isWaiting = false;
    this.#shared.deadlines.delete(this);
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
