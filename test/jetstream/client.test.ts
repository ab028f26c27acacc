// The client on a bus: what NATS' own package meets there, beside what its one program (one-import.mjs) says.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Connection, connect, createBus, errors, type TypedBus } from '../../src/index.ts';
import {
  AckPolicy,
  type Consumer,
  enableJetStream,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '../../src/jetstream/index.ts';
import { JetStreamBus } from '../support/jetstream.ts';

let js: JetStreamBus;
let manager: JetStreamManager;
let consumer: Consumer;

beforeEach(async () => {
  js = await JetStreamBus.open();
  manager = await jetstreamManager(js.bus);
  await js.stream('S', ['s.*']);
  await manager.consumers.add('S', { durable_name: 'C', ack_policy: AckPolicy.Explicit });
  consumer = await jetstream(js.bus).consumers.get('S', 'C');
});
afterEach(async () => {
  vi.useRealTimers();
  await js[Symbol.asyncDispose]();
});

async function taken(messages: AsyncIterable<JsMsg>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const message of messages) seqs.push(message.seq);
  return seqs;
}

/** Lets the client's own timers run, and what they cause. */
async function settledPast(ms: number): Promise<void> {
  await js.settle();
  vi.advanceTimersByTime(ms);
  await js.settle();
}

test('where there is no JetStream a manager is not to be had', async () => {
  const bus = createBus();
  await expect(jetstreamManager(bus)).rejects.toThrow('jetstream is not enabled');
  const refused = jetstream(bus).publish('nowhere');
  await expect(refused).rejects.toHaveProperty('cause.code', 'ERR_NO_RESPONDERS');
  await bus.close();
});

test('the door has all that the packages of NATS export', async () => {
  const door = Object.keys(await import('../../src/jetstream/index.ts'));
  const packages = ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/obj'];
  const theirs = (await Promise.all(packages.map((name) => import(name)))).flatMap(Object.keys);
  expect(theirs.length).toBeGreaterThan(25);
  expect(
    theirs.filter((name) => !door.includes(name) && !/^(default|module\.|__)/.test(name)),
  ).toEqual([]);
});

test('what is no bus is refused', () => {
  expect(() => jetstream({} as typeof js.bus)).toThrow(errors.InvalidOperationError);
});

test('a connection to a bus and a bus with types have the client, too', async () => {
  const connection: Connection = await connect({ bus: js.bus });
  expect(await jetstream(connection).publish('s.a', 'x')).toMatchObject({ stream: 'S', seq: 1 });
  await connection.close();
  await expect(jetstream(connection).publish('s.a')).rejects.toBeInstanceOf(
    errors.ClosedConnectionError,
  );
  const typed: TypedBus<{ 's.a': number }> = createBus<{ 's.a': number }>();
  const running = await enableJetStream(typed);
  expect((await jetstreamManager(typed)).streams).toBeDefined();
  await running.close();
  await typed.close();
});

test('errors of the bus and of the client have the classes of the bus', async () => {
  js.bus.subscribe('silent', () => {});
  const late = jetstream(js.bus).publish('silent', '', { timeout: 10 });
  await js.settle();
  js.clock.advance(10);
  await expect(late).rejects.toBeInstanceOf(errors.TimeoutError);
  const consume = () => consumer.consume({ expires: 1 });
  expect(consume).toThrow(errors.InvalidArgumentError);
  expect(consume).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
  expect(consume).not.toThrow(errors.TimeoutError);
});

test('an ack that is answered says so, and one that is not ends in time', async () => {
  await js.publish('s.a');
  await js.publish('s.a');
  const [first, second] = [await consumer.next(), await consumer.next()];
  expect(await first?.ackAck()).toBe(true);
  expect(await first?.ackAck()).toBe(false);
  await js.jetstream.close();
  js.bus.subscribe('$JS.ACK.>', () => {});
  await expect(second?.ackAck({ timeout: 1 })).rejects.toBeInstanceOf(errors.TimeoutError);
});

test('an ordered consumer begins anew where it was when its own has gone', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  for (let i = 0; i < 3; i++) await js.publish('s.a');
  const ordered = await jetstream(js.bus).consumers.get('S');
  const messages = await ordered.consume({ max_messages: 2, idle_heartbeat: 500 });
  const seqs: number[] = [];
  for await (const message of messages) {
    if (seqs.push(message.seq) === 6) break;
    if (message.seq !== 3) continue;
    await manager.consumers.delete('S', (await ordered.info(true)).name);
    for (let i = 0; i < 3; i++) await js.publish('s.a');
    void settledPast(2000);
  }
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a loop over a consumer that has gone asks for nothing until it is there again', async () => {
  let pulls = 0;
  js.bus.subscribe('$JS.API.CONSUMER.MSG.NEXT.>', () => void pulls++);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  const seqs = taken(await consumer.consume({ max_messages: 1, idle_heartbeat: 500 }));
  await js.publish('s.a');
  await js.settle();
  await manager.consumers.delete('S', 'C');
  await js.settle();
  expect(pulls).toBeLessThan(10);
  await manager.consumers.add('S', {
    durable_name: 'C',
    deliver_policy: 'new',
    ack_policy: 'none',
  });
  await settledPast(2000);
  await js.publish('s.b');
  await js.settle();
  await js.bus.close();
  expect(await seqs).toEqual([1, 2]);
});

test('a pull by bytes counts what it has got', async () => {
  for (let i = 0; i < 20; i++) await js.publish('s.a', 'x'.repeat(100), { Own: 'header' });
  const seqs: number[] = [];
  for await (const message of await consumer.consume({ max_bytes: 2000 })) {
    message.ack();
    if (seqs.push(message.seq) === 20) break;
  }
  expect(seqs).toHaveLength(20);
});

test('a value is stored as the codec of the bus has it', async () => {
  await jetstream(js.bus).publish('s.a', { id: 7 });
  expect((await consumer.next())?.json()).toEqual({ id: 7 });
});

test('the client of a bus with types takes its subjects and their values alone', async () => {
  const typed = createBus<{ 't.count': number; 't.name': { first: string } }>();
  const running = await enableJetStream(typed);
  const { streams } = await jetstreamManager(typed);
  await streams.add({ name: 'T', subjects: ['t.*'], storage: 'memory' });
  const client = jetstream(typed);
  expect((await client.publish('t.count', 7)).seq).toBe(1);
  expect((await client.publish('t.name', { first: 'Ann' }, { msgID: 'ann' })).seq).toBe(2);
  // @ts-expect-error A value of another subject.
  await client.publish('t.count', { first: 'Ann' });
  // @ts-expect-error A subject that the map does not have.
  await client.publish('t.other', 1);
  expect((await streams.info('T')).state.messages).toBe(4);
  await running.close();
  await typed.close();
});

test('an hour of waiting goes by with the clock', async () => {
  const next = consumer.next({ expires: 3_600_000 });
  await js.settle();
  js.clock.advance(3_600_000);
  expect(await next).toBeNull();
  const fetched = taken(await consumer.fetch({ max_messages: 5, expires: 60_000 }));
  await js.publish('s.a');
  await js.settle();
  js.clock.advance(60_000);
  expect(await fetched).toEqual([1]);
});

test('a message that is not acknowledged comes again when its time is over', async () => {
  await js.publish('s.a', 'x', { Own: 'header' });
  const first = await consumer.next();
  expect(first?.headers?.get('Own')).toBe('header');
  expect(first?.time).toEqual(new Date(js.clock.now()));
  js.clock.advance(30_000);
  const again = await consumer.next();
  expect(again?.info).toMatchObject({ stream: 'S', consumer: 'C', deliveryCount: 2 });
  again?.nak(5000);
  again?.ack();
  expect(await again?.ackAck()).toBe(false);
  await js.settle();
  js.clock.advance(5000);
  expect((await consumer.next())?.redelivered).toBe(true);
});

test('consume asks for more in time, by a loop or a callback', async () => {
  for (let i = 0; i < 50; i++) js.bus.publish('s.a', `${i}`);
  const seqs: number[] = [];
  for await (const message of await consumer.consume({ max_messages: 4 })) {
    message.ack();
    if (seqs.push(message.seq) === 50) break;
  }
  expect(seqs).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  const heard: number[] = [];
  const messages = await consumer.consume({
    max_messages: 4,
    callback: (message) => {
      heard.push(message.seq);
      message.ack();
    },
  });
  for (let i = 0; i < 20; i++) js.bus.publish('s.a', `${i}`);
  await js.settle();
  expect(heard).toHaveLength(20);
  js.clock.advance(30_000);
  js.bus.publish('s.a', 'after the pull has expired');
  await js.settle();
  expect(heard).toHaveLength(21);
  await messages.close();
  js.bus.publish('s.a', 'after the end');
  await js.settle();
  expect(heard).toHaveLength(21);
  expect(await messages.closed()).toBeUndefined();
});

test('a loop ends with its consumer where it is told to, and with the bus', async () => {
  const one = taken(await consumer.consume({ abort_on_missing_resource: true }));
  await js.settle();
  await consumer.delete();
  await expect(one).rejects.toThrow('consumer deleted');
  await manager.consumers.add('S', { durable_name: 'C', ack_policy: AckPolicy.Explicit });
  const two = taken(await consumer.consume());
  await js.settle();
  await js.bus.close();
  expect(await two).toEqual([]);
});

test('refusals have the number of NATS and the class of HTTP', async () => {
  const refused = manager.streams.info('NONE');
  await expect(refused).rejects.toBeInstanceOf(JetStreamApiError);
  await expect(refused).rejects.toMatchObject({ code: 10059, status: 404 });
  await expect(manager.streams.find('nowhere')).rejects.toMatchObject({ code: 10059 });
  const update = manager.consumers.update('S', 'C', { max_waiting: 7 } as object);
  await expect(update).rejects.toMatchObject({ code: 10012 });
});

test('lists have all their pages', async () => {
  for (let i = 0; i < 300; i++) await js.stream(`T${i}`, [`t.${i}`]);
  const names: string[] = [];
  for await (const { config } of manager.streams.list()) names.push(config.name);
  expect(names).toHaveLength(301);
  const consumers: string[] = [];
  for await (const { name } of manager.consumers.list('S')) consumers.push(name);
  expect(consumers).toEqual(['C']);
});

test('stored messages are read with their headers', async () => {
  await js.publish('s.a', '{"id":1}', { Own: 'x' });
  const message = await manager.streams.getMessage('S', { last_by_subj: 's.a' });
  expect(message).toMatchObject({ subject: 's.a', seq: 1 });
  expect([message?.json(), message?.header.get('Own')]).toEqual([{ id: 1 }, 'x']);
});

test('a stored message with the headers of a failed service is a message', async () => {
  await manager.streams.update('S', { allow_direct: true });
  const failure = { 'Nats-Service-Error': 'no tea', 'Nats-Service-Error-Code': '404' };
  await js.publish('s.a', 'it', failure);
  const message = await manager.direct.getMessage('S', { seq: 1 });
  expect([message?.string(), message?.header.get('Nats-Service-Error')]).toEqual(['it', 'no tea']);
});
