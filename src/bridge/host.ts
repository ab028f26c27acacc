// What sessions have in common: the bridge, as far as they need it.
import type { Turn } from '../bus/turn.ts';
import type { AccountHandle, Core, SessionHandle } from '../core/index.ts';
import type { Authentication } from './authentication.ts';
import type { Endings } from './endings.ts';
import type { BridgeSettings, ConnectionSnapshot } from './options.ts';
import type { Outbound } from './outbound.ts';
import type { Pacing } from './pacing/pacing.ts';

export interface SessionHost {
  readonly core: Core;
  readonly turn: Turn;
  readonly account: AccountHandle;
  readonly accountName: string;
  readonly options: BridgeSettings;
  readonly outbound: Outbound;
  readonly pacing: Pacing;
  readonly endings: Endings;
  /** Undefined: whoever comes may come in. */
  readonly authentication: Authentication | undefined;
  /** The INFO line for a peer now; the second one, which names the account, when `isConnectInfo`. */
  infoLine(cid: number, address: string, isConnectInfo: boolean): string;
  /** A session is on its way out: this was it. */
  ended(snapshot: ConnectionSnapshot): void;
  /** The core knows the session no more. */
  gone(handle: SessionHandle): void;
}
