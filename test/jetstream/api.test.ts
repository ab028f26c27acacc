// The API by itself: what it does with a request before and after streams and consumers are asked.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, headers } from '../../src/index.ts';
import { createDispatch } from '../../src/jetstream/api/dispatch.ts';
import { RequestQueue } from '../../src/jetstream/api/queue.ts';
import { FakeAccount, type FakeAccountOptions } from '../support/fake-jetstream.ts';

type Answer = Readonly<Record<string, unknown>> & {
  readonly error?: {
    readonly code: number;
    readonly err_code: number;
    readonly description: string;
  };
};

let bus: Bus;
let door: BusInternals;
let account: FakeAccount;

beforeEach(() => open());
afterEach(() => bus.close());

function open(options?: FakeAccountOptions, onError?: (error: unknown) => void): void {
  bus = createBus(onError && { onError });
  door = internalsOf(bus);
  account = new FakeAccount(door, options);
  door.subscribeRaw('$JS.API.>', createDispatch(account, new RequestQueue(account)));
}

async function ask(subject: string, body: unknown = '', level?: string): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const hdrs = headers();
  if (level !== undefined) hdrs.set('Nats-Required-Api-Level', level);
  const payload = new TextEncoder().encode(text);
  const answer = await bus.request(`$JS.API.${subject}`, payload, {
    timeout: 5000,
    ...(level !== undefined && { headers: hdrs }),
  });
  return JSON.parse(answer.string());
}

async function refused(subject: string, body: unknown = '', level?: string): Promise<string> {
  const { error } = await ask(subject, body, level);
  return error === undefined ? 'done' : `${error.code}/${error.err_code} ${error.description}`;
}

const STREAM = { name: 'S', storage: 'memory' };

async function addStream(more: object = {}): Promise<void> {
  expect(await refused('STREAM.CREATE.S', { ...STREAM, ...more })).toBe('done');
}

describe('a request', () => {
  test('of which telling others fails keeps nobody waiting', async () => {
    await bus.close();
    const errors: unknown[] = [];
    open(undefined, (error) => void errors.push(error));
    const { advise } = account;
    account.advise = () => {
      account.advise = advise;
      throw new RangeError('Invalid string length');
    };
    for (let i = 0; i < 3; i++) expect(await ask('INFO')).toHaveProperty('api');
    expect(errors).toMatchObject([{ message: 'Invalid string length' }]);
  });

  test('is answered in its type, with what was made', async () => {
    const answer = await ask('STREAM.CREATE.S', STREAM);
    expect(answer.type).toBe('io.nats.jetstream.api.v1.stream_create_response');
    expect(answer.did_create).toBe(true);
    expect(answer.config).toMatchObject({ subjects: ['S'], max_msgs: -1, allow_msg_ttl: false });
    expect((answer.config as { metadata: object }).metadata).toEqual({
      '_nats.level': '0',
      '_nats.req.level': '0',
      '_nats.ver': '2.10.29',
    });
  });

  test('without a reply is carried out', async () => {
    bus.publish('$JS.API.STREAM.CREATE.S', new TextEncoder().encode(JSON.stringify(STREAM)));
    expect((await ask('STREAM.NAMES')).streams).toEqual(['S']);
  });

  test('of an unknown kind gets no answer, not even that nobody serves it', async () => {
    for (const subject of [
      'FOO',
      'STREAM.INFO',
      'STREAM.NAMES.x',
      'DIRECT.FOO',
      'CONSUMER.MSG.NEXT',
    ]) {
      const answer = bus.request(`$JS.API.${subject}`, '', { timeout: 30 });
      await expect(answer).rejects.toThrow('timeout');
    }
    expect(account.counters).toEqual({ total: 0, errors: 0 });
  });

  test('that needs a higher level is refused', async () => {
    const text = '412/10185 JetStream minimum api level required';
    for (const level of ['1', 'x']) expect(await refused('STREAM.NAMES', '', level)).toBe(text);
    for (const level of ['0', '-1', '+0'])
      expect(await refused('STREAM.NAMES', '', level)).toBe('done');
    expect(await refused('CONSUMER.CREATE.S', '{', '1')).toContain('10025');
  });

  test('with unknown keys is refused, but where the account is not strict', async () => {
    const body = { ...STREAM, x: 1 };
    const text = '400/10025 invalid JSON: json: unknown field "x"';
    expect(await refused('STREAM.CREATE.S', body)).toBe(text);
    await bus.close();
    open({ isStrict: false });
    expect(await refused('STREAM.CREATE.S', body)).toBe('done');
  });

  test('counts, and is told of', async () => {
    await addStream();
    await ask('STREAM.INFO.NONE', 'x');
    expect(account.counters).toEqual({ total: 2, errors: 1 });
    const { kind, type, fields } = account.advisories[1] ?? {};
    expect([kind, type]).toEqual(['API', 'api_audit']);
    expect(fields).toMatchObject({
      subject: '$JS.API.STREAM.INFO.NONE',
      request: 'x',
      server: 'S',
    });
    expect((fields as { response: string }).response).toContain('"err_code":10059');
  });

  test('for what only a cluster does is refused in its type', async () => {
    const answer = await ask('STREAM.LEADER.STEPDOWN.S', 'x', '9');
    expect(answer.type).toBe('io.nats.jetstream.api.v1.stream_leader_stepdown_response');
    expect(answer.error).toMatchObject({ code: 503, err_code: 10010 });
  });

  test('for what is not there yet is refused in its type', async () => {
    await addStream();
    await ask('CONSUMER.CREATE.S.C', { stream_name: 'S', config: {} });
    const text = '500/10052 not supported yet: ';
    expect(await refused('STREAM.SNAPSHOT.S', '{"deliver_subject":"d"}')).toBe(
      `${text}STREAM.SNAPSHOT`,
    );
    expect(await refused('STREAM.RESTORE.R', '{"config":{}}')).toBe(`${text}STREAM.RESTORE`);
    for (const kind of ['PAUSE', 'RESET', 'UNPIN']) {
      const body = kind === 'UNPIN' ? { group: 'g' } : '';
      expect(await refused(`CONSUMER.${kind}.S.C`, body)).toBe(`${text}CONSUMER.${kind}`);
    }
    expect(await refused('CONSUMER.PAUSE.S.NONE')).toContain('10014');
  });
});

describe('pulls and direct gets', () => {
  const nobody = (subject: string): Promise<unknown> =>
    expect(bus.request(`$JS.API.${subject}`, '', { timeout: 1000 })).rejects.toThrow(
      'no responders',
    );

  test('go to their consumer and stream, and follow them when they are made anew', async () => {
    await addStream({ allow_direct: true });
    const consumer = { stream_name: 'S', config: { durable_name: 'C' } };
    await ask('CONSUMER.CREATE.S.C', consumer);
    const first = account.streams.get('S')?.consumers.get('C');
    for (let i = 0; i < 3; i++) bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'r' });
    expect(first?.pulls).toBe(3);
    await ask('CONSUMER.DELETE.S.C');
    await nobody('CONSUMER.MSG.NEXT.S.C');
    await ask('CONSUMER.CREATE.S.C', consumer);
    bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '', { reply: 'r' });
    expect(first?.pulls).toBe(3);
    expect(account.streams.get('S')?.consumers.get('C')?.pulls).toBe(1);
    for (const subject of ['S', 'S.a.b'])
      bus.publish(`$JS.API.DIRECT.GET.${subject}`, '', { reply: 'r' });
    expect(account.streams.get('S')?.calls).toEqual(['direct get', 'direct get']);
  });

  test('end in a 503 where there is none, or where it may not be asked', async () => {
    await addStream();
    for (const subject of [
      ...['CONSUMER.MSG.NEXT.S', 'CONSUMER.MSG.NEXT.S.NONE', 'CONSUMER.MSG.NEXT.NONE.C'],
      ...['DIRECT.GET.S', 'DIRECT.GET.NONE', 'DIRECT.GET', 'DIRECT.GETX', 'DIRECT.GET.S.a'],
    ]) {
      await nobody(subject);
    }
  });
});

describe('a flood of requests', () => {
  test('is dropped whole when too many wait, and the next ones are served', async () => {
    const inbox = '$JS.API.STREAM.NAMES';
    door.turn.within(() => {
      for (let i = 0; i < 10_050; i++) bus.publish(inbox, '');
    });
    const dropped = account.advisories.find(({ kind }) => kind === 'API.LIMIT_REACHED');
    expect(dropped?.fields).toEqual({ server: 'S', dropped: 10_000 });
    await ask('STREAM.NAMES');
    expect(account.counters.total).toBe(51);
  });

  test('is told of whole, and of what comes behind it in the turn a slice is kept', async () => {
    door.turn.within(() => {
      for (let i = 0; i < 30_000; i++) bus.publish('$JS.API.STREAM.NAMES', '');
    });
    await ask('STREAM.NAMES');
    const told = account.advisories.filter(({ kind }) => kind === 'API.LIMIT_REACHED');
    const dropped = told.map(({ fields }) => (fields as { dropped: number }).dropped);
    expect(dropped.reduce((sum, count) => sum + count)).toBe(30_000 - 128);
    expect(account.counters.total).toBe(128 + 1);
  });

  test('is answered to the end, in order, a slice at a time', async () => {
    const answers: unknown[] = [];
    bus.subscribe('reply.*', ({ subject }) => void answers.push(subject));
    door.turn.within(() => {
      for (let i = 0; i < 1000; i++) {
        bus.publish('$JS.API.STREAM.NAMES', '', { reply: `reply.${i}` });
      }
    });
    await expect.poll(() => answers.length).toBe(1000);
    expect(answers).toEqual(Array.from({ length: 1000 }, (_, i) => `reply.${i}`));
  });
});

describe('a stream', () => {
  test('with very many subjects, and a consumer with as many filters, keep nobody waiting', async () => {
    const subjects = Array.from({ length: 10_000 }, (_, i) => `s${i}.x`);
    const config = { name: 'S', storage: 'memory', retention: 'workqueue', subjects };
    expect(await ask('STREAM.CREATE.S', config)).toMatchObject({ did_create: true });
    const filters = { filter_subjects: subjects, ack_policy: 'explicit' };
    for (const name of ['C', 'D']) {
      const answer = await ask(`CONSUMER.CREATE.S.${name}`, {
        stream_name: 'S',
        config: { name, ...filters },
      });
      expect('error' in answer).toBe(name === 'D');
    }
    const others = { ...config, name: 'T', subjects: subjects.map((each) => `t.${each}`) };
    expect(await ask('STREAM.CREATE.T', others)).toMatchObject({ did_create: true });
    expect(await refused('STREAM.UPDATE.T', { ...others, subjects: ['t', 's5.*'] })).toBe(
      '400/10065 subjects overlap with an existing stream',
    );
  });

  test.each([
    [{ subjects: ['>'] }, 'capturing all subjects requires no-ack to be true'],
    [
      { subjects: ['$JS.API.>'] },
      'subjects that overlap with jetstream api require no-ack to be true',
    ],
    [{ subjects: ['$SYS.>'] }, 'subjects that overlap with system api require no-ack to be true'],
    [{ subjects: ['a.*', 'a.b'] }, 'subject "a.*" overlaps with "a.b"'],
    [{ subjects: ['a', 'b\0c'] }, 'invalid subject'],
    [{ subjects: ['a', 'b'.repeat(4097)] }, 'invalid subject'],
    [{ max_age: 1 }, 'max age needs to be >= 100ms'],
    [
      { discard_new_per_subject: true },
      'discard new per subject requires discard new policy to be set',
    ],
    [{ first_seq: 2 ** 53 }, 'first sequence can not be above 9007199254740991'],
    [{ sealed: true }, 'stream configuration for create can not be sealed'],
    [{ mirror: { name: 'M' } }, 'not supported yet: mirror'],
    [{ sources: [{ name: 'M' }] }, 'not supported yet: sources'],
    [{ placement: { cluster: 'C' } }, 'not supported yet: placement'],
    [{ allow_msg_counter: true }, 'not supported yet: allow_msg_counter'],
    [{ persist_mode: 'async' }, 'not supported yet: persist_mode'],
  ])('with %j is refused', async (config, text) => {
    expect(await refused('STREAM.CREATE.S', { ...STREAM, ...config })).toBe(`500/10052 ${text}`);
  });

  test.each([...[['$JS.EVENT.>'], ['$SYS.ACCOUNT.>'], ['a.*foo', 'a.b'], ['q.*c.*', 'q.x.*']]])(
    'may have the subjects %s %s',
    async (...subjects) => {
      await addStream({ subjects: subjects.filter((subject) => subject !== undefined) });
    },
  );

  test('may say what means the default', async () => {
    await addStream({
      ...{ mirror: null, sources: [], placement: {}, republish: null, subject_transform: null },
      ...{ allow_msg_ttl: false, subject_delete_marker_ttl: 0, persist_mode: 'default' },
      ...{ allow_msg_counter: false, allow_atomic: false, allow_batched: false },
    });
    expect(await refused('STREAM.CREATE.S', STREAM)).toBe('done');
    expect(await refused('STREAM.CREATE.S', { ...STREAM, max_msgs: 1 })).toContain('10058');
  });

  test('keeps integers that no number holds', async () => {
    const body = '{"name":"S","max_msgs":9223372036854775807}';
    expect((await ask('STREAM.CREATE.S', body)).error).toBeUndefined();
    expect(account.streams.get('S')?.config.max_msgs).toBe(9223372036854775807n);
  });

  test('is bounded by what the account allows', async () => {
    await bus.close();
    open({
      limits: { maxStreams: 1, maxConsumers: 2, maxBytesRequired: true, fileMaxStreamBytes: 9 },
    });
    expect(await refused('STREAM.CREATE.S', STREAM)).toContain('10113');
    expect(await refused('STREAM.CREATE.S', { name: 'S', max_bytes: 10 })).toContain('10122');
    expect(await refused('STREAM.CREATE.S', { ...STREAM, max_consumers: 3 })).toContain('10026');
    expect(await refused('STREAM.CREATE.S', { name: 'S', max_bytes: 9 })).toBe('done');
    expect(await refused('STREAM.CREATE.T', { name: 'T', max_bytes: 9 })).toContain('10027');
    for (const [i, expected] of ['done', 'done', '10026'].entries()) {
      const body = { stream_name: 'S', config: { name: `C${i}` } };
      expect(await refused('CONSUMER.CREATE.S', body)).toContain(expected);
    }
  });

  test('is sealed with all that follows from it, and stays so', async () => {
    await addStream({ max_age: 1e9, allow_rollup_hdrs: true });
    const { config } = await ask('STREAM.UPDATE.S', { ...STREAM, sealed: true });
    expect(config).toMatchObject({
      ...{ max_age: 0, discard: 'new', deny_delete: true, deny_purge: true },
      allow_rollup_hdrs: false,
    });
    expect(await refused('STREAM.UPDATE.S', STREAM)).toContain('can not unseal a sealed stream');
    expect(await refused('STREAM.PURGE.S')).toBe('400/10109 invalid operation on sealed stream');
  });

  test('is listed in pages, by name', async () => {
    for (let i = 0; i < 1030; i++) {
      account.createStream({
        ...(account.streams.get('S')?.config ?? STREAM),
        name: `N${i}`,
        subjects: [`n.${i}`],
      } as never);
    }
    const second = await ask('STREAM.NAMES', { offset: 1024 });
    expect(second).toMatchObject({ total: 1030, offset: 1024, limit: 1024 });
    expect(second.streams).toEqual(['N994', 'N995', 'N996', 'N997', 'N998', 'N999']);
    expect((await ask('STREAM.NAMES', { subject: 'n.7' })).streams).toEqual(['N7']);
    expect((await ask('STREAM.NAMES', { subject: 'none' })).streams).toBeNull();
  });
});

describe('a consumer', () => {
  const create = (config: object, more: object = {}): Promise<string> =>
    refused('CONSUMER.CREATE.S.C', { stream_name: 'S', config, ...more });

  test.each([
    [{ direct: true }, 'direct'],
    [{ pause_until: '2030-01-01T00:00:00Z' }, 'pause_until'],
    [{ priority_groups: ['g'] }, 'priority_groups'],
    [{ priority_policy: 'overflow' }, 'priority_policy'],
    [{ ack_policy: 'flow_control' }, 'ack_policy'],
  ] as [object, string][])('with %j is refused', async (config, key) => {
    await addStream();
    expect(await create(config)).toBe(`500/10012 not supported yet: ${key}`);
  });

  test.each([
    [{ deliver_subject: 'd.*' }, '400/10079 consumer deliver subject has wildcards'],
    [{ deliver_subject: 'd..e' }, '400/10112 invalid push consumer deliver subject'],
    [
      { deliver_subject: '$JS.API.STREAM.PURGE.S' },
      '400/10112 invalid push consumer deliver subject',
    ],
    [{ deliver_subject: '$JS.D.API' }, '400/10112 invalid push consumer deliver subject'],
    [{ deliver_subject: 'S' }, '400/10081 consumer deliver subject forms a cycle'],
    [
      { deliver_subject: 'd', max_waiting: 5, max_ack_pending: 5 },
      '400/10080 consumer in push mode can not set max waiting',
    ],
    [
      { deliver_subject: 'd', max_ack_pending: 5 },
      '400/10082 consumer requires ack policy for max ack pending',
    ],
    [
      { deliver_subject: 'd', idle_heartbeat: 99_999_999 },
      '400/10083 consumer idle heartbeat needs to be >= 100ms',
    ],
    [
      { deliver_subject: 'd', flow_control: true },
      '400/10108 consumer with flow control also needs heartbeats',
    ],
    [{ flow_control: true }, '400/10089 consumer flow control requires a push based consumer'],
  ] as [object, string][])('that pushes with %j is refused', async (config, refusal) => {
    await addStream();
    expect(await create(config)).toBe(refusal);
  });

  test('that pushes shows what it has, and changes where it pushes while nobody is there', async () => {
    await addStream();
    const push = {
      ...{ deliver_subject: 'd', deliver_group: 'g', idle_heartbeat: 1e9, flow_control: true },
      rate_limit_bps: 1e6,
    };
    expect(await create(push)).toBe('done');
    const { config, push_bound } = await ask('CONSUMER.INFO.S.C');
    expect(config).toMatchObject(push);
    expect([push_bound, 'max_waiting' in (config as object)]).toEqual([undefined, false]);
    const change = (changes: object): Promise<string> => create({ ...push, ...changes });
    expect(await change({ idle_heartbeat: 2e9 })).toBe('500/10012 heart beats can not be updated');
    expect(await change({ flow_control: false })).toBe('500/10012 flow control can not be updated');
    expect(await create({})).toBe('500/10012 heart beats can not be updated');
    expect(await change({ deliver_subject: 'e', rate_limit_bps: 0 })).toBe('done');
  });

  test('may say what means the default', async () => {
    await addStream();
    const zero = '0001-01-01T00:00:00Z';
    expect(await create({ pause_until: zero, priority_policy: 'none', deliver_subject: '' })).toBe(
      'done',
    );
    const { config } = await ask('CONSUMER.INFO.S.C');
    expect(config).toMatchObject({ pause_until: zero, inactive_threshold: 5e9, max_waiting: 512 });
  });

  test('gets a name where it has none, which is no part of its configuration', async () => {
    await addStream();
    const answer = await ask('CONSUMER.CREATE.S', { stream_name: 'S', config: {} });
    expect(answer.name).toMatch(/^[0-9A-Za-z]{8}$/);
    expect(answer.config).not.toHaveProperty('name');
  });

  test('is not made again by who creates, and not made by who updates', async () => {
    await addStream();
    const explicit = { durable_name: 'C', ack_policy: 'explicit' };
    expect(await create(explicit, { action: 'update' })).toBe('400/10149 consumer does not exist');
    expect(await create(explicit)).toBe('done');
    expect(await create(explicit, { action: 'create' })).toBe('done');
    expect(await create({ ...explicit, max_deliver: 3 }, { action: 'create' })).toContain('10148');
    expect(await create({ ...explicit, max_deliver: 3 })).toBe('done');
    expect(await create({ ...explicit, ack_policy: 'all' })).toBe(
      '500/10012 ack policy can not be updated',
    );
  });

  test('has filters of which each is valid, and then part of no other', async () => {
    await addStream({ subjects: ['>'], no_ack: true });
    expect(await create({ filter_subjects: ['a.b', '>.a'] })).toContain('10138');
    expect(await create({ filter_subjects: ['>.a', 'a.b'] })).toContain('10052');
  });

  test('of a work queue has a part of it by itself', async () => {
    await addStream({ retention: 'workqueue', subjects: ['a.>'] });
    const part = (name: string, filter?: string): Promise<string> =>
      refused(`CONSUMER.CREATE.S.${name}`, {
        stream_name: 'S',
        config: { ack_policy: 'explicit', ...(filter !== undefined && { filter_subject: filter }) },
      });
    expect(await create({})).toContain('10084');
    expect(await create({ ack_policy: 'all' })).toContain('10098');
    expect(await part('A', 'a.b')).toBe('done');
    expect(await part('B')).toContain('10099');
    expect(await part('B', 'a.*')).toContain('10100');
    expect(await part('B', 'a.c')).toBe('done');
  });
});
