// A program that uses buckets and objects by the names of nats.js, run as one-import.mjs is.
import { AckPolicy, jetstream } from '@nats-io/jetstream';
import { Kvm, KvWatchInclude } from '@nats-io/kv';
import { Objm } from '@nats-io/obj';

const { connection, close, restart, storage } = await globalThis.open();
const say = (...words) => console.log(words.map((word) => JSON.stringify(word)).join(' '));
const refusal = ({ name, code, message }) => ({ name, code, message });
const all = async (source) => {
  const found = [];
  for await (const each of source) found.push(each);
  return found;
};
const bytes = (length) => new Uint8Array(length).map((_, i) => i * 7);

const kvm = new Kvm(connection);
const users = await kvm.create('users', { history: 5, storage, description: 'who' });
say(await users.get('a'));
say(await users.put('a', '1'), await users.put('a', JSON.stringify({ id: 2 })));
const entry = await users.get('a');
say(entry.key, entry.value.length, entry.json(), entry.string(), entry.revision, entry.operation);
say(entry.length, entry.bucket, entry.rawKey, (await users.get('a', { revision: 1 })).string());
say(await users.create('b', bytes(3)));
await restart();
say(await users.create('b', 'x').catch(refusal));
say(await users.update('b', 'y', 3), await users.update('b', 'z', 3).catch(refusal));
await users.delete('b');
say((await users.get('b')).operation, await users.create('b', 'again'));
await users.purge('a');
say((await users.get('a')).operation, await users.create('a', 'after a purge'));
say(await users.put('bad key', '').catch(({ message }) => message));
await users.put('c.d', '');
say((await all(await users.keys())).sort(), await all(await users.keys('c.>')));
const history = await all(await users.history({ key: 'b' }));
say(history.map(({ revision, operation, delta }) => [revision, operation, delta]));

const watch = await users.watch();
const seen = [];
for await (const { key, operation, isUpdate, delta } of watch) {
  seen.push([key, operation, isUpdate, delta]);
  if (seen.length === 3) {
    await restart();
    await users.put('new', '1');
  }
  if (isUpdate && key === 'new') break;
}
say(seen);
const updates = await users.watch({ key: 'a', include: KvWatchInclude.UpdatesOnly });
await users.put('b', 'not heard');
await users.delete('a');
for await (const { key, operation, isUpdate } of updates) {
  say(key, operation, isUpdate);
  break;
}
const { bucket, values, history: kept, ttl, description, storage: at } = await users.status();
say(bucket, values, kept, ttl, description, at);
const opened = await kvm.open('users');
say((await opened.get('new')).string());
say((await all(kvm.list())).map((status) => status.bucket));
say(await users.destroy(), await (await kvm.open('users')).get('a').catch(refusal));

const objm = new Objm(connection);
const files = await objm.create('files', { storage, description: 'what' });
say(await files.info('none'), await files.get('none'));
const put = await files.putBlob({ name: 'big', description: 'of chunks' }, bytes(300_000));
say(put.name, put.size, put.chunks, put.digest, put.description, put.revision);
await restart();
const blob = await files.getBlob('big');
say(
  blob.length,
  blob.every((byte, i) => byte === ((i * 7) & 255)),
);
const got = await files.get('big');
let length = 0;
for await (const chunk of got.data) length += chunk.length;
say(length, await got.error, got.info.name);
await files.putBlob({ name: 'small', options: { max_chunk_size: 2 } }, bytes(5));
say((await files.info('small')).chunks, [...(await files.getBlob('small'))]);
await files.putBlob({ name: 'empty' }, new Uint8Array(0));
say((await files.getBlob('empty')).length);
const link = await files.link('link', await files.info('small'));
say(link.isLink(), [...(await files.getBlob('link'))]);
say((await files.list()).map(({ name, size, deleted }) => [name, size, deleted]).sort());
say(await files.delete('big'), await files.get('big'), (await files.info('big')).deleted);
await files.update('small', { name: 'tiny', metadata: { of: 'five' } });
const tiny = await files.info('tiny');
say(tiny.name, tiny.metadata, await files.info('small'));
const changes = await files.watch({ includeHistory: true });
const names = [];
for await (const { name, deleted, isUpdate } of changes) {
  names.push([name, deleted ?? false, isUpdate ?? false]);
  if (names.length === 4) {
    await restart();
    await files.putBlob({ name: 'last' }, bytes(1));
  }
  if (name === 'last') break;
}
say(names);
say((await files.status()).sealed, (await files.seal()).sealed);
await restart();
say(await files.putBlob({ name: 'late' }, bytes(1)).catch(refusal));
say(
  (await all(objm.list())).map((status) => status.bucket),
  await files.destroy(),
);
say(await objm.open('files').catch(({ message }) => message));

const ordered = await kvm.create('ordered', { storage });
for (let i = 0; i < 20; i++) await ordered.put(`k${i}`, `${i}`);
const pull = await jetstream(connection).consumers.get('KV_ordered', { filter_subjects: '$KV.>' });
const values2 = [];
for await (const message of await pull.consume()) {
  values2.push(Number(message.string()));
  if (message.info.pending === 0) break;
}
say(values2, (await pull.info()).config.ack_policy === AckPolicy.None);
const push = await jetstream(connection).consumers.getPushConsumer('KV_ordered', {
  filter_subjects: '$KV.ordered.*',
});
const seqs = [];
for await (const message of await push.consume()) {
  if (seqs.push(message.seq) === 10) await restart();
  if (seqs.length === 20) break;
}
say(seqs);
await close();
