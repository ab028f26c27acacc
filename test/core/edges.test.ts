// Where the core's room, counts and trust end: handles that were never given, memory that does not grow while a
// route is under way, peers that are sent more than they read, text that is long on purpose.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Core,
  createCore,
  OP_SUB,
  peersOf,
  RECORD_SLOW,
  RECORD_TRACE_IN,
  RECORD_TRACE_OUT,
  SESSION_TRACE,
  type SessionHandle,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { exportsOf } from '../support/core-exports.ts';
import { GREETED, openSession, sentTo } from '../support/core-sessions.ts';

interface Seen {
  readonly type: number;
  readonly target: number;
  readonly subject: string;
}

describe.each(['debug', 'release'])('the edges of the core (%s)', (build) => {
  const wasm = new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));

  /** Feeds a read to its end, as the bridge does. Answers the records of all its calls. */
  function feed(core: Core, session: SessionHandle, text: string): Seen[] {
    const bytes = Buffer.from(text, 'latin1');
    const seen: Seen[] = [];
    const ptr = bytes.length > core.inbox.bytes ? core.gather(bytes.length) : core.inbox.ptr;
    core.writeBytes(ptr, bytes);
    for (let at = 0, calls = 0; ; calls++) {
      expect(calls).toBeLessThan(10_000);
      let status = peersOf(core).sessions.ingest(session, ptr + at, bytes.length - at);
      at += core.op.consumed;
      let isAgain = false;
      for (;;) {
        for (let i = 0; i < core.recordCount; i++) {
          const { type, target, subjectPtr, subjectLen } = core.record(i);
          seen.push({ type, target, subject: core.text(subjectPtr, subjectLen) });
        }
        if (status !== STATUS_AGAIN_POOL && status !== STATUS_AGAIN_RESULT) break;
        isAgain = true;
        expect(++calls).toBeLessThan(10_000);
        // Nothing is flushed.
        status = core.resume(status === STATUS_AGAIN_POOL);
      }
      if (isAgain) continue;
      if (status !== STATUS_OP) return seen;
      if (core.op.verb === OP_SUB)
        expect(peersOf(core).sessions.subscribe(session)).toBe(STATUS_OK);
    }
  }

  it('knows no handle that was never given', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const sub = core.subscribe(account, 'a');
    for (const handle of [sub + 1, sub + (1 << 22), -sub, sub - 2 ** 31, sub + 1 - 2 ** 31]) {
      expect(core.unsubscribe(handle)).toBe(false);
    }
    expect(core.unsubscribe(sub)).toBe(true);
    core.turnEnd();
    for (const handle of [sub, sub + (1 << 22), sub + (1 << 22) - 2 ** 31]) {
      expect(core.unsubscribe(handle)).toBe(false);
    }
    expect(core.live().subscriptions).toBe(0);
  });

  it('ends a recipient for whom there is no memory as a slow consumer, and goes on', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const reader = openSession(core, account);
    const publisher = openSession(core, account);
    const local = core.subscribe(account, 'x');
    feed(core, reader, 'SUB x 1\r\n');
    const text = `PUB x 1000\r\n${'z'.repeat(1000)}\r\n`;
    for (let i = 0; i < 20; i++) feed(core, publisher, text);
    exportsOf(core).memoryForceGrowth(1, 0);
    const seen: Seen[] = [];
    for (let i = 0; i < 5000; i++) seen.push(...feed(core, publisher, text));
    expect(seen.filter(({ type }) => type === RECORD_SLOW)).toEqual([
      { type: RECORD_SLOW, target: reader, subject: '' },
    ]);
    expect(core.delivered(local)).toBe(5020);
  });

  it('ends a recipient whose frames fit into no chunk', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const reader = openSession(core, account, { controlLineMax: 2_000_000 });
    const publisher = openSession(core, account);
    feed(core, reader, `SUB x ${'s'.repeat(1_100_000)}\r\n`);
    const seen = feed(core, publisher, 'PUB x 1\r\ny\r\n');
    expect(seen).toEqual([{ type: RECORD_SLOW, target: reader, subject: '' }]);
  });

  it('counts its own lines, too, against the pending limit', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const pinger = openSession(core, account, { pendingMax: 1000 });
    const slow = { type: RECORD_SLOW, target: pinger, subject: '' };
    expect(feed(core, pinger, 'PING\r\n'.repeat(10_000))).toEqual([slow]);
    expect(sentTo(core, pinger).length).toBeLessThan(1010);
    const asker = openSession(core, account, { pendingMax: 100_000 });
    feed(core, asker, `SUB r ${'s'.repeat(4000)}\r\n`);
    expect(feed(core, asker, 'PUB x r 0\r\n\r\n'.repeat(1000))).toEqual([
      { ...slow, target: asker },
    ]);
    expect(peersOf(core).sessions.pending(asker)).toBeLessThan(105_000);
  });

  it('traces its own line also where the records end', () => {
    const core = createCore({ wasm });
    exportsOf(core).recordsSetLimit(8);
    const session = openSession(core, core.accounts.create());
    peersOf(core).sessions.setFlags(session, GREETED | SESSION_TRACE);
    const seen = feed(core, session, 'PING\r\n'.repeat(3));
    const pair = [
      { type: RECORD_TRACE_IN, target: session, subject: 'PING' },
      { type: RECORD_TRACE_OUT, target: session, subject: 'PONG' },
    ];
    expect(seen).toEqual([...pair, ...pair, ...pair]);
  });

  it('tells of subscriptions without touching a publish that has stopped', () => {
    const core = createCore({ wasm });
    exportsOf(core).recordsSetLimit(8);
    const account = core.accounts.create();
    const session = openSession(core, account);
    feed(core, session, 'SUB some.filter.of.a.peer 1\r\nSUB x 2\r\n');
    for (let i = 0; i < 20; i++) core.subscribe(account, 'x');
    const body = 'z'.repeat(30_000);
    let status = core.publish(account, { to: 'x', payload: Buffer.from(body) });
    let found = '';
    while (status !== STATUS_OK) {
      expect([...peersOf(core).sessions.subscriptions(session)]).toHaveLength(2);
      for (let i = 0; i < core.recordCount; i++) {
        found = core.text(core.record(i).bodyPtr, body.length);
        expect(found === body).toBe(true);
      }
      status = core.resume();
    }
    expect(sentTo(core, session)).toBe(`MSG x 2 30000\r\n${body}\r\n`);
  });

  it('finds a member of a group for whatever subject a peer can name, and nobody for others', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const member = core.subscribe(account, '>', 'q');
    expect(core.pickGroup(account, 'q', 'a\0b')).toBe(member);
    expect(core.pickGroup(account, 'q', 'a b')).toBe(0);
    expect(core.pickGroup(account, 'q', '\ufffd'.repeat(2000))).toBe(0);
  });

  it('stops counting deliveries where the count ends, so that a max is still kept', () => {
    const core = createCore({ wasm });
    const account = core.accounts.create();
    const session = openSession(core, account);
    const sub = core.subscribe(account, 'x');
    core.countDeliveries(sub, 0xfffffffe);
    feed(core, session, 'PUB x 0\r\n\r\n'.repeat(3));
    core.countDeliveries(sub, 3);
    expect(core.delivered(sub)).toBe(0xffffffff);
    expect(core.setMax(sub, 10)).toBe(true);
  });

  it('cuts a block that was given back for smaller ones, and takes the smallest that will do', () => {
    const { blockAllocate, blockRelease, memoryForceGrowth } = exportsOf(createCore({ wasm }));
    // Debug builds take 64 more for each.
    const sizes = [1 << 20, 1 << 16, 1 << 14].map((size) => size - 64) as [number, number, number];
    const large = blockAllocate(sizes[0]) >>> 0;
    const medium = blockAllocate(sizes[1]) >>> 0;
    const small = (): number => blockAllocate(sizes[2]) >>> 0;
    memoryForceGrowth(1, 0);
    while (small() !== 0);
    blockRelease(large, sizes[0]);
    blockRelease(medium, sizes[1]);
    const first = Array.from({ length: 4 }, small);
    expect(first.every((ptr) => ptr >= medium && ptr < medium + (1 << 16))).toBe(true);
    const rest = Array.from({ length: 64 }, small);
    expect(rest.every((ptr) => ptr >= large && ptr < large + (1 << 20))).toBe(true);
    expect(new Set([...first, ...rest]).size).toBe(68);
    expect(small()).toBe(0);
  });
});
