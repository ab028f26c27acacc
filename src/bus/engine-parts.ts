// What all sides of an engine share.

import type { Core, HandleMap, SubHandle } from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';
import type { Account } from './account.ts';
import type { InterestWatches } from './interest.ts';
import type { PickSource } from './random.ts';
import type { RawSubscription } from './raw.ts';
import type { Reporter } from './reporter.ts';
import type { Signals } from './signals.ts';
import type { BusSubscription } from './subscription.ts';
import type { Turn } from './turn.ts';
import type { Codec } from './types.ts';

export interface EngineParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly reporter: Reporter;
  readonly picks: PickSource;
  readonly signals: Signals;
  readonly maxPayload: number;
  /** Every subscription of the process; those closed in a turn leave at its end. */
  readonly subscriptions: HandleMap<BusSubscription>;
  /** The same of those that are handed records. */
  readonly raws: HandleMap<RawSubscription>;
  /** Closed in this turn. */
  readonly closing: { readonly handle: SubHandle }[];
  /** Watches of interest, once somebody has asked for one. */
  readonly interest: InterestWatches | undefined;
  /** Somebody is no longer in the account. Part of a turn. */
  leave(account: Account): void;
}
