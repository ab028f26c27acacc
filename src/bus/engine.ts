// The engine: one core, one turn, one clock, and the accounts that live on them. `$G` and `$SYS` are always there;
// others come when somebody asks for them, and end when nobody is left in them.

import { type Core, HandleMap, type SubHandle } from '../core/index.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { ClosedConnectionError } from '../shared/errors.ts';
import { DEFAULT_LIMITS } from '../shared/limits.ts';
import { nuid } from '../shared/nuid.ts';
import { ANNOUNCED_VERSION, PROTO } from '../shared/version.ts';
import { Account } from './account.ts';
import { jsonCodec } from './codec.ts';
import { DeliveryDrain } from './delivery.ts';
import type { EngineParts } from './engine-parts.ts';
import type { InterestWatches } from './interest.ts';
import { ProgramSide } from './program-side.ts';
import { PickSource } from './random.ts';
import type { RawSubscription } from './raw.ts';
import { Reporter } from './reporter.ts';
import { Signals } from './signals.ts';
import { checkAccountName } from './subject-text.ts';
import type { BusSubscription } from './subscription.ts';
import { Turn } from './turn.ts';
import type { BusOptions, Codec, ServerInfo } from './types.ts';

/** Where the program lives, and peers that name no other account. */
export const GLOBAL_ACCOUNT = '$G';
/** Where servers tell and are asked about themselves. */
export const SYSTEM_ACCOUNT = '$SYS';

export class Engine implements EngineParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly reporter: Reporter;
  readonly picks: PickSource = new PickSource();
  readonly signals: Signals;
  /** Bytes of a message to peers; who serves it sets his own. */
  maxPayload: number;
  readonly subscriptions: HandleMap<BusSubscription> = new HandleMap();
  readonly raws: HandleMap<RawSubscription> = new HandleMap();
  readonly closing: { readonly handle: SubHandle }[] = [];
  /** Made with the first watch. */
  interest: InterestWatches | undefined;
  /** What is said of the server that this is part of; set by whoever serves it. */
  server: ServerInfo;
  /** Nothing of this process's own lives any more, or will; peers may. */
  isClosed = false;
  /** What ends with a bus and takes a moment: whoever closes one waits for it. None rejects. */
  readonly leaving: Set<Promise<void>> = new Set();
  readonly #accounts = new Map<string, Account>();
  /** Those that somebody has left in this turn. */
  readonly #left = new Set<Account>();

  constructor(core: Core, options: BusOptions) {
    this.core = core;
    this.turn = new Turn(core);
    this.signals = new Signals(this.turn);
    this.clock = options.clock ?? systemClock;
    this.codec = options.codec ?? jsonCodec;
    this.reporter = new Reporter(options.onError);
    this.maxPayload = options.maxPayload ?? DEFAULT_LIMITS.maxPayload;
    this.server = infoOf(options.name, this.maxPayload);
    this.account(GLOBAL_ACCOUNT);
    this.account(SYSTEM_ACCOUNT);
    const drain = new DeliveryDrain(this);
    this.turn.onRecords = (published, isResumed) => drain.drain(published, isResumed);
    this.turn.onFault = (error) =>
      this.reporter.report(error, { subject: '', sid: 0, account: GLOBAL_ACCOUNT });
    this.turn.atForgotten.push(() => this.#forget());
  }

  /** The account of that name, which is made when there is none. Throws InvalidArgumentError and CapacityError. */
  account(name: string): Account {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    checkAccountName(name);
    const account = new Account(this.core, this.reporter, name);
    this.#accounts.set(name, account);
    return account;
  }

  /** All there are, in the order in which they came. */
  accounts(): Account[] {
    return [...this.#accounts.values()];
  }

  /** A new side of this process in an account; whoever opens it closes it. Throws ClosedConnectionError, and as `account`. */
  open(name: string): ProgramSide {
    if (this.isClosed) throw new ClosedConnectionError();
    return new ProgramSide(this, this.account(name));
  }

  /** Closes all sides of all accounts. Part of a turn. */
  close(): void {
    this.isClosed = true;
    for (const { sides } of this.accounts()) for (const side of [...sides]) side.close();
  }

  /**
   * Somebody has left an account: a side, a peer or who held it. If that was the last one, its memory is given back at
   * the end of the turn. Part of a turn.
   */
  leave(account: Account): void {
    const { name } = account;
    if (name === GLOBAL_ACCOUNT || name === SYSTEM_ACCOUNT) return;
    this.#left.add(account);
    this.turn.touch();
  }

  /** The core has forgotten what was closed in the turn. */
  #forget(): void {
    if (this.closing.length > 0) {
      for (const { handle } of this.closing.splice(0)) {
        this.subscriptions.delete(handle);
        this.raws.delete(handle);
      }
    }
    if (this.#left.size === 0) return;
    for (const account of this.#left) {
      if (account.handle === 0 || !account.end()) continue;
      this.#accounts.delete(account.name);
    }
    this.#left.clear();
  }
}

function infoOf(name: string | undefined, maxPayload: number): ServerInfo {
  const id = nuid();
  return {
    server_id: id,
    server_name: name ?? id,
    version: ANNOUNCED_VERSION,
    go: '',
    host: '',
    port: 0,
    headers: true,
    max_payload: maxPayload,
    proto: PROTO,
    client_id: 0,
  };
}
