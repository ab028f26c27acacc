// A stream whose store cannot write, or cannot sync: what was not kept is not acknowledged, not shown, and can be sent
// again; and when there is room again the stream goes on.
import { afterEach, describe, expect, test } from 'vitest';
import { openFileStore } from '../../src/jetstream/store/file/file-store.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { JetStreamBus } from '../support/jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

let bed: JetStreamBus;
let disk = new SimDisk();
afterEach(async () => {
  disk.fails = () => undefined;
  let isOver = false;
  const end = bed[Symbol.asyncDispose]().then(() => {
    isOver = true;
  });
  while (!isOver) await disk.settle();
  await end;
});

const full = (verb: string): string | undefined =>
  verb === 'write' || verb === 'create' ? 'ENOSPC' : undefined;

/** Another segment may begin when the name of the last one has been synced. */
async function thereIsRoom(): Promise<void> {
  disk.fails = () => undefined;
  await disk.settle();
}

function onDisk(sync: number | 'always' = 120_000): JetStreamBus {
  return JetStreamBus.withStores(({ name }, index) => {
    const place = { disk, dir: `/${name}`, clock: bed.clock, sync, warn: () => {} };
    return openFileStore({ ...index, ...place }).store;
  });
}

const refused = (text: RegExp): unknown => ({
  error: { code: 503, err_code: 10077, description: expect.stringMatching(text) },
  stream: 'S',
  seq: 0,
});

async function published(subject: string, text = '', id?: string): Promise<unknown> {
  const headers = id === undefined ? undefined : { 'Nats-Msg-Id': id };
  return JSON.parse(await bed.publish(subject, text, headers));
}

describe('a disk that is full', () => {
  test('refuses all that could not be written, and takes it when there is room', async () => {
    disk = new SimDisk();
    bed = onDisk();
    await bed.stream('S', ['s.*'], { storage: 'file' });
    expect(await published('s.a', 'kept', 'one')).toEqual({ stream: 'S', seq: 1 });
    disk.fails = full;
    const answers = await Promise.all([
      published('s.a', 'two', 'two'),
      published('s.b', 'three'),
      published('s.c', 'two again', 'two'),
    ]);
    expect(answers).toEqual(Array(3).fill(refused(/ENOSPC/)));
    expect(await published('s.a')).toEqual(refused(/ENOSPC/));
    expect(await bed.state('S')).toMatchObject({ messages: 1, last_seq: expect.any(Number) });
    await thereIsRoom();
    const again = await published('s.a', 'two', 'two');
    expect(again).toEqual({ stream: 'S', seq: expect.any(Number) });
    expect(await published('s.a', 'two', 'two')).toEqual({ ...(again as object), duplicate: true });
    expect(await published('s.a', 'kept', 'one')).toEqual({ stream: 'S', seq: 1, duplicate: true });
  });

  test('shows a consumer nothing of it, and publishes nothing of it again', async () => {
    disk = new SimDisk();
    bed = onDisk();
    const seen = bed.inbox('again.>');
    const republish = { src: '>', dest: 'again.>' };
    await bed.stream('S', ['s.*'], { storage: 'file', republish });
    const deliver = { durable_name: 'C', ack_policy: 'explicit', deliver_subject: 'here' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: deliver });
    const here = bed.inbox('here');
    disk.fails = full;
    expect(await published('s.a', 'lost')).toEqual(refused(/ENOSPC/));
    await bed.settle();
    expect([seen, here]).toEqual([[], []]);
    await thereIsRoom();
    await published('s.a', 'kept');
    await bed.settle();
    expect([seen, here].map((all) => all.map(({ text }) => text))).toEqual([['kept'], ['kept']]);
  });

  test('answers who has asked for a change that it is not done, and what is shown is an error, too', async () => {
    disk = new SimDisk();
    bed = onDisk();
    await bed.stream('S', ['s.*'], { storage: 'file' });
    await published('s.a', 'kept');
    disk.fails = full;
    const asked = Promise.all([
      bed.api('STREAM.MSG.DELETE.S', { seq: 1 }),
      bed.api('STREAM.INFO.S'),
      published('s.a', 'lost'),
    ]);
    await bed.settle();
    await disk.settle();
    const [deleted, info, refusal] = await asked;
    expect(refusal).toEqual(refused(/ENOSPC/));
    expect(deleted).toMatchObject({
      type: 'io.nats.jetstream.api.v1.stream_msg_delete_response',
      error: { code: 500, err_code: 10057 },
    });
    expect(info).toMatchObject({ error: { code: 503, err_code: 10077 } });
    expect(await bed.api('STREAM.INFO.S')).toMatchObject({ state: { messages: 0 } });
  });

  test('refuses a stream that has no place, and leaves nothing of it', async () => {
    disk = new SimDisk();
    bed = onDisk();
    disk.fails = full;
    const config = { name: 'S', subjects: ['s.*'], storage: 'file' };
    const description = expect.stringMatching(/ENOSPC/);
    expect(await bed.api('STREAM.CREATE.S', config)).toMatchObject({
      error: { code: 500, err_code: 10049, description },
    });
    disk.fails = () => undefined;
    await bed.stream('S', ['s.*'], { storage: 'file' });
    expect(await published('s.a')).toEqual({ stream: 'S', seq: 1 });
  });
});

test('what cannot be synced is not acknowledged under always, however often it is sent', async () => {
  disk = new SimDisk();
  bed = onDisk('always');
  const made = bed.stream('S', ['s.*'], { storage: 'file' });
  await bed.settle();
  await disk.settle();
  await made;
  const kept = published('s.a', 'kept');
  await bed.settle();
  await disk.settle();
  expect(await kept).toEqual({ stream: 'S', seq: 1 });
  disk.fails = (verb) => (verb === 'sync' ? 'EIO' : undefined);
  for (let i = 0; i < 2; i++) {
    const answer = published('s.a', 'text', 'one');
    await bed.settle();
    await disk.settle();
    expect(await answer).toEqual(refused(/EIO/));
  }
  // Nothing more is stored, and what was not is not shown; the rest can be read.
  disk.fails = () => undefined;
  const refusal = published('s.a', 'text');
  const shown = Promise.all([bed.state('S'), bed.api('STREAM.MSG.GET.S', { last_by_subj: 's.a' })]);
  await bed.settle();
  await disk.settle();
  expect(await refusal).toEqual(refused(/EIO/));
  expect(await shown).toMatchObject([{ messages: 1 }, { message: { seq: 1 } }]);
});

test.each(['EMFILE', 'EDQUOT', 'EROFS', 'ENOSPC'])(
  'a stream goes on without a restart when that is over: %s',
  async (code) => {
    disk = new SimDisk();
    bed = onDisk();
    await bed.stream('S', ['s.*'], { storage: 'file' });
    expect(await published('s.a', 'one')).toEqual({ stream: 'S', seq: 1 });
    disk.fails = (verb) => (verb === 'write' || verb === 'create' ? code : undefined);
    for (let i = 0; i < 3; i++) expect(await published('s.a')).toEqual(refused(new RegExp(code)));
    expect(await bed.api('STREAM.MSG.GET.S', { seq: 1 })).toHaveProperty('message');
    const other = { name: 'T', subjects: ['t.*'], storage: 'file' };
    expect(await bed.api('STREAM.CREATE.T', other)).toMatchObject({
      error: { code: 500, err_code: 10049, description: expect.stringContaining(code) },
    });
    expect(await bed.api('STREAM.NAMES')).toMatchObject({ streams: ['S'] });
    await thereIsRoom();
    expect(await published('s.a', 'two')).toEqual({ stream: 'S', seq: expect.any(Number) });
    await bed.stream('T', ['t.*'], { storage: 'file' });
    expect(await published('t.a')).toEqual({ stream: 'T', seq: 1 });
  },
);

/** A store whose commits are told in a later turn; every one of them fails while it is told so. */
function late(store: Store, failure: () => Error | undefined): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key === 'commit') {
        return (done: (failure?: Error) => void) => void setImmediate(() => done(failure()));
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a commit that fails late is told to whoever waits for it, and no confirmation of an ack is', async () => {
  let failure: Error | undefined;
  bed = JetStreamBus.withStores((_config, index) => late(createMemoryStore(index), () => failure));
  await bed.stream('S', ['s.*']);
  const config = { durable_name: 'C', ack_policy: 'explicit' };
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
  await published('s.a', 'kept');
  const pulled = bed.inbox('pulled');
  bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'pulled' });
  await bed.settle();
  const confirmed = bed.inbox('confirmed');
  failure = new Error('write /s: no space left on device');
  bed.bus.publish(pulled[0]?.reply ?? '', '', { reply: 'confirmed' });
  expect(await published('s.a')).toEqual(refused(/^write \/s: no space left on device$/));
  await bed.settle();
  expect(confirmed).toEqual([]);
  failure = undefined;
  bed.bus.publish(pulled[0]?.reply ?? '', '', { reply: 'confirmed' });
  await bed.settle();
  expect(confirmed).toHaveLength(1);
});
