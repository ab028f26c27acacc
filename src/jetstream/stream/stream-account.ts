// What a stream asks of its account: where it is, what it may take beside the others, and whom it tells.
import type { BusInternals } from '../../bus/internals.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ConsumerQuota } from '../api/account-door.ts';
import type { GetQuota } from '../api/direct-load.ts';
import type { PullQuota } from '../consumer/host.ts';
import type { Pool } from '../limits.ts';
import type { StreamConfig } from './config.ts';
import type { Stream } from './stream.ts';

export interface StreamAccount {
  readonly door: BusInternals;
  readonly clock: Clock;
  readonly domain: string | undefined;
  /** It has bounds of its own beside those of all accounts. */
  readonly isBounded: boolean;
  /** Bytes of all accounts, and its own. */
  pool(storage: StreamConfig['storage']): Pool;
  share(storage: StreamConfig['storage']): Pool;
  wouldExceed(storage: StreamConfig['storage'], bytes: number): boolean;
  readonly pulls: PullQuota;
  readonly gets: GetQuota;
  readonly consumers: ConsumerQuota;
  warn(text: string): void;
  advise(kind: string, type: string, fields: () => object): void;
  /** What was answered to whoever has created it does not hold: it cannot be saved. */
  abandon(stream: Stream): void;
}
