// What a subscription needs of the side it is of.

import type { Core } from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';
import type { Content, MessageHome } from './message.ts';
import type { Signals } from './signals.ts';
import type { StatusFeed } from './status.ts';
import type { BusSubscription } from './subscription.ts';
import type { Tally } from './tally.ts';
import type { Turn } from './turn.ts';
import type { ErrorContext, Stats } from './types.ts';
import type { UnderWay } from './under-way.ts';

export interface SubscriptionHome extends MessageHome {
  readonly engine: {
    readonly core: Core;
    readonly clock: Clock;
    readonly turn: Turn;
    readonly signals: Signals;
  };
  /** With requests for 'all' under way, by reply. */
  readonly account: { readonly tallies: ReadonlyMap<string, Tally> };
  readonly status: StatusFeed;
  readonly stats: Stats;
  readonly isClosed: boolean;
  /** Those that are closed and still at work. */
  readonly underWay: UnderWay;
  report(error: unknown, context: Omit<ErrorContext, 'account'>): void;
  /** Takes it out of the core. */
  withdraw(subscription: BusSubscription): void;
  /** Gives its message to another member of its group; answers how many got it. */
  deliverToGroup(queue: string, content: Content, to: string): number;
}
