// Streams that are found on disk are opened a little at a time, and what goes wrong meanwhile leaves nothing open.
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { type Bus, createBus, headers } from '../../src/index.ts';
import { enableJetStream, type JetStream } from '../../src/jetstream/jetstream.ts';
import { directoryName } from '../../src/jetstream/place/names.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';

const MESSAGES = 5000;

afterEach(removeDirectories);

async function withStream(): Promise<string> {
  const storeDir = newDirectory();
  const { bus, jetstream } = await opened(storeDir);
  const config = { name: 'S', subjects: ['s.*'], retention: 'workqueue' };
  await bus.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  for (let i = 1; i < MESSAGES; i++) {
    const withId = headers();
    withId.set('Nats-Msg-Id', `${i}`);
    bus.publish(`s.${i % 7}`, 'm', { headers: withId });
  }
  await bus.request('s.last', 'm');
  await jetstream.close();
  await bus.close();
  return storeDir;
}

async function opened(storeDir: string): Promise<{ bus: Bus; jetstream: JetStream }> {
  const bus = createBus();
  return { bus, jetstream: await enableJetStream(bus, { storeDir }) };
}

/** Files of a directory that this process has open. */
function openFiles(dir: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(dir) ? [path] : [];
    } catch {
      return [];
    }
  });
}

test('a bus that is closed meanwhile is not kept waiting, and the directory is free then', async () => {
  const storeDir = await withStream();
  for (let turns = 0; turns < 12; turns++) {
    const bus = createBus();
    const jetstream = enableJetStream(bus, { storeDir }).catch((error: unknown) => error);
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    await bus.close();
    const end = await jetstream;
    if (!(end instanceof Error)) await (end as JetStream).close();
    expect(openFiles(storeDir)).toEqual([]);
  }
  const { bus, jetstream } = await opened(storeDir);
  const info = await bus.request('$JS.API.STREAM.INFO.S', '');
  expect(JSON.parse(info.string())).toMatchObject({ state: { messages: MESSAGES } });
  await jetstream.close();
  await bus.close();
});

test.each(['messages', 'consumers'])(
  'a stream whose %s cannot be read leaves nothing open, and is as it was',
  async (part) => {
    const storeDir = await withStream();
    const dir = join(storeDir, 'ganglion', directoryName('$G'), 'streams', '%53.1', part);
    writeFileSync(join(dir, '00000009.log'), 'of another program');
    const before = readdirSync(dir).sort();
    const { bus, jetstream } = await opened(storeDir);
    const names = await bus.request('$JS.API.STREAM.NAMES', '');
    expect(JSON.parse(names.string())).toMatchObject({ total: 0 });
    await jetstream.close();
    expect(openFiles(storeDir)).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(before);
    await bus.close();
  },
);

// Source: nats-server 2.15.3, server/stream.go, addStreamWithAssignment, which checks no limits when it recovers.
test('streams that take more than they may are there, and take no more', async () => {
  const storeDir = await withStream();
  const bus = createBus();
  const jetstream = await enableJetStream(bus, { storeDir, maxFile: 1000 });
  const info = await bus.request('$JS.API.STREAM.INFO.S', '');
  expect(JSON.parse(info.string())).toMatchObject({ state: { messages: MESSAGES } });
  const refused = await bus.request('s.more', 'm');
  expect(JSON.parse(refused.string())).toMatchObject({ error: { code: 503, err_code: 10023 } });
  await bus.request('$JS.API.STREAM.PURGE.S', '');
  const taken = await bus.request('s.more', 'm');
  expect(JSON.parse(taken.string())).toEqual({ stream: 'S', seq: MESSAGES + 1 });
  await jetstream.close();
  await bus.close();
});

test('what they are read with is given back, as long as they are open', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const storeDir = newDirectory();
  const first = await opened(storeDir);
  for (const name of ['A', 'B', 'C', 'D']) {
    await first.bus.request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify({ name }));
    await first.bus.request(name, new Uint8Array(1_000_000));
  }
  await first.jetstream.close();
  await first.bus.close();
  const bus = createBus();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const jetstream = await enableJetStream(bus, { storeDir });
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers - before;
  };
  await expect.poll(held, { timeout: 10_000 }).toBeLessThan(1_000_000);
  const info = await bus.request('$JS.API.INFO', '');
  expect(JSON.parse(info.string())).toMatchObject({ streams: 4 });
  await jetstream.close();
  await bus.close();
});
