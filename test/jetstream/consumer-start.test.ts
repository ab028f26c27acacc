// Where a consumer begins, what it wants, how much of it lies ahead, and when it goes.
import { describe, expect, test } from 'vitest';
import type { ConsumerConfig } from '../../src/jetstream/consumer/config.ts';
import type { Consumer } from '../../src/jetstream/consumer/consumer.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';

const SECOND = 1_000_000_000;

/** a.1 b.2 a.3 c.4 b.5, a second apart. */
function filled(): ConsumerStream {
  const stream = new ConsumerStream();
  for (const subject of ['a', 'b', 'a', 'c', 'b']) {
    stream.publish(subject, `${subject}${stream.store.state.lastSeq + 1}`);
    stream.advance(1000);
  }
  return stream;
}

function begins(config: Partial<ConsumerConfig>): [texts: string[], pending: number, at: number] {
  const stream = filled();
  const consumer = stream.consumer(config);
  const { pending, delivered } = consumer.info();
  stream.publish('a', 'a6');
  const inbox = stream.pull(consumer, { batch: 9, no_wait: true });
  stream.turn();
  const texts = inbox.take().map(({ text }) => text);
  expect(consumer.info().pending).toBe(0);
  return [texts.filter((text) => text !== ''), pending, delivered.stream];
}

describe('a consumer begins', () => {
  test('with all messages, with those of its filter, or of one of several', () => {
    expect(begins({})).toEqual([['a1', 'b2', 'a3', 'c4', 'b5', 'a6'], 5, 0]);
    expect(begins({ filter_subject: 'b' })).toEqual([['b2', 'b5'], 2, 0]);
    expect(begins({ filter_subjects: ['c', 'b'] })).toEqual([['b2', 'c4', 'b5'], 3, 0]);
    expect(begins({ filter_subject: '>' })[1]).toBe(5);
  });

  test('with the last message, of its filter if it has one', () => {
    expect(begins({ deliver_policy: 'last' })).toEqual([['b5', 'a6'], 1, 4]);
    expect(begins({ deliver_policy: 'last', filter_subject: 'a' })).toEqual([['a3', 'a6'], 1, 2]);
    expect(begins({ deliver_policy: 'last', filter_subject: 'x' })).toEqual([[], 0, 0]);
  });

  test('with what comes', () => {
    expect(begins({ deliver_policy: 'new' })).toEqual([['a6'], 0, 5]);
  });

  test('at a sequence, which may lie ahead of the end', () => {
    const at = (seq: number): Partial<ConsumerConfig> => ({
      deliver_policy: 'by_start_sequence',
      opt_start_seq: seq,
    });
    expect(begins(at(4))).toEqual([['c4', 'b5', 'a6'], 2, 3]);
    expect(begins(at(7))).toEqual([[], 0, 6]);
  });

  test('at a time', () => {
    const start = Date.UTC(2026, 0, 2, 3, 4, 5);
    const at = (ms: number, filter_subject?: string): Partial<ConsumerConfig> => ({
      deliver_policy: 'by_start_time',
      opt_start_time: new Date(start + ms).toISOString(),
      ...(filter_subject !== undefined && { filter_subject }),
    });
    expect(begins(at(2001))).toEqual([['c4', 'b5', 'a6'], 2, 3]);
    expect(begins(at(-1))[2]).toBe(0);
    expect(begins(at(99_000))).toEqual([['a6'], 0, 5]);
    expect(begins(at(500, 'c'))).toEqual([['c4'], 1, 3]);
  });

  test('with the last message of each subject, and goes on with what comes', () => {
    expect(begins({ deliver_policy: 'last_per_subject' })).toEqual([
      ['a3', 'c4', 'b5', 'a6'],
      3,
      2,
    ]);
    const filter_subject = 'b';
    expect(begins({ deliver_policy: 'last_per_subject', filter_subject })).toEqual([['b5'], 1, 4]);
  });

  test('in an empty stream at its first message, in a purged one behind it', () => {
    const stream = new ConsumerStream();
    expect(stream.consumer().info().delivered.stream).toBe(0);
    stream.publish('a');
    stream.store.clear();
    expect(stream.consumer({ name: 'D' }).info().delivered.stream).toBe(1);
    const last = stream.consumer({ name: 'E', deliver_policy: 'last' });
    expect(last.info().delivered.stream).toBe(1);
  });
});

describe('what lies ahead', () => {
  test('is counted while messages come and go', () => {
    const stream = filled();
    const consumer = stream.consumer({ filter_subjects: ['a', 'c'] });
    const inbox = stream.pull(consumer);
    stream.turn();
    expect(inbox.texts()).toEqual(['a1']);
    expect(consumer.info().pending).toBe(2);
    stream.publish('a');
    stream.publish('b');
    expect(consumer.info().pending).toBe(3);
    for (const seq of [1, 2, 3]) stream.store.remove(seq);
    expect(consumer.info().pending).toBe(2);
    stream.purge();
    expect(consumer.info().pending).toBe(0);
    stream.publish('c');
    expect(consumer.info().pending).toBe(1);
  });

  test('of the last of each subject does not count what is passed over', () => {
    const stream = filled();
    const consumer = stream.consumer({ deliver_policy: 'last_per_subject' });
    stream.store.remove(2);
    expect(consumer.info().pending).toBe(3);
    stream.store.remove(4);
    expect(consumer.info().pending).toBe(2);
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.turn();
    expect(inbox.texts()).toEqual(['a3', 'b5']);
  });

  test('follows new filters', () => {
    const stream = filled();
    const consumer = stream.consumer({ filter_subject: 'a' });
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.turn();
    expect(inbox.texts()).toEqual(['a1', 'a3']);
    wholly(consumer.update({ ...consumer.config, filter_subject: 'b' }));
    expect(consumer.info().pending).toBe(0);
    stream.publish('a', 'a6');
    stream.publish('b', 'b7');
    stream.turn();
    expect(inbox.texts()).toEqual(['b7']);
  });

  test('goes with a purge, and so does what waited for acks', () => {
    const stream = filled();
    const consumer = stream.consumer();
    stream.pull(consumer, { batch: 3 });
    stream.turn();
    stream.purge(3);
    expect(consumer.info()).toMatchObject({ ackPending: 1, pending: 2 });
    stream.purge();
    expect(consumer.info()).toMatchObject({
      ackPending: 0,
      pending: 0,
      delivered: { consumer: 3, stream: 5 },
      ackFloor: { consumer: 3, stream: 5 },
    });
  });
});

describe('a consumer that nobody uses', () => {
  const ephemeral = { inactive_threshold: 5 * SECOND };

  test('goes after its threshold', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer(ephemeral);
    stream.advance(5000);
    expect(stream.dropped).toEqual([]);
    stream.advance(1000);
    expect(stream.dropped).toEqual(['C']);
    consumer.close('Consumer Deleted');
    expect(stream.clock.timerCount).toBe(0);
  });

  test('stays while somebody waits, and for its threshold after the last pull', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer(ephemeral);
    stream.pull(consumer, { expires: 20 * SECOND });
    stream.advance(24_900);
    expect(stream.dropped).toEqual([]);
    stream.advance(6000);
    expect(stream.dropped).toEqual(['C']);
  });

  test('does not stay for a pull whose inbox has no listener', () => {
    const stream = new ConsumerStream();
    stream.pull(stream.consumer(ephemeral)).close();
    stream.advance(10_300);
    expect(stream.dropped).toEqual(['C']);
  });

  test('stays while what it delivered may be at work, and for each ack', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ...ephemeral, ack_wait: 60 * SECOND });
    stream.publish('a');
    const inbox = stream.pull(consumer);
    stream.advance(60_000);
    expect(stream.dropped).toEqual([]);
    stream.ack(inbox.take()[0]?.reply ?? '');
    stream.advance(4900);
    expect(stream.dropped).toEqual([]);
    stream.advance(70_000);
    expect(stream.dropped).toEqual(['C']);
  });

  test('and goes while an update counts what lies ahead is not there for it', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer(ephemeral);
    stream.publish('a');
    stream.store.counting = function* () {
      yield;
      return 1;
    };
    const update = consumer.update({ ...consumer.config, filter_subject: 'a' });
    update.next();
    stream.advance(6000);
    expect(stream.dropped).toEqual(['C']);
    consumer.close('Consumer Deleted');
    expect(() => update.next()).toThrow('consumer does not exist');
    expect(consumer.filters).toEqual([]);
  });

  test('gets another threshold by an update', () => {
    const stream = new ConsumerStream();
    const consumer: Consumer = stream.consumer();
    stream.advance(86_400_000);
    wholly(consumer.update({ ...consumer.config, inactive_threshold: SECOND }));
    stream.advance(1100);
    expect(stream.dropped).toEqual(['C']);
  });
});
