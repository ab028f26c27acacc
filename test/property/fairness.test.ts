// Queue groups, over many messages: each message to exactly one member, and to each member about its share,
// whatever their filters, wherever they live, and whoever has left.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { CorePeer } from '../support/core-peer.ts';
import { seededBus } from './bus-program.ts';
import { check, takeTime } from './check.ts';

takeTime();

const MESSAGES = 1200;
const READ = 100;
/** A count further from its mean is no chance: 2 in 10^9. */
const SIGMAS = 6;

interface Member {
  readonly filter: string;
  readonly isRemote: boolean;
}

interface Setting {
  readonly seed: number;
  readonly members: readonly Member[];
  /** Who leaves before each further round, by number. */
  readonly departures: readonly number[];
  /** A peer publishes, not the program. */
  readonly isFromPeer: boolean;
}

/** Where nobody is remote, the program publishes without the core. */
function memberOf(isRemote: fc.Arbitrary<boolean>): fc.Arbitrary<Member> {
  const filter = fc.constantFrom('work.a', 'work.*', 'work.>', '*.a', '>');
  return fc.record({ filter, isRemote });
}

const setting: fc.Arbitrary<Setting> = fc.record({
  // Spread over all bits: fast-check likes small numbers.
  seed: fc.nat().map((seed) => Math.imul(seed, 0x9e3779b1) >>> 0),
  members: fc.oneof(
    fc.array(memberOf(fc.constant(false)), { minLength: 1, maxLength: 9 }),
    fc.array(memberOf(fc.boolean()), { minLength: 1, maxLength: 9 }),
  ),
  departures: fc.array(fc.nat(), { maxLength: 3 }),
  isFromPeer: fc.boolean(),
});

interface Living {
  /** Messages since the last call. */
  takeCount(): number;
  leave(): void;
}

function areShared({ seed, members, departures, isFromPeer }: Setting): boolean {
  const bus = seededBus(seed);
  const peer = new CorePeer(internalsOf(bus));
  const remote = new Map<string, number>();
  const living = members.map(({ filter, isRemote }, index): Living => {
    if (isRemote) {
      peer.say(`SUB ${filter} workers ${index}\n`);
      const takeCount = (): number => {
        const count = remote.get(`${index}`) ?? 0;
        remote.delete(`${index}`);
        return count;
      };
      return { takeCount, leave: () => peer.say(`UNSUB ${index}\n`) };
    }
    let count = 0;
    const queue = 'workers';
    const sub = bus.subscribe(filter, () => void count++, { queue });
    const takeCount = (): number => {
      const taken = count;
      count = 0;
      return taken;
    };
    return { takeCount, leave: () => sub.unsubscribe() };
  });
  const gone: Living[] = [];
  for (let round = 0; round <= departures.length && living.length > 0; round++) {
    for (let sent = 0; sent < MESSAGES; sent += READ) {
      if (isFromPeer) peer.say('PUB work.a 0\n\n'.repeat(READ));
      else for (let i = 0; i < READ; i++) bus.publish('work.a');
      for (const [, sid = ''] of peer.heard().matchAll(/^MSG work\.a (\d+) 0$/gm)) {
        remote.set(sid, (remote.get(sid) ?? 0) + 1);
      }
    }
    if (!isEven(living.map((member) => member.takeCount()))) return false;
    if (gone.some((member) => member.takeCount() > 0)) return false;
    const [leaver] = living.splice((departures[round] ?? 0) % living.length, 1);
    leaver?.leave();
    if (leaver !== undefined) gone.push(leaver);
  }
  return true;
}

/** Each count is binomial: so many messages, one chance in as many as there are members. */
function isEven(counts: readonly number[]): boolean {
  const share = 1 / counts.length;
  const bound = SIGMAS * Math.sqrt(MESSAGES * share * (1 - share));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total === MESSAGES && counts.every((count) => Math.abs(count - MESSAGES * share) <= bound);
}

describe('a queue group', () => {
  it('shares its messages evenly among the members that live', () => {
    check(40, fc.property(setting, areShared));
  });
});
