// Streams on file in one process: in a directory that is named a restart finds them, and without one they leave nothing.
import fs, { existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { createBus } from '../../src/index.ts';
import { enableJetStream } from '../../src/jetstream/index.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';
import { JetStreamBus, type Received } from '../support/jetstream.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  removeDirectories();
});

const FILE = { storage: 'file' };

/** The next message of the consumer. */
async function pulled(js: JetStreamBus): Promise<Received> {
  const inbox = js.inbox('inbox');
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'inbox' });
  await expect.poll(() => inbox).toHaveLength(1);
  return inbox[0] as Received;
}

test('what a directory has is found again: messages, consumers, and what was acknowledged', async () => {
  const storeDir = newDirectory();
  const before = await JetStreamBus.open({ storeDir });
  await before.stream('S', ['s.*'], { ...FILE, retention: 'workqueue' });
  await before.stream('M', ['m.*']);
  for (let i = 0; i < 5; i++) await before.publish(`s.${i}`, `text ${i}`);
  const config = { durable_name: 'C', ack_policy: 'explicit' };
  await before.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  const first = await pulled(before);
  await before.ask(first.reply, '+ACK');
  const state = await before.state('S');
  const consumer = await before.api('CONSUMER.INFO.S.C');
  await before[Symbol.asyncDispose]();
  expect(readdirSync(storeDir)).toEqual(['ganglion']);

  await using after = await JetStreamBus.open({ storeDir, syncInterval: 'always' });
  expect(await after.api('STREAM.NAMES')).toMatchObject({ streams: ['S'] });
  expect(await after.state('S')).toEqual(state);
  const { ts: _before, ...known } = consumer;
  expect(await after.api('CONSUMER.INFO.S.C')).toMatchObject(known);
  expect(await pulled(after)).toMatchObject({ text: 'text 1' });
  expect(await after.publish('s.5', 'text 5')).toBe('{"stream":"S","seq":6}');
  const { settings, fileUsed } = after.jetstream.snapshot();
  expect(settings.storeDir).toBe(join(storeDir, 'ganglion'));
  expect(fileUsed).toBe((await after.state('S')).bytes);
});

test('streams on disk may take three quarters of what it has free', async () => {
  const storeDir = newDirectory();
  await using js = await JetStreamBus.open({ storeDir });
  const { bavail, bsize } = statfsSync(storeDir);
  const { maxFile, maxMemory } = js.jetstream.snapshot().settings;
  // Others write there, too.
  expect(maxFile / (bavail * bsize)).toBeGreaterThan(0.6);
  expect(maxFile / (bavail * bsize)).toBeLessThan(0.9);
  await using other = await JetStreamBus.open({ storeDir: newDirectory(), maxFile: 1000 });
  expect(other.jetstream.snapshot().settings).toMatchObject({ maxFile: 1000, maxMemory });
  const config = { name: 'S', subjects: ['s'], ...FILE, max_bytes: 2000 };
  expect(await other.api('STREAM.CREATE.S', config)).toMatchObject({ error: { err_code: 10047 } });
});

test('a disk that was full at the start has room when others have given it back', async () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const storeDir = newDirectory();
  const before = await JetStreamBus.open({ storeDir });
  await before.stream('S', ['s'], FILE);
  await before.publish('s', 'x'.repeat(1000));
  await before[Symbol.asyncDispose]();
  let blocks = 0;
  const statfs = { ...statfsSync(storeDir), bsize: 4096 };
  vi.spyOn(fs, 'statfsSync').mockImplementation(() => ({ ...statfs, bavail: blocks }));
  syncBuiltinESMExports();

  await using js = await JetStreamBus.open({ storeDir });
  const refused = expect.stringContaining('"err_code":10023');
  const config = { name: 'T', subjects: ['t'], ...FILE, max_bytes: 100_000 };
  expect(await js.publish('s')).toEqual(refused);
  expect(await js.publish('s')).toEqual(refused);
  const said = 'JetStream file resource limits exceeded for server';
  expect(emitWarning.mock.calls.map(([text]) => text)).toEqual([said]);
  blocks = 1000;
  // It is not asked for each message.
  expect(await js.publish('s')).toEqual(refused);
  js.clock.advance(1000);
  expect(await js.publish('s')).toBe('{"stream":"S","seq":2}');
  expect(js.jetstream.snapshot().settings.maxFile).toBeGreaterThan(3_000_000);
  expect(await js.api('STREAM.CREATE.T', config)).toMatchObject({ did_create: true });
  // So for what is to be reserved.
  const large = { name: 'U', subjects: ['u'], ...FILE, max_bytes: 10_000_000 };
  expect(await js.api('STREAM.CREATE.U', large)).toMatchObject({ error: { err_code: 10047 } });
  blocks = 10_000;
  js.clock.advance(1000);
  expect(await js.api('STREAM.CREATE.U', large)).toMatchObject({ did_create: true });
});

test('a directory is one bus’s, and its accounts share it', async () => {
  const storeDir = newDirectory();
  const bus = createBus();
  const other = createBus();
  const jetstream = await enableJetStream(bus, { storeDir });
  const text = `store directory ${storeDir}/ganglion is in use`;
  await expect(enableJetStream(other, { storeDir })).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: text,
  });
  expect(other.info).not.toHaveProperty('jetstream');
  await (await enableJetStream(bus.account('A'), { storeDir })).close();
  await jetstream.close();
  await (await enableJetStream(other, { storeDir })).close();
  await Promise.all([bus.close(), other.close()]);
});

test('of two that enable it at once one does', async () => {
  const storeDir = newDirectory();
  const bus = createBus();
  const both = await Promise.allSettled([
    enableJetStream(bus, { storeDir }),
    enableJetStream(bus, { storeDir: newDirectory() }),
  ]);
  expect(both).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'ERR_INVALID_OPERATION' } },
  ]);
  await bus.close();
});

test('a bus that is closed while a directory is opened has it no more', async () => {
  const storeDir = newDirectory();
  const bus = createBus();
  const enabling = enableJetStream(bus, { storeDir });
  await bus.close();
  await expect(enabling).rejects.toMatchObject({ code: 'ERR_CLOSED_CONNECTION' });
  const other = createBus();
  await (await enableJetStream(other, { storeDir })).close();
  await other.close();
});

test('whoever closes the bus alone has closed its directory, too', async () => {
  const storeDir = newDirectory();
  for (let round = 1; round <= 3; round++) {
    const js = await JetStreamBus.open({ storeDir, syncInterval: 'always' });
    if (round === 1) await js.stream('S', ['s'], FILE);
    expect(await js.publish('s', 'x')).toBe(`{"stream":"S","seq":${round}}`);
    if (round === 2) await js.bus.drain();
    else await js.bus.close();
  }
});

test('only what nats-server has left is left alone, which is said', async () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const storeDir = newDirectory();
  const theirs = join(storeDir, 'jetstream');
  mkdirSync(theirs);
  for (let round = 0; round < 2; round++)
    await (await JetStreamBus.open({ storeDir }))[Symbol.asyncDispose]();
  const said = `${theirs} was made by nats-server and is left alone: streams are kept in ${storeDir}/ganglion`;
  expect(emitWarning.mock.calls.map(([text]) => text)).toEqual([said]);
  expect(readdirSync(theirs)).toEqual([]);
});

test('without a directory there is one from the first stream on file to the end', async () => {
  const tmp = newDirectory();
  vi.stubEnv('TMPDIR', tmp);
  const js = await JetStreamBus.open();
  await js.stream('M', ['m']);
  expect(readdirSync(tmp)).toEqual([]);
  const made = ['S', 'T'].map((name) => js.stream(name, [name], FILE));
  const info = js.api('INFO');
  await Promise.all(made);
  // Whoever asks behind them is answered behind them.
  expect(await info).toMatchObject({ streams: 3 });
  const [name = ''] = readdirSync(tmp);
  expect(name).toMatch(/^ganglion-/);
  expect(await js.publish('S', 'x'.repeat(1000))).toBe('{"stream":"S","seq":1}');
  expect(js.jetstream.snapshot().settings.storeDir).toBe(join(tmp, name));
  expect(existsSync(join(tmp, name, '%24%47', 'streams'))).toBe(true);
  await js.jetstream.close();
  expect(readdirSync(tmp)).toEqual([]);
  await js.bus.close();
});

test('where no temporary directory can be made, who asks for a stream on file is told', async () => {
  await using js = await JetStreamBus.open();
  const tmp = newDirectory();
  vi.stubEnv('TMPDIR', '/dev/null');
  const config = { name: 'S', subjects: ['s'], ...FILE };
  expect(await js.api('STREAM.CREATE.S', config)).toMatchObject({
    error: {
      code: 500,
      err_code: 10049,
      description: 'mkdir /dev/null/ganglion-: not a directory',
    },
  });
  expect(await js.api('STREAM.NAMES')).toMatchObject({ total: 0 });
  vi.stubEnv('TMPDIR', tmp);
  expect(await js.api('STREAM.CREATE.S', config)).toMatchObject({ did_create: true });
});

test('a bus that is closed while a temporary directory is made leaves none', async () => {
  const tmp = newDirectory();
  vi.stubEnv('TMPDIR', tmp);
  const js = await JetStreamBus.open();
  js.bus.publish('$JS.API.STREAM.CREATE.S', JSON.stringify({ name: 'S', ...FILE }));
  await js.bus.close();
  expect(readdirSync(tmp)).toEqual([]);
});

test('a roll-up that is under way when all ends is whole at the next start', async () => {
  const storeDir = newDirectory();
  const before = await JetStreamBus.open({ storeDir });
  await before.stream('S', ['s'], { ...FILE, allow_rollup_hdrs: true });
  for (let i = 0; i < 10_000; i++) before.bus.publish('s', '');
  await before.settle();
  const acknowledged = before.publish('s', 'all', { 'Nats-Rollup': 'all' });
  await before.jetstream.close();
  expect(await acknowledged).toBe('{"stream":"S","seq":10001}');
  await before.bus.close();
  await using after = await JetStreamBus.open({ storeDir });
  expect(await after.state('S')).toMatchObject({ messages: 1, first_seq: 10_001 });
});

test.each([
  ['messages', { max_msgs: 2 }, 2],
  ['bytes', { max_bytes: 80 }, 2],
  ['messages per subject', { max_msgs_per_subject: 1 }, 3],
])('what a start finds beyond the bound of %s goes', async (_, limits, left) => {
  const storeDir = newDirectory();
  const before = await JetStreamBus.open({ storeDir });
  await before.stream('S', ['s.*'], FILE);
  for (let i = 0; i < 9; i++) await before.publish(`s.${i % 3}`);
  // It is saved before it is carried out, and the process may end between.
  const stream = before.jetstream.snapshot().accounts[0]?.streams.get('S');
  await stream?.save({ ...stream.config, ...limits });
  await before[Symbol.asyncDispose]();
  await using after = await JetStreamBus.open({ storeDir });
  expect(await after.state('S')).toMatchObject({ messages: left, last_seq: 9 });
});
