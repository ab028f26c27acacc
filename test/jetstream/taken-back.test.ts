// What a publish makes go (limits, the value before it, a rollup) is there again when the publish could not be written:
// for readers, for consumers, and for the process that comes next.
import { afterEach, describe, expect, test } from 'vitest';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

let bed: KeptJetStream;
let disk: SimDisk;
afterEach(async () => {
  disk.fails = () => undefined;
  await bed[Symbol.asyncDispose]();
});

async function open(config: object, sync: number | 'always' = 120_000): Promise<void> {
  disk = new SimDisk();
  bed = KeptJetStream.start(disk, { sync });
  await bed.stream('S', ['s.*'], { storage: 'file', allow_direct: true, ...config });
}

const full = (verb: string): string | undefined =>
  verb === 'write' || verb === 'create' ? 'ENOSPC' : undefined;

async function put(subject: string, text: string, headers?: Record<string, string>) {
  return JSON.parse(await bed.publish(subject, text, headers)) as Record<string, unknown>;
}

async function lastOn(subject: string): Promise<string> {
  return (await bed.ask(`$JS.API.DIRECT.GET.S.${subject}`)).string;
}

/** Another process finds the same. */
async function afterRestart(): Promise<void> {
  const next = disk.afterEnd();
  bed.stop();
  disk = next;
  bed = KeptJetStream.start(disk);
  await bed.settle();
}

const REFUSED = { error: expect.objectContaining({ code: 503, err_code: 10077 }) };

describe('while the disk refuses', () => {
  test('the value of a subject stays that it had before', async () => {
    await open({ max_msgs_per_subject: 1 });
    await put('s.a', 'one');
    await put('s.b', 'other');
    const before = await bed.state('S');
    disk.fails = full;
    expect(await Promise.all([put('s.a', 'two'), put('s.a', 'three'), put('s.c', 'new')])).toEqual(
      Array(3).fill(expect.objectContaining(REFUSED)),
    );
    expect(await lastOn('s.a')).toBe('one');
    expect(await lastOn('s.b')).toBe('other');
    const { messages, bytes, first_seq, num_subjects } = before;
    expect(await bed.state('S')).toMatchObject({ messages, bytes, first_seq, num_subjects });
    disk.fails = () => undefined;
    await afterRestart();
    expect(await lastOn('s.a')).toBe('one');
    await put('s.a', 'four');
    expect(await lastOn('s.a')).toBe('four');
    expect(await bed.state('S')).toMatchObject({ messages: 2 });
  });

  test.each([
    ['max_msgs', { max_msgs: 3 }],
    ['max_bytes', { max_bytes: 120 }],
  ])('what is oldest stays, where it would make room: %s', async (_name, config) => {
    await open(config);
    for (const name of ['a', 'b', 'c']) await put(`s.${name}`, name);
    const before = await bed.state('S');
    disk.fails = full;
    await Promise.all(['d', 'e', 'f', 'g'].map((name) => put(`s.${name}`, name)));
    expect(await bed.state('S')).toMatchObject({
      messages: before.messages,
      first_seq: before.first_seq,
      bytes: before.bytes,
      num_subjects: before.num_subjects,
    });
    disk.fails = () => undefined;
    await put('s.h', 'h');
    expect(await bed.state('S')).toMatchObject({ messages: before.messages, first_seq: 2 });
    await afterRestart();
    expect(await lastOn('s.b')).toBe('b');
    expect(await lastOn('s.h')).toBe('h');
  });

  test.each(['sub', 'all'])('nothing is rolled up: %s', async (rollup) => {
    await open({ allow_rollup_hdrs: true });
    for (const text of ['one', 'two', 'three']) await put('s.a', text);
    disk.fails = full;
    expect(await put('s.a', 'rolled', { 'Nats-Rollup': rollup })).toMatchObject(REFUSED);
    expect(await bed.state('S')).toMatchObject({ messages: 3, first_seq: 1 });
    disk.fails = () => undefined;
    await afterRestart();
    expect(await bed.state('S')).toMatchObject({ messages: 3, first_seq: 1 });
    expect(await lastOn('s.a')).toBe('three');
  });

  test('nothing is rolled up by what nobody wants', async () => {
    await open({ retention: 'interest', allow_rollup_hdrs: true });
    const config = { durable_name: 'C', filter_subject: 's.a', ack_policy: 'explicit' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
    await put('s.a', 'one');
    disk.fails = full;
    await put('s.a', 'two');
    expect(await put('s.b', 'rolled', { 'Nats-Rollup': 'all' })).toMatchObject(REFUSED);
    expect(await lastOn('s.a')).toBe('one');
  });

  test('consumers get what is there again, and what waits for its ack still does', async () => {
    await open({ max_msgs: 2 });
    const config = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 1e9 };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
    const got = bed.inbox('got');
    const pull = async (): Promise<string[]> => {
      got.length = 0;
      bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":9,"no_wait":true}', {
        reply: 'got',
      });
      await bed.settle();
      return got.filter(({ status }) => status === 0).map(({ text }) => text);
    };
    await put('s.a', 'one');
    expect(await pull()).toEqual(['one']);
    await put('s.b', 'two');
    disk.fails = full;
    await Promise.all([put('s.c', 'three'), put('s.d', 'four')]);
    disk.fails = () => undefined;
    expect(await bed.api('CONSUMER.INFO.S.C')).toMatchObject({
      num_pending: 1,
      num_ack_pending: 1,
    });
    expect(await pull()).toEqual(['two']);
    bed.clock.advance(1500);
    await bed.settle();
    expect(await pull()).toEqual(['one', 'two']);
  });

  test('an id that came with it is forgotten, also where something had to make room for it', async () => {
    await open({ max_msgs: 1, max_msg_size: -1 });
    await put('s.a', 'one');
    disk.fails = full;
    await put('s.a', 'two', { 'Nats-Msg-Id': 'id' });
    disk.fails = () => undefined;
    await bed.settle();
    expect(await put('s.a', 'two', { 'Nats-Msg-Id': 'id' })).not.toHaveProperty('duplicate');
    expect(await lastOn('s.a')).toBe('two');
  });

  test('the id of the last message is that of the one that is there again', async () => {
    await open({ max_msgs_per_subject: 1 });
    await put('s.a', 'one', { 'Nats-Msg-Id': 'first' });
    disk.fails = full;
    await put('s.a', 'two', { 'Nats-Msg-Id': 'second' });
    disk.fails = () => undefined;
    const after = { 'Nats-Expected-Last-Msg-Id': 'first' };
    expect(await put('s.a', 'three', after)).not.toHaveProperty('error');
  });

  test('an id is forgotten also where nothing was to be kept', async () => {
    await open({ retention: 'interest' });
    disk.fails = full;
    expect(await put('s.a', 'two', { 'Nats-Msg-Id': 'id' })).toMatchObject(REFUSED);
    disk.fails = () => undefined;
    await bed.settle();
    expect(await put('s.a', 'two', { 'Nats-Msg-Id': 'id' })).not.toHaveProperty('duplicate');
  });

  test('what is deleted meanwhile is not called deleted', async () => {
    await open({});
    await put('s.a', 'one');
    await put('s.a', 'two');
    disk.fails = full;
    await put('s.a', 'three');
    await bed.settle();
    expect(await bed.api('STREAM.MSG.DELETE.S', { seq: 1 })).toMatchObject({
      error: { code: 500, err_code: 10057 },
    });
  });
});

test('what has made room for what is refused is delivered again, though a purge came in between', async () => {
  await open({ max_msgs: 4 });
  const config = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 1e9 };
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
  for (const subject of ['s.a', 's.a', 's.b', 's.b']) await put(subject, 'text');
  const got = bed.inbox('got');
  const pull = '$JS.API.CONSUMER.MSG.NEXT.S.C';
  bed.bus.publish(pull, '', { reply: 'got' });
  await bed.settle();
  disk.fails = full;
  const [stored] = await Promise.all([
    put('s.c', 'one more'),
    bed.api('STREAM.PURGE.S', { filter: 's.b' }),
  ]);
  expect(stored).toMatchObject(REFUSED);
  disk.fails = () => undefined;
  bed.clock.advance(1100);
  await bed.settle();
  bed.bus.publish(pull, '', { reply: 'got' });
  await bed.settle();
  expect(got.map(({ reply }) => reply.split('.').at(-4))).toEqual(['1', '1']);
});

describe('what shows a message that is taken back', () => {
  const answered = async (ask: () => Promise<unknown>): Promise<unknown> => {
    disk.fails = full;
    const [refused, answer] = await Promise.all([put('s.a', 'lost'), ask()]);
    expect(refused).toMatchObject(REFUSED);
    disk.fails = () => undefined;
    await bed.settle();
    return answer;
  };
  const status = (code: number) => ({ headers: expect.objectContaining({ code }) });
  const refusedWith = (err_code: number) => ({
    error: expect.objectContaining({ err_code, description: expect.stringContaining('ENOSPC') }),
  });

  test.each([
    ['by its subject', 'DIRECT.GET.S.s.a', ''],
    ['without headers', 'DIRECT.GET.S', '{"last_by_subj":"s.a","no_hdr":true}'],
    ['that is not there any more', 'DIRECT.GET.S', '{"seq":1}'],
  ])('a direct get %s is an error', async (_name, subject, body) => {
    await open({ max_msgs_per_subject: 1 });
    await put('s.a', 'kept', { 'Nats-Sequence': '1' });
    const answer = await answered(async () => (await bed.ask(`$JS.API.${subject}`, body)).message);
    expect(answer).toMatchObject(status(500));
    expect(await lastOn('s.a')).toBe('kept');
  });

  test('a direct get by a wildcard, or of many, gets what is there', async () => {
    await open({ max_msgs_per_subject: 1 });
    await put('s.a', 'kept');
    const one = bed.inbox('one');
    const many = bed.inbox('many');
    await answered(async () => {
      bed.bus.publish('$JS.API.DIRECT.GET.S', '{"last_by_subj":"s.*"}', { reply: 'one' });
      bed.bus.publish('$JS.API.DIRECT.GET.S', '{"multi_last":["s.*"]}', { reply: 'many' });
    });
    expect([one[0]?.text, many[0]?.text]).toEqual(['kept', 'kept']);
  });

  test('and was read while who publishes it waits for room is an error, too', async () => {
    await open({});
    for (const text of ['one', 'two']) await put('s.a', text);
    await bed.settle();
    const { step } = disk;
    disk.step = async () => false;
    disk.fails = full;
    const deleted = bed.api('STREAM.MSG.DELETE.S', { seq: 1 });
    await bed.settle();
    disk.fails = () => undefined;
    const lost = put('s.a', 'lost');
    await bed.settle();
    const shown = bed.ask('$JS.API.DIRECT.GET.S.s.a');
    await bed.settle();
    disk.fails = (verb) => (verb === 'write' ? 'ENOSPC' : undefined);
    disk.step = step;
    expect(await deleted).toMatchObject({ error: { err_code: 10057 } });
    expect(await lost).toMatchObject(REFUSED);
    const { string, message } = await shown;
    expect([string, message.headers?.code]).toEqual(['', 500]);
    disk.fails = () => undefined;
    expect(await lastOn('s.a')).toBe('two');
  });

  test('a consumer asks for its end when it waits for an ack, and not of what lies ahead of it', async () => {
    await open({ max_msgs: 2 });
    const config = { durable_name: 'C', ack_policy: 'explicit' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
    const commits = bed.jetstream.snapshot().accounts[0]?.streams.get('S')?.commits;
    if (commits === undefined) throw new Error('there is no stream');
    let asked = 0;
    const { atEnd } = commits;
    commits.atEnd = (work) => {
      asked++;
      atEnd.call(commits, work);
    };
    for (let i = 0; i < 5; i++) await put('s.a', `${i}`);
    expect(asked).toBe(0);
    bed.inbox('got');
    bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'got' });
    await bed.settle();
    for (let i = 0; i < 5; i++) await put('s.a', `${i}`);
    expect(asked).toBe(1);
  });

  test.each([
    ['STREAM.MSG.GET.S', { last_by_subj: 's.a' }],
    ['STREAM.MSG.GET.S', { seq: 1 }],
    ['STREAM.INFO.S', { subjects_filter: '>' }],
    ['CONSUMER.INFO.S.C', undefined],
    ['CONSUMER.LIST.S', undefined],
  ])('an answer of the API is an error: %s', async (subject, body) => {
    await open({ max_msgs_per_subject: 1 });
    const config = { durable_name: 'C', ack_policy: 'explicit' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
    await put('s.a', 'kept');
    expect(await answered(() => bed.api(subject, body))).toMatchObject(refusedWith(10077));
    expect(await bed.api('STREAM.MSG.GET.S', { seq: 1 })).toHaveProperty('message');
  });

  test.each([
    { 'Nats-Expected-Last-Sequence': '1' },
    { 'Nats-Expected-Last-Subject-Sequence': '1' },
    { 'Nats-Expected-Last-Msg-Id': 'first' },
  ])(
    'a refusal that names its sequence, or its id, is an error of the disk: %s',
    async (headers) => {
      await open({});
      await put('s.a', 'kept', { 'Nats-Msg-Id': 'first' });
      expect(await answered(() => put('s.a', 'other', headers))).toMatchObject(REFUSED);
    },
  );

  test('what has nothing to do with it is answered as ever', async () => {
    await open({ max_msg_size: 10 });
    await put('s.a', 'kept');
    expect(await answered(() => bed.api('STREAM.LIST'))).toMatchObject({
      streams: [{ config: { name: 'S' }, state: { messages: 1 } }],
    });
    expect(await answered(() => put('s.a', 'x'.repeat(11)))).toMatchObject({
      error: { err_code: 10054 },
    });
  });

  test('is not delivered, pulled or pushed, nor published again', async () => {
    await open({ republish: { src: '>', dest: 'again.>' } });
    const again = bed.inbox('again.>');
    const pushed = bed.inbox('pushed');
    const pulled = bed.inbox('pulled');
    const push = { durable_name: 'P', deliver_subject: 'pushed' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.P', { stream_name: 'S', config: push });
    const pull = { durable_name: 'C', ack_policy: 'explicit' };
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: pull });
    bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":9}', { reply: 'pulled' });
    await answered(async () => {});
    await put('s.a', 'kept');
    await bed.settle();
    expect([again, pushed, pulled].map((all) => all.map(({ text }) => text))).toEqual([
      ['kept'],
      ['kept'],
      ['kept'],
    ]);
  });
});
