// A core that begins with the program part and becomes whole at some moment does what one does that has
// been whole all the time: the same handles, records, choices and bytes to peers.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  type Core,
  createCore,
  OP_SUB,
  peersOf,
  RECORD_DELIVERY,
  STATUS_OP,
  type SubHandle,
  wholeWasm,
} from '../../src/core/index.ts';
import { openSession, sentTo } from '../support/core-sessions.ts';
import { filter, queue, subject } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const account = fc.integer({ min: 0, max: 1 });
const which = fc.nat();
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('subscribe' as const), account, filter, queue }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('max' as const),
      which,
      max: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      account,
      subject,
      isLocal: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resolve' as const), account, subject }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const payload = new Uint8Array(20);

/** A core with two accounts, and all that it answers. */
class Player {
  readonly core: Core;
  readonly log: unknown[] = [];
  readonly #accounts: number[];
  readonly #subs: SubHandle[] = [];

  constructor(core: Core) {
    this.core = core;
    this.#accounts = [core.accounts.create(), core.accounts.create()];
  }

  play(one: Step): void {
    const { core, log } = this;
    const owner = this.#accounts['account' in one ? one.account : 1] as number;
    switch (one.kind) {
      case 'subscribe':
        this.#subs.push(
          core.subscribe(owner, one.filter, one.queue || undefined, this.#subs.length),
        );
        log.push(this.#subs.at(-1));
        break;
      case 'unsubscribe':
        log.push(core.unsubscribe(this.#sub(one.which)));
        break;
      case 'max':
        log.push(core.setMax(this.#sub(one.which), one.max));
        break;
      case 'publish':
        log.push(core.publish(owner, { to: one.subject, payload, localOnly: one.isLocal }));
        this.#records();
        break;
      case 'resolve':
        log.push(core.resolve(owner, one.subject).plain(), core.hasInterest(owner, one.subject));
        break;
      case 'end':
        core.turnEnd();
        log.push(core.live());
        break;
      case 'renew':
        if (!core.accounts.close(owner)) break;
        this.#accounts[1] = core.accounts.create();
        log.push(this.#accounts[1]);
    }
  }

  /** Peers on what the program has left behind. */
  meet(subjects: readonly string[]): void {
    const { core, log } = this;
    const [owner = 0] = this.#accounts;
    const peers = [openSession(core, owner), openSession(core, owner)] as const;
    const { sessions } = peersOf(core);
    const lines = subjects.map((text, sid) => `SUB ${text} ${sid}\r\nPUB ${text} 2\r\nhi\r\n`);
    const bytes = Buffer.from(lines.join(''), 'latin1');
    core.writeBytes(core.inbox.ptr, bytes);
    for (let at = 0; at < bytes.length; at += core.op.consumed) {
      const status = sessions.ingest(peers[0], core.inbox.ptr + at, bytes.length - at);
      log.push(status);
      this.#records();
      if (status === STATUS_OP && core.op.verb === OP_SUB) log.push(sessions.subscribe(peers[0]));
      else if (status < 0) break;
    }
    for (const peer of peers) log.push(sentTo(core, peer), sessions.traffic(peer));
    log.push(core.accounts.counts(owner), core.live());
  }

  #sub(index: number): SubHandle {
    return this.#subs[index % this.#subs.length] ?? 0;
  }

  #records(): void {
    const { core, log } = this;
    for (let index = 0; index < core.recordCount; index++) {
      const { type, target, flags } = core.record(index);
      if (type === RECORD_DELIVERY) log.push([target, flags]);
    }
    core.clearRecords();
  }
}

function isUnseen(steps: readonly Step[], at: number, subjects: readonly string[]): boolean {
  const seed = [steps.length, 3] as const;
  const always = new Player(createCore({ wasm: wholeWasm(), seed }));
  const later = new Player(createCore({ seed }));
  for (const [index, one] of steps.entries()) {
    if (index === at) peersOf(later.core);
    for (const player of [always, later]) player.play(one);
  }
  for (const player of [always, later]) player.meet(subjects);
  return JSON.stringify(always.log) === JSON.stringify(later.log);
}

describe('a core that becomes whole', () => {
  it('does what one does that has always been', () => {
    const steps = fc.array(step, { minLength: 1, maxLength: 80 });
    check(200, fc.property(steps, fc.nat(80), fc.array(subject, { maxLength: 6 }), isUnseen));
  });
});
