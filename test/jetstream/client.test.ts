// The client of this process: what its one program (one-import.mjs) does not say.
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  AckPolicy,
  type Consumer,
  JetStreamApiError,
  type JetStreamManager,
  JetStreamStatusError,
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
  await js[Symbol.asyncDispose]();
});

async function taken(messages: AsyncIterable<JsMsg>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const message of messages) seqs.push(message.seq);
  return seqs;
}

test('where there is no JetStream a manager is not to be had', async () => {
  const { createBus } = await import('../../src/index.ts');
  const bus = createBus();
  await expect(jetstreamManager(bus)).rejects.toThrow('no responders');
  await bus.close();
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
  expect(again?.didAck).toBe(true);
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

test('a callback that throws has had its message, and the pull goes on and ends', async () => {
  for (let i = 0; i < 10; i++) await js.publish('s.a');
  const heard: number[] = [];
  const callback = (message: JsMsg): void => {
    heard.push(message.seq);
    throw new Error('mine');
  };
  const fetched = await consumer.fetch({ max_messages: 3, callback } as object);
  expect(await fetched.closed()).toBeUndefined();
  expect(heard).toEqual([1, 2, 3]);
  const consumed = await consumer.consume({ max_messages: 2, callback });
  await js.settle();
  expect(heard).toHaveLength(10);
  expect(js.errors).toHaveLength(10);
  await consumed.close();
});

test('the end of the consumer, of JetStream and of the bus end a loop', async () => {
  const one = taken(await consumer.consume());
  await js.settle();
  await consumer.delete();
  await expect(one).rejects.toThrow(new JetStreamStatusError(409, 'consumer deleted'));
  await manager.consumers.add('S', { durable_name: 'C', ack_policy: AckPolicy.Explicit });
  const messages = await consumer.consume();
  const two = taken(messages);
  await js.settle();
  await js.jetstream.close();
  await expect(two).rejects.toThrow('server shutdown');
  expect(await messages.closed()).toBeInstanceOf(JetStreamStatusError);
  const three = taken(await consumer.consume());
  await js.bus.close();
  expect(await three).toEqual([]);
});

test('refusals have the number of NATS and the class of HTTP', async () => {
  const refused = manager.streams.info('NONE');
  await expect(refused).rejects.toBeInstanceOf(JetStreamApiError);
  await expect(refused).rejects.toMatchObject({ code: 10059, status: 404 });
  await expect(manager.streams.find('nowhere')).rejects.toMatchObject({ code: 10059 });
  const update = manager.consumers.update('S', 'C', { max_waiting: 7 });
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
