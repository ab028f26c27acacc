// Who is read when, and how much at a time. Here is what the sessions share of it, made once; what it means for
// one of them is its Pacer (pacer.ts).
//
//   read ─► routed ─┬─ sizes    how much the next read may bring        read-size.ts, inbox.ts
//                   ├─ room     all unfinished reads have a bound       inbound-budget.ts
//                   ├─ crumbs   streams of single small messages        crumbs.ts
//                   ├─ stalls   a consumer does not keep up             stalls.ts
//                   ├─ hold     the loop was held up                    loop-hold.ts
//                   └─ poll     the loop stays awake for a question     busy-poll.ts
import type { Core } from '../../core/index.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Limits } from '../../shared/limits.ts';
import { BusyPoll } from './busy-poll.ts';
import { Crumbs } from './crumbs.ts';
import { InboundBudget, inboundShares } from './inbound-budget.ts';
import { Inbox } from './inbox.ts';
import { ReadSizes } from './read-size.ts';
import { Stalls } from './stalls.ts';

interface PacingOptions {
  readonly core: Core;
  readonly clock: Clock;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  readonly limits: Pick<Limits, 'inboundMax' | 'maxConnections'>;
  readonly hasSpareProcessor: boolean;
  readonly outbound: OutboundQueues;
}

/** What is queued for all peers. */
interface OutboundQueues {
  /** Something is queued that could not be written in one go. */
  readonly isBehind: boolean;
  /** A session to which this turn has appended now has so many bytes pending. */
  noteBacklog(bytes: number): void;
}

export class Pacing {
  readonly clock: Clock;
  readonly defer: (fn: () => void) => void;
  readonly outbound: OutboundQueues;
  readonly inbox: Inbox;
  readonly sizes: ReadSizes;
  readonly inbound: InboundBudget;
  readonly crumbs: Crumbs;
  readonly stalls: Stalls;
  readonly busyPoll: BusyPoll | undefined;

  constructor(options: PacingOptions) {
    const { core, clock, defer, limits } = options;
    this.clock = clock;
    this.defer = defer;
    this.outbound = options.outbound;
    this.inbound = new InboundBudget(limits.inboundMax, clock);
    this.sizes = new ReadSizes({
      ...inboundShares(limits),
      inboxBytes: core.inbox.bytes,
      overdraft: () => this.inbound.overdraft,
    });
    this.inbox = new Inbox(core, this.sizes.sizes);
    this.crumbs = new Crumbs(clock, defer);
    this.stalls = new Stalls(clock);
    if (options.hasSpareProcessor) this.busyPoll = new BusyPoll(clock, defer);
  }

  /** Other limits from now on. */
  reconfigure(limits: Pick<Limits, 'inboundMax' | 'maxConnections'>): void {
    this.inbound.resize(limits.inboundMax);
    this.sizes.resize(inboundShares(limits));
  }

  /** Nobody is read any more. */
  close(): void {
    this.inbound.close();
    this.crumbs.close();
    this.stalls.close();
  }
}
