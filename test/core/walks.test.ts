// Messages that are too long for one route go in parts, and between two parts the world may change: whoever was
// subscribed at the publish and still is gets the message once, and of each queue group one member.
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { CoreDriver } from '../wasm/core-driver.ts';

const FLAGS = abi.SESSION_ECHO | abi.SESSION_HEADERS;

class Stage extends CoreDriver {
  readonly account: number = this.call('accountOpen');
  /** What a publisher has not got rid of yet. */
  readonly #rest = new Map<number, Buffer>();
  #calls = 0;

  /** @param members of a part */
  constructor(members: number, isAllLong = true) {
    super('test', { seed: [3, 4], readUnits: 0x7fffffff });
    this.call('walkLimit', members);
    if (isAllLong) this.call('lookupLimit', 0, 0);
  }

  peer(flags = FLAGS): number {
    return this.openSession(this.account, flags);
  }

  say(session: number, text: string): void {
    this.feed(session, Buffer.from(text, 'latin1'));
  }

  /** Begins to publish, or goes on, with a budget. False: it is done. */
  part(session: number, units: number, text = ''): boolean {
    const before = this.#rest.get(session) ?? Buffer.alloc(0);
    const bytes = Buffer.concat([before, Buffer.from(text, 'latin1')]);
    // Each time it lies somewhere else.
    if (++this.#calls > 1_000_000) throw new Error('there is no end to it');
    const ptr = (this.call('regionPtr', abi.REGION_INBOX) >>> 0) + (this.#calls % 2) * 64;
    this.bytes.set(bytes, ptr);
    let at = 0;
    let budget = units;
    for (;;) {
      const status = this.call('ingest', session, ptr + at, bytes.length - at, budget);
      budget = 0;
      this.drain();
      at += this.word((this.call('regionPtr', abi.REGION_OP) >>> 0) + abi.OP_CONSUMED);
      if (status === abi.STATUS_AGAIN_POOL) this.flush();
      else if (status !== abi.STATUS_AGAIN_RESULT) {
        this.#rest.set(session, bytes.subarray(at));
        this.call('turnEnd');
        return status === abi.STATUS_SPENT;
      }
    }
  }

  /** Sids that a session was sent a message under, in order. */
  got(session: number): string[] {
    return (
      this.takeSent(session)
        .toString('latin1')
        .match(/(?<=MSG \S+ )\S+/g) ?? []
    );
  }

  expectNothingLeft(): void {
    expect(this.call('cursorsStanding')).toBe(0);
    this.closeAll();
    expect(Object.values(this.liveCounts()).every((count) => count === 0)).toBe(true);
  }
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);
const subs = (sids: number[], filter: string, queue = ''): string =>
  sids.map((sid) => `SUB ${filter} ${queue}${sid}\r\n`).join('');
const unsubs = (sids: number[]): string => sids.map((sid) => `UNSUB ${sid}\r\n`).join('');
const PUB = 'PUB a.b 1\r\nx\r\n';

/** The same chances each time. */
function dice(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % count;
  };
}

describe('a message in parts', () => {
  it.each([1, 3, 1000])('reaches everybody once, with room for %d members a part', (members) => {
    const core = new Stage(members);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 20), 'a.b') + subs(range(20, 5), 'a.*') + subs(range(25, 7), '>'));
    core.say(to, subs(range(32, 2), '*.>') + subs(range(34, 3), 'a.c') + subs([37], '*.b'));
    let parts = 1;
    for (let isMore = core.part(from, 1, PUB + PUB); isMore; isMore = core.part(from, 1)) parts++;
    expect(parts).toBeGreaterThan(10);
    const wanted = [...range(0, 34), 37].map(String);
    const got = core.got(to);
    expect(got).toHaveLength(2 * wanted.length);
    for (const half of [got.slice(0, wanted.length), got.slice(wanted.length)]) {
      expect(new Set(half)).toEqual(new Set(wanted));
    }
    core.expectNothingLeft();
  });

  it('is counted, acknowledged and answered once', () => {
    const core = new Stage(1);
    const bits = FLAGS | abi.SESSION_VERBOSE | abi.SESSION_NO_RESPONDERS | abi.SESSION_PEDANTIC;
    const from = core.peer(bits);
    core.say(from, 'SUB re 1\r\n');
    core.takeSent(from);
    for (
      let more = core.part(from, 1, 'PUB a..b re 0\r\n\r\nPING\r\n');
      more;
      more = core.part(from, 1)
    );
    expect(core.takeSent(from).toString()).toMatch(
      /^-ERR 'Invalid Publish Subject'\r\n\+OK\r\nHMSG re 1 \d+ \d+\r\nNATS.1.0 503\r\n.*\r\n\r\n\r\nPONG\r\n$/,
    );
    expect(core.call('counter', abi.ACCOUNT_IN_MSGS)).toBe(1);
    core.expectNothingLeft();
  });

  it('reaches those who stay, whoever comes and goes between the parts', () => {
    const filters = ['a.b', 'a.*', 'a.>', '*.b', '*.*', '>'];
    for (let seed = 1; seed <= 60; seed++) {
      const roll = dice(seed);
      const core = new Stage(1 + roll(4));
      const [from, to] = [core.peer(), core.peer()];
      const living = new Set<number>();
      let next = 0;
      const come = (): void => {
        core.say(to, `SUB ${filters[roll(6)]} ${next}\r\n`);
        living.add(next++);
      };
      const go = (): void => {
        const sid = [...living][roll(living.size)]!;
        core.say(to, `UNSUB ${sid}\r\n`);
        living.delete(sid);
      };
      for (let i = 0; i < 40; i++) come();
      const first = new Set(living);
      let isMore = core.part(from, 1 + roll(30), PUB);
      for (; isMore; isMore = core.part(from, 1 + roll(30))) {
        for (let i = roll(4); i > 0; i--)
          if (roll(2) === 0 && living.size > 0) go();
          else come();
      }
      const got = core.got(to);
      expect(new Set(got).size, `twice, seed ${seed}`).toBe(got.length);
      const missed = [...first].filter((sid) => living.has(sid) && !got.includes(String(sid)));
      expect(missed, `missed, seed ${seed}`).toEqual([]);
      core.expectNothingLeft();
    }
  });

  it('of several publishers each reaches everybody once, while members go', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const roll = dice(seed);
      const core = new Stage(2);
      const [to, ...from] = [core.peer(), core.peer(), core.peer(), core.peer()];
      core.say(to!, subs(range(0, 60), 'a.b'));
      const living = new Set(range(0, 60));
      const open = new Set(from.map((_, index) => index));
      const begun = new Set<number>();
      while (open.size > 0) {
        const index = [...open][roll(open.size)]!;
        const text = begun.has(index) ? '' : `PUB a.b 1\r\n${index}\r\n`;
        begun.add(index);
        if (!core.part(from[index]!, 10 + roll(20), text)) open.delete(index);
        const sid = roll(80);
        if (living.delete(sid)) core.say(to!, `UNSUB ${sid}\r\nSUB a.b late${sid}\r\n`);
      }
      const sent = [
        ...core
          .takeSent(to!)
          .toString()
          .matchAll(/MSG a\.b (\S+) 1\r\n(\d)/g),
      ];
      for (const index of from.keys()) {
        const got = sent.filter(([, , who]) => who === String(index)).map(([, sid]) => sid);
        expect(new Set(got).size, `twice, seed ${seed}`).toBe(got.length);
        for (const sid of living) expect(got, `seed ${seed}`).toContain(String(sid));
      }
      core.expectNothingLeft();
    }
  });

  it('does not go after those who come while it is on its way', () => {
    const core = new Stage(2);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 10), 'a.b'));
    let isMore = core.part(from, 1, PUB);
    while (core.call('cursorsStanding') === 0) isMore = core.part(from, 1);
    for (let sid = 10; isMore && sid < 500; sid += 10, isMore = core.part(from, 20)) {
      core.say(to, subs(range(sid, 10), 'a.b'));
    }
    expect(
      core
        .got(to)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(range(0, 10));
    core.expectNothingLeft();
  });

  it('counts those who have a max, and passes them over when they have had it', () => {
    const core = new Stage(3);
    const [from, to] = [core.peer(), core.peer()];
    const sids = range(0, 30);
    core.say(
      to,
      subs(sids, 'a.b') + sids.map((sid) => `UNSUB ${sid} ${1 + (sid % 3)}\r\n`).join(''),
    );
    for (let more = core.part(from, 1, PUB.repeat(4)); more; more = core.part(from, 1));
    expect(core.got(to)).toHaveLength(10 + 20 + 30);
    core.expectNothingLeft();
  });

  it('stops for full records and a full pool as well', () => {
    const core = new Stage(1000);
    core.call('recordsSetLimit', 8);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 50), 'a.b') + subs(range(50, 50), 'a.b', 'q '));
    const locals = range(0, 50).map(() =>
      core.call('subscriptionOpen', core.account, ...core.scratch('a.*', ''), 0),
    );
    for (let more = core.part(from, 30, PUB); more; more = core.part(from, 30));
    expect(core.got(to)).toHaveLength(51);
    expect(
      core
        .takeDelivered()
        .map(({ sub }) => sub)
        .sort(),
    ).toEqual([...locals].sort());
    for (const local of locals) core.call('subscriptionShut', local);
    core.expectNothingLeft();
  });

  it('ends with its publisher', () => {
    const core = new Stage(2);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 50), 'a.b') + subs(range(50, 9), 'a.b', 'q '));
    core.say(to, subs(range(60, 9), 'a.*', 'q '));
    expect(core.part(from, 1, PUB)).toBe(true);
    for (let i = 0; i < 30; i++) core.part(from, 1);
    core.closeSession(from);
    core.expectNothingLeft();
  });

  it('gives way at a node where many are on their way', () => {
    const core = new Stage(2);
    const to = core.peer();
    core.say(to, subs(range(0, 50), 'a.b'));
    const from = range(0, 20).map(() => core.peer());
    const open = new Set(from.filter((peer) => core.part(peer, 40, PUB)));
    expect(open.size).toBe(20);
    for (let round = 0; open.size > 0 && round < 100; round++) {
      for (const peer of open) if (!core.part(peer, 40)) open.delete(peer);
    }
    expect(core.got(to)).toHaveLength(1000);
    core.expectNothingLeft();
  });
});

describe('the queue groups of a message in parts', () => {
  it('each get it once, over all their nodes, and every member his share', () => {
    const core = new Stage(4);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 10), 'a.b', 'q ') + subs(range(10, 30), 'a.*', 'q '));
    core.say(to, subs(range(40, 10), '>', 'q ') + subs(range(50, 5), 'a.b', 'alone '));
    const messages = 2000;
    for (let more = core.part(from, 50, PUB.repeat(messages)); more; more = core.part(from, 50));
    const got = core.got(to).map(Number);
    expect(got).toHaveLength(2 * messages);
    for (const [first, count] of [
      [0, 10],
      [10, 30],
      [40, 10],
      [50, 5],
    ] as const) {
      const share = got.filter((sid) => sid >= first && sid < first + count).length;
      const expected = first === 50 ? messages : (messages * count) / 50;
      expect(Math.abs(share - expected)).toBeLessThan(first === 50 ? 1 : 6 * Math.sqrt(expected));
    }
    core.expectNothingLeft();
  });

  it('get it once while members and groups come and go', () => {
    const filters = ['a.b', 'a.*', '>'];
    for (let seed = 1; seed <= 60; seed++) {
      const roll = dice(seed);
      const core = new Stage(2);
      const [from, to] = [core.peer(), core.peer()];
      // Of each of these some members stay.
      const names = range(0, 6).map((name) => `q${name}`);
      let next = 0;
      const living = new Map<number, string>();
      const come = (name: string, stays: boolean): void => {
        core.say(to, `SUB ${filters[roll(3)]} ${name} ${next}\r\n`);
        if (!stays) living.set(next, name);
        next++;
      };
      for (const name of names) for (let i = 0; i < 4; i++) come(name, i === 0);
      for (
        let more = core.part(from, 1 + roll(20), PUB);
        more;
        more = core.part(from, 1 + roll(20))
      ) {
        for (let i = roll(4); i > 0; i--) {
          if (roll(2) === 0) come(names[roll(6)]!, false);
          else if (living.size > 0) {
            const sid = [...living.keys()][roll(living.size)]!;
            core.say(to, `UNSUB ${sid}\r\n`);
            living.delete(sid);
          }
        }
      }
      expect(core.got(to), `seed ${seed}`).toHaveLength(6);
      core.expectNothingLeft();
    }
  });

  it('are served by another member when the chosen one does not take it', () => {
    const core = new Stage(4);
    const [from, to] = [core.peer(abi.SESSION_HEADERS), core.peer()];
    core.say(from, subs(range(0, 50), 'a.b', 'q ') + subs(range(50, 50), 'a.*', 'q '));
    core.say(to, subs([1], '>', 'q '));
    for (let more = core.part(from, 1, PUB.repeat(20)); more; more = core.part(from, 1));
    expect(core.got(to)).toHaveLength(20);
    core.expectNothingLeft();
  });

  it('of one node are gone through in parts, though some of them end', () => {
    const core = new Stage(4);
    const [from, to] = [core.peer(), core.peer()];
    core.say(
      to,
      range(0, 400)
        .map((sid) => `SUB a.b q${sid} ${sid}\r\n`)
        .join(''),
    );
    let ended = 400;
    for (let more = core.part(from, 60, PUB); more; more = core.part(from, 60)) {
      if (ended > 20) ended -= 7;
      core.say(to, `${unsubs(range(ended, 7))}SUB a.b new${ended} new${ended}\r\n`);
    }
    const got = core.got(to);
    expect(new Set(got).size).toBe(got.length);
    for (const sid of range(0, ended)) expect(got).toContain(String(sid));
    expect(got.filter((sid) => sid.startsWith('new'))).toEqual([]);
    core.expectNothingLeft();
  });
});

describe('a long message', () => {
  it('stops at the budget among members, among nodes, and among groups', () => {
    const units = 20_000;
    const core = new Stage(1024, false);
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(range(0, 20_000), 'members'));
    expect(core.part(from, units, 'PUB members 0\r\n\r\n')).toBe(true);
    expect(core.got(to).length).toBeLessThan(units / 5);
    core.say(
      to,
      range(0, 20_000)
        .map((sid) => `SUB groups q${sid} g${sid}\r\n`)
        .join(''),
    );
    while (core.part(from, units));
    expect(core.got(to).length).toBeGreaterThan(10_000);
    expect(core.part(from, units, 'PUB groups 0\r\n\r\n')).toBe(true);
    expect(core.got(to).length).toBeLessThan(units / 5);
    while (core.part(from, units));
    expect(core.got(to).length).toBeGreaterThan(15_000);
    core.expectNothingLeft();
  });

  it('past many filters stops at the budget, and finds what there is', () => {
    const core = new Stage(1024, false);
    const [from, to] = [core.peer(), core.peer()];
    const tokens = 14;
    const filter = (bits: number): string =>
      range(0, tokens)
        .map((at) => ((bits >> at) & 1 ? 'a' : '*'))
        .join('.');
    for (let bits = 0; bits < 1 << tokens; bits += 256) {
      core.say(
        to,
        range(bits, 256)
          .map((b) => `SUB ${filter(b)}.x ${b}\r\n`)
          .join(''),
      );
    }
    const subject = range(0, tokens)
      .map(() => 'a')
      .join('.');
    let parts = 1;
    const miss = `PUB ${subject}.y 0\r\n\r\n`;
    for (let more = core.part(from, 50_000, miss); more; more = core.part(from, 50_000)) parts++;
    expect(parts).toBeGreaterThan(3);
    expect(core.got(to)).toEqual([]);
    const hit = `PUB ${subject}.x 0\r\n\r\n`;
    for (let more = core.part(from, 50_000, hit); more; more = core.part(from, 50_000));
    expect(new Set(core.got(to)).size).toBe(1 << tokens);
    core.expectNothingLeft();
  });
});
