// What the match cache remembers of subjects: those that come again, and not those that come once.
import { describe, expect, it } from 'vitest';
import { type AccountHandle, type Core, createCore } from '../../src/core/index.ts';

/** Several times what the cache holds: hardly a set of it is left with room. */
const FILLING = 80_000;
/** Subjects met for the first time, after as many of which one that comes again counts as new. */
const STRANGERS = 16_384;

interface Stage {
  readonly core: Core;
  readonly account: AccountHandle;
  /** How often the subject was looked up before, as far as the cache remembers. */
  hits(subject: string): number;
}

function stage(filling: number): Stage {
  const core = createCore({ seed: [1, 2] });
  const account = core.accounts.create();
  core.subscribe(account, '>');
  const hits = (subject: string): number => {
    const route = core.resolve(account, subject);
    expect(route.plain()).toHaveLength(1);
    return route.hits;
  };
  for (let i = 0; i < filling; i++) core.resolve(account, `old.${i}`);
  return { core, account, hits };
}

describe('the match cache', () => {
  it('takes a subject at once while there is room', () => {
    const { hits } = stage(0);
    expect([hits('a'), hits('a'), hits('a')]).toEqual([0, 1, 2]);
  });

  it('takes a subject at its second time when it is full', () => {
    const { hits } = stage(FILLING);
    expect([hits('a'), hits('a'), hits('a')]).toEqual([0, 1, 2]);
  });

  it('keeps what it holds, and its memory, when subjects come once', () => {
    const { core, hits } = stage(FILLING);
    const hot = Array.from({ length: 20 }, (_, i) => `hot.${i}`);
    for (const subject of hot) expect([hits(subject), hits(subject)]).toEqual([0, 1]);
    const before = core.live().heapBytes;
    let remembered = 0;
    for (let i = 0; i < STRANGERS / 2; i++) remembered += hits(`once.${i}`);
    // Some bits are noted of a subject, so one may be taken for another.
    expect(remembered).toBeLessThan(5);
    expect(hot.map(hits)).toEqual(hot.map(() => 2));
    expect(core.live().heapBytes - before).toBeLessThan(20_000);
  });

  it('does not count a subject that comes again only after many others', () => {
    const { core, account, hits } = stage(FILLING);
    expect([hits('seldom'), hits('seldom'), hits('seldom')]).toEqual([0, 1, 2]);
    hits('another'); // The last hit of all is found without the clock.
    hits('another');
    expect(hits('another')).toBe(2);
    for (let i = 0; i < STRANGERS * 1.5; i++) core.resolve(account, `once.${i}`);
    expect([hits('seldom'), hits('seldom')]).toEqual([0, 1]);
  });

  it('gives up what is not asked for any more, so that subjects of one set cannot keep each other out', () => {
    const { core, account, hits } = stage(FILLING);
    const all = Array.from({ length: 400 }, (_, i) => `new.${i}`);
    for (let round = 0; round < 3; round++) all.map(hits);
    const outside = all.filter((subject) => hits(subject) === 0);
    expect(outside.length).toBeGreaterThan(1);
    for (let asked = 0; asked < STRANGERS * 9; asked += outside.length) {
      for (const subject of outside) core.resolve(account, subject);
    }
    expect(outside.filter((subject) => hits(subject) === 0)).toEqual([]);
  });

  it('forgets with the generation', () => {
    const { core, account, hits } = stage(FILLING);
    hits('hot');
    hits('hot');
    const other = core.subscribe(account, 'hot');
    expect(core.resolve(account, 'hot').plain()).toHaveLength(2);
    core.unsubscribe(other);
    core.turnEnd();
    expect([hits('hot'), hits('hot')]).toEqual([0, 1]);
  });
});
