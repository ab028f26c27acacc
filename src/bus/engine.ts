// The engine: one core, one turn, one clock, and the accounts that live on them. `$G` and `$SYS` are always there;
// others come when somebody asks for them, and their memory is given back when the program has closed its part of them
// and no peer is left in them. A bus is a view of one account.

import { type Core, HandleMap } from '../core/index.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { DEFAULT_LIMITS } from '../shared/limits.ts';
import { nuid } from '../shared/nuid.ts';
import { ANNOUNCED_VERSION, PROTO } from '../shared/version.ts';
import { Account, type EngineParts } from './account.ts';
import { jsonCodec } from './codec.ts';
import { DeliveryDrain } from './delivery.ts';
import { PickSource } from './random.ts';
import { Reporter } from './reporter.ts';
import type { BusSubscription } from './subscription.ts';
import { Turn } from './turn.ts';
import type { BusOptions, Codec, ServerInfo } from './types.ts';

/** Where the program lives, and peers that name no other account. */
export const GLOBAL_ACCOUNT = '$G';
/** Where servers tell and are asked about themselves. */
export const SYSTEM_ACCOUNT = '$SYS';

/** Told at the end of each turn, before sessions write. */
export interface Settling {
  settle(): void;
}

export class Engine implements EngineParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly reporter: Reporter;
  readonly picks: PickSource = new PickSource();
  readonly maxPayload: number;
  readonly subscriptions: HandleMap<BusSubscription> = new HandleMap();
  readonly closing: BusSubscription[] = [];
  readonly settling: Set<Settling> = new Set();
  /** What is said of the server that this is part of; set by whoever serves it. */
  server: ServerInfo;
  readonly #accounts = new Map<string, Account>();
  /** Names of those that somebody has left in this turn. */
  readonly #left = new Set<string>();

  constructor(core: Core, options: BusOptions) {
    this.core = core;
    this.turn = new Turn(core);
    this.clock = options.clock ?? systemClock;
    this.codec = options.codec ?? jsonCodec;
    this.reporter = new Reporter(options.onError);
    this.maxPayload = options.maxPayload ?? DEFAULT_LIMITS.maxPayload;
    this.server = infoOf(options.name, this.maxPayload);
    const home = this.account(GLOBAL_ACCOUNT);
    this.account(SYSTEM_ACCOUNT);
    const drain = new DeliveryDrain(core, this.turn, this.subscriptions);
    this.turn.onRecords = (published, isResumed) => drain.drain(published, isResumed);
    this.turn.onFault = (error) => home.report(error, { subject: '', sid: 0 });
    this.turn.onSettled = () => {
      for (const each of this.settling) each.settle();
    };
    this.turn.onForgotten = () => this.#forget();
  }

  /** The account of that name, made when there is none, or when the program has closed its part. Throws CapacityError. */
  account(name: string): Account {
    const known = this.#accounts.get(name);
    if (known?.isClosed === false) return known;
    const handle = known?.handle ?? this.core.accounts.create();
    const account = new Account(this, name, handle);
    this.#accounts.set(name, account);
    return account;
  }

  /** All there are, in the order in which they came. */
  accounts(): Account[] {
    return [...this.#accounts.values()];
  }

  /**
   * Somebody has left an account: the program, by closing its part, or a peer. If that was the last one, its memory is
   * given back at the end of the turn. Part of a turn.
   */
  leave(name: string): void {
    if (name === GLOBAL_ACCOUNT || name === SYSTEM_ACCOUNT) return;
    this.#left.add(name);
    this.turn.touch();
  }

  /** The core has forgotten what was closed in the turn. */
  #forget(): void {
    for (const { handle } of this.closing.splice(0)) this.subscriptions.delete(handle);
    if (this.#left.size === 0) return;
    for (const name of this.#left) {
      const account = this.#accounts.get(name);
      if (account?.isClosed === true && this.core.accounts.close(account.handle)) {
        this.#accounts.delete(name);
      }
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
