// Accounts of a core: how they begin and end, and what is counted of each.
import {
  ACCOUNT_GENERATION,
  ACCOUNT_IN_BYTES,
  ACCOUNT_IN_MSGS,
  ACCOUNT_INSERTS,
  ACCOUNT_MATCHES,
  ACCOUNT_OUT_BYTES,
  ACCOUNT_OUT_MSGS,
  ACCOUNT_REMOVES,
  ACCOUNT_SESSIONS,
  ACCOUNT_SLOW_CONSUMERS,
  ACCOUNT_SUBSCRIPTIONS,
  CACHE_ENTRIES,
  CACHE_FANOUT_MAX,
  CACHE_FANOUT_TOTAL,
  CACHE_HITS,
} from '../../assembly/abi.ts';
import { assert, CapacityError } from '../shared/errors.ts';
import type { WasmExports } from './instance.ts';
import type { Traffic } from './session-state.ts';
import type { Views } from './views.ts';

/** An isolated subject space: number and generation of its record. Never 0. */
export type AccountHandle = number;

/** What is counted of an account: who is in it now, and over all time messages and payload bytes of its peers. */
export interface AccountCounts extends Traffic {
  readonly connections: number;
  readonly subscriptions: number;
  readonly slowConsumers: number;
}

/** What there is to say of an account's sublist, and of the match cache in front of it. */
export interface SublistCounts {
  readonly subscriptions: number;
  /** Over all time: subscriptions that have come and gone, and how often it was asked. */
  readonly inserts: number;
  readonly removes: number;
  readonly matches: number;
  /** Routes that the cache holds now, and how often they were found there. */
  readonly cached: number;
  readonly cacheHits: number;
  /** Recipients of the cached routes, a queue group being one: of the widest, and of all. */
  readonly fanoutMax: number;
  readonly fanoutTotal: number;
}

export class Accounts {
  readonly #exports: WasmExports;
  readonly #views: Views;
  /** Where the record of each lies. */
  readonly #records = new Map<AccountHandle, number>();
  // The account asked for last, with the index of its generation: nearly always the same one.
  #lastAccount = 0;
  #lastGeneration = 0;

  constructor(exports: WasmExports, views: Views) {
    this.#exports = exports;
    this.#views = views;
  }

  /** A new account. Throws CapacityError. */
  create(): AccountHandle {
    const account = this.#exports.accountOpen();
    if (account === 0) throw new CapacityError('another account');
    this.#records.set(account, this.#exports.accountPtr(account) >>> 0);
    return account;
  }

  /** Gives its memory back. False, and nothing is done, while somebody is in it: a subscription or a session. */
  close(account: AccountHandle): boolean {
    if (this.#exports.accountShut(account) === 0) return false;
    this.#records.delete(account);
    this.#lastAccount = 0;
    return true;
  }

  /** It is open. */
  has(account: AccountHandle): boolean {
    return this.#records.has(account);
  }

  /** A number that every insert and remove in the account changes. No two accounts of a core ever have the same. */
  generation(account: AccountHandle): number {
    if (account !== this.#lastAccount) {
      this.#lastGeneration = (this.#record(account) + ACCOUNT_GENERATION) >>> 3;
      this.#lastAccount = account;
    }
    return this.#views.f64[this.#lastGeneration] as number;
  }

  counts(account: AccountHandle): AccountCounts {
    const ptr = this.#record(account);
    const { f64, u32 } = this.#views;
    const word = (offset: number): number => u32[(ptr + offset) >>> 2] as number;
    const sum = (offset: number): number => f64[(ptr + offset) >>> 3] as number;
    return {
      connections: word(ACCOUNT_SESSIONS),
      subscriptions: word(ACCOUNT_SUBSCRIPTIONS),
      slowConsumers: word(ACCOUNT_SLOW_CONSUMERS),
      inMsgs: sum(ACCOUNT_IN_MSGS),
      inBytes: sum(ACCOUNT_IN_BYTES),
      outMsgs: sum(ACCOUNT_OUT_MSGS),
      outBytes: sum(ACCOUNT_OUT_BYTES),
    };
  }

  sublist(account: AccountHandle): SublistCounts {
    const ptr = this.#record(account);
    const { f64, u32 } = this.#views;
    const sum = (offset: number): number => f64[(ptr + offset) >>> 3] as number;
    const stat = (which: number): number => this.#exports.cacheStat(account, which) >>> 0;
    return {
      subscriptions: u32[(ptr + ACCOUNT_SUBSCRIPTIONS) >>> 2] as number,
      inserts: sum(ACCOUNT_INSERTS),
      removes: sum(ACCOUNT_REMOVES),
      matches: sum(ACCOUNT_MATCHES),
      cached: stat(CACHE_ENTRIES),
      cacheHits: stat(CACHE_HITS),
      fanoutMax: stat(CACHE_FANOUT_MAX),
      fanoutTotal: stat(CACHE_FANOUT_TOTAL),
    };
  }

  /** A session of the account has been given up as a slow consumer. */
  countSlowConsumer(account: AccountHandle): void {
    const at = (this.#record(account) + ACCOUNT_SLOW_CONSUMERS) >>> 2;
    (this.#views.u32[at] as number)++;
  }

  /** Traffic of all accounts over all time, those that are closed included. */
  traffic(): Traffic {
    const { counter } = this.#exports;
    return {
      inMsgs: counter(ACCOUNT_IN_MSGS),
      inBytes: counter(ACCOUNT_IN_BYTES),
      outMsgs: counter(ACCOUNT_OUT_MSGS),
      outBytes: counter(ACCOUNT_OUT_BYTES),
    };
  }

  #record(account: AccountHandle): number {
    const ptr = this.#records.get(account);
    assert(ptr !== undefined, 'the account is closed');
    return ptr;
  }
}
