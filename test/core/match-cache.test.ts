// What the match cache remembers of subjects: those that come again, and not those that come once.
import { describe, expect, it } from 'vitest';
import { type AccountHandle, type Core, createCore } from '../../src/core/index.ts';

/** Several times what the cache holds: hardly a set of it is left with room. */
const FILLING = 80_000;
const ONCE = 40_000;

interface Stage {
  readonly core: Core;
  readonly account: AccountHandle;
  /** How often the subject was looked up before, as far as the cache remembers. */
  hits(subject: string): number;
}

function stage(filling: number): Stage {
  const core = createCore();
  const account = core.createAccount();
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
    hits('hot');
    expect(hits('hot')).toBe(1);
    const before = core.live().heapBytes;
    let remembered = 0;
    for (let i = 0; i < ONCE; i++) remembered += hits(`once.${i}`);
    // Some bits are noted of a subject, so one may be taken for another.
    expect(remembered).toBeLessThan(10);
    expect(hits('hot')).toBe(2);
    expect(core.live().heapBytes - before).toBeLessThan(20_000);
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
