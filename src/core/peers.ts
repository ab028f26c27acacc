// What peers need of a core beyond what the program does: the whole of it, their sessions, and what they have to send.
// Made for whoever serves them, so that a bus without a network does not carry it.
import { REGION_SCRATCH, REGION_TAKE } from '../../assembly/abi.ts';
import type { AccountHandle } from './accounts.ts';
import type { Core } from './core.ts';
import { OutboundRegions } from './outbound.ts';
import { Sessions } from './sessions.ts';
import { readSublistCounts, type SublistCounts } from './sublist-counts.ts';
import { wholeOf } from './whole.ts';

export interface Peers {
  readonly sessions: Sessions;
  readonly outbound: OutboundRegions;
  /** Of an account that is open. */
  sublist(account: AccountHandle): SublistCounts;
}

const made = new WeakMap<Core, Peers>();

/** The peers' part of a core, the same each time. Throws WasmUnavailableError. */
export function peersOf(core: Core): Peers {
  const known = made.get(core);
  if (known !== undefined) return known;
  const exports = wholeOf(core.exports);
  const { views } = core;
  core.exports = exports;
  const peers = {
    sessions: new Sessions(core, exports, exports.regionPtr(REGION_SCRATCH) >>> 0),
    outbound: new OutboundRegions(exports, views, exports.regionPtr(REGION_TAKE) >>> 0),
    sublist: (account: AccountHandle) => readSublistCounts(exports, views, account),
  };
  made.set(core, peers);
  return peers;
}
