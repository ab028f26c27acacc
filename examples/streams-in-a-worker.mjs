// Streams on disk in a thread of their own: under load a write can hold the event loop that it happens in for some
// milliseconds, and a disk that is busy for more. The program's own loop, here the main thread, has none of that: it
// talks to the server like any client. What was acknowledged is there after a restart.
//
//   node examples/streams-in-a-worker.mjs
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createBus } from 'ganglion';
import { serve } from 'ganglion/server';

if (isMainThread) await main();
else await serveStreams(workerData);

/** The thread: it says where it listens, and ends when it is told anything. */
async function serveStreams({ storeDir }) {
  const bus = createBus();
  const server = await serve(bus, { port: 0, jetstream: { storeDir } });
  parentPort.postMessage(server.url);
  await once(parentPort, 'message');
  await server.close(); // Everything is written, and another may have the directory.
  await bus.close();
  parentPort.close();
}

async function main() {
  const storeDir = mkdtempSync(join(tmpdir(), 'orders-')); // In life a directory that stays.
  try {
    await withServer(storeDir, async (connection) => {
      const { streams } = await jetstreamManager(connection);
      await streams.add({ name: 'ORDERS', subjects: ['orders.*'] });
      const client = jetstream(connection);
      const acks = Array.from({ length: 1000 }, (_, id) => client.publish(`orders.${id}`, `${id}`));
      console.log('acknowledged:', (await Promise.all(acks)).length);
    });
    await withServer(storeDir, async (connection) => {
      const { state } = await (await jetstreamManager(connection)).streams.info('ORDERS');
      console.log('there after a restart:', state.messages);
    });
  } finally {
    rmSync(storeDir, { recursive: true });
  }
}

async function withServer(storeDir, work) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { storeDir } });
  const ended = once(worker, 'exit');
  const [url] = await once(worker, 'message');
  const connection = await connect({ servers: url });
  try {
    await work(connection);
  } finally {
    await connection.close();
    worker.postMessage('end');
    await ended;
  }
}

// Output:
// acknowledged: 1000
// there after a restart: 1000
