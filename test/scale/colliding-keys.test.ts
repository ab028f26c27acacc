// 100,000 subjects, tokens and sids that peers have chosen to collide under seed 0: with a seed that they do not
// know they cost what any others cost.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Core, createCore } from '../../src/core/index.ts';
import { createBus } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { collidingSubjects, ordinarySubjects } from './colliding-subjects.ts';

const KEYS = 100_000;
/** Under the known seed each costs as many steps as there are before it, so fewer have to do. */
const ATTACKED_KEYS = 4000;
/** Half full, a table with linear probing has runs of some dozens. */
const ORDINARY_RUN_MAX = 200;
const SLOWER_MAX = 3;
const RETRIES = 2;
const LINES_OF_A_READ = 1000;

const colliding = collidingSubjects(0n, KEYS);
const ordinary = ordinarySubjects((colliding[0] as string).length, KEYS);

function longestRun(core: Core): number {
  const { literalsLongestRun } = core.exports as unknown as { literalsLongestRun(): number };
  return literalsLongestRun();
}

/** Inserts, matches and removes each key, and answers the milliseconds of processor time. */
type Work = (keys: readonly string[]) => number;

function subjects(suffix: string, filterSuffix: string): Work {
  return (keys) => {
    const core = createCore();
    const account = core.accounts.create();
    const start = process.cpuUsage();
    const subs = keys.map((key) => core.subscribe(account, key + filterSuffix));
    for (const key of keys) {
      const plain = core.resolve(account, key + suffix).plain();
      if (plain.length !== 1) throw new Error(`${plain.length} subscriptions match ${key}`);
    }
    for (const sub of subs) core.unsubscribe(sub);
    core.turnEnd();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}

function sids(keys: readonly string[]): number {
  const peer = new CorePeer(internalsOf(createBus()));
  const start = process.cpuUsage();
  for (const verb of ['SUB subject', 'UNSUB']) {
    for (let at = 0; at < keys.length; at += LINES_OF_A_READ) {
      const lines = keys.slice(at, at + LINES_OF_A_READ).map((key) => `${verb} ${key}\n`);
      peer.say(lines.join(''));
    }
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** How many times the time of ordinary keys the colliding ones take; each kind of work once before. */
function slowdown(work: Work): number {
  const usual = work(ordinary);
  const attacked = work(colliding);
  console.log(`colliding ${Math.round(attacked)} ms, ordinary ${Math.round(usual)} ms`);
  return attacked / usual;
}

describe('keys that collide under seed 0', () => {
  const wasm = readFileSync(new URL('../../build/test.wasm', import.meta.url));
  const insert = (seed: readonly [number, number] | undefined): number => {
    const core = createCore({ wasm, seed });
    const account = core.accounts.create();
    for (const key of colliding.slice(0, ATTACKED_KEYS)) core.subscribe(account, key);
    return longestRun(core);
  };

  test('lie in one run of the table when that is the seed', () => {
    expect(insert([0, 0])).toBeGreaterThanOrEqual(ATTACKED_KEYS);
  });

  test('are spread by any other seed', () => {
    expect(insert([1, 0])).toBeLessThan(ORDINARY_RUN_MAX);
    expect(insert([0, 1])).toBeLessThan(ORDINARY_RUN_MAX);
    expect(insert(undefined)).toBeLessThan(ORDINARY_RUN_MAX);
  });

  test.each<readonly [string, Work]>([
    ['literal subjects', subjects('', '')],
    ['tokens beside a wildcard', subjects('.x', '.*')],
    ['sids', sids],
  ])('cost no more than others as %s', (_, work) => {
    let slower = slowdown(work);
    for (let retry = 0; retry < RETRIES && slower > SLOWER_MAX; retry++) slower = slowdown(work);
    expect(slower).toBeLessThan(SLOWER_MAX);
  });
});
