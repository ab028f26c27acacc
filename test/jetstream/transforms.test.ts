// Streams that store under other subjects than were published, and that publish again what they have stored.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JetStreamBus } from '../support/jetstream.ts';

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open();
});
afterEach(async () => {
  expect(js.errors).toEqual([]);
  await js[Symbol.asyncDispose]();
});

async function refusalOf(config: object): Promise<string> {
  const body = { name: 'R', subjects: ['r.*'], storage: 'memory', ...config };
  const { error } = await js.api<{ error?: { err_code: number; description: string } }>(
    'STREAM.CREATE.R',
    body,
  );
  return `${error?.err_code} ${error?.description}`;
}

describe('a subject transform', () => {
  test('changes the subject before anything else is looked at', async () => {
    const subject_transform = { src: 's.*', dest: 'own.{{wildcard(1)}}' };
    await js.stream('S', ['s.>'], { subject_transform, max_msgs_per_subject: 1 });
    await js.publish('s.a', 'one');
    const headers = {
      'Nats-Expected-Last-Subject-Sequence': '1',
      'Nats-Expected-Last-Subject-Sequence-Subject': 'own.a',
    };
    expect(await js.publish('s.a', 'two', headers)).toBe('{"stream":"S","seq":2}');
    await js.publish('s.a.b', 'as it is');
    const { state } = await js.api<{ state: object }>('STREAM.INFO.S', { subjects_filter: '>' });
    expect(state).toMatchObject({ messages: 2, subjects: { 'own.a': 1, 's.a.b': 1 } });
  });

  test('is what consumers filter by', async () => {
    await js.stream('S', ['s.*'], { subject_transform: { src: 's.*', dest: 't.$1' } });
    const config = { durable_name: 'C', filter_subject: 't.a', ack_policy: 'explicit' };
    await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
    await js.publish('s.a');
    await js.publish('s.b');
    expect(await js.api('CONSUMER.INFO.S.C')).toMatchObject({ num_pending: 1 });
  });

  test('is shown as it was asked for, and may be changed and taken away', async () => {
    const subject_transform = { src: '', dest: 't.>' };
    await js.stream('S', ['s'], { subject_transform });
    const { config } = await js.api<{ config: object }>('STREAM.INFO.S');
    expect(config).toMatchObject({ subject_transform });
    await js.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s'], storage: 'memory' });
    await js.publish('s');
    expect(await js.api('STREAM.MSG.GET.S', { seq: 1 })).toMatchObject({
      message: { subject: 's' },
    });
  });

  test('is refused when it cannot be', async () => {
    const transform = (src: string, dest: string): Promise<string> =>
      refusalOf({ subject_transform: { src, dest } });
    expect(await transform('a..b', 'b')).toBe(
      '10155 stream transform source: invalid subject a..b',
    );
    expect(await transform('a', 'b.>')).toBe('10156 stream transform: invalid subject');
    expect(await transform('*', '{{é(1)}}')).toBe(
      '10156 stream transform: invalid mapping destination: unknown function in {{é(1)}}',
    );
  });
});

describe('a republish', () => {
  test('carries where the message lies, and the one before it on its subject', async () => {
    await js.stream('S', ['s.*'], { republish: { src: 's.*', dest: 'again.{{wildcard(1)}}' } });
    const again = js.inbox('again.*');
    const acks = js.inbox('ack');
    js.bus.publish('s.a', 'one', { reply: 'ack' });
    js.bus.publish('s.b', 'other');
    await js.settle();
    await js.publish('s.a', 'two', { Own: 'value' });
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    const lines = { 'Nats-Stream': 'S', 'Nats-Subject': 's.a', 'Nats-Time-Stamp': time };
    expect(again).toMatchObject([
      { subject: 'again.a', text: 'one', headers: { ...lines, 'Nats-Last-Sequence': '0' } },
      { subject: 'again.b', text: 'other', headers: { 'Nats-Sequence': '2' } },
      {
        subject: 'again.a',
        text: 'two',
        headers: { ...lines, Own: 'value', 'Nats-Sequence': '3', 'Nats-Last-Sequence': '1' },
      },
    ]);
    expect(acks).toHaveLength(1);
  });

  test('of headers alone says how long the payload is', async () => {
    await js.stream('S', ['s'], { republish: { dest: 'again.>', headers_only: true } });
    const again = js.inbox('again.>');
    await js.publish('s', 'hello');
    expect(again).toMatchObject([
      { subject: 'again.s', text: '', headers: { 'Nats-Msg-Size': '5', 'Nats-Sequence': '1' } },
    ]);
  });

  test('reaches another stream', async () => {
    await js.stream('S', ['s.*'], { republish: { src: 's.*', dest: 't.$1' } });
    await js.stream('T', ['t.*']);
    await js.publish('s.a', 'x');
    await js.settle();
    expect(await js.state('T')).toMatchObject({ messages: 1 });
  });

  test('never goes where requests of the server go', async () => {
    await js.stream('S', ['s.>'], { republish: { src: 's.>', dest: '$JS.>' } });
    await js.stream('T', ['t']);
    const api = js.inbox('$JS.API.STREAM.DELETE.T');
    expect(await js.publish('s.API.STREAM.DELETE.T')).toBe('{"stream":"S","seq":1}');
    await js.settle();
    expect(api).toEqual([]);
    expect(await js.state('T')).toMatchObject({ messages: 0 });
  });

  test('of what a transform makes is that', async () => {
    const subject_transform = { src: 's.>', dest: 't.>' };
    await js.stream('S', ['s.>'], { subject_transform, republish: { src: '>', dest: '>' } });
    const again = js.inbox('t.>');
    await js.publish('s.a');
    expect(again).toMatchObject([{ subject: 't.a' }]);
  });

  test('is refused when it would come back', async () => {
    const cycle = '10052 stream configuration for republish destination forms a cycle';
    expect(await refusalOf({ republish: { src: '>', dest: 'r.a' } })).toBe(cycle);
    expect(await refusalOf({ republish: { src: 'a', dest: 'b.>' } })).toBe(
      "10052 stream configuration for republish with transform from 'a' to 'b.>' not valid",
    );
    expect(await refusalOf({ republish: { dest: 'b.>' }, pedantic: true })).toBe(
      '10157 pedantic mode: republish source can not be empty',
    );
  });
});
