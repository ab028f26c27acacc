// The core as its users see it: sessions fed with bytes, what comes out of their regions, records for the
// program's subscriptions, and counts that return to zero.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Core,
  createCore,
  OP_SUB,
  peersOf,
  RECORD_DELIVERY,
  RECORD_SHARED,
  RECORD_SHARED_END,
  RECORD_SLOW,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  type SessionHandle,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { exportsOf } from '../support/core-exports.ts';
import { LIMITS, openSession } from '../support/core-sessions.ts';

/** Feeds bytes, doing what SUB asks for. Answers the last status. */
function feed(core: Core, session: SessionHandle, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  core.writeBytes(core.inbox.ptr, bytes);
  let at = 0;
  for (;;) {
    const status = peersOf(core).sessions.ingest(session, core.inbox.ptr + at, bytes.length - at);
    at += core.op.consumed;
    if (status !== STATUS_OP) return status;
    if (core.op.verb === OP_SUB) expect(peersOf(core).sessions.subscribe(session)).toBe(STATUS_OK);
  }
}

/** Takes everything that is queued, as text by session. */
function takeAll(core: Core): Map<SessionHandle, string> {
  const out = new Map<SessionHandle, string>();
  for (
    let take = peersOf(core).outbound.take();
    take !== undefined;
    take = peersOf(core).outbound.take()
  ) {
    let text = out.get(take.session) ?? '';
    for (const { ptr, length, shared } of take.segments) {
      text += shared === 0 ? core.text(ptr, length) : `<shared ${shared}: ${length}>`;
    }
    out.set(take.session, text);
    peersOf(core).outbound.release(take.session);
    peersOf(core).outbound.settle(take.session, take.bytes);
  }
  return out;
}

describe.each(['debug', 'release'])('the core (%s)', (build) => {
  const wasm = new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));

  it('routes a publish to plain, wildcard and queue subscribers of other sessions', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const a = openSession(core, account);
    const b = openSession(core, account);
    feed(core, a, 'SUB foo.* 1\r\nSUB foo.> q 2\r\nSUB foo.bar q 3\r\n');
    feed(core, b, 'PUB foo.bar 5\r\nhello\r\nPUB foo.baz re.ply 2\r\nhi\r\nPING\r\n');
    const out = takeAll(core);
    expect(out.get(b)).toBe('PONG\r\n');
    const text = out.get(a) as string;
    expect(text).toContain('MSG foo.bar 1 5\r\nhello\r\n');
    expect(text).toMatch(/MSG foo\.bar [23] 5\r\nhello\r\n/);
    expect(text).toContain('MSG foo.baz 1 re.ply 2\r\nhi\r\n');
    expect(text.match(/MSG/g)).toHaveLength(4);
    for (const session of [a, b]) peersOf(core).sessions.close(session);
    core.turnEnd();
    expect(core.live()).toMatchObject({
      subscriptions: 0,
      sessions: 0,
      segments: 0,
      chunkBytes: 0,
    });
    expect(core.live()).toMatchObject({ nodes: 1, groups: 0, quarantine: 0 }); // The root stays.
    expect(exportsOf(core).memoryIntact()).toBe(1);
  });

  it('answers a request that nobody serves with the 503 and its subject', () => {
    const core = createCore({ wasm });
    const session = openSession(core, core.accounts.create());
    feed(core, session, 'SUB in.* 9\r\nPUB nobody in.1 0\r\n\r\n');
    expect(takeAll(core).get(session)).toBe(
      'HMSG in.1 9 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n',
    );
  });

  it('strips the header block for a recipient without header support', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const a = openSession(core, account);
    const b = openSession(core, account);
    peersOf(core).sessions.setFlags(b, SESSION_AUTHENTICATED | SESSION_ECHO);
    feed(core, a, 'SUB h 1\r\n');
    feed(core, b, 'SUB h 2\r\n');
    feed(core, a, 'HPUB  h r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n');
    const out = takeAll(core);
    expect(out.get(a)).toBe('HMSG h 1 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n');
    expect(out.get(b)).toBe('MSG h 2 r 2\r\nhi\r\n');
  });

  it('leaves delivery records for the program, and counts', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const sub = core.subscribe(account, 'a.>');
    const session = openSession(core, account);
    feed(core, session, 'PUB a.b 3\r\nabc\r\n');
    expect(core.recordCount).toBe(1);
    const record = core.record(0);
    expect(record.type).toBe(RECORD_DELIVERY);
    expect(record.target).toBe(sub);
    expect(core.text(record.subjectPtr, record.subjectLen)).toBe('a.b');
    expect(core.text(record.bodyPtr, record.bodyLen)).toBe('abc');
    expect(record.origin).toBe(session);
    expect(core.delivered(sub)).toBe(1);
  });

  it('publishes for the program to peers and subscriptions alike', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const session = openSession(core, account);
    feed(core, session, 'SUB p.* 77\r\n');
    core.subscribe(account, 'p.q');
    const payload = Buffer.from('xyz');
    const status = core.publish(account, { to: 'p.q', subject: 'shown', reply: 're', payload });
    expect(status).toBe(STATUS_OK);
    expect(core.routed).toBe(2);
    expect(core.recordCount).toBe(1);
    expect(takeAll(core).get(session)).toBe('MSG shown 77 re 3\r\nxyz\r\n');
  });

  it('goes on where it stopped when the result region is full', () => {
    const core = createCore({ wasm });
    exportsOf(core).recordsSetLimit(8);
    const account = core.accounts.create();
    const wanted = new Set(Array.from({ length: 50 }, () => core.subscribe(account, 'x')));
    const session = openSession(core, account);
    let status = feed(core, session, 'PUB x 1\r\ny\r\n');
    const got: number[] = [];
    for (;;) {
      for (let i = 0; i < core.recordCount; i++) got.push(core.record(i).target);
      if (status !== STATUS_AGAIN_RESULT) break;
      status = peersOf(core).sessions.ingest(session, core.inbox.ptr, 0);
    }
    expect(status).toBe(STATUS_OK);
    expect(got).toHaveLength(50);
    expect(new Set(got)).toEqual(wanted);
  });

  it('goes on where it stopped when the pool is spent', () => {
    const core = createCore({ wasm, poolMax: 64 * 1024 });
    const account = core.accounts.create();
    const sessions = Array.from({ length: 100 }, () => openSession(core, account));
    for (const s of sessions) feed(core, s, 'SUB x 1\r\n');
    const publisher = openSession(core, account);
    let status = feed(core, publisher, `PUB x 100\r\n${'z'.repeat(100)}\r\n`);
    const out = new Map<SessionHandle, string>();
    let rounds = 0;
    for (;;) {
      for (const [s, text] of takeAll(core)) out.set(s, (out.get(s) ?? '') + text);
      if (status !== STATUS_AGAIN_POOL) break;
      rounds++;
      status = peersOf(core).sessions.ingest(publisher, core.inbox.ptr, 0);
    }
    expect(rounds).toBeGreaterThan(3);
    expect(out.size).toBe(100);
    for (const text of out.values()) expect(text).toBe(`MSG x 1 100\r\n${'z'.repeat(100)}\r\n`);
    expect(core.poolUsed).toBe(0);
  });

  it('keeps a large payload once for several recipients', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const a = openSession(core, account);
    const b = openSession(core, account);
    for (const s of [a, b]) feed(core, s, 'SUB big 1\r\n');
    feed(core, a, `PUB big 40000\r\n${'z'.repeat(40_000)}\r\nPUB big 1\r\n!\r\n`);
    const types = Array.from({ length: core.recordCount }, (_, i) => core.record(i).type);
    expect(types).toEqual([RECORD_SHARED, RECORD_SHARED_END]);
    const id = core.record(0).target;
    expect(core.record(0).bodyLen).toBe(40_002);
    expect(core.record(1)).toMatchObject({ target: id, flags: 2 });
    const text = `MSG big 1 40000\r\n<shared ${id}: 40002>MSG big 1 1\r\n!\r\n`;
    const out = takeAll(core);
    expect(out.get(a)).toBe(text);
    expect(out.get(b)).toBe(text);
    expect(core.live()).toMatchObject({ segments: 0, chunkBytes: 0 });
  });

  it('reports a session over its pending limit once, and sends it nothing more', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const slow = openSession(core, account, { ...LIMITS, pendingMax: 100 });
    const other = openSession(core, account);
    feed(core, slow, 'SUB x 1\r\n');
    feed(core, other, 'SUB x 1\r\n');
    feed(core, other, `PUB x 80\r\n${'z'.repeat(80)}\r\n`.repeat(3));
    expect(core.recordCount).toBe(1);
    expect(core.record(0)).toMatchObject({ type: RECORD_SLOW, target: slow });
    expect(core.op.pressed).not.toBe(0);
    expect(takeAll(core).get(other)?.length).toBe(3 * (80 + 'MSG x 1 80\r\n\r\n'.length));
  });

  it('gives up a recipient when memory has ended and nothing is lent that could come back', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const session = openSession(core, account);
    feed(core, session, 'SUB x 1\r\n');
    const publisher = openSession(core, account);
    exportsOf(core).memoryForceGrowth(1, 0);
    while (core.exports.blockAllocate(1_048_576) !== 0);
    expect(feed(core, publisher, 'PUB x 1\r\n!\r\n')).toBe(STATUS_OK);
    expect(core.record(0)).toMatchObject({ type: RECORD_SLOW, target: session });
    expect(core.poolUsed).toBe(0);
  });

  it('gives up a recipient without room when flushing has brought no chunk back', () => {
    const core = createCore({ wasm, poolMax: 4096 });
    const account = core.accounts.create();
    const [held, other, publisher] = [
      openSession(core, account),
      openSession(core, account),
      openSession(core, account),
    ];
    for (const s of [held, other]) feed(core, s, 'SUB x 1\r\n');
    expect(feed(core, publisher, 'PUB x 1\r\n!\r\n')).toBe(STATUS_AGAIN_POOL);
    expect(peersOf(core).outbound.take()).toBeDefined(); // Held by its transport for good.
    expect(core.resume()).toBe(STATUS_AGAIN_POOL);
    expect(core.resume(true)).toBe(STATUS_OK);
    expect(core.recordCount).toBe(1);
    expect(core.record(0).type).toBe(RECORD_SLOW);
    expect(core.routed).toBe(1);
  });

  it('removes a subscription with its last delivery', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const session = openSession(core, account);
    feed(core, session, 'SUB x 1\r\nUNSUB 1 2\r\n');
    feed(core, session, 'PUB x 0\r\n\r\n'.repeat(5));
    expect(takeAll(core).get(session)).toBe('MSG x 1 0\r\n\r\n'.repeat(2));
    expect(peersOf(core).sessions.subscriptionCount(session)).toBe(0);
  });

  it('tells a session its subscriptions as they were made', () => {
    const core = createCore({ wasm });
    const session = openSession(core, core.accounts.create());
    const sid = 'a-sid-that-does-not-fit-into-the-record';
    feed(core, session, `SUB a.*.c.> q1 ${sid}\r\nSUB plain.literal 2\r\n`);
    expect([...peersOf(core).sessions.subscriptions(session)]).toEqual([
      { subject: 'plain.literal', queue: undefined, sid: '2', delivered: 0, max: 0 },
      { subject: 'a.*.c.>', queue: 'q1', sid, delivered: 0, max: 0 },
    ]);
  });

  it('keeps the chunks of a held write until it is released, also when the session closes', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const session = openSession(core, account);
    feed(core, session, 'SUB x 1\r\nPUB x 0\r\n\r\n');
    const take = peersOf(core).outbound.take();
    expect(take?.session).toBe(session);
    peersOf(core).sessions.close(session);
    core.turnEnd();
    expect(core.poolUsed).toBeGreaterThan(0);
    expect(core.live()).toMatchObject({ sessions: 1, subscriptions: 0 });
    peersOf(core).outbound.release(session);
    core.turnEnd();
    expect(core.poolUsed).toBe(0);
    expect(core.live()).toMatchObject({ sessions: 0, quarantine: 0 });
  });
});
