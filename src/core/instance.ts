// The Wasm instance: compiled and made synchronously, through the loader that is bundled with the package.
// Its raw exports are called, not the loader's wrappers: those cost more than the functions themselves. What is made
// here is the program part; whole.ts puts the whole core in its place when there are peers.
import { instantiateSync } from '@assemblyscript/loader';
import { PAGES_MAX } from '../../assembly/abi.ts';
import { WasmUnavailableError } from '../shared/errors.ts';
import { program } from './program.generated.ts';
import type { LinearMemory } from './views.ts';
import { bytesOf } from './wasm-text.ts';

/**
 * The functions of assembly/index.ts that a bus without peers calls, door by door. Pointers come as i32 and are read
 * with `>>> 0`.
 */
export interface ProgramExports {
  readonly memory: LinearMemory;
  coreInit(seedLow: number, seedHigh: number, poolMax: number): number;
  regionPtr(region: number): number;
  blockAllocate(bytes: number): number;
  blockRelease(ptr: number, bytes: number): void;
  turnEnd(): number;
  memoryAsk(): void;
  liveCount(which: number): number;
  counter(which: number): number;
  accountOpen(): number;
  accountPtr(account: number): number;
  accountShut(account: number): number;
  accountWatch(account: number, isWatched: number): number;
  changesTake(): number;
  changesLogPtr(): number;
  subscriptionOpen(
    account: number,
    ptr: number,
    len: number,
    qPtr: number,
    qLen: number,
    isRaw: number,
  ): number;
  subscriptionShut(handle: number): number;
  subscriptionSetMax(handle: number, max: number): number;
  subscriptionPtr(handle: number): number;
  subscriptionFilter(sub: number): number;
  subscriptionFilterEnd(): number;
  subscriptionQueuePtr(sub: number): number;
  subscriptionQueueLen(sub: number): number;
  routeResolve(account: number, ptr: number, len: number): number;
  publish(account: number, record: number): number;
  publishBatch(account: number, records: number, count: number): number;
  publishResume(starved: number): number;
  publishAbandon(): void;
  routeReached(): number;
  routeInterest(account: number, ptr: number, len: number, qPtr: number, qLen: number): number;
  routeSubscriber(account: number, ptr: number, len: number, qPtr: number, qLen: number): number;
  routePick(account: number, ptr: number, len: number, qPtr: number, qLen: number): number;
  recordCount(): number;
  poolBytes(): number;
}

/** All functions: beside those the ones that only peers need, and what tests turn. */
export interface WasmExports extends ProgramExports {
  subscriptionsBound(bytes: number): void;
  subscriptionsHaveRoom(): number;
  sessionOpen(account: number): number;
  sessionPtr(handle: number): number;
  sessionSetFlags(handle: number, flags: number): void;
  sessionSetLimits(handle: number, payload: number, controlLine: number, pending: number): void;
  sessionShed(handle: number, most: number): void;
  sessionMove(handle: number, account: number): number;
  sessionSubscribe(
    handle: number,
    ptr: number,
    len: number,
    qPtr: number,
    qLen: number,
    sidPtr: number,
    sidLen: number,
  ): number;
  sessionClose(handle: number): void;
  ingest(handle: number, ptr: number, length: number, units: number): number;
  budgetCharge(units: number): void;
  sessionSend(handle: number, ptr: number, length: number): number;
  outboundTakeNext(): number;
  outboundTakeFrom(handle: number): number;
  outboundTakeCopy(handle: number): number;
  outboundCopyDone(): void;
  outboundRelease(handle: number): void;
  outboundSettle(handle: number, bytes: number): void;
  cacheStat(account: number, which: number): number;
  memoryIntact(): number;
  memoryForceGrowth(blocked: number, always: number): void;
  cacheEnable(on: number): void;
  recordsSetLimit(count: number): void;
}

let compiled: WebAssembly.Module | undefined;

/**
 * Makes an instance of the program part, whose module is compiled once a process. Throws WasmUnavailableError, and
 * leaves nothing behind then: it may be tried again.
 *
 * @param wasm the whole core instead, for who is going to have peers, or another build of it, for tests
 */
export function instantiate(wasm?: Uint8Array): ProgramExports {
  if (typeof WebAssembly === 'undefined') throw new WasmUnavailableError('missing');
  if (wasm !== undefined) return start(compile(new Uint8Array(wasm)));
  compiled ??= compile(bytesOf(program));
  return start(compiled);
}

/** Throws WasmUnavailableError. */
export function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new WasmUnavailableError(isUnderstood(bytes) ? 'forbidden' : 'unsupported', { cause });
  }
}

/** The exports of a new instance, on a memory of its own unless one is given. Throws WasmUnavailableError. */
export function start(module: WebAssembly.Module, given?: LinearMemory): WasmExports {
  try {
    const memory = given ?? new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX });
    const source = module as Parameters<typeof instantiateSync>[0];
    const { instance } = instantiateSync(source, { env: { memory: memory as WebAssembly.Memory } });
    return instance.exports as unknown as WasmExports;
  } catch (cause) {
    // The modules import nothing but `abort` and memory: that is all that can be missing.
    throw new WasmUnavailableError('memory', { cause });
  }
}

/** The engine judges the bytes, whatever the policy of the page or program on running them is. */
function isUnderstood(bytes: Uint8Array): boolean {
  const { validate } = WebAssembly as unknown as { validate(bytes: Uint8Array): boolean };
  return validate(bytes);
}
