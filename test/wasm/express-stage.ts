// One play on two cores: what peers, the program and transports do in turn, step by step, and all that can be
// seen of it. The test build plays it with the express lane or without.

import * as abi from '../../assembly/abi.ts';
import { type Build, CoreDriver } from './core-driver.ts';

export interface PlayPeer {
  /** Echo and headers unless given. */
  readonly flags?: number;
  readonly payloadMax?: number;
  readonly lineMax?: number;
  readonly pendingMax?: number;
  /** What it says first: `SUB` lines. */
  readonly says?: string;
}

/** Peers and subscriptions of the program go by their index. */
export type Step =
  | { readonly kind: 'read'; readonly peer: number; readonly chunks: readonly string[] }
  | { readonly kind: 'flush' }
  /** A write begins, or ends. */
  | { readonly kind: 'take'; readonly peer: number }
  | { readonly kind: 'release'; readonly peer: number }
  | { readonly kind: 'close'; readonly peer: number }
  | { readonly kind: 'flags'; readonly peer: number; readonly flags: number }
  | { readonly kind: 'limits'; readonly peer: number; readonly limits: readonly number[] }
  | { readonly kind: 'account'; readonly peer: number }
  | {
      readonly kind: 'open';
      readonly filter: string;
      readonly queue: string;
      readonly isRaw?: boolean;
    }
  | { readonly kind: 'shut'; readonly sub: number }
  | { readonly kind: 'max'; readonly sub: number; readonly max: number }
  | { readonly kind: 'publish'; readonly subject: string; readonly payload: string }
  | { readonly kind: 'cache'; readonly on: boolean }
  | { readonly kind: 'deliveries'; readonly peer: number; readonly count: number };

export interface Play {
  readonly peers: readonly PlayPeer[];
  readonly steps: readonly Step[];
  readonly seed?: number;
  readonly poolMax?: number;
  /** Room for records, 0 = as it is. */
  readonly records?: number;
}

/** What can be seen of a play; text is latin1. */
export interface Outcome {
  /** Answers to reads. */
  readonly answers: readonly string[];
  readonly sent: readonly string[];
  readonly records: readonly string[];
  readonly sessions: readonly (readonly number[])[];
  readonly totals: readonly number[];
}

/** Flags of a peer that has said nothing out of the ordinary. */
export const NORMAL: number = abi.SESSION_AUTHENTICATED | abi.SESSION_ECHO | abi.SESSION_HEADERS;
const WORDS = [
  abi.SESSION_FLAGS,
  abi.SESSION_PARSE_STATE,
  abi.SESSION_SUBS_COUNT,
  abi.SESSION_PENDING,
  abi.SESSION_OUT_CLASS,
];
const TOTALS = [
  abi.ACCOUNT_IN_MSGS,
  abi.ACCOUNT_IN_BYTES,
  abi.ACCOUNT_OUT_MSGS,
  abi.ACCOUNT_OUT_BYTES,
];
const COUNTERS = [
  abi.SESSION_IN_MSGS,
  abi.SESSION_IN_BYTES,
  abi.SESSION_OUT_MSGS,
  abi.SESSION_OUT_BYTES,
];

class Stage extends CoreDriver {
  readonly answers: string[] = [];
  readonly sessions: number[] = [];
  #isGoingOn = false;
  #consumed = 0;
  #pressure = 0;
  #backlog = 0;

  // A read that stops because the result region is full is one answer with what follows: the long way stops
  // there also for a message that leaves no record.
  override call(name: string, ...args: number[]): number {
    const status = super.call(name, ...args);
    if (name !== 'ingest') return status;
    const op = super.call('regionPtr', abi.REGION_OP) >>> 0;
    const [consumed, need] = [this.word(op + abi.OP_CONSUMED), this.word(op + abi.OP_NEED)];
    if (!this.#isGoingOn) this.#consumed = this.#pressure = this.#backlog = 0;
    this.#consumed += consumed;
    this.#pressure |= this.word(op + abi.OP_PRESSURE);
    this.#backlog = Math.max(this.#backlog, this.word(op + abi.OP_BACKLOG));
    this.#isGoingOn = status === abi.STATUS_AGAIN_RESULT;
    if (this.#isGoingOn) return status;
    const verb = status === abi.STATUS_OP ? this.word(op + abi.OP_VERB) : 0;
    const answer = [status, this.#consumed, need, verb, this.#pressure, this.#backlog];
    this.answers.push(answer.join(' '));
    return status;
  }

  override flush(): void {
    for (const session of this.sessions) this.release(session);
    super.flush();
  }

  float(ptr: number): number {
    const { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset + ptr).getFloat64(0, true);
  }

  /** Numbers of a session's record, and what its subscriptions have been delivered; of a closed one none. */
  numbers(session: number): number[] {
    const ptr = this.#recordOf(session);
    if (ptr === 0) return [];
    const found = WORDS.map((field) => this.word(ptr + field));
    found.push(...COUNTERS.map((field) => this.float(ptr + field)));
    for (const sub of this.#subs(ptr)) found.push(this.word(sub + abi.SUB_DELIVERED));
    return found;
  }

  /** As if each of its subscriptions had been delivered so many. */
  setDelivered(session: number, count: number): void {
    const { buffer, byteOffset } = this.bytes;
    for (const sub of this.#subs(this.#recordOf(session))) {
      new DataView(buffer, byteOffset + sub).setUint32(abi.SUB_DELIVERED, count, true);
    }
  }

  // What is left of a closed one is not looked at.
  #recordOf(session: number): number {
    return this.isClosed(session) ? 0 : this.call('sessionPtr', session) >>> 0;
  }

  #subs(record: number): number[] {
    const found: number[] = [];
    let sub = record === 0 ? 0 : this.word(record + abi.SESSION_SUBS_HEAD);
    for (; sub !== 0; sub = this.word(sub + abi.SUB_SESSION_NEXT)) found.push(sub);
    return found;
  }

  /** Publishes as the program, with nothing but a payload. */
  publish(account: number, subject: string, payload: string): void {
    const [to = 0, toLen = 0, body = 0, bodyLen = 0] = this.scratch(subject, payload);
    const record = this.publishRecord(to, toLen, to, toLen, to, 0, body, bodyLen, 0, 0);
    let status = this.call('publish', account, record);
    for (; ; status = this.call('publishResume', 0)) {
      this.drain();
      if (status === abi.STATUS_AGAIN_POOL) this.flush();
      else if (status !== abi.STATUS_AGAIN_RESULT) break;
    }
    this.answers.push(`published ${status} ${this.call('routeReached')}`);
  }
}

function step(core: Stage, accounts: readonly number[], locals: number[], one: Step): void {
  const [account = 0, other = 0] = accounts;
  if (one.kind === 'flush') core.flush();
  else if (one.kind === 'cache') core.call('cacheEnable', one.on ? 1 : 0);
  else if (one.kind === 'publish') core.publish(account, one.subject, one.payload);
  else if (one.kind === 'open') {
    const words = core.scratch(one.filter, one.queue);
    locals.push(core.call('subscriptionOpen', account, ...words, one.isRaw ? 1 : 0));
  } else if (one.kind === 'shut') core.call('subscriptionShut', locals[one.sub] ?? 0);
  else if (one.kind === 'max') core.call('subscriptionSetMax', locals[one.sub] ?? 0, one.max);
  else {
    const session = core.sessions[one.peer] ?? 0;
    if (core.isClosed(session)) return;
    if (one.kind === 'read') {
      for (const chunk of one.chunks) core.feed(session, Buffer.from(chunk, 'latin1'));
    } else if (one.kind === 'take') core.takeFlight(session);
    else if (one.kind === 'release') core.release(session);
    else if (one.kind === 'close') core.closeSession(session);
    else if (one.kind === 'flags') core.call('sessionSetFlags', session, one.flags);
    else if (one.kind === 'limits') core.call('sessionSetLimits', session, ...one.limits);
    else if (one.kind === 'account') {
      core.call('sessionShed', session, 0);
      core.call('sessionMove', session, other);
    } else core.setDelivered(session, one.count);
  }
}

/**
 * Plays it to the end.
 *
 * @param hasLane false: every message takes the long way; of the test build alone
 */
export function play(build: Build, hasLane: boolean, { peers, steps, ...how }: Play): Outcome {
  const core = new Stage(build, {
    seed: [how.seed ?? 5, 6],
    poolMax: how.poolMax ?? 64 << 20,
    keepsRecords: true,
  });
  if (!hasLane) core.call('expressEnable', 0);
  if (how.records !== undefined && how.records > 0) core.call('recordsSetLimit', how.records);
  const accounts = [core.call('accountOpen'), core.call('accountOpen')];
  for (const { flags, payloadMax, lineMax, pendingMax, says } of peers) {
    const session = core.openSession(accounts[0] ?? 0, flags ?? NORMAL);
    core.sessions.push(session);
    if (says !== undefined) core.feed(session, Buffer.from(says, 'latin1'));
    const limits = [payloadMax ?? 1 << 20, lineMax ?? 4096, pendingMax ?? 64 << 20];
    core.call('sessionSetLimits', session, ...limits);
  }
  const locals: number[] = [];
  for (const one of steps) step(core, accounts, locals, one);
  const sessions = core.sessions.map((session) => core.numbers(session));
  const sent = core.sessions.map((session) => core.takeSent(session).toString('latin1'));
  const totals = TOTALS.map((which) => core.call('counter', which));
  for (const sub of locals) core.call('subscriptionShut', sub);
  core.closeAll();
  for (const [what, count] of Object.entries(core.liveCounts())) {
    if (count !== 0) throw new Error(`${count} ${what} live on`);
  }
  return { answers: core.answers, sent, records: core.takeRecords(), sessions, totals };
}
