// Streams whose messages go when their consumers are done with them.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JetStreamBus, type Received } from '../support/jetstream.ts';

let js: JetStreamBus;
let inbox: Received[];
beforeEach(async () => {
  js = await JetStreamBus.open();
  inbox = js.inbox('inbox');
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

async function consumer(name: string, config: object = {}): Promise<void> {
  const answer = await js.api(`CONSUMER.CREATE.S.${name}`, {
    stream_name: 'S',
    config: { durable_name: name, ack_policy: 'explicit', ...config },
  });
  expect(answer).not.toHaveProperty('error');
}

/** Pulls what there is and acknowledges it. */
async function work(name: string, word = ''): Promise<string[]> {
  js.bus.publish(`$JS.API.CONSUMER.MSG.NEXT.S.${name}`, '{"batch":100,"no_wait":true}', {
    reply: 'inbox',
  });
  await js.settle();
  const received = inbox.splice(0).filter(({ status }) => status === 0);
  for (const { reply } of received) js.bus.publish(reply, word);
  await js.settle();
  return received.map(({ text }) => text);
}

test('a work queue gives each message to one, and forgets it when it is done', async () => {
  await js.stream('S', ['s.*'], { retention: 'workqueue' });
  await consumer('A', { filter_subject: 's.a' });
  await consumer('B', { filter_subject: 's.b' });
  for (const subject of ['s.a', 's.b', 's.a']) await js.publish(subject, subject);
  expect(await work('A')).toEqual(['s.a', 's.a']);
  expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 2 });
  expect(await work('B', '-NAK')).toEqual(['s.b']);
  expect(await js.state('S')).toMatchObject({ messages: 1 });
  expect(await work('B', '+TERM')).toEqual(['s.b']);
  expect(await js.state('S')).toMatchObject({ messages: 0, last_seq: 3 });
});

test('without interest a sequence goes by, and nothing is kept', async () => {
  await js.stream('S', ['s.*'], { retention: 'interest' });
  expect(await js.publish('s.a', 'x', { 'Nats-Msg-Id': 'one' })).toBe('{"stream":"S","seq":1}');
  js.clock.advance(1000);
  expect(await js.publish('s.a', 'x', { 'Nats-Msg-Id': 'one' })).toContain('"duplicate": true');
  await consumer('B', { filter_subject: 's.b' });
  expect(await js.publish('s.a')).toBe('{"stream":"S","seq":2}');
  expect(await js.state('S')).toMatchObject({ messages: 0, first_seq: 3, last_seq: 2 });
  expect(await js.state('S')).toMatchObject({ last_ts: '2026-01-02T03:04:06Z' });
  await js.publish('s.b', 'kept');
  expect(await js.state('S')).toMatchObject({ messages: 1 });
});

test('with interest a message stays until all are done with it', async () => {
  await js.stream('S', ['s.*'], { retention: 'interest' });
  await consumer('A');
  await consumer('B', { filter_subject: 's.b' });
  await js.publish('s.a', 'for A');
  await js.publish('s.b', 'for both');
  expect(await work('A')).toEqual(['for A', 'for both']);
  expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 2 });
  expect(await work('B')).toEqual(['for both']);
  expect(await js.state('S')).toMatchObject({ messages: 0 });
});

test('with interest what a consumer leaves behind goes, unless another needs it', async () => {
  await js.stream('S', ['s.*'], { retention: 'interest' });
  await consumer('A', { filter_subject: 's.a' });
  await consumer('B', { filter_subject: 's.*' });
  for (const subject of ['s.a', 's.b', 's.c']) await js.publish(subject);
  await js.api('CONSUMER.DELETE.S.B');
  await js.settle();
  expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 1 });
  await js.api('CONSUMER.DELETE.S.A');
  await js.settle();
  expect(await js.state('S')).toMatchObject({ messages: 0 });
});

test('with interest and without acks a delivery is enough', async () => {
  await js.stream('S', ['s.*'], { retention: 'interest' });
  await consumer('A', { ack_policy: 'none' });
  await js.publish('s.a', 'x');
  expect(await work('A')).toEqual(['x']);
  expect(await js.state('S')).toMatchObject({ messages: 0 });
});

test('acks in the turn in which their stream ends give nothing back twice', async () => {
  await js.stream('S', ['s.*'], { retention: 'workqueue' });
  await consumer('A');
  await js.publish('s.a', 'x');
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.A', '', { reply: 'inbox' });
  await js.settle();
  for (const { reply } of inbox.splice(0)) js.bus.publish(reply, '+ACK');
  await js.api('STREAM.DELETE.S');
  await js.settle();
  expect(await js.api('INFO')).toMatchObject({ memory: 0, streams: 0 });
});

test('a purge of one message that waits for its ack acknowledges none of those before it', async () => {
  await js.stream('S', ['s.*'], { retention: 'interest' });
  await consumer('A', { ack_policy: 'all' });
  const told = js.inbox('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.A');
  for (const subject of ['s.a', 's.b', 's.b']) await js.publish(subject);
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.A', '{"batch":3}', { reply: 'inbox' });
  await js.settle();
  expect(await js.api('STREAM.PURGE.S', { filter: 's.b', keep: 1 })).toMatchObject({ purged: 1 });
  await js.settle();
  expect(await js.state('S')).toMatchObject({ messages: 2, first_seq: 1 });
  expect(await js.api('CONSUMER.INFO.S.A')).toMatchObject({ num_ack_pending: 2 });
  expect(told).toHaveLength(1);
});
