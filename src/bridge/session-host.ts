// What sessions have in common: the parts of the bridge that they use, and what they tell it.

import type { Account } from '../bus/account.ts';
import type { Engine } from '../bus/engine.ts';
import type { Turn } from '../bus/turn.ts';
import type { Core, SessionHandle } from '../core/index.ts';
import type { Transport } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { BusyPoll } from './busy-poll.ts';
import type { Crumbs } from './crumbs.ts';
import type { DeadlineQueue } from './deadline-queue.ts';
import type { InboundBudget } from './inbound-budget.ts';
import type { Inbox } from './inbox.ts';
import type { BridgeOptions, ConnectionSnapshot } from './options.ts';
import type { Outbound } from './outbound.ts';
import type { Pressure } from './pressure.ts';
import type { ReadSizes } from './read-size.ts';
import type { Session } from './session.ts';
import type { Slices } from './slices.ts';

/** What sessions have in common. */
export interface SessionHost {
  readonly core: Core;
  readonly turn: Turn;
  readonly engine: Engine;
  /** The account in which sessions begin. */
  readonly home: Account;
  readonly options: BridgeOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  readonly outbound: Outbound;
  readonly inbox: Inbox;
  readonly readSizes: ReadSizes;
  readonly inbound: InboundBudget;
  readonly pressure: Pressure;
  readonly crumbs: Crumbs;
  readonly busyPoll: BusyPoll | undefined;
  /** Publishers that wait until what they have queued is written. */
  readonly behind: Pressure;
  readonly ahead: Pressure;
  readonly writeDeadlines: DeadlineQueue<Session>;
  /** The ends of connections: each costs up to a tenth of a millisecond. */
  readonly ends: Slices;
  /** The INFO line for a session now; the second one, which names the account, when `isConnectInfo`. */
  infoLine(session: Session, isConnectInfo: boolean): string;
  /** It is over its pending limit: it is closed as a slow consumer. */
  slow(session: SessionHandle): void;
  /** The session has something to `finish` at the end of the turn. */
  closing(session: Session): void;
  /** It is on its way out: this was it. */
  ended(snapshot: ConnectionSnapshot, account: Account): void;
  /** Everything it had to be sent has been written, after some of it was held. */
  drained(session: Session): void;
  /** The core knows it no more. */
  gone(session: Session): void;
  /** Our side of the transport is ended; the peer's may take a moment. */
  linger(transport: Transport): void;
  /** Then the peer's side is ended, too. */
  lingered(transport: Transport): void;
}
