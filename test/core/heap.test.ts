// The heap of the core: blocks that are given back are joined, records and tables give back what they have taken, and
// what peers have subscribed to is bounded, for each and for all.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SESSION_SUBS_BYTES } from '../../assembly/abi.ts';
import {
  type AccountHandle,
  type Core,
  createCore,
  OP_SUB,
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  type SessionHandle,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { exportsOf } from '../support/core-exports.ts';

const MIB = 1024 * 1024;
const LIMITS = { payloadMax: MIB, controlLineMax: 4096, pendingMax: 64 * MIB };
/** What stays for use again: a block of each kind of record, and lists that have met more at one time. */
const KEPT_BYTES = 1_500_000;

function wasmOf(build: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));
}

function open(core: Core, account: AccountHandle): SessionHandle {
  const session = peersOf(core).sessions.open(account);
  expect(session).not.toBe(0);
  peersOf(core).sessions.setFlags(session, SESSION_AUTHENTICATED | SESSION_ECHO);
  peersOf(core).sessions.setLimits(session, LIMITS);
  return session;
}

function end(core: Core, session: SessionHandle): void {
  peersOf(core).sessions.close(session);
  peersOf(core).outbound.take();
  core.turnEnd();
}

/** Says SUB lines; answers how many were refused for want of memory. */
function subscribe(core: Core, session: SessionHandle, lines: readonly string[]): number {
  let refused = 0;
  for (let at = 0; at < lines.length; at += 100) {
    const bytes = Buffer.from(lines.slice(at, at + 100).join(''), 'latin1');
    core.writeBytes(core.inbox.ptr, bytes);
    for (let done = 0; done < bytes.length; ) {
      const status = peersOf(core).sessions.ingest(
        session,
        core.inbox.ptr + done,
        bytes.length - done,
      );
      done += core.op.consumed;
      if (status !== STATUS_OP || core.op.verb !== OP_SUB) continue;
      const answer = peersOf(core).sessions.subscribe(session);
      if (answer === STATUS_NO_MEMORY) refused++;
      else expect(answer).toBe(STATUS_OK);
    }
  }
  return refused;
}

/** `SUB <filter> <number>` with a filter for each number. */
function subs(count: number, filter: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => `SUB ${filter(index)} ${index}\r\n`);
}

/** Always the same numbers below 1. */
function lottery(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

describe.each(['debug', 'release'])('the heap (%s)', (build) => {
  const wasm = wasmOf(build);

  it('joins what is given back, in whatever order, into what it was cut from', () => {
    const exports = exportsOf(createCore({ wasm, seed: [1, 2] }));
    const draw = lottery();
    const whole = exports.blockAllocate(16 * MIB - 64) >>> 0;
    exports.blockRelease(whole, 16 * MIB - 64);
    exports.memoryForceGrowth(1, 0);
    for (let round = 0; round < 5; round++) {
      const taken: [ptr: number, bytes: number][] = [];
      for (;;) {
        const bytes = Math.floor(2 ** (4 + draw() * 14));
        const ptr = exports.blockAllocate(bytes) >>> 0;
        if (ptr === 0) break;
        taken.push([ptr, bytes]);
        if (draw() < 0.3) {
          const [given] = taken.splice(Math.floor(draw() * taken.length), 1);
          exports.blockRelease(...(given as [number, number]));
        }
      }
      const sorted = [...taken].sort((a, b) => a[0] - b[0]);
      const overlaps = sorted.filter(
        ([ptr, bytes], i) => ptr + bytes > (sorted[i + 1]?.[0] ?? 2 ** 32),
      );
      expect(overlaps).toEqual([]);
      while (taken.length > 0) {
        const [given] = taken.splice(Math.floor(draw() * taken.length), 1);
        exports.blockRelease(...(given as [number, number]));
      }
      const again = exports.blockAllocate(16 * MIB - 64) >>> 0;
      expect(again).not.toBe(0);
      exports.blockRelease(again, 16 * MIB - 64);
    }
  });

  it('places a block at a multiple of its size, and what lies before it is used', () => {
    const exports = exportsOf(createCore({ wasm, seed: [1, 2] }));
    const large = exports.blockAllocate(8 * MIB - 64) >>> 0;
    expect(large % (8 * MIB)).toBe(0);
    expect(exports.blockAllocate(100_000) >>> 0).toBeLessThan(large);
  });

  it('gives everything back that a peer took, and it is there for others', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    const stays = open(core, account);
    subscribe(
      core,
      stays,
      subs(10, (index) => `stays.${index}.*`),
    );
    const before = core.live().heapBytes;
    const kinds: ((index: number) => string)[] = [
      (index) => `${'n'.repeat(1600)}${index}`,
      (index) => `a.${index}.*.b.${index}`,
      (index) => `one.subject q${index}`,
      () => 'one.subject',
      (index) => `${index}${'.t'.repeat(100)}`,
    ];
    let most = 0;
    for (let round = 0; round < 3; round++) {
      for (const kind of kinds) {
        const goes = open(core, account);
        expect(subscribe(core, goes, subs(5000, kind))).toBe(0);
        most = Math.max(most, core.live().heapBytes);
        end(core, goes);
        expect(core.live()).toMatchObject({ subscriptions: 10, sessions: 1, groups: 0 });
        expect(core.live().heapBytes - before).toBeLessThan(KEPT_BYTES);
      }
    }
    expect(most - before).toBeGreaterThan(8 * MIB);
    const linear = core.exports.memory.buffer.byteLength;
    exportsOf(core).memoryForceGrowth(1, 0);
    const comes = open(core, account);
    expect(
      subscribe(
        core,
        comes,
        subs(3000, (index) => `late.*.${index}`),
      ),
    ).toBe(0);
    expect(core.exports.memory.buffer.byteLength).toBe(linear);
  });

  it('gives back what was lent to a slow reader', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    const session = open(core, account);
    const before = core.live().heapBytes;
    const line = Buffer.alloc(8192, 'x');
    for (let count = 0; count < 4000; count++) peersOf(core).sessions.send(session, line);
    expect(core.live().heapBytes - before).toBeGreaterThan(30 * MIB);
    end(core, session);
    const kept = build === 'debug' ? 8 * MIB : 4 * MIB;
    expect(core.live().heapBytes - before).toBeLessThanOrEqual(kept + KEPT_BYTES);
  });
});

describe.each(['debug', 'release'])('what peers subscribe to (%s)', (build) => {
  const wasm = wasmOf(build);

  it('counts while it is there, and is nothing afterwards', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    const [one, other] = [open(core, account), open(core, account)];
    const bytesOf = (session: SessionHandle): number =>
      core.views.word((exportsOf(core).sessionPtr(session) >>> 0) + SESSION_SUBS_BYTES);
    subscribe(
      core,
      one,
      subs(1000, (index) => `a.${index}.*`),
    );
    // A record, a place in a list, and an entry; and as much again for what its filter alone has made: two nodes.
    expect(bytesOf(one)).toBeGreaterThan(1000 * 300);
    expect(bytesOf(one)).toBeLessThan(1000 * 400);
    // The same filters: only what is its own.
    subscribe(
      core,
      other,
      subs(1000, (index) => `a.${index}.*`),
    );
    expect(bytesOf(other)).toBe(1000 * 120);
    peersOf(core).sessions.shed(one);
    expect(bytesOf(one)).toBe(0);
    const sid = 'x'.repeat(1000);
    subscribe(core, one, [`SUB b ${sid}\r\nUNSUB ${sid}\r\n`]);
    expect(bytesOf(one)).toBe(0);
    peersOf(core).sessions.shed(other);
    expect(bytesOf(other)).toBe(0);
  });

  it('is refused to one above half, and to all above the whole; others connect, and get it when it is free', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    peersOf(core).sessions.limitSubscriptions(24 * MIB);
    const heavy = (name: string): string[] =>
      subs(10_000, (index) => `${name.repeat(1600)}.${index}`);
    const first = open(core, account);
    expect(subscribe(core, first, heavy('a'))).toBeGreaterThan(4000);
    expect(peersOf(core).sessions.hasRoom).toBe(true);
    const rest = [open(core, account), open(core, account)];
    expect(subscribe(core, rest[0] as SessionHandle, heavy('b'))).toBeGreaterThan(4000);
    expect(subscribe(core, rest[1] as SessionHandle, heavy('c'))).toBeGreaterThan(9000);
    expect(peersOf(core).sessions.hasRoom).toBe(false);
    expect(core.live().heapBytes).toBeLessThanOrEqual(24 * MIB);
    // Whoever has nothing gets nothing either, but is there.
    const innocent = Array.from({ length: 300 }, () => open(core, account));
    const wanted = subs(3000, (index) => `w.*.${index}`);
    expect(subscribe(core, innocent[0] as SessionHandle, wanted)).toBeGreaterThan(0);
    end(core, first);
    for (const session of rest) end(core, session);
    expect(peersOf(core).sessions.hasRoom).toBe(true);
    expect(subscribe(core, innocent[1] as SessionHandle, wanted)).toBe(0);
  });

  it('of the program is never refused for what peers may have', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    peersOf(core).sessions.limitSubscriptions(1 * MIB);
    for (let index = 0; index < 10_000; index++) core.subscribe(account, `a.${index}`);
    expect(peersOf(core).sessions.hasRoom).toBe(false);
  });

  it('is removed in parts, by the work that each is', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    const session = open(core, account);
    subscribe(
      core,
      session,
      subs(20, (index) => `${index}.*${'.t'.repeat(1998)}`),
    );
    subscribe(core, session, [`SUB a ${'s'.repeat(2560)}\r\n`]);
    const parts: number[] = [];
    for (; peersOf(core).sessions.subscriptionCount(session) > 0; core.turnEnd()) {
      const { nodes } = core.live();
      peersOf(core).sessions.shed(session, 4096);
      parts.push(nodes - core.live().nodes);
    }
    // One filter has 2,000 nodes: with the second or third of them a part has done what it may.
    expect(parts.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...parts)).toBeLessThanOrEqual(4096 + 2000);
  });

  it('is delivered nothing from the first part on', () => {
    const core = createCore({ wasm, seed: [1, 2] });
    const account = core.accounts.create();
    const [goes, stays] = [open(core, account), open(core, account)];
    const some = ['SUB a x1\r\n', 'SUB b q x2\r\n', 'SUB c x3\r\n'];
    subscribe(core, goes, [...some, ...subs(9, (index) => `x.${index}`)]);
    subscribe(core, stays, ['SUB a 1\r\nSUB b q 2\r\n']);
    peersOf(core).sessions.shed(goes, 1);
    expect(peersOf(core).sessions.subscriptionCount(goes)).toBeGreaterThan(3);
    const nobody = { payload: new Uint8Array(0) };
    for (let count = 0; count < 20; count++) {
      expect([core.publish(account, { to: 'a', ...nobody }), core.routed]).toEqual([STATUS_OK, 1]);
      expect([core.publish(account, { to: 'b', ...nobody }), core.routed]).toEqual([STATUS_OK, 1]);
      expect([core.publish(account, { to: 'c', ...nobody }), core.routed]).toEqual([STATUS_OK, 0]);
    }
    expect(peersOf(core).sessions.pending(goes)).toBe(0);
    peersOf(core).sessions.shed(goes);
    core.turnEnd();
    subscribe(core, goes, ['SUB c 3\r\n']);
    expect([core.publish(account, { to: 'c', ...nobody }), core.routed]).toEqual([STATUS_OK, 1]);
  });
});
