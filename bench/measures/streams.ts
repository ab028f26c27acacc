// What streams in memory cost in a server, and nats-server beside it: bytes of a message, and what it takes to find a
// few subjects among a million. Both servers are measured in the same round, one after the other.

import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { readResident } from '../shared/resident.ts';
import { spreadOf } from '../shared/statistics.ts';
import { type MeasuredServer, startServer } from './process.ts';
import { StreamClient } from './stream-client.ts';

const MESSAGES = 1_000_000;
const PAYLOAD_BYTES = 128;
const SUBJECTS = 1000;
/** Of a million subjects, how many share their second token; so many does a narrow filter match. */
const GROUPS = 1000;
/** Each is asked so often, of another group: first to be compiled, and then the median counts. */
const UNMEASURED = 40;
const TIMES = 41;
/** A server may still be tidying up. */
const SETTLE_MS = 500;

/** How to start a server. */
export type Command = readonly string[];

/** Bytes of resident memory by which a server grows for each message beyond its payload. */
export async function storedBytes(command: Command): Promise<number> {
  return withStream(command, async (client, server) => {
    const before = readResident(server.pid).nowMiB;
    await client.fill(MESSAGES, (i) => `m.${i % SUBJECTS}`, PAYLOAD_BYTES);
    await delay(SETTLE_MS);
    const grown = (readResident(server.pid).nowMiB - before) * 2 ** 20;
    return grown / MESSAGES - PAYLOAD_BYTES;
  });
}

/** Milliseconds of what is asked about one of a thousand groups of a million subjects. */
export interface NarrowTimes {
  readonly create: number;
  readonly last: number;
  readonly count: number;
  readonly purge: number;
}

/** Takes them all, from one stream. */
export function narrowTimes(command: Command): Promise<NarrowTimes> {
  return withStream(command, async (client) => {
    await client.fill(MESSAGES, (i) => `m.r${i % GROUPS}.id${i}`, 16);
    const medianOf = async (ask: (filter: string, number: number) => Promise<object>) => {
      const taken: number[] = [];
      for (let i = 0; i < UNMEASURED + TIMES; i++) {
        const start = performance.now();
        await ask(`m.r${i * 7 + 3}.*`, i);
        taken.push(performance.now() - start);
      }
      return spreadOf(taken.slice(UNMEASURED)).median;
    };
    const create = await medianOf((filter_subject, number) => {
      const config = { name: `C${number}`, filter_subject, ack_policy: 'none' };
      const body = { stream_name: 'S', config };
      return client.api(`CONSUMER.CREATE.S.C${number}.${filter_subject}`, body);
    });
    const last = await medianOf((last_by_subj) => client.api('STREAM.MSG.GET.S', { last_by_subj }));
    const count = await medianOf((subjects_filter) =>
      client.api('STREAM.INFO.S', { subjects_filter }),
    );
    const purge = await medianOf((filter) => client.api('STREAM.PURGE.S', { filter }));
    return { create, last, count, purge };
  });
}

const CONSUMERS = 10_000;
const PUBLISHES = 500_000;

/** Nobody pulls from them, and they must not go for that while the others are made. */
const INACTIVE_NS = 3_600_000_000_000;

/** Nanoseconds that a server computes for a publish that one of so many consumers wants, always the first or each in turn. */
export function publishNs(command: Command, consumers: number, subjects = 1): Promise<number> {
  return withStream(command, async (client, { pid }) => {
    for (let i = 0; i < consumers; i++) {
      const filter = { filter_subject: `m.${i}`, inactive_threshold: INACTIVE_NS };
      const config = { name: `C${i}`, ...filter, ack_policy: 'none' };
      await client.api(`CONSUMER.CREATE.S.C${i}.m.${i}`, { stream_name: 'S', config });
    }
    const run = (): Promise<void> => client.fill(PUBLISHES, (i) => `m.${i % subjects}`, 16);
    await run();
    const before = computedNs(pid);
    await run();
    return (computedNs(pid) - before) / PUBLISHES;
  });
}

/** How long the main thread of a process has run. */
function computedNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
}

const STORE = join(tmpdir(), 'ganglion-bench-measures');

/** A server with the stream S of subjects m.>, and a client of it. */
export async function withStream<T>(
  command: Command,
  measure: (client: StreamClient, server: MeasuredServer) => Promise<T>,
): Promise<T> {
  const server = await startServer([...command, '-js', '-sd', STORE]);
  const client = new StreamClient(server.port);
  try {
    await client.confirm();
    const limits = { max_consumers: 2 * CONSUMERS, allow_direct: true };
    const config = { name: 'S', subjects: ['m.>'], storage: 'memory', ...limits };
    await client.api('STREAM.CREATE.S', config);
    return await measure(client, server);
  } finally {
    client.close();
    await server.stop();
  }
}
