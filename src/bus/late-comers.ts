// Who gets a message that has waited for its turn: those who had subscribed when it was published. Whoever came later
// has a higher sid, and lists of members are in the order of sids, so they are the rest of each list. One thing is
// not told by sids: in a queue group without anybody else a late-comer stands in for a member that has closed since.
// So members that close while messages wait are noted.
//
//   a handler: publish('a')  serial 7, last sid 4
//              member 3 of q closes        noted: q, 'a', sid 3, before serial 8
//              subscribe('a', q)  sid 5    gets message 7: 3 ≤ 4 was there, and 7 < 8 has closed since

import type { Fan, RouteGroup } from './route-map.ts';
import type { BusSubscription } from './subscription.ts';

/** When a message was published. */
export interface Moment {
  /** Who has a higher sid came later. */
  readonly lastSid: number;
  /** Its number among those that wait. */
  readonly serial: number;
}

interface Loss {
  readonly subject: string;
  readonly queue: string;
  readonly sid: number;
  /** It concerns messages with lower numbers. */
  readonly before: number;
}

/** Beyond this a group is believed to have lost somebody: sooner one message too many than one too few. */
const LOSSES_MAX = 256;

/** Of an account. */
export class LateComers {
  #losses: Loss[] = [];
  // The highest `before` of them.
  #before = 0;
  // The last answer for a route: the messages of one handler often have it in common.
  readonly #narrowed = new WeakMap<Fan, { readonly lastSid: number; readonly fan: Fan }>();

  /** A member has closed; `from` and `to` are the numbers of the first message that waits, and of the next that will. */
  note({ subject, queue, sid }: BusSubscription, from: number, to: number): void {
    if (queue === undefined || from === to) return;
    if (from >= this.#before) this.#losses = [];
    this.#before = to;
    if (this.#losses.length <= LOSSES_MAX) this.#losses.push({ subject, queue, sid, before: to });
  }

  /** Whether a group has lost a member since then; without a name, whether any has. */
  hasLost(to: string, { lastSid, serial }: Moment, name?: string): boolean {
    if (serial >= this.#before) return false;
    if (this.#losses.length > LOSSES_MAX) return true;
    return this.#losses.some(
      ({ subject, queue, sid, before }) =>
        serial < before &&
        sid <= lastSid &&
        (name === undefined || name === queue) &&
        matches(to, subject),
    );
  }

  /** A route of this process alone without those who came after the moment. */
  narrow(route: Fan, to: string, moment: Moment): Fan {
    const { lastSid } = moment;
    const hasLosses = this.hasLost(to, moment);
    const known = this.#narrowed.get(route);
    if (!hasLosses && known?.lastSid === lastSid) return known.fan;
    const plain = route.plain.slice(0, countUpTo(route.plain, lastSid));
    const groups: RouteGroup[] = [];
    for (const group of route.groups) {
      const count = countUpTo(group.members, lastSid);
      if (count > 0) groups.push({ ...group, count });
      else if (hasLosses && this.hasLost(to, moment, group.queue)) groups.push(group);
    }
    const fan = { ...route, plain, groups };
    if (!hasLosses) this.#narrowed.set(route, { lastSid, fan });
    return fan;
  }
}

/** How many of them have a sid that is not higher. */
function countUpTo(members: readonly BusSubscription[], lastSid: number): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((members[middle] as BusSubscription).sid <= lastSid) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matches(subject: string, filter: string): boolean {
  if (subject === filter) return true;
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  for (let at = 0; at < wanted.length; at++) {
    if (wanted[at] === '>' && at === wanted.length - 1) return at < tokens.length;
    if (wanted[at] !== '*' && wanted[at] !== tokens[at]) return false;
  }
  return wanted.length === tokens.length;
}
