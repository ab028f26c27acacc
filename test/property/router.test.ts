// The whole core under any bytes: no trap, no stray access, every frame that leaves under the strict grammar,
// the same frames whatever the cut and whatever the build, and nothing left when all is closed.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { readFrames } from '../model/outgoing.ts';
import { type Build, CoreDriver, type CoreDriverOptions } from '../wasm/core-driver.ts';
import { conversation, cutBy, cuts, damagedStream, noise, toBytes } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const FLAGS = [
  abi.SESSION_ECHO,
  abi.SESSION_VERBOSE,
  abi.SESSION_PEDANTIC,
  abi.SESSION_HEADERS,
  abi.SESSION_NO_RESPONDERS,
  abi.SESSION_WANTS_PING,
  abi.SESSION_TRACE,
];
const NORMAL = abi.SESSION_ECHO | abi.SESSION_HEADERS;

const flags = fc.oneof(
  fc.constant(NORMAL),
  fc.subarray(FLAGS).map((bits) => bits.reduce((all, bit) => all | bit, abi.SESSION_ECHO)),
);

interface Setting {
  /** Flags of each session. */
  readonly sessions: readonly number[];
  /** Which session reads what, in turn. */
  readonly reads: readonly (readonly [session: number, text: string])[];
  /** Room for records, 0 = as it is. */
  readonly records: number;
  readonly growth: boolean;
}

/** Budgets of reads: each op by itself, a few of them, and none. */
const units = fc.constantFrom(1, 2, 30, 300, 0);

function settingOf(text: fc.Arbitrary<string>, growth = false): fc.Arbitrary<Setting> {
  return fc.record({
    sessions: fc.array(flags, { minLength: 3, maxLength: 3 }),
    reads: fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), text), { minLength: 1, maxLength: 8 }),
    records: fc.constantFrom(0, 0, 8, 9, 17),
    growth: fc.constant(growth),
  });
}

interface Outcome {
  /** What each session is sent. */
  readonly sent: readonly Buffer[];
  /** Empty unless asked for. */
  readonly records: readonly string[];
}

/** Throws when the core does what it must not. */
function play(
  build: Build,
  setting: Setting,
  cut: (bytes: Uint8Array) => Uint8Array[],
  options: CoreDriverOptions = {},
): Outcome {
  const core = new CoreDriver(build, { seed: [7, 9], ...options });
  const account = core.call('accountOpen');
  if (setting.records > 0) core.call('recordsSetLimit', setting.records);
  if (setting.growth) core.call('memoryForceGrowth', 0, 1);
  const nodes = core.call('liveCount', abi.LIVE_NODES);
  const sessions = setting.sessions.map((bits) => core.openSession(account, bits));
  const local = core.scratch('foo.>', 'workers');
  const sub = core.call('subscriptionOpen', account, ...local);
  for (const [which, text] of setting.reads) {
    for (const chunk of cut(toBytes(text))) core.feed(sessions[which] ?? 0, chunk);
  }
  const sent = sessions.map((session) => core.takeSent(session));
  for (const bytes of sent) readFrames(bytes);
  core.call('subscriptionShut', sub);
  core.closeAll();
  for (const [what, count] of Object.entries(core.liveCounts())) {
    if (count !== 0) throw new Error(`${count} ${what} live on`);
  }
  if (core.call('liveCount', abi.LIVE_NODES) !== nodes) throw new Error('nodes live on');
  return { sent, records: core.takeRecords() };
}

function cutsAgree(setting: Setting, lengths: number[]): boolean {
  const whole = play('debug', setting, (bytes) => [bytes]);
  const pieces = play('release', setting, (bytes) => cutBy(bytes, lengths));
  // A route that had to stop picks anew when it goes on: another member, as good as the first.
  if (setting.records > 0) return true;
  return sentAlike(whole, pieces);
}

function sentAlike(one: Outcome, other: Outcome): boolean {
  return one.sent.every((bytes, index) => bytes.equals(other.sent[index] ?? Buffer.alloc(0)));
}

// Every answer to a SUB or PING takes the decision with it: nobody else is there in between.
function budgetIsUnseen(setting: Setting, lengths: number[], readUnits: number): boolean {
  const cut = (bytes: Uint8Array): Uint8Array[] => cutBy(bytes, lengths);
  const options = { keepsRecords: true };
  const whole = play('debug', setting, cut, options);
  const parts = play('release', setting, cut, { ...options, readUnits });
  if (setting.records > 0) return true;
  return sentAlike(whole, parts) && `${whole.records}` === `${parts.records}`;
}

/** Takes all memory that is left, so that whoever wants a block is refused. */
function starve(core: CoreDriver): void {
  core.call('memoryForceGrowth', 1, 0);
  for (let bytes = 1 << 20; bytes >= 16; bytes >>= 1) {
    while (core.call('blockAllocate', bytes) !== 0);
  }
}

// What is refused may be anything; what is done is right all the same.
function standsRefusal(setting: Setting, from: number, lengths: number[]): number {
  const core = new CoreDriver('test', { seed: [7, 9] });
  const account = core.call('accountOpen');
  const sessions = setting.sessions.map((bits) => core.openSession(account, bits));
  const reads = setting.reads.flatMap(([which, text]) =>
    cutBy(toBytes(text), lengths).map((chunk) => [which, chunk] as const),
  );
  let refused = 0;
  for (const [index, [which, chunk]] of reads.entries()) {
    if (index === from % reads.length) {
      starve(core);
      refused = core.call('growthRefusals');
    }
    core.feed(sessions[which] ?? 0, chunk);
  }
  const count = core.call('growthRefusals') - refused;
  for (const session of sessions) readFrames(core.takeSent(session));
  core.closeAll();
  for (const [what, left] of Object.entries(core.liveCounts())) {
    if (left !== 0) throw new Error(`${left} ${what} live on`);
  }
  return count;
}

function growthIsUnseen(setting: Setting, lengths: number[]): boolean {
  const cut = (bytes: Uint8Array): Uint8Array[] => cutBy(bytes, lengths);
  const still = play('release', setting, cut, { keepsRecords: true });
  const growing = play('release', setting, cut, { keepsRecords: true, growsAtCalls: true });
  return sentAlike(still, growing) && `${still.records}` === `${growing.records}`;
}

describe('the core', () => {
  it('sends the same frames under every cut', () => {
    check(200, fc.property(settingOf(conversation), cuts, cutsAgree));
  });

  it('sends the same frames and makes the same records under every budget', () => {
    check(150, fc.property(settingOf(conversation), cuts, units, budgetIsUnseen));
  });

  it('stands the refusal of growth in the middle of a read', () => {
    let refusals = 0;
    const property = fc.property(
      settingOf(conversation),
      fc.nat(),
      cuts,
      (setting, from, lengths) => {
        refusals += standsRefusal(setting, from, lengths);
      },
    );
    check(100, property);
    expect(refusals).toBeGreaterThan(100);
  });

  it('sends the same frames when memory grows at every new block', () => {
    check(20, fc.property(settingOf(conversation, true), cuts, cutsAgree));
  });

  it('sends the same frames and makes the same records when memory grows at every call', () => {
    check(10, fc.property(settingOf(conversation), cuts, growthIsUnseen));
  });

  it('stands streams with a fault in them', () => {
    check(150, fc.property(settingOf(damagedStream), cuts, cutsAgree));
  });

  it('stands any bytes whatever', () => {
    check(150, fc.property(settingOf(noise), cuts, cutsAgree));
  });
});
