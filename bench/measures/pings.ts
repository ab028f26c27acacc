// How long another client waits for the answer to a PING while a stream goes out to one reader as fast as that takes it:
// 200 MB by a consumer that pushes without flow control, or by one pull of a million. The reader is a thread of its own.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { spreadOf } from '../shared/statistics.ts';
import type { StreamClient } from './stream-client.ts';
import { type Command, withStream } from './streams.ts';

export type Way = 'push' | 'pull';

const LOADS: Readonly<Record<Way, { readonly messages: number; readonly bytes: number }>> = {
  push: { messages: 200_000, bytes: 1024 },
  pull: { messages: 1_000_000, bytes: 200 },
};
/** The payload of the last message. */
export const END = 'the end';
export const READER_SUBJECT = 'to.r';
/** Between an answer and the next PING. */
const PAUSE_MS = 1;

/** What the thread tells at the end: bytes that it has got, and whether the server has closed it. */
export interface ReaderEnd {
  readonly bytes: number;
  readonly isClosed: boolean;
}

/** Milliseconds of a PING. */
export interface PingTimes {
  readonly median: number;
  readonly longest: number;
}

/** @param mayClose the server may close a healthy reader. Throws when it has, and may not. */
export function pingTimes(command: Command, way: Way, mayClose: boolean): Promise<PingTimes> {
  const { messages, bytes } = LOADS[way];
  return withStream(command, async (client, { port }) => {
    await client.fill(messages, () => 'm.0', bytes);
    await client.confirm(`PUB m.0 ${END.length}\r\n${END}\r\n`);
    const worker = new Worker(join(import.meta.dirname, 'fast-reader.mjs'), { workerData: port });
    const other = connect({ host: '127.0.0.1', port, noDelay: true });
    try {
      await once(other, 'data');
      other.write('CONNECT {"verbose":false}\r\n');
      await ping(other);
      await once(worker, 'message');
      let end: ReaderEnd | undefined;
      worker.once('message', (told: ReaderEnd) => {
        end = told;
      });
      await begin(client, way);
      const taken: number[] = [];
      while (end === undefined) {
        taken.push(await ping(other));
        await delay(PAUSE_MS);
      }
      const isWhole = !end.isClosed && end.bytes > messages * bytes;
      if (!isWhole && !mayClose) throw new Error(`the reader got ${end.bytes} bytes`);
      const { median, max } = spreadOf(taken);
      return { median, longest: max };
    } finally {
      other.destroy();
      await worker.terminate();
    }
  });
}

async function begin(client: StreamClient, way: Way): Promise<void> {
  const push = way === 'push' ? { deliver_subject: READER_SUBJECT } : {};
  const config = { name: 'C', ack_policy: 'none', ...push };
  await client.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  if (way === 'push') return;
  const body = JSON.stringify({ batch: 1_000_001 });
  const subject = '$JS.API.CONSUMER.MSG.NEXT.S.C';
  await client.confirm(`PUB ${subject} ${READER_SUBJECT} ${body.length}\r\n${body}\r\n`);
}

async function ping(socket: Socket): Promise<number> {
  const start = performance.now();
  socket.write('PING\r\n');
  await once(socket, 'data');
  return performance.now() - start;
}
