// JetStream on a bus: it is enabled and closed, warns once of what is not there, and leaves nothing behind.
import { afterEach, expect, test, vi } from 'vitest';
import { BusInternals, internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, headers } from '../../src/index.ts';
import { advise } from '../../src/jetstream/advisories.ts';
import { enableJetStream } from '../../src/jetstream/index.ts';
import type { Outbox } from '../../src/jetstream/outbox.ts';
import { CapacityError } from '../../src/shared/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { JetStreamBus } from '../support/jetstream.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('the bus says that it has JetStream, and of which version, until it is closed', async () => {
  const bus = createBus();
  const { version } = bus.info;
  const jetstream = await enableJetStream(bus, { domain: 'hub' });
  expect(bus.info).toMatchObject({ jetstream: true, version: '2.10.29', domain: 'hub' });
  await expect(enableJetStream(bus)).rejects.toMatchObject({ code: 'ERR_INVALID_OPERATION' });
  await jetstream.close();
  expect(bus.info.version).toBe(version);
  expect(bus.info).not.toHaveProperty('jetstream');
  await (await enableJetStream(bus)).close();
  await bus.close();
});

test('each account of an engine has streams of its own', async () => {
  const bus = createBus();
  const { version } = bus.info;
  const other = bus.account('OTHER');
  const [first, second] = [await enableJetStream(bus), await enableJetStream(other)];
  await expect(enableJetStream(other)).rejects.toMatchObject({ code: 'ERR_INVALID_OPERATION' });
  const ask = async (of: Bus, subject: string, body: object): Promise<unknown> =>
    JSON.parse((await of.request(subject, JSON.stringify(body), { timeout: 1000 })).string());
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  for (const of of [bus, other]) await ask(of, '$JS.API.STREAM.CREATE.S', config);
  expect(await ask(other, 's', {})).toEqual({ stream: 'S', seq: 1 });
  expect(await ask(other, 's', {})).toEqual({ stream: 'S', seq: 2 });
  expect(await ask(bus, 's', {})).toEqual({ stream: 'S', seq: 1 });
  const asked = { stream_name: 'S', config: { durable_name: 'C', ack_policy: 'explicit' } };
  await ask(other, '$JS.API.CONSUMER.CREATE.S.C', asked);
  // Acks of another account are nobody's.
  bus.publish('$JS.ACK.S.C.1.1.1.1.1', '');
  expect(await ask(bus, '$JS.API.INFO', {})).toMatchObject({ streams: 1, consumers: 0 });
  expect(await ask(other, '$JS.API.INFO', {})).toMatchObject({ streams: 1, consumers: 1 });
  await first.close();
  expect(bus.info).toMatchObject({ jetstream: true, version: '2.10.29' });
  expect(await ask(other, 's', {})).toEqual({ stream: 'S', seq: 3 });
  await second.close();
  expect(bus.info.version).toBe(version);
  await bus.close();
});

test('nothing of it is left when it is closed', async () => {
  const js = await JetStreamBus.open();
  await js.stream('S', ['s.*'], { max_age: 60_000_000_000 });
  await js.api('CONSUMER.CREATE.S.C', {
    stream_name: 'S',
    config: { durable_name: 'C', ack_policy: 'explicit' },
  });
  for (let i = 0; i < 10; i++) await js.publish('s.a', 'x', { 'Nats-Msg-Id': `${i}` });
  const inbox = js.inbox('inbox');
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":20,"expires":60000000000}', {
    reply: 'inbox',
  });
  await js.settle();
  const { used } = { used: js.jetstream.snapshot().memoryUsed };
  expect(used).toBeGreaterThan(0);
  await js.jetstream.close();
  expect(inbox.at(-1)).toMatchObject({ status: 409, description: 'Server Shutdown' });
  expect(inbox.at(-1)?.headers).toMatchObject({ 'Nats-Pending-Messages': '10' });
  expect(js.clock.timerCount).toBe(0);
  expect(js.jetstream.snapshot()).toMatchObject({ memoryUsed: 0, accounts: [] });
  await expect(js.bus.request('$JS.API.INFO', '', { timeout: 1000 })).rejects.toMatchObject({
    code: 'ERR_NO_RESPONDERS',
  });
  await expect(js.bus.request('s.a', '', { timeout: 1000 })).rejects.toMatchObject({
    code: 'ERR_NO_RESPONDERS',
  });
  await js.bus.close();
  expect(js.errors).toEqual([]);
});

test('a bus that is closed first takes it along', async () => {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const bus = createBus({ clock, onError: (error) => void errors.push(error) });
  const jetstream = await enableJetStream(bus);
  const body = { name: 'S', subjects: ['s'], storage: 'memory', max_age: 1_000_000_000 };
  await bus.request('$JS.API.STREAM.CREATE.S', body, { timeout: 1000 });
  await bus.request('s', 'x', { timeout: 1000 });
  await bus.close();
  expect(clock.timerCount).toBe(0);
  await jetstream.close();
  expect(errors).toEqual([]);
});

test.each([
  [5, "'options' must be an object"],
  [{ clock: {} }, "'clock' must be an object with "],
  [{ maxMemory: -1 }, "'maxMemory' must be a whole number from 0 on"],
  [{ domain: 'a.b' }, "'domain' must be one token of a subject without wildcards"],
  [{ limits: { defaultMaxConsumers: 1.5 } }, "'limits.defaultMaxConsumers'"],
  [{ strict: 'no' }, "'strict' must be a boolean"],
  [{ storeDir: 1 }, "'storeDir' must be a string"],
  [{ syncInterval: 'never' }, "'syncInterval'"],
])('%j is refused', async (options, text) => {
  const bus = createBus();
  await expect(enableJetStream(bus, options as object)).rejects.toThrow(text);
  await bus.close();
});

test('streams of an account are its own', async () => {
  const bus = createBus();
  const other = bus.account('A');
  await using _jetstream = await enableJetStream(other);
  const body = { name: 'S', subjects: ['s'], storage: 'memory' };
  await other.request('$JS.API.STREAM.CREATE.S', body, { timeout: 1000 });
  expect((await other.request('s', 'x', { timeout: 1000 })).string()).toContain('"seq":1');
  await expect(bus.request('s', 'x', { timeout: 1000 })).rejects.toThrow();
  await bus.close();
});

test('a stream that cannot have all its subjects has none of them, and one that can is as it was', async () => {
  const js = await JetStreamBus.open();
  const subscribeRaw = BusInternals.prototype.subscribeRaw;
  vi.spyOn(BusInternals.prototype, 'subscribeRaw').mockImplementation(function (
    this: BusInternals,
    subject,
    ...rest
  ) {
    if (subject === 'full') throw new CapacityError('a subscription');
    return subscribeRaw.call(this, subject, ...rest);
  });
  const full = ['b', 'full'];
  await expect(js.stream('S', full)).rejects.toThrow('10023');
  const nobody = { code: 'ERR_NO_RESPONDERS' };
  await expect(js.bus.request('b', '', { timeout: 1000 })).rejects.toMatchObject(nobody);
  await js.stream('S', ['a']);
  const update = { name: 'S', storage: 'memory', subjects: full, max_bytes: 1000 };
  expect(await js.api('STREAM.UPDATE.S', update)).toMatchObject({ error: { err_code: 10023 } });
  await expect(js.bus.request('b', '', { timeout: 1000 })).rejects.toMatchObject(nobody);
  expect(await js.publish('a')).toBe('{"stream":"S","seq":1}');
  expect(await js.api('STREAM.INFO.S')).toMatchObject({ config: { subjects: ['a'] } });
  expect(js.jetstream.snapshot().memoryReserved).toBe(0);
  await js[Symbol.asyncDispose]();
});

test('advisories are told where somebody listens', async () => {
  await using js = await JetStreamBus.open();
  await js.stream('Q', ['q']);
  const told = js.inbox('$JS.EVENT.ADVISORY.>');
  await js.stream('S', ['s']);
  const config = { durable_name: 'C', ack_policy: 'explicit' };
  await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  await js.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s'], storage: 'memory', max_msgs: 5 });
  await js.api('CONSUMER.DELETE.S.C');
  await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  await js.api('STREAM.DELETE.S');
  await js.settle();
  const actions = told
    .map(({ subject, text }) => ({ subject, ...JSON.parse(text) }))
    .filter(({ type }) => !type.endsWith('api_audit'));
  expect(
    actions.map(({ subject, action }) => [subject.slice('$JS.EVENT.ADVISORY.'.length), action]),
  ).toEqual([
    ['STREAM.CREATED.S', 'create'],
    ['CONSUMER.CREATED.S.C', 'create'],
    ['STREAM.UPDATED.S', 'modify'],
    ['CONSUMER.DELETED.S.C', 'delete'],
    ['CONSUMER.CREATED.S.C', 'create'],
    // It goes with its stream.
    ['CONSUMER.DELETED.S.C', 'delete'],
    ['STREAM.DELETED.S', 'delete'],
  ]);
  expect(actions[0]).toMatchObject({
    type: 'io.nats.jetstream.advisory.v1.stream_action',
    timestamp: '2026-01-02T03:04:05Z',
    stream: 'S',
  });
  expect(actions[0].id).toHaveLength(22);
});

test('of an advisory that nobody listens to nothing is made', async () => {
  await using js = await JetStreamBus.open();
  const scene = { door: internalsOf(js.bus), clock: js.clock, domain: undefined };
  const send = vi.fn();
  const fields = vi.fn(() => ({ stream: 'S' }));
  const outbox = { send } as unknown as Outbox;
  for (const kind of ['STREAM.CREATED.S', 'METRIC.CONSUMER.ACK.S.C']) {
    advise(scene, outbox, kind, 'any', fields);
  }
  expect([fields, send].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  js.inbox('$JS.EVENT.METRIC.>');
  for (const kind of ['STREAM.CREATED.S', 'METRIC.CONSUMER.ACK.S.C']) {
    advise(scene, outbox, kind, 'any', fields);
  }
  expect([fields, send].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});

test('headers of a request that asks for more than there is are answered', async () => {
  await using js = await JetStreamBus.open();
  const asked = headers();
  asked.set('Nats-Required-Api-Level', '2');
  const answer = await js.bus.request('$JS.API.INFO', '', { timeout: 1000, headers: asked });
  expect(JSON.parse(answer.string())).toMatchObject({ error: { err_code: 10185 } });
});
