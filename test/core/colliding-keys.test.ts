// What peers name is found soon, however much of it there is and however it was chosen: 20,000 subjects, tokens, queue
// groups and sids that collide under seed 0, and long ones that differ at their ends alone.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type Core,
  createCore,
  peersOf,
  type SessionHandle,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { openSession } from '../support/core-sessions.ts';
import { collidingSubjects } from './colliding-subjects.ts';

const KEYS = 20_000;
/** Under the known seed each costs as many steps as there are before it, so fewer have to do. */
const ATTACKED_KEYS = 1000;
/** Half full, a table with linear probing has runs of some dozens. */
const ORDINARY_RUN_MAX = 200;

const wasm = readFileSync(new URL('../../build/test.wasm', import.meta.url));
const colliding = collidingSubjects(0n, KEYS);

/** What the worst search costs: a run of full slots, in whichever table it is. */
function longestRun(core: Core): number {
  const { longestRun } = core.exports as unknown as { longestRun(): number };
  return longestRun();
}

function subscribe(core: Core, session: SessionHandle, line: string): void {
  const bytes = Buffer.from(line, 'latin1');
  const { sessions } = peersOf(core);
  const ptr = bytes.length > core.inbox.bytes ? core.gather(bytes.length) : core.inbox.ptr;
  core.writeBytes(ptr, bytes);
  expect(sessions.ingest(session, ptr, bytes.length)).toBe(STATUS_OP);
  expect(sessions.subscribe(session)).toBe(STATUS_OK);
}

/** Inserts keys. */
type Work = (core: Core, keys: readonly string[]) => void;

function ofProgram(filterOf: (key: string) => string, queueOf?: (key: string) => string): Work {
  return (core, keys) => {
    const account = core.accounts.create();
    for (const key of keys) core.subscribe(account, filterOf(key), queueOf?.(key));
  };
}

function sids(core: Core, keys: readonly string[]): void {
  const session = openSession(core, core.accounts.create(), { controlLineMax: 65_536 });
  for (const key of keys) subscribe(core, session, `SUB x ${key}\r\n`);
}

describe.each<readonly [string, Work]>([
  ['literal subjects', ofProgram((key) => key)],
  ['tokens beside a wildcard', ofProgram((key) => `${key}.*`)],
  [
    'queue groups of one subject',
    ofProgram(
      () => 'x',
      (key) => key,
    ),
  ],
  ['sids', sids],
])('%s that collide under seed 0', (_, insert) => {
  const runOf = (count: number, seed?: readonly [number, number]): number => {
    const core = createCore({ wasm, seed });
    insert(core, colliding.slice(0, count));
    return longestRun(core);
  };

  test('lie in one run of the table when that is the seed', () => {
    expect(runOf(ATTACKED_KEYS, [0, 0])).toBeGreaterThanOrEqual(ATTACKED_KEYS);
  });

  test('are spread by any other seed', () => {
    expect(runOf(ATTACKED_KEYS, [1, 0])).toBeLessThan(ORDINARY_RUN_MAX);
    expect(runOf(ATTACKED_KEYS, [0, 1])).toBeLessThan(ORDINARY_RUN_MAX);
    expect(runOf(KEYS)).toBeLessThan(ORDINARY_RUN_MAX);
  });
});

test('sids that differ only behind their first 4,096 bytes are spread', () => {
  const core = createCore({ wasm });
  const keys = Array.from({ length: 3000 }, (_, index) => `${'b'.repeat(8000)}${1e6 + index}`);
  sids(core, keys);
  expect(core.live().subscriptions).toBe(3000);
  expect(longestRun(core)).toBeLessThan(ORDINARY_RUN_MAX);
});

test('50,000 queue groups of one subject are spread, and given back', () => {
  const core = createCore({ wasm });
  const account = core.accounts.create();
  const subs = Array.from({ length: 50_000 }, (_, i) => core.subscribe(account, 'x', `q${i}`));
  expect(longestRun(core)).toBeLessThan(ORDINARY_RUN_MAX);
  for (const sub of subs) expect(core.unsubscribe(sub)).toBe(true);
  core.turnEnd();
  expect(core.live()).toMatchObject({ groups: 0, subscriptions: 0, nodes: 1 });
});
