// What cannot be saved is not made: a stream's configuration, a consumer, its end. Whoever asked is told, and finds what
// there was before; so does the process that comes next.
import { afterEach, describe, expect, test } from 'vitest';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk, type Verb } from '../support/sim-disk.ts';

let bed: KeptJetStream;
let disk: SimDisk;
afterEach(async () => {
  disk.fails = () => undefined;
  await bed[Symbol.asyncDispose]();
});

async function open(): Promise<void> {
  disk = new SimDisk();
  bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], { storage: 'file', max_msgs: 10 });
  for (const text of ['a', 'b', 'c']) await bed.publish(`s.${text}`, text);
}

async function afterRestart(): Promise<void> {
  disk.fails = () => undefined;
  await bed.settle();
  const next = disk.afterEnd();
  bed.stop();
  disk = next;
  bed = KeptJetStream.start(disk);
  await bed.settle();
}

const failing = (...verbs: Verb[]): void => {
  disk.fails = (verb) => (verbs.includes(verb) ? 'EIO' : undefined);
};

const refused = (err_code: number) => ({
  error: { err_code, description: expect.stringContaining('EIO') },
});
const durable = (config: object = {}): object => ({
  stream_name: 'S',
  config: { durable_name: 'C', ack_policy: 'explicit', ...config },
});

describe('an update of a stream', () => {
  const narrower = { name: 'S', subjects: ['t.*'], storage: 'file', max_msgs: 1 };

  test.each<Verb[]>([['create'], ['write'], ['sync'], ['rename'], ['syncDir']])(
    'changes nothing when it cannot be saved: %s fails',
    async (...verbs) => {
      await open();
      failing(...verbs);
      expect(await bed.api('STREAM.UPDATE.S', narrower)).toMatchObject(refused(10069));
      for (const again of [() => {}, afterRestart]) {
        await again();
        expect(await bed.api('STREAM.INFO.S')).toMatchObject({
          config: { subjects: ['s.*'], max_msgs: 10 },
          state: { messages: 3 },
        });
      }
      expect(await bed.api('STREAM.UPDATE.S', narrower)).toMatchObject({ state: { messages: 1 } });
      await bed.publish('t.a', 'd');
      await afterRestart();
      expect(await bed.state('S')).toMatchObject({ messages: 1, last_seq: 4 });
    },
  );

  test('is not done, and does not come back, when the stream is deleted meanwhile', async () => {
    await open();
    const [updated, deleted] = await Promise.all([
      bed.api('STREAM.UPDATE.S', { ...narrower, max_msgs: 5 }),
      bed.api('STREAM.DELETE.S'),
    ]);
    expect(updated).toHaveProperty('config');
    expect(deleted).toMatchObject({ success: true });
    await afterRestart();
    expect(await bed.api('STREAM.NAMES')).toMatchObject({ streams: null });
  });
});

test('a roll-up that is stored is acknowledged, when it cannot be said yet what it has made go', async () => {
  await open();
  await bed.api('STREAM.UPDATE.S', {
    name: 'S',
    subjects: ['s.*'],
    storage: 'file',
    allow_rollup_hdrs: true,
  });
  let writes = 0;
  disk.fails = (verb, path) => {
    const isMeant = path.includes('/messages/') && (verb === 'write' || verb === 'create');
    return isMeant && ++writes > 1 ? 'EIO' : undefined;
  };
  const answer = await bed.publish('s.d', 'd', { 'Nats-Rollup': 'all' });
  expect(JSON.parse(answer)).toEqual({ stream: 'S', seq: 4 });
  expect(await bed.state('S')).toMatchObject({ messages: 1, first_seq: 4 });
  expect(writes).toBeGreaterThan(1);
  await afterRestart();
  expect(await bed.state('S')).toMatchObject({ last_seq: 4 });
});

test('a purge that cannot be written is an error, and done when it can', async () => {
  await open();
  failing('write', 'create');
  expect(await bed.api('STREAM.PURGE.S')).toMatchObject({ ...refused(10051), purged: 0 });
  disk.fails = () => undefined;
  expect(await bed.api('STREAM.PURGE.S')).toMatchObject({ success: true, purged: 0 });
  await afterRestart();
  expect(await bed.state('S')).toMatchObject({ messages: 0, last_seq: 3 });
});

test('what comes to a stream that cannot be saved is acknowledged to nobody', async () => {
  disk = new SimDisk();
  bed = KeptJetStream.start(disk);
  const { step } = disk;
  disk.step = async () => false;
  const made = bed.api('STREAM.CREATE.S', { name: 'S', subjects: ['s.*'], storage: 'file' });
  await bed.settle();
  const answers: Promise<string>[] = [];
  for (let turn = 0; turn < 3; turn++) {
    answers.push(bed.publish('s.a'));
    await bed.settle();
  }
  disk.fails = (verb, path) => (verb === 'sync' && path.includes('meta') ? 'EIO' : undefined);
  disk.step = step;
  expect(await made).toMatchObject(refused(10049));
  for (const answer of answers) expect(JSON.parse(await answer)).toMatchObject(refused(10077));
});

test('while a stream waits for the disk, others are asked about, and what is behind it keeps its order', async () => {
  await open();
  await bed.stream('T', ['t.*'], { storage: 'file' });
  const { step } = disk;
  // It is stuck.
  disk.step = async () => false;
  const told: string[] = [];
  const ask = async (subject: string, body?: object): Promise<void> => {
    const answer = await bed.api<{ error?: { err_code: number } }>(subject, body);
    told.push(`${subject} ${answer.error?.err_code ?? 'is done'}`);
  };
  const made = (name: string, subject: string) => ({ name, subjects: [subject], storage: 'file' });
  const all = [
    ask('STREAM.UPDATE.S', { ...made('S', 'u.*'), max_msgs: 5 }),
    ask('STREAM.INFO.S'),
    // What the update says counts for it.
    ask('STREAM.CREATE.U', made('U', 'u.a')),
    ask('STREAM.CREATE.V', made('V', 'v')),
    ask('STREAM.INFO.V'),
    ask('STREAM.INFO.T'),
    ask('CONSUMER.DURABLE.CREATE.T.C', { ...durable(), stream_name: 'T' }),
    ask('STREAM.NAMES'),
  ];
  await bed.settle();
  const passing = ['STREAM.INFO.T', 'CONSUMER.DURABLE.CREATE.T.C'];
  expect(told.sort()).toEqual(passing.map((subject) => `${subject} is done`).sort());
  told.length = 0;
  disk.step = step;
  await Promise.all(all);
  expect(told.sort()).toEqual([
    'STREAM.CREATE.U 10065',
    'STREAM.CREATE.V is done',
    'STREAM.INFO.S is done',
    'STREAM.INFO.V is done',
    'STREAM.NAMES is done',
    'STREAM.UPDATE.S is done',
  ]);
});

test.each<Verb>(['rename', 'syncDir'])(
  'a stream whose end cannot be saved goes on: %s',
  async (verb) => {
    await open();
    failing(verb);
    expect(await bed.api('STREAM.DELETE.S')).toMatchObject(refused(10050));
    expect(await bed.state('S')).toMatchObject({ messages: 3 });
    disk.fails = () => undefined;
    expect(JSON.parse(await bed.publish('s.d', 'd'))).toEqual({ stream: 'S', seq: 4 });
    expect(await bed.api('STREAM.DELETE.S')).toMatchObject({ success: true });
    await afterRestart();
    expect(await bed.api('STREAM.NAMES')).toMatchObject({ streams: null });
  },
);

describe('a consumer', () => {
  test.each([[['write']], [['write', 'create']]] as Verb[][][])(
    'is not made when it cannot be saved: %s fails',
    async (verbs) => {
      await open();
      failing(...verbs);
      const answer = await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable());
      expect(answer).toMatchObject(refused(10012));
      expect(await bed.api('CONSUMER.NAMES.S')).toMatchObject({ consumers: [] });
      disk.fails = () => undefined;
      await bed.settle();
      expect(await bed.api('STREAM.INFO.S')).toMatchObject({ state: { consumer_count: 0 } });
      await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable({ description: 'made' }));
      await afterRestart();
      expect(await bed.api('CONSUMER.INFO.S.C')).toMatchObject({ config: { description: 'made' } });
    },
  );

  test('is as it was when its new configuration cannot be saved', async () => {
    await open();
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable({ filter_subject: 's.a' }));
    failing('write', 'create');
    const other = durable({ filter_subject: 's.b', description: 'other' });
    expect(await bed.api('CONSUMER.DURABLE.CREATE.S.C', other)).toMatchObject(refused(10012));
    const before = { config: { filter_subject: 's.a' }, num_pending: 1 };
    expect(await bed.api('CONSUMER.INFO.S.C')).toMatchObject(before);
    await afterRestart();
    const info = await bed.api<{ config: object }>('CONSUMER.INFO.S.C');
    expect(info).toMatchObject(before);
    expect(info.config).not.toHaveProperty('description');
  });

  test('goes on when its end cannot be saved', async () => {
    await open();
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable());
    const got = bed.inbox('got');
    failing('write', 'create');
    const answer = await bed.api('CONSUMER.DELETE.S.C');
    expect(answer).toMatchObject(refused(10051));
    expect(await bed.api('CONSUMER.NAMES.S')).toMatchObject({ consumers: ['C'] });
    disk.fails = () => undefined;
    bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'got' });
    await bed.settle();
    expect(got).toHaveLength(1);
    await afterRestart();
    expect(await bed.api('CONSUMER.INFO.S.C')).toMatchObject({ delivered: { stream_seq: 1 } });
    expect(await bed.api('CONSUMER.DELETE.S.C')).toMatchObject({ success: true });
    await afterRestart();
    expect(await bed.api('CONSUMER.NAMES.S')).toMatchObject({ consumers: [] });
  });

  test('is made, as who asks is told, in the turn in which a message cannot be written', async () => {
    await open();
    disk.fails = (verb, path) =>
      verb === 'write' && path.includes('/messages/') ? 'EIO' : undefined;
    const [refusal, made] = await Promise.all([
      bed.publish('s.d', 'd'),
      bed.api('CONSUMER.DURABLE.CREATE.S.C', durable()),
    ]);
    expect(JSON.parse(refusal)).toMatchObject(refused(10077));
    expect(made).toMatchObject({ name: 'C' });
    await afterRestart();
    expect(await bed.api('CONSUMER.NAMES.S')).toMatchObject({ consumers: ['C'] });
  });
});
