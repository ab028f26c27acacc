// Whole conversations of a few clients against the naive broker, one action after the other.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Action, encodeAction, NaiveBroker } from '../model/naive-broker.ts';
import { readFrames } from '../model/outgoing.ts';
import { type Build, CoreDriver } from '../wasm/core-driver.ts';
import { filter, queue, subject, toBytes } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const SESSIONS = 3;
const FLAGS = [
  abi.SESSION_ECHO,
  abi.SESSION_VERBOSE,
  abi.SESSION_PEDANTIC,
  abi.SESSION_HEADERS,
  abi.SESSION_NO_RESPONDERS,
];

const session = fc.integer({ min: 0, max: SESSIONS - 1 });
const sid = fc.constantFrom('1', '2', '3', '4', 'a-sid-longer-than-sixteen-bytes');
const payload = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: fc.constantFrom(...'ab\r\n \0\xff'), maxLength: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(4000, 33000).map((size) => 'p'.repeat(size)) },
);
const header = fc.constantFrom('', '', 'NATS/1.0\r\n\r\n', 'NATS/1.0\r\nA: b\r\n\r\n');
const literalOrOdd = fc.oneof(
  { weight: 9, arbitrary: subject },
  filter,
  fc.constantFrom('a..b', '.a', 'a.'),
);
const sub = fc.record({ kind: fc.constant('sub' as const), session, filter, queue, sid });
const unsub = fc.record({
  kind: fc.constant('unsub' as const),
  session,
  sid,
  max: fc.constantFrom(0, 1, 2, 3),
});
const pub = fc.record({
  kind: fc.constant('pub' as const),
  session,
  subject: literalOrOdd,
  reply: fc.oneof(fc.constant(''), subject),
  header,
  payload,
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: sub },
  { weight: 3, arbitrary: unsub },
  { weight: 10, arbitrary: pub },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ping' as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), session }) },
);
const flags = fc.subarray(FLAGS).map((bits) => bits.reduce((all, bit) => all | bit, 0));
const sessionFlags = fc.array(
  fc.oneof(fc.constant(abi.SESSION_ECHO | abi.SESSION_HEADERS), flags),
  { minLength: SESSIONS, maxLength: SESSIONS },
);

/** What a client may publish: HPUB needs a session with headers. */
function allowed(one: Action, bits: readonly number[]): Action {
  if (one.kind !== 'pub' || ((bits[one.session] ?? 0) & abi.SESSION_HEADERS) !== 0) return one;
  return { ...one, header: '' };
}

interface Setting {
  readonly cache: boolean;
  /** Room for records, 0 = as it is. */
  readonly records: number;
  /** Every op leaves a record, too. */
  readonly trace: boolean;
  /** Of each read; 0 = none. */
  readonly readUnits: number;
  /** Members of a part, where every message goes in parts; 0 = as it is. Of the test build alone. */
  readonly partMembers: number;
}

const setting = fc.record({
  cache: fc.boolean(),
  records: fc.constantFrom(0, 8, 9, 12),
  trace: fc.boolean(),
  readUnits: fc.constantFrom(0, 1, 20, 200),
  partMembers: fc.constant(0),
});
const inParts = fc
  .record({ how: setting, partMembers: fc.constantFrom(1, 2, 100) })
  .map(({ how, partMembers }) => ({ ...how, partMembers }));

function follows(
  build: Build,
  bits: number[],
  actions: Action[],
  { cache, records, trace, readUnits, partMembers }: Setting,
): boolean {
  const core = new CoreDriver(build, { seed: [actions.length, bits[0] ?? 0], readUnits });
  if (partMembers > 0) {
    core.call('lookupLimit', 0, 0);
    core.call('walkLimit', partMembers);
  }
  core.call('cacheEnable', cache ? 1 : 0);
  if (records > 0) core.call('recordsSetLimit', records);
  const account = core.call('accountOpen');
  const more = trace ? abi.SESSION_TRACE : 0;
  const sessions = bits.map((word) => core.openSession(account, word | more));
  const broker = new NaiveBroker(bits);
  for (const one of actions.map((raw) => allowed(raw, bits))) {
    const handle = sessions[one.session] ?? 0;
    const text = encodeAction(one);
    if (text !== undefined) core.feed(handle, toBytes(text));
    else if (!core.isClosed(handle)) core.closeSession(handle);
    broker.step(
      one,
      sessions.map((each) => readFrames(core.takeSent(each))),
    );
    if (core.call('liveCount', abi.LIVE_SUBSCRIPTIONS) < broker.subscriptionCount) return false;
  }
  core.closeAll();
  return Object.values(core.liveCounts()).every((count) => count === 0);
}

describe('the core', () => {
  it.each(['debug', 'release'] as const)('does what the naive broker expects: %s', (build) => {
    check(
      300,
      fc.property(
        sessionFlags,
        fc.array(action, { minLength: 1, maxLength: 40 }),
        setting,
        (bits, actions, how) => follows(build, bits, actions, how),
      ),
    );
  });

  it('does so when every message goes in parts', () => {
    const actions = fc.array(action, { minLength: 1, maxLength: 40 });
    check(
      300,
      fc.property(sessionFlags, actions, inParts, (bits, some, how) =>
        follows('test', bits, some, how),
      ),
    );
  });
});
