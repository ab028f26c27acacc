// The Wasm instance: compiled and made synchronously, through the loader that is bundled with the package.
// Its raw exports are called, not the loader's wrappers: those cost more than the functions themselves.
import { instantiateSync } from '@assemblyscript/loader';
import { WasmUnavailableError } from '../shared/errors.ts';
import { wasmGaps, wasmText, wasmTurn } from './wasm.generated.ts';

/** The functions of assembly/index.ts, door by door. Pointers come as i32 and are read with `>>> 0`. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  coreInit(seedLow: number, seedHigh: number, poolMax: number): number;
  regionPtr(region: number): number;
  blockAllocate(bytes: number): number;
  blockRelease(ptr: number, bytes: number): void;
  turnEnd(): number;
  memoryAsk(): void;
  subscriptionsBound(bytes: number): void;
  subscriptionsHaveRoom(): number;
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
  routePick(account: number, ptr: number, len: number, qPtr: number, qLen: number): number;
  recordCount(): number;
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
  sessionSend(handle: number, ptr: number, length: number): number;
  outboundTakeNext(): number;
  outboundTakeFrom(handle: number): number;
  outboundTakeCopy(handle: number): number;
  outboundCopyDone(): void;
  outboundRelease(handle: number): void;
  outboundSettle(handle: number, bytes: number): void;
  cacheStat(account: number, which: number): number;
  poolBytes(): number;
  memoryIntact(): number;
  memoryForceGrowth(blocked: number, always: number): void;
  cacheEnable(on: number): void;
  recordsSetLimit(count: number): void;
}

let bundled: WebAssembly.Module | undefined;

/**
 * Makes an instance. The bundled module is compiled once a process. Throws WasmUnavailableError, and leaves
 * nothing behind then: it may be tried again.
 *
 * @param wasm another build of the module, for tests
 */
export function instantiate(wasm?: Uint8Array): WasmExports {
  if (typeof WebAssembly === 'undefined') throw new WasmUnavailableError('missing');
  const module = wasm === undefined ? bundledModule() : new WebAssembly.Module(ownBytes(wasm));
  try {
    const { instance } = instantiateSync(module as Parameters<typeof instantiateSync>[0]);
    return instance.exports as unknown as WasmExports;
  } catch (cause) {
    // The module imports nothing but `abort` and has no start function: memory is all that can be missing.
    throw new WasmUnavailableError('memory', { cause });
  }
}

function bundledModule(): WebAssembly.Module {
  if (bundled !== undefined) return bundled;
  const bytes = bundledBytes();
  try {
    bundled = new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new WasmUnavailableError(isUnderstood(bytes) ? 'forbidden' : 'unsupported', { cause });
  }
  return bundled;
}

/** The bytes of the release build: all at once, turned four at a time, and then the eighth bit of the few that have it. */
export function bundledBytes(): Uint8Array<ArrayBuffer> {
  const { length } = wasmText;
  const words = new Uint32Array((length + 3) >> 2);
  const bytes = new Uint8Array(words.buffer, 0, length);
  new TextEncoder().encodeInto(wasmText, bytes);
  const turn = wasmTurn * 0x01010101;
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] as number) + turn) & 0x7f7f7f7f;
  let at = -1;
  for (let i = 0; i < wasmGaps.length; i++) {
    const gap = wasmGaps.charCodeAt(i);
    at += gap;
    if (gap < 127) bytes[at] = (bytes[at] as number) | 128;
  }
  return bytes;
}

/** The engine judges the bytes, whatever the policy of the page or program on running them is. */
function isUnderstood(bytes: Uint8Array): boolean {
  const { validate } = WebAssembly as unknown as { validate(bytes: Uint8Array): boolean };
  return validate(bytes);
}

function ownBytes(wasm: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(wasm);
}
