// How one session comes in. Nothing is allowed before CONNECT, which has to come in time; then whoever decides is
// asked, and may take a while, too. Meanwhile the session is `authenticating`: nothing of it is read. When another door
// is put up, everybody is decided anew; who was let in goes on meanwhile.
//
//   opened ──first byte is not C──────────────────────► Authorization Violation
//     ├──no CONNECT in time───────────────────────────► Authentication Timeout
//     └──CONNECT──► asked ──verdict at once───────────► let in, or Authorization Violation
//           ▲         └──later──► authenticating ──┬──► the same
//           └─────another one────────────── let in ┘└─no verdict in time─► Authorization Violation
//
// A verdict that comes after its time, or after the end, is dropped.
import type { PeerFacts } from '../net/transport.ts';
import type { Timer } from '../shared/clock.ts';
import { laneOf } from '../shared/fair-queue.ts';
import type { Authentication, Verdict } from './authentication.ts';
import type { ConnectOptions } from './connect.ts';

/** The session that wants in. */
export interface Guest {
  /** What its last CONNECT said. */
  readonly options: ConnectOptions;
  /** There was no CONNECT in time. */
  late(): void;
  /** The verdict that was waited for. */
  decided(isAdmitted: boolean): void;
  /** It was let in until now. */
  expired(): void;
  /** The one who decides has failed. */
  logError(text: string): void;
}

/** The question that is open before the first CONNECT. */
const FOR_CONNECT = 0;

const ADMITTED: Verdict = { isAdmitted: true };
const REFUSED: Verdict = { isAdmitted: false };

export class Admission {
  /** Whose turn it is among those who wait goes by this. */
  readonly lane: string;
  readonly #shared: Authentication;
  readonly #guest: Guest;
  readonly #peer: PeerFacts;
  /** Which one is open, an answer to another is none: at first whether CONNECT comes, then each CONNECT's own. */
  #question = FOR_CONNECT;
  #isTimed = false;
  /** When it has to go again. */
  #expiry: Timer | undefined;
  #isIn: boolean;
  #user: string | undefined;
  #abort: AbortController | undefined;

  constructor(shared: Authentication, guest: Guest, peer: PeerFacts) {
    this.#shared = shared;
    this.#guest = guest;
    this.#peer = peer;
    this.lane = laneOf(peer.address);
    this.#isIn = !this.isAsked;
  }

  get question(): number {
    return this.#question;
  }

  get type(): PeerFacts['type'] {
    return this.#peer.type;
  }

  /** It may do what it likes. */
  get isIn(): boolean {
    return this.#isIn;
  }

  /** Whom it was let in as, where that is known. */
  get user(): string | undefined {
    return this.#user;
  }

  /** It has to say CONNECT before anything else. */
  get isAsked(): boolean {
    return this.#shared.asked(this.type) !== 'nobody';
  }

  /** It may say something else. */
  get mayBeUnnamed(): boolean {
    return this.#shared.asked(this.type) !== 'everybody';
  }

  /** The time for CONNECT begins. */
  open(): void {
    // INFO may have been too much for it.
    if (this.#question === FOR_CONNECT && this.isAsked) this.#shared.begin(this);
  }

  /** CONNECT has come, or something else, of one that may be unnamed. Undefined: the guest will be told. */
  ask(isUnnamed = false): boolean | undefined {
    this.#isIn = false;
    this.#user = undefined;
    this.#expiry?.cancel();
    return this.#decide(true, isUnnamed);
  }

  /**
   * There is another door. As `ask`, but who is in stays in meanwhile, and the time is counted only when it is asked
   * about, as that is none of its doing.
   */
  review(): boolean | undefined {
    return this.#decide(false);
  }

  /** There is a place now. */
  proceed(): void {
    const question = this.#question;
    const verdict = this.#consult(question);
    if (verdict !== undefined) this.#answered(question, verdict);
    else if (!this.#isTimed) this.#shared.begin(this);
  }

  /** The time of CONNECT, or of the verdict, is over, unless that has come meanwhile. */
  expired(question: number): void {
    if (question !== FOR_CONNECT) this.#answered(question, REFUSED);
    else if (question === this.#question) this.#guest.late();
  }

  /** The session has ended. */
  close(): void {
    this.#drop();
    this.#expiry?.cancel();
  }

  /** No answer to the question at hand counts any more. */
  #drop(): void {
    this.#question += 1;
    this.#shared.end(this);
    const abort = this.#abort;
    this.#abort = undefined;
    abort?.abort();
  }

  /** @param isUnnamed whoever decides knows at once, and so it needs no place */
  #decide(isTimed: boolean, isUnnamed = false): boolean | undefined {
    this.#drop();
    if (!this.isAsked) return this.#settle(ADMITTED);
    this.#isTimed = isTimed;
    if (!isUnnamed && !this.#shared.hasPlace(this.lane)) {
      this.#shared.wait(this);
      if (isTimed) this.#shared.begin(this);
      return undefined;
    }
    const verdict = this.#consult(this.#question);
    if (verdict !== undefined) return this.#settle(verdict);
    this.#shared.begin(this);
    return undefined;
  }

  #settle({ isAdmitted, user, expiresAt }: Verdict): boolean {
    this.#isIn = isAdmitted === true;
    this.#expiry?.cancel();
    if (!this.#isIn) return false;
    this.#user = user;
    if (expiresAt !== undefined) {
      const { clock } = this.#shared;
      const expired = (): void => this.#guest.expired();
      this.#expiry = clock.setTimeout(expired, expiresAt - clock.now(), { unref: true });
    }
    return true;
  }

  #consult(question: number): Verdict | undefined {
    let answer: Verdict | PromiseLike<Verdict>;
    try {
      const signal = (): AbortSignal => this.#signal(question);
      answer = this.#shared.ask(this.#guest.options, this.#peer, signal);
      // It is waited for in any case: nobody else would take its rejection.
      if (isPromise(answer)) void this.#await(answer, question);
    } catch (error) {
      this.#failed(error);
      return REFUSED;
    }
    // The session may have ended by what was done.
    if (question !== this.#question) return REFUSED;
    if (isPromise(answer)) return undefined;
    this.#abort = undefined;
    return answer;
  }

  async #await(answer: PromiseLike<Verdict>, question: number): Promise<void> {
    const place = this.#shared.takePlace(this.lane);
    let verdict = REFUSED;
    try {
      const { isAdmitted, ...others } = await answer;
      verdict = { isAdmitted, ...others };
    } catch (error) {
      if (question === this.#question) this.#failed(error);
    }
    this.#shared.returnPlace(place);
    if (question === this.#question) this.#abort = undefined;
    this.#answered(question, verdict);
  }

  /** Aborted at once when the question is open no more. */
  #signal(question: number): AbortSignal {
    if (question !== this.#question) return AbortSignal.abort();
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  #answered(question: number, verdict: Verdict): void {
    if (question !== this.#question) return;
    this.#drop();
    this.#guest.decided(this.#settle(verdict));
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#guest.logError(`authentication failed: ${text}`);
  }
}

function isPromise(answer: Verdict | PromiseLike<Verdict>): answer is PromiseLike<Verdict> {
  return 'then' in answer;
}
