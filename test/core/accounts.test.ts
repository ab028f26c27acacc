// Accounts of the core: they begin and end, their records are used again, and nothing of one is found in another.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type AccountHandle,
  type Core,
  createCore,
  OP_SUB,
  peersOf,
  type SessionHandle,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { exportsOf } from '../support/core-exports.ts';
import { openSession, sentTo } from '../support/core-sessions.ts';

/** Lives of one record after which its handles begin anew. */
const HANDLE_LIVES = 512;

function feed(core: Core, session: SessionHandle, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  core.writeBytes(core.inbox.ptr, bytes);
  for (let at = 0; at < bytes.length; ) {
    const status = peersOf(core).sessions.ingest(session, core.inbox.ptr + at, bytes.length - at);
    at += core.op.consumed;
    if (status === STATUS_OP && core.op.verb === OP_SUB) peersOf(core).sessions.subscribe(session);
  }
}

function end(core: Core, session: SessionHandle): void {
  peersOf(core).sessions.close(session);
  peersOf(core).outbound.take();
  core.turnEnd();
}

describe.each(['debug', 'release'])('accounts of the core (%s)', (build) => {
  const wasm = new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));

  it('a record that is used again is hit by nothing that was cached for the account before', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const first = core.accounts.create();
    const old = core.subscribe(first, 'x');
    for (let i = 0; i < 3; i++) expect(core.resolve(first, 'x').only).toBe(old);
    core.unsubscribe(old);
    core.turnEnd();
    expect(core.accounts.close(first)).toBe(true);
    const second = core.accounts.create();
    expect(second & 0x3fffff).toBe(first & 0x3fffff);
    // As many changes as the first account had when its route was found; and the subscription's record again.
    const other = core.subscribe(second, 'y');
    expect(core.resolve(second, 'x').isEmpty).toBe(true);
    expect(core.resolve(second, 'y').only).toBe(other);
  });

  it('no generation comes twice, whosever it is', () => {
    const core = createCore({ wasm });
    const seen = new Set<number>();
    const note = (account: AccountHandle): void => {
      const generation = core.accounts.generation(account);
      expect(seen).not.toContain(generation);
      seen.add(generation);
    };
    for (let life = 0; life < 20; life++) {
      const pair = [core.accounts.create(), core.accounts.create()];
      for (const account of pair) {
        note(account);
        const sub = core.subscribe(account, 'a.*');
        note(account);
        core.unsubscribe(sub);
        note(account);
      }
      core.turnEnd();
      for (const account of pair) core.accounts.close(account);
    }
  });

  it('is found by its handle no more once it is closed, nor by another one of its record', () => {
    const core = createCore({ wasm });
    const first = core.accounts.create();
    expect(core.accounts.close(first)).toBe(true);
    const second = core.accounts.create();
    expect(second).not.toBe(first);
    expect(core.hasInterest(first, 'a')).toBe(false);
    expect(core.accounts.has(first)).toBe(false);
    expect(core.accounts.close(first)).toBe(false);
    expect(() => core.subscribe(first, 'a')).toThrow(
      expect.objectContaining({ name: 'CapacityError' }),
    );
    expect(peersOf(core).sessions.open(first)).toBe(0);
    expect(() => core.accounts.generation(first)).toThrow('the account is closed');
    expect(core.accounts.has(second)).toBe(true);
  });

  it('a handle that comes again after all of its generations finds nothing old', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const first = core.accounts.create();
    const old = core.subscribe(first, 'x');
    for (let i = 0; i < 3; i++) core.resolve(first, 'x');
    core.unsubscribe(old);
    core.turnEnd();
    core.accounts.close(first);
    let again = core.accounts.create();
    for (let life = 1; life < HANDLE_LIVES; life++) {
      core.accounts.close(again);
      again = core.accounts.create();
    }
    expect(again).toBe(first);
    expect(core.resolve(again, 'x').isEmpty).toBe(true);
    expect(core.accounts.generation(again)).toBeGreaterThan(HANDLE_LIVES);
  });

  it('is not closed while somebody is in it, and gives everything back afterwards', () => {
    const core = createCore({ wasm });
    const before = core.live();
    const account = core.accounts.create();
    const sub = core.subscribe(account, 'a.*.c', 'q');
    const session = openSession(core, account);
    feed(core, session, 'SUB a.> 1\r\nSUB b 2\r\nPUB b 2\r\nhi\r\n');
    expect(core.accounts.close(account)).toBe(false);
    core.unsubscribe(sub);
    expect(core.accounts.close(account)).toBe(false);
    sentTo(core, session);
    end(core, session);
    expect(core.accounts.close(account)).toBe(true);
    expect(core.live()).toMatchObject({ accounts: before.accounts, nodes: before.nodes });
    expect(core.live()).toMatchObject({ subscriptions: 0, sessions: 0, groups: 0, quarantine: 0 });
  });

  it('is not closed while a message is on its way in it, though its last recipient has gone', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    exportsOf(core).recordsSetLimit(8);
    const subs = Array.from({ length: 3 }, () => core.subscribe(account, 'x'));
    const session = openSession(core, account);
    feed(core, session, 'SUB x 1\r\n');
    expect(core.publish(account, { to: 'x', payload: Buffer.from('hi') })).toBe(
      STATUS_AGAIN_RESULT,
    );
    for (const sub of subs) core.unsubscribe(sub);
    peersOf(core).sessions.close(session);
    expect(core.accounts.close(account)).toBe(false);
    expect(core.resume()).toBe(STATUS_OK);
    while (peersOf(core).outbound.take() !== undefined);
    core.turnEnd();
    expect(core.accounts.close(account)).toBe(true);
  });

  it('a session that has ended moves to no other', () => {
    const core = createCore({ wasm });
    const [a, b] = [core.accounts.create(), core.accounts.create()];
    const session = openSession(core, a);
    feed(core, session, 'PUB x 2\r\nhi\r\n');
    peersOf(core).sessions.close(session);
    expect(peersOf(core).sessions.move(session, b)).toBe(false);
    expect(core.accounts.counts(a).connections).toBe(0);
    expect(core.accounts.counts(b).connections).toBe(0);
    peersOf(core).outbound.take();
    core.turnEnd();
    expect([core.accounts.close(a), core.accounts.close(b)]).toEqual([true, true]);
  });

  it('a subject that is hot in thousands of accounts is cached in all of them', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const accounts = Array.from({ length: 4000 }, () => core.accounts.create());
    for (const account of accounts) core.subscribe(account, 'svc');
    let hits = 0;
    for (let round = 0; round < 3; round++) {
      hits = accounts.filter((account) => core.resolve(account, 'svc').hits > 0).length;
    }
    expect(hits).toBeGreaterThan(3900);
  });

  it('one after the other needs no more memory than one', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const live = (): void => {
      const account = core.accounts.create();
      const subs = ['a', 'a.*', '>'].map((filter) => core.subscribe(account, filter));
      for (const subject of ['a', 'b.c']) core.resolve(account, subject);
      for (const sub of subs) core.unsubscribe(sub);
      core.turnEnd();
      core.accounts.close(account);
    };
    for (let i = 0; i < 100; i++) live();
    const { heapBytes } = core.live();
    for (let i = 0; i < 2000; i++) live();
    expect(core.live().heapBytes - heapBytes).toBeLessThan(1024);
  });

  it('counts what its peers send and get, on the express lane and beside it', () => {
    const core = createCore({ wasm });
    const a = core.accounts.create();
    const b = core.accounts.create();
    const inA = openSession(core, a);
    const inB = openSession(core, b);
    feed(core, inA, 'SUB x 1\r\nSUB y 2\r\nUNSUB 2 1\r\n');
    feed(core, inB, 'SUB x 1\r\n');
    // A member with a max takes the long way.
    feed(core, inA, 'PUB x 3\r\nabc\r\nPUB y 2\r\nhi\r\nPUB nobody 1\r\n.\r\n');
    core.publish(b, { to: 'x', payload: Buffer.from('from the program') });
    const none = { connections: 1, slowConsumers: 0 };
    expect(core.accounts.counts(a)).toEqual({
      ...none,
      ...{ subscriptions: 1, inMsgs: 3, inBytes: 6, outMsgs: 2, outBytes: 5 },
    });
    expect(core.accounts.counts(b)).toEqual({
      ...none,
      ...{ subscriptions: 1, inMsgs: 0, inBytes: 0, outMsgs: 1, outBytes: 16 },
    });
    const all = { inMsgs: 3, inBytes: 6, outMsgs: 3, outBytes: 21 };
    expect(core.accounts.traffic()).toEqual(all);
    sentTo(core, inA);
    end(core, inA);
    expect(core.accounts.close(a)).toBe(true);
    expect(core.accounts.traffic()).toEqual(all);
  });

  it('is entered and left by a session, whose subscriptions stay behind', () => {
    const core = createCore({ wasm });
    const a = core.accounts.create();
    const b = core.accounts.create();
    const session = openSession(core, a);
    feed(core, session, 'SUB x 1\r\n');
    expect(peersOf(core).sessions.move(session, b)).toBe(false);
    peersOf(core).sessions.shed(session);
    expect(peersOf(core).sessions.move(session, b)).toBe(true);
    expect(core.accounts.counts(a)).toMatchObject({ connections: 0, subscriptions: 0 });
    expect(core.accounts.counts(b)).toMatchObject({ connections: 1, subscriptions: 0 });
    feed(core, session, 'SUB x 1\r\n');
    core.publish(a, { to: 'x', payload: Buffer.from('for nobody') });
    core.publish(b, { to: 'x', payload: Buffer.from('hi') });
    expect(sentTo(core, session)).toBe('MSG x 1 2\r\nhi\r\n');
    core.turnEnd();
    expect(core.accounts.close(a)).toBe(true);
  });
});
