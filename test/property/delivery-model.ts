// Who has to get a message when handlers subscribe and unsubscribe on the way, told from what is seen: the order of
// calls, and who was open when. It follows the bus instead of foretelling it, since a queue group's pick is
// free.
//
//   a publish is routed when everything before it has been delivered; a read's messages all at once, before the
//   first handler runs. Routed, a message is owed to each plain subscription and to one member of each group.
//   Who has come since it was published is owed nothing, unless to stand in for a member of a group that has closed.
//   What closes before its turn is owed nothing; a group owes to whoever lives in it at its turn.

import { matches } from '../model/matches.ts';

export interface ModelSubscription {
  readonly id: number;
  readonly filter: string;
  readonly queue: string;
  readonly max: number;
  isOpen: boolean;
  /** Messages routed to it, for a plain one. */
  routed: number;
  arrived: number;
}

export interface ModelMessage {
  readonly id: number;
  readonly subject: string;
}

interface Group {
  /** Those of the time at which the message was routed. */
  readonly members: Set<ModelSubscription>;
  isServed: boolean;
  /** One of them has closed since: somebody who came later may stand in. */
  hasLost: boolean;
  /** There has been a time without a living member. */
  mayMiss: boolean;
}

interface Waiting extends ModelMessage {
  /** Who has a lower id had subscribed when it was published. */
  readonly bound: number;
  /** Groups that have lost a member since then. */
  readonly lost: Set<string>;
  /** Groups whose member was in its last handler then: that counts as here or as gone. */
  readonly mayHaveLost: Set<string>;
}

interface Routed extends ModelMessage {
  readonly owed: Set<ModelSubscription>;
  readonly groups: Map<string, Group>;
}

export class DeliveryModel {
  readonly faults: string[] = [];
  readonly #subscriptions: ModelSubscription[] = [];
  /** In the order of their turns; the first one is under way. */
  #routed: Routed[] = [];
  #waiting: Waiting[] = [];
  /** Whose handler runs, if its max has ended it. */
  #ending: ModelSubscription | undefined;

  fault(text: string): void {
    this.faults.push(text);
  }

  open(filter: string, queue: string, max: number): ModelSubscription {
    const id = this.#subscriptions.length;
    const opened = { id, filter, queue, max, isOpen: true, routed: 0, arrived: 0 };
    this.#subscriptions.push(opened);
    return opened;
  }

  close(subscription: ModelSubscription): void {
    if (!subscription.isOpen) return;
    subscription.isOpen = false;
    const { id, queue, filter } = subscription;
    for (const { bound, lost, subject } of this.#waiting) {
      if (queue !== '' && id < bound && matches(subject, filter)) lost.add(queue);
    }
    for (const message of this.#routed) {
      message.owed.delete(subscription);
      const group = message.groups.get(subscription.queue);
      if (group === undefined) continue;
      if (group.members.has(subscription)) group.hasLost = true;
    }
    this.#weigh();
  }

  /** Marks the groups that nobody has to serve any more. */
  #weigh(): void {
    for (const message of this.#routed) {
      for (const [name, group] of message.groups) {
        group.mayMiss ||= !this.#hasMember(message, name, group);
      }
    }
  }

  // The core has counted a max when it routed, so such a member may have left the group before it is closed:
  // then the group was owed nothing, and who came later is not demanded.
  #hasMember(message: Routed, queue: string, group: Group): boolean {
    const originals = [...group.members];
    if (originals.some((each) => this.#hasRoom(each, message))) return true;
    if (originals.some(({ max }) => max > 0)) return false;
    return this.#open(message.subject).some(
      (each) => each.queue === queue && this.#hasRoom(each, message),
    );
  }

  // Its max allows this message even if it is the pick of all others that are on their way.
  #hasRoom({ isOpen, max, arrived, ...rest }: ModelSubscription, message: Routed): boolean {
    if (!isOpen || max === 0) return isOpen;
    const others = this.#routed.filter(({ groups, id }) => {
      const group = groups.get(rest.queue);
      if (id === message.id || group === undefined || group.isServed) return false;
      return [...group.members].some((each) => each.id === rest.id);
    });
    return arrived + others.length < max;
  }

  #open(subject: string): ModelSubscription[] {
    return this.#subscriptions.filter(({ isOpen, filter }) => isOpen && matches(subject, filter));
  }

  /** The program is about to publish. */
  publish(message: ModelMessage): void {
    const mayHaveLost = new Set<string>();
    const { queue = '', filter = '' } = this.#ending ?? {};
    if (queue !== '' && matches(message.subject, filter)) mayHaveLost.add(queue);
    const bound = this.#subscriptions.length;
    this.#waiting.push({ ...message, bound, lost: new Set(), mayHaveLost });
  }

  /** A peer's messages are about to be read, outside of handlers. */
  read(messages: readonly ModelMessage[]): void {
    const bound = this.#subscriptions.length;
    const none = new Set<string>();
    for (const message of messages) {
      this.#route({ ...message, bound, lost: none, mayHaveLost: none });
    }
    this.#weigh();
  }

  #route({ id, subject, bound, lost, mayHaveLost }: Waiting): void {
    const routed: Routed = { id, subject, owed: new Set(), groups: new Map() };
    const open = this.#open(subject);
    this.#owe(
      routed,
      open.filter((each) => each.id < bound),
    );
    // In a group without anybody else. Where the core routes, one lost member makes room in all such groups.
    for (const each of open) {
      if (each.queue === '' || each.id < bound || lost.size + mayHaveLost.size === 0) continue;
      const group = routed.groups.get(each.queue);
      if (group !== undefined && !group.hasLost) continue;
      const mayMiss = !lost.has(each.queue);
      const members = new Set([...(group?.members ?? []), each]);
      routed.groups.set(each.queue, { members, isServed: false, hasLost: true, mayMiss });
    }
    this.#routed.push(routed);
  }

  #owe(routed: Routed, subscriptions: readonly ModelSubscription[]): void {
    for (const each of subscriptions) {
      if (each.queue === '') {
        if (each.max > 0 && each.routed === each.max) continue;
        each.routed++;
        routed.owed.add(each);
        continue;
      }
      let group = routed.groups.get(each.queue);
      if (group === undefined) {
        group = { members: new Set(), isServed: false, hasLost: false, mayMiss: false };
        routed.groups.set(each.queue, group);
      }
      group.members.add(each);
    }
  }

  /** A handler is called; what it does comes after this. */
  arrive(subscription: ModelSubscription, id: number, subject: string): void {
    const message = this.#begin(id);
    const what = `message ${id} for subscription ${subscription.id}`;
    if (message === undefined) {
      this.fault(`${what} is out of turn`);
      return;
    }
    if (message.subject !== subject) this.fault(`${what} has another subject`);
    if (!subscription.isOpen) this.fault(`${what}, which is closed`);
    if (subscription.queue === '') {
      if (!message.owed.delete(subscription)) this.fault(`${what}, a stranger`);
    } else this.#serve(message, subscription, what);
    subscription.arrived++;
    this.#ending = subscription.arrived === subscription.max ? subscription : undefined;
    if (this.#ending !== undefined) this.close(subscription);
    this.#weigh();
  }

  #serve(message: Routed, subscription: ModelSubscription, what: string): void {
    const group = message.groups.get(subscription.queue);
    if (group === undefined) {
      this.fault(`${what}, of a group that came later`);
      return;
    }
    if (group.isServed) this.fault(`${what}, whose group has had it`);
    group.isServed = true;
    if (!matches(message.subject, subscription.filter)) this.fault(`${what}, a stranger`);
    if (!group.members.has(subscription) && !group.hasLost) {
      this.fault(`${what}, who came later and stands in for nobody`);
    }
  }

  /** Ends what comes before the message; undefined when its turn is over, or it was never sent. */
  #begin(id: number): Routed | undefined {
    for (;;) {
      while (this.#routed.length > 0) {
        const first = this.#routed[0] as Routed;
        if (first.id === id) return first;
        this.#finish();
      }
      const next = this.#waiting.shift();
      if (next === undefined) return undefined;
      this.#route(next);
      this.#weigh();
    }
  }

  #finish(): void {
    const done = this.#routed.shift() as Routed;
    for (const { id } of done.owed) this.fault(`message ${done.id} has not reached ${id}`);
    for (const [name, { isServed, mayMiss }] of done.groups) {
      if (!isServed && !mayMiss) this.fault(`message ${done.id} has not reached group ${name}`);
    }
  }

  /** Nothing is on its way any more. */
  settle(): void {
    this.#begin(-1);
  }
}
