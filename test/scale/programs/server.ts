// The server under test, alone in its process, so that what is measured is its own memory.
import { readFileSync, writeFileSync } from 'node:fs';
import { LIVE_CACHE_BYTES, LIVE_HEAP_BYTES } from '../../../assembly/abi.ts';
import type { Bridge } from '../../../src/bridge/bridge.ts';
import type { Network } from '../../../src/bridge/network.ts';
import type { BridgeStats, ConnectionSnapshot } from '../../../src/bridge/options.ts';
import { type BusInternals, internalsOf } from '../../../src/bus/internals.ts';
import type { Subscription } from '../../../src/index.ts';
import { type ServeOptions, startServer, type TestServer } from '../../../src/testing/index.ts';
import { exportsOf } from '../../support/core-exports.ts';
import { ReplayService } from '../../support/replay-service.ts';
import { serveCommands } from './commands.ts';

export interface Usage {
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  /** Linear memory of the core. */
  readonly linear: number;
  /** Bytes of its heap in use but for the match cache, which has a bound of its own. */
  readonly coreHeap: number;
}

export interface Held {
  readonly inbound: number;
  readonly outbound: number;
}

export interface CatalogueOfOwn {
  readonly subscribeMs: number;
  readonly publishMs: number;
  /** Handlers that were called once and are due to, and other calls. */
  readonly right: number;
  readonly wrong: number;
}

export interface ServerCommands {
  /** Starts it on a free port and answers that. */
  start(options: ServeOptions): Promise<number>;
  /** Of its monitoring pages. */
  monitoringPort(): number;
  /** Memory after a collection of garbage. */
  usage(): Usage;
  /** Begins to watch for peaks; answers the resident bytes of now. */
  watch(): number;
  /** Most resident bytes since `watch`. */
  peak(): number;
  /** Most bytes of unfinished reads, and queued for peers, seen since `watch`. */
  held(): Held;
  connections(): ConnectionSnapshot[];
  ended(): readonly ConnectionSnapshot[];
  stats(): BridgeStats;
  live(): Record<string, number>;
  /** Subscribes the program itself so many times. */
  subscribe(subject: string, count: number): void;
  /** How often each of those subscriptions was called since the last time: lowest and highest. */
  delivered(): readonly [number, number];
  /** Subscribes the program itself so many times, no two alike, and publishes to every `step`th. */
  catalogue(count: number, step: number): CatalogueOfOwn;
  /** As if the result region held that many records. */
  limitRecords(count: number): void;
  /** A service of the program, with one answer to each request. */
  serve(subject: string): void;
  /** A service stores and replays. */
  keep(): void;
  /** How many messages it has, and how often a replay has waited for its reader. */
  kept(): { readonly count: number; readonly waits: number };
  /** A loop of the program over that subject, which takes nothing for now and loses what is too much. */
  neglect(subject: string): void;
  /** How many messages wait for it, and how many it has lost. */
  neglected(): readonly [number, number];
  /** Ends the program's subscriptions. */
  unsubscribe(): void;
  close(): Promise<void>;
}

const SAMPLE_MS = 20;

let server: TestServer;
let service: ReplayService | undefined;
let neglectedLoop: Subscription | undefined;
let door: BusInternals;
let rssPeak = 0;
let inboundPeak = 0;
let outboundPeak = 0;
let counts = new Uint32Array(0);
const subscriptions: { unsubscribe(): void }[] = [];

function bridge(): Bridge {
  return (door.turn.network as Network).members[0] as Bridge;
}

function collect(): void {
  // Twice: the first sets free what finalizers of the second let go.
  globalThis.gc?.();
  globalThis.gc?.();
}

function sample(): void {
  rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
  const { inbound, outbound } = bridge().heldBytes;
  inboundPeak = Math.max(inboundPeak, inbound);
  outboundPeak = Math.max(outboundPeak, outbound);
}

/** The kernel's own peak, where it has one: it sees what a timer misses while the loop is busy. */
function kernelPeak(): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function resetKernelPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Then the peak of the whole life of the process counts, which is stricter.
  }
}

const commands: ServerCommands = {
  async start(options) {
    server = await startServer(options);
    door = internalsOf(server.bus);
    setInterval(sample, SAMPLE_MS).unref();
    return server.port;
  },
  monitoringPort: () => Number(new URL(server.monitoringUrl as string).port),
  usage() {
    collect();
    const { exports } = door.core;
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return {
      rss: process.memoryUsage.rss(),
      heapUsed,
      arrayBuffers,
      linear: exports.memory.buffer.byteLength,
      coreHeap: exports.liveCount(LIVE_HEAP_BYTES) - exports.liveCount(LIVE_CACHE_BYTES),
    };
  },
  watch() {
    collect();
    resetKernelPeak();
    rssPeak = process.memoryUsage.rss();
    inboundPeak = 0;
    outboundPeak = 0;
    return rssPeak;
  },
  peak() {
    sample();
    return Math.max(rssPeak, kernelPeak());
  },
  held() {
    sample();
    return { inbound: inboundPeak, outbound: outboundPeak };
  },
  connections: () => server.connections(),
  ended: () => bridge().endedConnections(),
  stats: () => bridge().stats,
  live: () => door.core.live(),
  subscribe(subject, count) {
    counts = new Uint32Array(count);
    for (let index = 0; index < count; index++) {
      const deliver = (): void => {
        counts[index] = (counts[index] as number) + 1;
      };
      subscriptions.push(server.bus.subscribe(subject, deliver));
    }
  },
  delivered() {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (const count of counts) {
      lowest = Math.min(lowest, count);
      highest = Math.max(highest, count);
    }
    counts.fill(0);
    return [lowest, highest];
  },
  catalogue(count, step) {
    const calls = new Uint8Array(count);
    const start = performance.now();
    for (let index = 0; index < count; index++) {
      const deliver = (): void => {
        calls[index] = (calls[index] as number) + 1;
      };
      subscriptions.push(server.bus.subscribe(`plant.${index}.value`, deliver));
    }
    const subscribed = performance.now();
    for (let index = 0; index < count; index += step) {
      server.bus.publish(`plant.${index}.value`, index);
    }
    const publishMs = performance.now() - subscribed;
    let right = 0;
    let wrong = 0;
    calls.forEach((called, index) => {
      if (index % step === 0 && called === 1) right++;
      else wrong += called;
    });
    return { subscribeMs: subscribed - start, publishMs, right, wrong };
  },
  limitRecords: (count) => exportsOf(door.core).recordsSetLimit(count),
  serve(subject) {
    subscriptions.push(server.bus.subscribe(subject, (message) => message.respond('answer')));
  },
  neglect(subject) {
    neglectedLoop = server.bus.subscribe(subject, { overflow: 'drop-newest' });
    subscriptions.push(neglectedLoop);
  },
  neglected: () => [neglectedLoop?.getPending() ?? 0, neglectedLoop?.getDropped() ?? 0],
  keep() {
    service = new ReplayService(door.account('$G'));
  },
  kept: () => ({ count: service?.count ?? 0, waits: service?.waits ?? 0 }),
  unsubscribe() {
    neglectedLoop = undefined;
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
  },
  close: () => server.close(),
};

serveCommands(commands);
