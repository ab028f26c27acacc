// Buckets and objects on a bus: what their one program (one-import-stores.mjs) does not say, above all of values.
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import {
  ClosedConnectionError,
  connect,
  createBus,
  InvalidPayloadError,
  jsonCodec,
} from '../../src/index.ts';
import {
  enableJetStream,
  getSha256Backend,
  JetStreamApiError,
  jetstream,
  type KvEntry,
  Kvm,
  Objm,
} from '../../src/jetstream/index.ts';
import { JetStreamBus } from '../support/jetstream.ts';

interface User {
  readonly name: string;
  readonly age: number;
}
const ANN: User = { name: 'Ann', age: 41 };
const STORAGE = { storage: 'memory' } as const;

let js: JetStreamBus;

beforeEach(async () => {
  js = await JetStreamBus.open();
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

test('a bucket takes values of its type, and gives them back', async () => {
  const users = await new Kvm(js.bus).create<User>('users', STORAGE);
  expect(await users.create('ann', ANN)).toBe(1);
  expect(await users.update('ann', { ...ANN, age: 42 }, 1)).toBe(2);
  await users.put('bob', { name: 'Bob', age: 7 });
  const entry = await users.get('ann');
  expectTypeOf(entry).toEqualTypeOf<KvEntry<User> | null>();
  expectTypeOf(users.put).parameter(1).toEqualTypeOf<User>();
  expectTypeOf(entry?.json()).toEqualTypeOf<User | undefined>();
  expect(entry?.json()).toEqual({ name: 'Ann', age: 42 });
  expect(entry?.value).toEqual(new TextEncoder().encode('{"name":"Ann","age":42}'));
  const seen: User[] = [];
  for await (const each of await users.watch()) {
    seen.push(each.json());
    if (seen.length === 2) break;
  }
  expect(seen.map(({ name }) => name)).toEqual(['Ann', 'Bob']);
});

test('a bucket without a type takes what the bus does', async () => {
  const kv = await new Kvm(js.bus).create('any', STORAGE);
  await kv.put('text', 'plain');
  await kv.put('bytes', Uint8Array.of(1, 2));
  await kv.put('number', 7);
  expect((await kv.get('text'))?.string()).toBe('plain');
  expect((await kv.get('bytes'))?.value).toEqual(Uint8Array.of(1, 2));
  expect((await kv.get('number'))?.json<number>()).toBe(7);
  await expect(kv.put('lost', new Map())).rejects.toBeInstanceOf(InvalidPayloadError);
  expect(await kv.get('lost')).toBeNull();
});

test('what was put is what it was then', async () => {
  const kv = await new Kvm(js.bus).create<number[]>('lists', STORAGE);
  const list = [1];
  const put = kv.put('a', list);
  list.push(2);
  await put;
  expect((await kv.get('a'))?.json()).toEqual([1]);
});

test('the codec of the bus makes bytes of values and reads them, in a watch, too', async () => {
  const codec = {
    encode: (value: unknown) => jsonCodec.encode({ wrapped: value }),
    decode: (data: Uint8Array) => (jsonCodec.decode(data) as { wrapped: unknown }).wrapped,
  };
  const bus = createBus({ codec });
  await enableJetStream(bus);
  const kv = await new Kvm(bus).create<User>('users', STORAGE);
  await kv.put('ann', ANN);
  expect((await kv.get('ann'))?.json()).toEqual(ANN);
  expect((await kv.get('ann'))?.string()).toBe('{"wrapped":{"name":"Ann","age":41}}');
  for await (const entry of await kv.watch()) {
    expect(entry.json()).toEqual(ANN);
    break;
  }
  await bus.close();
});

test('a connection to the bus is held to strings and bytes', async () => {
  const connection = await connect({ bus: js.bus });
  const kv = await new Kvm(connection).create('any', STORAGE);
  await kv.put('text', 'plain');
  await expect(kv.put('number', 7)).rejects.toThrow('strings or Uint8Array');
  await connection.close();
  for (const late of [kv.put('a', ''), kv.watch(), new Kvm(connection).create('late', STORAGE)]) {
    await expect(late).rejects.toBeInstanceOf(ClosedConnectionError);
  }
});

test('a client with options of its own makes buckets and stores', async () => {
  const client = jetstream(js.bus, { timeout: 50 });
  const kv = await new Kvm(client).create<User>('users', STORAGE);
  await kv.put('ann', ANN);
  expect((await kv.get('ann'))?.json()).toEqual(ANN);
  const files = await new Objm(client).create('files', STORAGE);
  await files.putBlob({ name: 'a' }, Uint8Array.of(1));
  expect(await files.getBlob('a')).toEqual(Uint8Array.of(1));
});

test('values live as long as their bucket says, by the clock of the bus', async () => {
  const kv = await new Kvm(js.bus).create('short', { ...STORAGE, ttl: 60_000 });
  await kv.put('a', 'x');
  js.clock.advance(59_000);
  await js.settle();
  expect((await kv.get('a'))?.string()).toBe('x');
  js.clock.advance(2000);
  await js.settle();
  expect(await kv.get('a')).toBeNull();
});

test('a bucket is full when it has what it may have, and says so', async () => {
  const kv = await new Kvm(js.bus).create('full', { ...STORAGE, max_bytes: 200 });
  await kv.put('a', 'x'.repeat(100));
  await expect(kv.put('b', 'x'.repeat(100))).rejects.toBeInstanceOf(JetStreamApiError);
  expect((await kv.get('a'))?.length).toBe(100);
});

test('a watch ends with the bus, and leaves no consumer behind when it is left', async () => {
  const kv = await new Kvm(js.bus).create('watched', STORAGE);
  await kv.put('a', 'x');
  for await (const _ of await kv.watch()) break;
  await js.settle();
  js.clock.advance(10 * 60_000);
  await js.settle();
  const consumers = await js.api('CONSUMER.NAMES.KV_watched');
  expect(consumers.consumers).toEqual([]);
  const watch = await kv.watch();
  const keys: string[] = [];
  const done = (async () => {
    for await (const { key } of watch) keys.push(key);
  })();
  await js.settle();
  await js.bus.close();
  await done;
  expect(keys).toEqual(['a']);
});

test('a large object comes back whole through a stream of its chunks, and a corrupt one is told', async () => {
  expect(getSha256Backend()).toBe('native');
  const files = await new Objm(js.bus).create('files', STORAGE);
  const data = new Uint8Array(5_000_000).map((_, i) => i * 31);
  const { chunks } = await files.putBlob({ name: 'big' }, data);
  expect(chunks).toBe(39);
  expect(Buffer.compare((await files.getBlob('big')) ?? new Uint8Array(), data)).toBe(0);
  const info = await files.info('big');
  const meta = JSON.stringify({ ...(await rawInfo('files', 'big')), digest: 'SHA-256=AAAA' });
  expect(info?.digest).not.toContain('AAAA');
  await js.publish(`$O.files.M.${Buffer.from('big').toString('base64url')}`, meta);
  await expect(files.getBlob('big')).rejects.toThrow(/digest/);
});

/** What is stored of an object beside its chunks. */
async function rawInfo(bucket: string, name: string): Promise<object> {
  const last_by_subj = `$O.${bucket}.M.${Buffer.from(name).toString('base64url')}`;
  const answer = await js.api<{ message: { data: string } }>(`STREAM.MSG.GET.OBJ_${bucket}`, {
    last_by_subj,
  });
  return JSON.parse(Buffer.from(answer.message.data, 'base64').toString()) as object;
}
