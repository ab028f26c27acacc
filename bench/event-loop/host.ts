// A program that embeds the server and watches its own event loop: how late a timer of one millisecond fires,
// what garbage collection takes, and how much of the time the loop is busy. It is asked over the channel that
// Node gives to children.
//
// With the word `worker` the server runs in a worker thread, and what is watched is the thread beside it: so
// much of the delay a program is spared by a thread of its own for the server.
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { ROOT } from '../shared/root.ts';

/** What a host says when it serves. */
export interface HostPorts {
  readonly port: number;
  readonly monitoringPort: number;
}

/** What the parent says. */
export type HostQuestion = 'begin' | 'end';

/** What is told at the end of a measurement; milliseconds. */
export interface HostDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of the time in which the loop did not wait. */
  readonly utilization: number;
  readonly gcMax: number;
  readonly gcTotal: number;
  readonly cpu: number;
  readonly elapsed: number;
}

/** The timer by which the delay is seen; a delay is what it takes longer than that. */
const TICK_MS = 1;
const NS_PER_MS = 1e6;

interface Module {
  createBus(): object;
  serve(bus: object, options: object): Promise<HostPorts>;
}

async function startServer(): Promise<HostPorts> {
  const load = (name: string): Promise<Module> =>
    import(pathToFileURL(join(ROOT, 'dist', `${name}.mjs`)).href);
  const { createBus } = await load('index');
  const { serve } = await load('server');
  const options = { port: 0, monitoring: { port: 0 }, jetstream: true };
  const { port, monitoringPort } = await serve(createBus(), options);
  return { port, monitoringPort };
}

function startWorker(): Promise<HostPorts> {
  const worker = new Worker(fileURLToPath(import.meta.url));
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function watch(): (question: HostQuestion) => void {
  const histogram = monitorEventLoopDelay({ resolution: TICK_MS });
  const pauses: number[] = [];
  const note = (list: { getEntries(): { readonly duration: number }[] }): void => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  };
  const observer = new PerformanceObserver(note);
  observer.observe({ entryTypes: ['gc'] });
  let utilization = performance.eventLoopUtilization();
  let cpu = process.cpuUsage();
  let start = 0;
  const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / NS_PER_MS - TICK_MS);
  const end = (): HostDelay => {
    histogram.disable();
    note({ getEntries: () => observer.takeRecords() });
    const { user, system } = process.cpuUsage(cpu);
    return {
      p50: beyond(histogram.percentile(50)),
      p99: beyond(histogram.percentile(99)),
      max: beyond(histogram.max),
      utilization: performance.eventLoopUtilization(utilization).utilization,
      gcMax: Math.max(0, ...pauses),
      gcTotal: pauses.reduce((sum, pause) => sum + pause, 0),
      cpu: (user + system) / 1000,
      elapsed: performance.now() - start,
    };
  };
  return (question) => {
    if (question === 'end') {
      // A turn later: what has just held the loop up is in the histogram then.
      setTimeout(() => process.send?.(end()), 2 * TICK_MS);
      return;
    }
    observer.takeRecords();
    pauses.length = 0;
    utilization = performance.eventLoopUtilization();
    cpu = process.cpuUsage();
    start = performance.now();
    histogram.reset();
    histogram.enable();
    process.send?.('begun');
  };
}

async function main(): Promise<void> {
  if (!isMainThread) {
    parentPort?.postMessage(await startServer());
    return;
  }
  const ports = process.argv.includes('worker') ? await startWorker() : await startServer();
  process.on('message', watch());
  process.on('disconnect', () => process.exit());
  process.send?.(ports);
}

main().catch((cause: unknown) => {
  console.error(cause);
  process.exit(1);
});
