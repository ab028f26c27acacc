// What acks do: floors, redeliveries, what is told of them, and that those which name nothing do nothing.
import { describe, expect, test, vi } from 'vitest';
import type { Consumer } from '../../src/jetstream/consumer/consumer.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import type { Arrival, Inbox } from '../support/consumer-stream.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';
import { atOnce } from '../support/work.ts';

const SECOND = 1_000_000_000;

/** Stores `count` messages and delivers them. */
function delivered(stream: ConsumerStream, consumer: Consumer, count: number): Arrival[] {
  for (let i = 0; i < count; i++) stream.publish('a', `${i + 1}`);
  const inbox = stream.pull(consumer, { batch: count, no_wait: true });
  stream.turn();
  return inbox.take().filter(({ reply }) => reply !== '');
}

function floors(consumer: Consumer): number[] {
  const { ackFloor, delivered: last } = consumer.info();
  return [last.consumer, last.stream, ackFloor.consumer, ackFloor.stream];
}

/** The replies of what arrives, from the count of deliveries to the consumer sequence. */
function places(inbox: Inbox): string[] {
  return inbox
    .take()
    .map(({ reply }) => reply.split('.').slice(4, 7).join('.'))
    .filter((place) => place !== '');
}

describe('explicit acks', () => {
  test('move the floor up to the first message that waits', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one, two, three, four] = delivered(stream, consumer, 4) as [
      Arrival,
      Arrival,
      Arrival,
      Arrival,
    ];
    expect(floors(consumer)).toEqual([4, 4, 0, 0]);
    stream.ack(two);
    expect(floors(consumer)).toEqual([4, 4, 0, 0]);
    stream.ack(one, '+ACK');
    expect(floors(consumer)).toEqual([4, 4, 2, 2]);
    stream.ack(four, '+OK');
    stream.ack(three, '+ACK');
    expect(floors(consumer)).toEqual([4, 4, 4, 4]);
    expect(consumer.info().ackPending).toBe(0);
  });

  test('of what a purge of other subjects has left do not move the floor, which it has put above', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    for (const subject of ['b', 'a', 'a']) stream.publish(subject);
    const inbox = stream.pull(consumer, { batch: 3 });
    stream.turn();
    const [one] = inbox.take() as [Arrival];
    const request = { filter: 'a', seq: undefined, keep: undefined };
    const work = atOnce(() => Number(stream.store.remove(2)) + Number(stream.store.remove(3)));
    wholly(stream.index.purge(request, work));
    expect(floors(consumer)).toEqual([3, 3, 3, 0]);
    stream.ack(one);
    expect(floors(consumer)).toEqual([3, 3, 3, 0]);
    expect(consumer.info().ackPending).toBe(0);
  });

  test('that ask for an answer get one, also when they come again, and not before the delivery', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one] = delivered(stream, consumer, 1) as [Arrival];
    const reply = stream.inbox();
    for (const word of ['', '+ACK', '+WPI', '-NAK', '+TERM', 'what']) stream.ack(one, word, reply);
    stream.turn();
    expect(reply.texts()).toEqual(['', '', '', '', '', '']);
    stream.ack(one.reply.replace('.1.1.1.', '.1.9.9.'), '', reply);
    stream.turn();
    expect(reply.texts()).toEqual([]);
  });

  test('may be of the second form, too', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one] = delivered(stream, consumer, 1) as [Arrival];
    const numbers = one.reply.split('.').slice(4).join('.');
    stream.ack(`$JS.ACK._.ABCDEF.S.C.${numbers}.more.tokens`);
    expect(consumer.info().ackPending).toBe(0);
  });

  test('that are forged, foreign or old do nothing', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    delivered(stream, consumer, 3);
    const before = consumer.info();
    for (const numbers of [
      '1.4.4.0.0',
      '1.99999999999999999999.1.0.0',
      '1.x.1.0.0',
      '1.-1.1.0.0',
      '1..1.0.0',
      '9.9.9.9.9',
    ]) {
      for (const word of ['', '-NAK', '-NAK 1s', '+WPI', '+NXT', '+TERM']) {
        if (!numbers.includes('..')) stream.ack(`$JS.ACK.S.C.${numbers}`, word);
      }
    }
    stream.ack('$JS.ACK.S.D.1.1.1.0.0');
    stream.ack('$JS.ACK.S.C.1.1.1.0');
    stream.ack('$JS.ACK._.H.S.C.1.1.1.0');
    stream.turn();
    expect(consumer.info()).toEqual(before);
    // One of no message at all is confirmed, as the original does.
    const reply = stream.inbox();
    stream.ack('$JS.ACK.S.C.1.0.0.0.0', '', reply);
    stream.ack('$JS.ACK.S.C.1.0.0.0.0', '-NAK', reply);
    stream.turn();
    expect(reply.texts()).toEqual(['']);
    expect(consumer.info()).toMatchObject({ ackPending: 3, ackFloor: { consumer: 0, stream: 0 } });
  });

  test('free what max_ack_pending holds back; redeliveries are not held', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ max_ack_pending: 2 });
    for (let i = 1; i < 6; i++) stream.publish('a', `${i}`);
    const inbox = stream.pull(consumer, { batch: 3 });
    const oneShot = stream.pull(consumer, { batch: 2, no_wait: true });
    stream.turn();
    const [one] = inbox.take() as [Arrival];
    expect(oneShot.texts()).toEqual(['2']);
    stream.ack(one, '-NAK');
    stream.turn();
    const [again] = inbox.take() as [Arrival];
    expect(again.text).toBe('1');
    stream.ack(again);
    stream.turn();
    expect([...inbox.texts(), ...oneShot.texts()]).toEqual(['3']);
    wholly(consumer.update({ ...consumer.config, max_ack_pending: 3 }));
    stream.turn();
    expect([...inbox.texts(), ...oneShot.texts()]).toEqual(['4']);
  });

  test('bring the next pull along', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one] = delivered(stream, consumer, 1) as [Arrival];
    for (const text of ['2', '3', '4']) stream.publish('a', text);
    const inbox = stream.inbox();
    stream.ack(one, '+NXT', inbox);
    stream.turn();
    expect(inbox.texts()).toEqual(['2']);
    stream.ack(one, '+NXT {"batch":2}', inbox);
    stream.turn();
    expect(inbox.texts()).toEqual(['3', '4']);
    expect(consumer.info().ackPending).toBe(3);
  });

  test('are told of by a metric, all of them or none', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ sample_freq: '100%' });
    const [one] = delivered(stream, consumer, 1) as [Arrival];
    stream.clock.advance(5);
    stream.ack(one);
    stream.ack(one);
    expect(stream.advised).toEqual([
      {
        kind: 'METRIC.CONSUMER.ACK.S.C',
        type: 'consumer_ack',
        fields: {
          stream: 'S',
          consumer: 'C',
          consumer_seq: 1,
          stream_seq: 1,
          ack_time: 5_000_000,
          deliveries: 1,
        },
      },
    ]);
    wholly(consumer.update({ ...consumer.config, sample_freq: '' }));
    const [two] = delivered(stream, consumer, 1) as [Arrival];
    stream.ack(two);
    expect(stream.advised).toHaveLength(1);
  });
});

describe('acks of all before', () => {
  test('move the floor to their message', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'all' });
    const [one, , three] = delivered(stream, consumer, 4) as [Arrival, Arrival, Arrival];
    stream.ack(three);
    expect(floors(consumer)).toEqual([4, 4, 3, 3]);
    expect(consumer.info().ackPending).toBe(1);
    stream.ack(one);
    expect(floors(consumer)).toEqual([4, 4, 3, 3]);
  });

  test('take the first delivery of a message that was delivered again', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'all' });
    const [one, , three] = delivered(stream, consumer, 3) as [Arrival, Arrival, Arrival];
    stream.ack(one, '-NAK');
    const inbox = stream.pull(consumer);
    stream.turn();
    const [again] = inbox.take() as [Arrival];
    stream.ack(again);
    expect(floors(consumer)).toEqual([4, 3, 1, 1]);
    stream.ack(three);
    expect(floors(consumer)).toEqual([4, 3, 4, 3]);
    expect(consumer.info().ackPending).toBe(0);
  });

  test('that are forged cannot move the floor beyond what was delivered', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'all' });
    stream.publish('a');
    stream.store.remove(1);
    const [two, three] = delivered(stream, consumer, 2) as [Arrival, Arrival];
    stream.ack('$JS.ACK.S.C.1.1.999999.0.0');
    expect(consumer.info().ackPending).toBe(2);
    stream.ack(two);
    stream.ack(three);
    expect(consumer.info().ackPending).toBe(0);
  });
});

describe('redelivery', () => {
  test('follows when the wait for the ack is over, ahead of what is new and in order', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_wait: SECOND });
    delivered(stream, consumer, 3);
    stream.publish('a', '4');
    stream.advance(999);
    expect(consumer.info().redelivered).toBe(0);
    stream.advance(1);
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.turn();
    expect(places(inbox)).toEqual(['2.1.4', '2.2.5', '2.3.6', '1.4.7']);
    expect(consumer.info()).toMatchObject({ redelivered: 3, ackPending: 4, pending: 0 });
    stream.advance(1000);
    expect(places(inbox)).toEqual(['3.1.8', '3.2.9', '3.3.10', '2.4.11']);
  });

  test('is asked for by a NAK, at once or after a delay', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one, two, three] = delivered(stream, consumer, 3) as [Arrival, Arrival, Arrival];
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.ack(two, '-NAK');
    stream.ack(two, '-NAK');
    stream.ack(one, '-NAK 1.5s');
    stream.ack(three, '-NAK {"delay": 1000000000}');
    stream.turn();
    expect(places(inbox)).toEqual(['2.2.4']);
    stream.advance(1000);
    expect(places(inbox)).toEqual(['2.3.5']);
    stream.advance(499);
    expect(places(inbox)).toEqual([]);
    stream.advance(1);
    expect(places(inbox)).toEqual(['2.1.6']);
    stream.ack(one, '-NAK nonsense');
    stream.turn();
    expect(places(inbox)).toEqual(['3.1.7']);
    expect(stream.advised.map(({ kind, fields }) => [kind, fields])).toContainEqual([
      'CONSUMER.MSG_NAKED.S.C',
      { stream: 'S', consumer: 'C', consumer_seq: 2, stream_seq: 2, deliveries: 1 },
    ]);
  });

  test('is put off as long as the handler says that it is at work', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_wait: SECOND });
    const [one] = delivered(stream, consumer, 2) as [Arrival];
    const inbox = stream.pull(consumer, { batch: 9 });
    for (let i = 0; i < 3; i++) {
      stream.advance(900);
      stream.ack(one, '+WPI');
    }
    stream.advance(99);
    expect(new Set(places(inbox).map((place) => place.split('.')[1]))).toEqual(new Set(['2']));
    stream.advance(901);
    expect(places(inbox)).toContainEqual(expect.stringMatching(/^2\.1\./));
  });

  test('ends with an advisory when a message was delivered too often; it stays in the stream', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_wait: SECOND, max_deliver: 2 });
    delivered(stream, consumer, 2);
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.advance(1000);
    expect(places(inbox)).toEqual(['2.1.3', '2.2.4']);
    stream.advance(1000);
    expect(places(inbox)).toEqual([]);
    expect(stream.advised.map(({ kind, type, fields }) => [kind, type, fields])).toEqual(
      [1, 2].map((stream_seq) => [
        'CONSUMER.MAX_DELIVERIES.S.C',
        'max_deliver',
        { stream: 'S', consumer: 'C', stream_seq, deliveries: 2 },
      ]),
    );
    expect(consumer.info()).toMatchObject({ ackPending: 0, redelivered: 2 });
    expect(stream.store.state.messages).toBe(2);
    stream.advance(60_000);
    expect(stream.advised).toHaveLength(2);
    stream.ack('$JS.ACK.S.C.2.1.3.0.0');
    expect(consumer.info().redelivered).toBe(1);
  });

  test('of a message that may be delivered once ends without a pull', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_wait: SECOND, max_deliver: 1 });
    delivered(stream, consumer, 1);
    stream.advance(1000);
    expect(stream.advised.map(({ fields }) => fields)).toEqual([
      { stream: 'S', consumer: 'C', stream_seq: 1, deliveries: 1 },
    ]);
    expect(consumer.info()).toMatchObject({ ackPending: 0, redelivered: 0 });
    expect(consumer.info().ackFloor.lastMs).toBe(0);
    // When the message leaves the stream that counts as an ack.
    stream.store.remove(1);
    expect(consumer.info().ackFloor.lastMs).toBe(stream.clock.now());
  });

  test('does not follow a TERM, whose reason is told', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_wait: SECOND });
    const [one] = delivered(stream, consumer, 1) as [Arrival];
    stream.ack(one, '+TERM  bad order ');
    expect(stream.advised).toEqual([
      {
        kind: 'CONSUMER.MSG_TERMINATED.S.C',
        type: 'terminated',
        fields: {
          stream: 'S',
          consumer: 'C',
          consumer_seq: 1,
          stream_seq: 1,
          deliveries: 1,
          reason: 'bad order',
        },
      },
    ]);
    stream.advance(5000);
    expect(consumer.info()).toMatchObject({ ackPending: 0, redelivered: 0 });
  });

  test('is not of messages that have left the stream, whose end is told', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const [one] = delivered(stream, consumer, 3) as [Arrival];
    stream.ack(one, '-NAK');
    stream.store.remove(1);
    stream.store.remove(2);
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.turn();
    expect(places(inbox)).toEqual([]);
    expect(floors(consumer)).toEqual([3, 3, 2, 2]);
    expect(stream.advised.slice(1).map(({ fields }) => fields)).toEqual(
      [1, 2].map((seq) => ({
        stream: 'S',
        consumer: 'C',
        consumer_seq: seq,
        stream_seq: seq,
        deliveries: 1,
        reason: 'Unacknowledged message was deleted',
      })),
    );
  });
});

describe('retention', () => {
  test('of a work queue: what is acknowledged or given up goes, what was delivered too often stays', () => {
    const stream = new ConsumerStream({ retention: 'workqueue' });
    const consumer = stream.consumer({ ack_wait: SECOND, max_deliver: 1 });
    const [one, two] = delivered(stream, consumer, 4) as [Arrival, Arrival];
    stream.ack(one);
    stream.ack(two, '+TERM');
    stream.turn();
    expect(stream.store.state.firstSeq).toBe(3);
    stream.advance(1000);
    expect(stream.store.state.messages).toBe(2);
    stream.ack('$JS.ACK.S.C.1.3.3.0.0');
    stream.turn();
    expect(stream.store.state.firstSeq).toBe(4);
  });

  test('of a work queue: one that cannot go keeps no other', () => {
    const stream = new ConsumerStream({ retention: 'workqueue' });
    const { remove } = stream.store;
    vi.spyOn(stream.store, 'remove').mockImplementation(function (this: Store, seq) {
      if (seq === 1) throw new Error('it stays');
      return remove.call(this, seq);
    });
    const deliveries = delivered(stream, stream.consumer(), 3);
    for (const delivery of deliveries) stream.ack(delivery);
    expect(() => stream.turn()).toThrow('it stays');
    stream.turn();
    expect(stream.store.state).toMatchObject({ messages: 1, firstSeq: 1 });
  });

  test('of interest: a message goes when all consumers have settled it', () => {
    const stream = new ConsumerStream({ retention: 'interest' });
    const first = stream.consumer({ name: 'A', ack_policy: 'all' });
    const second = stream.consumer({ name: 'B', ack_policy: 'none', filter_subject: 'a' });
    delivered(stream, first, 3);
    stream.ack('$JS.ACK.S.A.1.2.2.0.0');
    stream.turn();
    expect(stream.store.state.messages).toBe(3);
    const inbox = stream.pull(second, { batch: 3 });
    stream.turn();
    expect(inbox.texts()).toEqual(['1', '2', '3']);
    expect(stream.store.state.firstSeq).toBe(3);
    stream.ack('$JS.ACK.S.A.1.3.3.0.0');
    stream.turn();
    expect(stream.store.state.messages).toBe(0);
  });

  test('of interest: what one ack has settled goes in slices', () => {
    const stream = new ConsumerStream({ retention: 'interest' });
    const consumer = stream.consumer({ ack_policy: 'all', max_ack_pending: -1 });
    const last = delivered(stream, consumer, 1000).at(-1) as Arrival;
    const { clock } = stream;
    const { monotonic } = clock;
    let looks = 0;
    clock.monotonic = () => monotonic.call(clock) + looks++;
    stream.ack(last);
    expect(consumer.info().ackPending).toBe(0);
    const left: number[] = [];
    while (stream.store.state.messages > 0) {
      stream.turn(1);
      left.push(stream.store.state.messages);
    }
    expect(left.length).toBeGreaterThan(4);
  });
});

test('without acks nothing listens to them, and everything delivered is settled', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ ack_policy: 'none' });
  delivered(stream, consumer, 2);
  expect(floors(consumer)).toEqual([2, 2, 2, 2]);
  expect(stream.door.hasListener(new TextEncoder().encode('$JS.ACK.S.C.1.1.1.0.0'))).toBe(false);
});

test('a delivery that nobody gets is delivered again, and counts as one that was not', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer();
  for (const text of ['1', '2', '3']) stream.publish('a', text);
  const inbox = stream.inbox();
  // Its listener takes one message and goes, in the midst of the slice.
  let count = 0;
  const subscription = stream.bus.subscribe(inbox.subject, {
    max: 1,
    callback: () => void count++,
  });
  inbox.close();
  stream.pull(consumer, { batch: 3 }, inbox);
  stream.turn();
  expect(count).toBe(1);
  expect(subscription.isClosed()).toBe(true);
  expect(consumer.info()).toMatchObject({ waiting: 0, ackPending: 3, redelivered: 0 });
  const other = stream.pull(consumer, { batch: 3 });
  stream.turn();
  expect(other.take().map(({ text, reply }) => [text, reply.split('.')[4]])).toEqual([
    ['2', '2'],
    ['3', '2'],
  ]);
});

test('a consumer that cannot listen leaves nothing behind', () => {
  const stream = new ConsumerStream();
  const { door } = stream;
  const listen = door.subscribeRaw.bind(door);
  let closed = 0;
  door.subscribeRaw = (subject, ...rest) => {
    if (subject.startsWith('$JS.ACK.*')) throw new Error('out of memory');
    const subscription = listen(subject, ...rest);
    const close = subscription.close.bind(subscription);
    subscription.close = () => {
      closed++;
      close();
    };
    return subscription;
  };
  expect(() => stream.consumer({ inactive_threshold: SECOND })).toThrow('out of memory');
  expect(closed).toBe(1);
  expect(stream.clock.timerCount).toBe(0);
});
