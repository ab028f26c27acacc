// What is told of streams and consumers on `$JS.EVENT.>`: one program on the server under test and on nats-server, and what
// is heard is the same, but for ids, times and what a request was answered.
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { openPair } from './jetstream-pair.ts';
import { missing } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);

/** Requests of the API, in this order; the words are bodies. */
const ASKED: readonly (readonly [subject: string, body?: object])[] = [
  ['STREAM.CREATE.A', { name: 'A', subjects: ['a.*'], storage: 'memory' }],
  ['STREAM.UPDATE.A', { name: 'A', subjects: ['a.*'], storage: 'memory', max_msgs: 100 }],
  ['CONSUMER.CREATE.A.C', { stream_name: 'A', config: consumer('C', { sample_freq: '100%' }) }],
  ['CONSUMER.CREATE.A.ONCE', { stream_name: 'A', config: consumer('ONCE', { max_deliver: 1 }) }],
  ['CONSUMER.INFO.A.NONE'],
  ['STREAM.CREATE.A', { name: 'A', subjects: ['b'], storage: 'memory', unknown: 1 }],
];
const ENDED: typeof ASKED = [
  ['CONSUMER.DELETE.A.ONCE'],
  ['STREAM.PURGE.A'],
  ['STREAM.DELETE.A'],
  ['STREAM.NAMES'],
  ['INFO'],
];

/** What is told of all that; nats-server tells it in no order, some of it behind the answers. */
const TOLD = 23;

function consumer(durable_name: string, config: object): object {
  return { durable_name, ack_policy: 'explicit', ack_wait: 200_000_000, ...config };
}

/** One message by the consumer; its subject is no answer's, so that the inbox of all requests would not know it. */
async function pull(connection: NatsConnection, name: string): Promise<Msg> {
  return connection.request(`$JS.API.CONSUMER.MSG.NEXT.A.${name}`, '{"batch":1,"no_wait":true}', {
    timeout: 2000,
    noMux: true,
  });
}

/** All that is heard while the program runs, sorted. */
async function heardOf(connection: NatsConnection): Promise<string[]> {
  const heard: string[] = [];
  const subscription = connection.subscribe('$JS.EVENT.>', {
    callback: (_error, message) => void heard.push(shown(message)),
  });
  const ask: Ask = async (requests) => {
    for (const [subject, body] of requests) {
      const payload = body === undefined ? '' : JSON.stringify(body);
      await connection.request(`$JS.API.${subject}`, payload, { timeout: 5000 });
    }
  };
  try {
    await tell(connection, ask, heard);
  } finally {
    subscription.unsubscribe();
  }
  return heard.sort();
}

type Ask = (requests: typeof ASKED) => Promise<void>;

async function tell(connection: NatsConnection, ask: Ask, heard: readonly string[]): Promise<void> {
  await ask(ASKED);
  for (let i = 0; i < 4; i++) await connection.request('a.x', `${i}`);
  for (const word of ['', '-NAK', '+TERM', '+TERM no use']) {
    const { reply } = await pull(connection, 'C');
    await connection.request(reply ?? '', word, { timeout: 2000 });
  }
  await pull(connection, 'ONCE');
  await expect.poll(() => heard.join(), { timeout: 5000 }).toContain('MAX_DELIVERIES');
  await ask(ENDED);
  await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(TOLD);
}

/** Now and then nats-server tells one less: then it is asked once more. */
async function expectedOf(connection: NatsConnection): Promise<string[]> {
  return heardOf(connection).catch(() => heardOf(connection));
}

const VARYING = /^(?:id|timestamp|ack_time|response|server|start|rtt|host)$/;

function shown(message: Msg): string {
  const body = message.json() as Record<string, unknown>;
  const told = JSON.stringify(body, (key, value) => {
    if (VARYING.test(key)) return typeof value;
    // The connection's number.
    return key === 'client' ? { ...value, id: typeof value.id } : value;
  });
  return `${message.subject} ${told}`;
}

describe.skipIf(reason !== undefined)(titled('advisories beside nats-server', reason), () => {
  const { connections } = openPair(reference);

  test('are the same', async () => {
    const [ours, theirs] = connections as [NatsConnection, NatsConnection];
    const expected = await expectedOf(theirs);
    expect(expected).toHaveLength(TOLD);
    expect(await heardOf(ours)).toEqual(expected);
  }, 45_000);
});
