// The sublist against a list, with the match cache and without; accounts apart; nothing left at the end.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { NaiveSublist } from '../model/matches.ts';
import { type Build, CoreDriver } from '../wasm/core-driver.ts';
import { filter, queue, subject } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const account = fc.integer({ min: 0, max: 1 });
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('insert' as const), account, filter, queue }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('match' as const), account, subject }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Handles that the core finds: the plain ones, then each group's, all sorted. */
function resolve(core: CoreDriver, owner: number, text: string): string {
  const [ptr = 0, length = 0] = core.scratch(text);
  const block = core.call('routeResolve', owner, ptr, length) >>> 0;
  if (block === 0) throw new Error('no route');
  let at = block + abi.ROUTE_MEMBERS;
  const members = (count: number): number[] => {
    const handles: number[] = [];
    for (let index = 0; index < count; index++, at += 4) {
      handles.push(core.word(core.word(at) + abi.SUB_HANDLE));
    }
    return handles.sort((a, b) => a - b);
  };
  const plain = members(core.word(block + abi.ROUTE_PLAIN_COUNT));
  const groups: number[][] = [];
  for (let left = core.word(block + abi.ROUTE_GROUP_COUNT); left > 0; left--) {
    at += 4;
    groups.push(members(core.word(at - 4)));
  }
  return JSON.stringify([plain, groups.map(String).sort()]);
}

function naive(sublist: NaiveSublist<number>, text: string): string {
  const { plain, groups } = sublist.match(text);
  const sorted = (handles: readonly number[]): number[] => [...handles].sort((a, b) => a - b);
  return JSON.stringify([sorted(plain), [...groups.values()].map((g) => String(sorted(g))).sort()]);
}

function agrees(build: Build, changes: readonly Change[], cache: boolean): boolean {
  const core = new CoreDriver(build, { seed: [changes.length, 3] });
  core.call('cacheEnable', cache ? 1 : 0);
  const owners = [core.call('accountOpen'), core.call('accountOpen')];
  const nodes = core.call('liveCount', abi.LIVE_NODES);
  const models = [new NaiveSublist<number>(), new NaiveSublist<number>()];
  const handles: number[] = [];
  const remove = (which: number): void => {
    const [handle = 0] = handles.splice(which % handles.length, 1);
    core.call('subscriptionShut', handle);
    for (const model of models) model.remove(handle);
  };
  for (const one of changes) {
    if (one.kind === 'insert') {
      const spans = core.scratch(one.filter, one.queue);
      const handle = core.call('subscriptionOpen', owners[one.account] ?? 0, ...spans);
      models[one.account]?.insert(one.filter, one.queue, handle);
      handles.push(handle);
    } else if (one.kind === 'remove') {
      if (handles.length > 0) remove(one.which);
      if (one.which % 3 === 0) core.call('turnEnd');
    } else {
      const model = models[one.account] ?? new NaiveSublist<number>();
      // Twice: the second answer may come from the cache.
      for (let again = 0; again < 2; again++) {
        const found = resolve(core, owners[one.account] ?? 0, one.subject);
        if (found !== naive(model, one.subject)) return false;
      }
    }
  }
  while (handles.length > 0) remove(0);
  core.call('turnEnd');
  const left = Object.values(core.liveCounts()).every((count) => count === 0);
  return left && core.call('liveCount', abi.LIVE_NODES) === nodes;
}

/**
 * Nodes lie elsewhere in each round, so their edges do, too, and a part of a table that meets more of them than before
 * doubles and stays so. What is left behind each time is more than that after so many.
 */
const ROUNDS = 1000;
const LEAST_BLOCK = 16;

describe('the sublist', () => {
  it.each(['debug', 'release'] as const)('agrees with a list: %s', (build) => {
    check(
      400,
      fc.property(fc.array(change, { maxLength: 60 }), fc.boolean(), (changes, cache) =>
        agrees(build, changes, cache),
      ),
    );
  });

  it('does not grow by being changed again and again', () => {
    const inserted = fc.array(fc.tuple(filter, queue), { minLength: 1, maxLength: 12 });
    check(
      30,
      fc.property(inserted, (subscriptions) => {
        const core = new CoreDriver('release');
        const owner = core.call('accountOpen');
        const round = (): number => {
          const handles = subscriptions.map(([text, group]) =>
            core.call('subscriptionOpen', owner, ...core.scratch(text, group)),
          );
          for (const handle of handles) core.call('subscriptionShut', handle);
          core.call('turnEnd');
          return core.call('liveCount', abi.LIVE_HEAP_BYTES);
        };
        round();
        const before = round();
        for (let index = 0; index < ROUNDS; index++) round();
        return round() - before < ROUNDS * LEAST_BLOCK;
      }),
    );
  });
});
