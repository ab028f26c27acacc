// Queue groups of so many members that their results are not copied: a message costs no more than with a few, each
// reaches one member, and to each member comes its share, over nodes, stops and changes.
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Build, CoreDriver, type CoreDriverOptions } from '../wasm/core-driver.ts';

const MEMBERS = 3000;
const FLAGS = abi.SESSION_ECHO | abi.SESSION_HEADERS;

function members(from: number, count: number, filter: string, queue: string): string {
  const sids = Array.from({ length: count }, (_, i) => from + i);
  return sids.map((sid) => `SUB ${filter} ${queue} ${sid}\r\n`).join('');
}

interface Stage {
  readonly core: CoreDriver;
  readonly peer: number;
  say(text: string): void;
  /** How often each subscription of the peer was sent something since the last call. */
  counts(): Map<number, number>;
}

function stage(build: Build, options: CoreDriverOptions = {}): Stage {
  const core = new CoreDriver(build, { seed: [3, 4], ...options });
  const peer = core.openSession(core.call('accountOpen'), FLAGS);
  const say = (text: string): void => core.feed(peer, Buffer.from(text, 'latin1'));
  const counts = (): Map<number, number> => {
    const found = new Map<number, number>();
    for (const [, sid] of core
      .takeSent(peer)
      .toString('latin1')
      .matchAll(/MSG \S+ (\d+) /g)) {
      found.set(Number(sid), (found.get(Number(sid)) ?? 0) + 1);
    }
    return found;
  };
  return { core, peer, say, counts };
}

const pubs = (count: number): string => 'PUB a.b 0\r\n\r\n'.repeat(count);
const total = (counts: Map<number, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

describe.each(['debug', 'release'] as const)('a large queue group: %s', (build) => {
  it('is one over all nodes that match, and each member gets its share', () => {
    const { say, counts } = stage(build);
    say(members(0, MEMBERS, 'a.b', 'q') + members(MEMBERS, MEMBERS, 'a.*', 'q'));
    say(`${members(2 * MEMBERS, 3, 'a.>', 'few')}SUB a.b 9000\r\n`);
    say(pubs(12_000));
    const found = counts();
    expect(found.get(9000)).toBe(12_000);
    const shares = [0, MEMBERS, 2 * MEMBERS].map((from, index) => {
      const sids = Array.from({ length: index === 2 ? 3 : MEMBERS }, (_, i) => from + i);
      return sids.reduce((sum, sid) => sum + (found.get(sid) ?? 0), 0);
    });
    expect(shares[0]! + shares[1]!).toBe(12_000);
    expect(Math.abs(shares[0]! - 6000)).toBeLessThan(6 * Math.sqrt(3000));
    expect(shares[2]).toBe(12_000);
    expect(found.size).toBeGreaterThan(4000);
  });

  it('is what it is at each message, whoever comes and goes', () => {
    const { say, counts } = stage(build);
    say(members(0, MEMBERS, 'a.b', 'q'));
    for (let sid = 0; sid < MEMBERS; sid += 100) {
      const leaving = Array.from({ length: 100 }, (_, i) => `UNSUB ${sid + i}\r\n`).join('');
      say(`${leaving}${members(MEMBERS + sid, 1, 'a.>', 'q')}${pubs(20)}`);
      const found = counts();
      expect(total(found)).toBe(20);
      for (const got of found.keys()) expect(got).toBeGreaterThanOrEqual(sid + 100);
    }
  });

  it('loses nothing when its members have a max, or the result region is full', () => {
    const { core, say, counts } = stage(build);
    core.call('recordsSetLimit', 9);
    const traced = core.openSession(1, FLAGS | abi.SESSION_TRACE);
    say(members(0, MEMBERS, 'a.b', 'q'));
    core.feed(traced, Buffer.from(members(0, MEMBERS, 'a.*', 'other'), 'latin1'));
    say(Array.from({ length: MEMBERS }, (_, sid) => `UNSUB ${sid} 1\r\n`).join(''));
    say(pubs(MEMBERS + 10));
    const found = counts();
    expect([found.size, total(found)]).toEqual([MEMBERS, MEMBERS]);
    const sent = core
      .takeSent(traced)
      .toString('latin1')
      .match(/MSG a\.b/g);
    expect(sent).toHaveLength(MEMBERS + 10);
    core.closeAll();
    expect(Object.values(core.liveCounts()).every((count) => count === 0)).toBe(true);
  });

  it('goes on among those who are left when it stops and changes meanwhile', () => {
    const { core, peer, say, counts } = stage(build);
    core.call('recordsSetLimit', 8);
    const account = 1;
    const locals = Array.from({ length: 20 }, () =>
      core.call('subscriptionOpen', account, ...core.scratch('a.b', ''), 0),
    );
    const others = core.openSession(account, FLAGS);
    say(members(0, 1, 'a.b', 'q'));
    core.feed(others, Buffer.from(members(1, MEMBERS - 1, 'a.b', 'q')));
    const inbox = core.call('regionPtr', abi.REGION_INBOX) >>> 0;
    core.bytes.set(Buffer.from(pubs(1)), inbox);
    expect(core.call('ingest', peer, inbox, pubs(1).length)).toBe(abi.STATUS_AGAIN_RESULT);
    // All but one go, and with them the list that they were in.
    core.call('sessionShed', others, 0);
    let status: number;
    do status = core.call('publishResume', 0);
    while (status === abi.STATUS_AGAIN_RESULT);
    expect(status).toBe(abi.STATUS_OK);
    expect([...counts().keys()]).toEqual([0]);
    for (const local of locals) core.call('subscriptionShut', local);
    core.closeAll();
  });

  it('is seen whole by the program', () => {
    const { core } = stage(build);
    const locals = Array.from({ length: MEMBERS }, () =>
      core.call('subscriptionOpen', 1, ...core.scratch('a.b', 'q'), 0),
    );
    const route = core.call('routeResolve', 1, ...core.scratch('a.b')) >>> 0;
    const words = [abi.ROUTE_PLAIN_COUNT, abi.ROUTE_GROUP_COUNT, abi.ROUTE_MEMBERS];
    expect(words.map((at) => core.word(route + at))).toEqual([0, 1, MEMBERS]);
    const handles = locals.map((_, index) =>
      core.word(core.word(route + abi.ROUTE_MEMBERS + 4 + index * 4) + abi.SUB_HANDLE),
    );
    expect(new Set(handles)).toEqual(new Set(locals));
  });
});

it('a message to a large queue group costs what one to a small group does', () => {
  const { core, peer, say } = stage('release');
  say(members(0, 20_000, 'a.b', 'q'));
  const inbox = core.call('regionPtr', abi.REGION_INBOX) >>> 0;
  const text = pubs(100);
  core.bytes.set(Buffer.from(text), inbox);
  // 100 ops, 100 frames, a chunk for them; the members are not even counted one by one.
  expect(core.call('ingest', peer, inbox, text.length, 500)).toBe(abi.STATUS_OK);
});
