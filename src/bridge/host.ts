// What sessions have in common: the bridge, as far as they need it.
import type { Account } from '../bus/account.ts';
import type { Engine } from '../bus/engine.ts';
import type { Turn } from '../bus/turn.ts';
import type { Core, SessionHandle, Sessions } from '../core/index.ts';
import type { PeerFacts } from '../net/transport.ts';
import type { Authentication } from './authentication.ts';
import type { Endings } from './endings.ts';
import type { Feed } from './feed.ts';
import type { BridgeSettings, EndedConnection } from './options.ts';
import type { Outbound } from './outbound.ts';
import type { Pacing } from './pacing/pacing.ts';
import type { Replays } from './replay.ts';

export interface SessionHost {
  readonly core: Core;
  /** The core's. */
  readonly sessions: Sessions;
  readonly turn: Turn;
  readonly feed: Feed;
  readonly engine: Engine;
  /** The account in which sessions begin. */
  readonly home: Account;
  readonly options: BridgeSettings;
  readonly outbound: Outbound;
  readonly pacing: Pacing;
  readonly endings: Endings;
  readonly replays: Replays;
  readonly authentication: Authentication;
  /** The INFO line for a peer now; the second one, which names its account, when that is given. */
  infoLine(cid: number, peer: PeerFacts, account?: Account): string;
  /** A session of that account is on its way out: this was it. */
  ended(snapshot: EndedConnection, account: Account): void;
  /** The core knows the session no more. */
  gone(handle: SessionHandle): void;
}
