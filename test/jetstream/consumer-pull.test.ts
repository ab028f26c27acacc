// What pulls get, in which order, and how they end; every status line as clients compare it.
import { describe, expect, test } from 'vitest';
import { wholly } from '../../src/jetstream/work.ts';
import { ConsumerStream, Inbox } from '../support/consumer-stream.ts';

const SECOND = 1_000_000_000;
const block = (line: string): string => `NATS/1.0 ${line}\r\n\r\n`;
const withRest = (line: string, messages: number, bytes = 0): string =>
  block(`${line}\r\nNats-Pending-Messages: ${messages}\r\nNats-Pending-Bytes: ${bytes}`);

describe('a pull', () => {
  test('gets what there is and, later, what comes, up to its batch', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.publish('a', 'one');
    const inbox = stream.pull(consumer, { batch: 3 });
    stream.turn();
    expect(inbox.texts()).toEqual(['one']);
    stream.publish('a', 'two');
    stream.publish('b', 'three');
    stream.publish('b', 'four');
    stream.turn();
    expect(inbox.texts()).toEqual(['two', 'three']);
    expect(consumer.info().waiting).toBe(0);
  });

  test('gets it wherever it asks for it, by a name of any length', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    for (const length of [1, 3, 4, 5, 127, 128, 129, 300]) {
      stream.publish('a', 'x');
      const inbox = stream.pull(consumer, '', new Inbox(stream, 'i'.repeat(length)));
      stream.turn();
      expect(inbox.texts()).toEqual(['x']);
    }
  });

  test('shows the stored subject, and its reply names the delivery', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.publish('a.b', 'x', 'NATS/1.0\r\nk: v\r\n\r\n');
    stream.publish('a.c', 'y');
    const inbox = stream.pull(consumer, '2');
    stream.turn();
    const time = `${stream.clock.now()}000000`;
    const reply = `$JS.ACK.S.C.1.1.1.${time}.1`;
    const headers = 'NATS/1.0\r\nk: v\r\n\r\n';
    expect(inbox.take()).toEqual([
      { subject: 'a.b', reply, text: 'x', headers },
      { subject: 'a.c', reply: `$JS.ACK.S.C.1.2.2.${time}.0`, text: 'y', headers: '' },
    ]);
  });

  test('is one message when its body is empty, no JSON, or names none', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    for (let i = 0; i < 10; i++) stream.publish('a', `${i}`);
    for (const body of ['', ' ', 'x', '{}', '{"batch":0}', '{"batch":-3}']) {
      const inbox = stream.pull(consumer, body);
      stream.turn();
      expect(inbox.texts()).toHaveLength(1);
    }
    expect(consumer.info().waiting).toBe(0);
    expect(stream.pulls.waiting).toBe(0);
  });

  test('that does not wait ends with 404, at once or behind what there was', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const none = stream.pull(consumer, { batch: 2, no_wait: true });
    stream.turn();
    expect(none.take().map(({ headers }) => headers)).toEqual([block('404 No Messages')]);
    stream.publish('a', 'one');
    const some = stream.pull(consumer, { batch: 2, no_wait: true });
    stream.turn();
    expect(some.texts()).toEqual(['one', '404 No Messages']);
  });

  test('that does not wait but has a time waits for the first message', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const body = { batch: 2, no_wait: true, expires: SECOND };
    const late = stream.pull(consumer, body);
    stream.turn();
    expect(late.take()).toEqual([]);
    stream.publish('a', 'one');
    stream.turn();
    expect(late.texts()).toEqual(['one', '404 No Messages']);
    const never = stream.pull(consumer, body);
    stream.advance(1000);
    expect(never.take().map(({ headers }) => headers)).toEqual([
      withRest('408 Request Timeout', 2),
    ]);
  });

  test('that does not wait gets all of its own, whatever happens to others between two slices', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'none' });
    for (let i = 0; i < 60; i++) stream.publish('a', 'x'.repeat(20_000));
    stream.turn();
    const inbox = stream.pull(consumer, { batch: 100, no_wait: true });
    const other = stream.pull(consumer, { batch: 1000, expires: 5_000_000 });
    stream.turn(1);
    expect(inbox.arrivals.length).toBeLessThan(20);
    stream.advance(5);
    expect(other.texts().at(-1)).toBe('408 Request Timeout');
    stream.turn(10);
    const texts = inbox.texts();
    expect(texts.length).toBeGreaterThan(40);
    expect(texts.at(-1)).toBe('404 No Messages');
    expect(consumer.info().pending).toBe(0);
  });

  test('that does not wait is refused while others wait for more than there is', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.pull(consumer, { batch: 5 });
    stream.publish('a');
    const inbox = stream.pull(consumer, { batch: 1, no_wait: true });
    stream.turn();
    expect(inbox.texts()).toEqual(['408 Requests Pending']);
  });

  test('ends when its time is over, and says what it has not got', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.publish('a', '12345');
    const inbox = stream.pull(consumer, { batch: 3, expires: SECOND, max_bytes: 1000 });
    stream.advance(999);
    const [first] = inbox.take();
    const bytes = 1 + 5 + (first?.reply.length ?? 0);
    expect(inbox.take()).toEqual([]);
    stream.advance(1);
    expect(inbox.take().map(({ headers }) => headers)).toEqual([
      withRest('408 Request Timeout', 2, 1000 - bytes),
    ]);
    expect(consumer.info().waiting).toBe(0);
  });

  test('without a time lives as long as its inbox has a listener', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const inbox = stream.pull(consumer);
    stream.advance(3_600_000);
    expect(consumer.info().waiting).toBe(1);
    inbox.close();
    expect(consumer.info().waiting).toBe(0);
    const other = stream.pull(consumer);
    other.close();
    stream.publish('a');
    stream.turn();
    expect(consumer.info()).toMatchObject({ waiting: 0, pending: 1, ackPending: 0 });
  });

  test('with a bound of bytes stops before it, or behind its last message', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'none' });
    for (let i = 0; i < 4; i++) stream.publish('a', '12345');
    const probe = stream.pull(consumer);
    stream.turn();
    const bytes = 6 + (probe.take()[0]?.reply.length ?? 0);
    const full = stream.pull(consumer, { batch: 3, max_bytes: bytes + 5 });
    stream.turn();
    expect(full.take().map(({ text, headers }) => text || headers)).toEqual([
      '12345',
      withRest('409 Message Size Exceeds MaxBytes', 2, 5),
    ]);
    const whole = stream.pull(consumer, { batch: 1, max_bytes: bytes + 5 });
    stream.turn();
    expect(whole.take().map(({ text, headers }) => text || headers)).toEqual([
      '12345',
      withRest('409 Batch Completed', 0, 5),
    ]);
    const exact = stream.pull(consumer, { batch: 9, max_bytes: bytes });
    stream.turn();
    expect(exact.texts()).toEqual(['12345']);
    expect(consumer.info().waiting).toBe(0);
  });

  test('is told by heartbeats how far the consumer is, when nothing comes', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const body = { batch: 9, expires: 10 * SECOND, idle_heartbeat: SECOND };
    const inbox = stream.pull(consumer, body);
    stream.publish('a');
    stream.turn();
    stream.advance(999);
    expect(inbox.texts()).toEqual(['']);
    stream.advance(1);
    const beat = block('100 Idle Heartbeat\r\nNats-Last-Consumer: 1\r\nNats-Last-Stream: 1');
    expect(inbox.take().map(({ headers }) => headers)).toEqual([beat]);
    stream.advance(500);
    stream.publish('a');
    stream.turn();
    stream.advance(999);
    expect(inbox.texts()).toEqual(['']);
    stream.advance(1);
    expect(inbox.texts()).toEqual(['100 Idle Heartbeat']);
  });
});

describe('pulls together', () => {
  test('get messages in turn', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    const inboxes = [2, 1, 3].map((batch) => stream.pull(consumer, { batch }));
    for (const text of '123456') stream.publish('a', text);
    stream.turn();
    expect(inboxes.map((inbox) => inbox.texts())).toEqual([['1', '4'], ['2'], ['3', '5', '6']]);
  });

  test('are refused beyond max_waiting, but who counts on heartbeats hears nothing', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ max_waiting: 2 });
    const first = stream.pull(consumer);
    stream.pull(consumer);
    const third = stream.pull(consumer);
    const beating = stream.pull(consumer, { expires: 9 * SECOND, idle_heartbeat: SECOND });
    stream.turn();
    expect(third.texts()).toEqual(['409 Exceeded MaxWaiting']);
    expect(beating.texts()).toEqual([]);
    first.close();
    stream.advance(1001);
    const next = stream.pull(consumer);
    stream.turn();
    expect(next.texts()).toEqual([]);
    expect(consumer.info().waiting).toBe(2);
  });

  test('have a bound for all consumers of an account', () => {
    const stream = new ConsumerStream();
    const one = stream.consumer({ name: 'A' });
    const other = stream.consumer({ name: 'B' });
    stream.pulls.waiting = stream.pulls.max - 1;
    stream.pull(one);
    const refused = stream.pull(other);
    stream.turn();
    expect(refused.texts()).toEqual(['409 Exceeded MaxWaiting']);
    one.close('Consumer Deleted');
    stream.pull(other);
    expect(stream.pulls.waiting).toBe(stream.pulls.max);
  });

  test('are judged by what the consumer allows', () => {
    const stream = new ConsumerStream();
    const caps = { max_batch: 10, max_expires: 90 * SECOND, max_bytes: 100 };
    const consumer = stream.consumer(caps);
    const told = (body: object | string): string[] => {
      const inbox = stream.pull(consumer, body);
      stream.turn();
      return inbox.texts();
    };
    expect(told({ batch: 11 })).toEqual(['409 Exceeded MaxRequestBatch of 10']);
    expect(told({ expires: 91 * SECOND })).toEqual(['409 Exceeded MaxRequestExpires of 1m30s']);
    expect(told({ max_bytes: 101 })).toEqual(['409 Exceeded MaxRequestMaxBytes of 100']);
    expect(told({ batch: 10, expires: 90 * SECOND, max_bytes: 100 })).toEqual([]);
    expect(told({ expires: SECOND, idle_heartbeat: 600_000_000 })).toEqual([
      '400 Bad Request - heartbeat value too large',
    ]);
    expect(told({ min_pending: 1 })).toEqual([
      '400 Bad Request - Not a Overflow Priority consumer',
    ]);
    expect(told({ id: 'x' })).toEqual(['400 Bad Request - Not a Pinned Client Priority consumer']);
    expect(told({ priority: 10 })).toEqual(['400 Bad Request - Priority must be between 0 and 9']);
    for (const body of ['{"batch":', '{"batch":1}{"batch":2}', '{"batch":1}1']) {
      expect(told(body)[0]).toMatch(/^400 Bad Request - /);
    }
    wholly(consumer.update({ ...consumer.config, max_batch: 20 }));
    expect(told({ batch: 11 })).toEqual([]);
  });

  test('of absurd sizes and times are bounded by what there is', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.publish('a', 'x');
    const body = '{"batch":9223372036854775807,"expires":9223372036854775807}';
    const inbox = stream.pull(consumer, body);
    stream.turn();
    expect(inbox.texts()).toEqual(['x']);
    stream.advance(10 * 365 * 86_400_000);
    expect(consumer.info().waiting).toBe(1);
  });

  test('that do not wait and were held by max_ack_pending end when that changes and nothing is left', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ max_ack_pending: 1 });
    for (let i = 0; i < 3; i++) stream.publish('a', `${i + 1}`);
    const inbox = stream.pull(consumer, { batch: 3, no_wait: true });
    stream.turn();
    stream.purge();
    stream.turn();
    expect(inbox.texts()).toEqual(['1']);
    wholly(consumer.update({ ...consumer.config, max_ack_pending: 2 }));
    stream.turn();
    expect(inbox.texts()).toEqual(['404 No Messages']);
  });

  test('are told why the consumer ends', () => {
    const stream = new ConsumerStream();
    const one = stream.consumer({ name: 'A' });
    const deleted = stream.pull(one, { batch: 2 });
    one.close('Consumer Deleted');
    const other = stream.consumer({ name: 'B' });
    const shut = stream.pull(other, { batch: 2, max_bytes: 7 });
    other.close('Server Shutdown');
    stream.turn();
    expect(deleted.take().map(({ headers }) => headers)).toEqual([block('409 Consumer Deleted')]);
    expect(shut.take().map(({ headers }) => headers)).toEqual([
      withRest('409 Server Shutdown', 2, 7),
    ]);
    expect(stream.clock.timerCount).toBe(0);
  });
});

describe('deliveries', () => {
  test('without payloads say how long they are', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ headers_only: true });
    stream.publish('a', '12345', 'NATS/1.0\r\nk: v\r\n\r\n');
    stream.publish('a', '');
    const inbox = stream.pull(consumer, '2');
    stream.turn();
    expect(inbox.take().map(({ headers, text }) => [headers, text])).toEqual([
      ['NATS/1.0\r\nk: v\r\nNats-Msg-Size: 5\r\n\r\n', ''],
      ['NATS/1.0\r\nNats-Msg-Size: 0\r\n\r\n', ''],
    ]);
  });

  test('in replay come as far from each other as they were stored, and then at once', () => {
    const stream = new ConsumerStream();
    stream.publish('a', '1');
    stream.advance(100);
    stream.publish('a', '2');
    stream.advance(5000);
    stream.publish('a', '3');
    const consumer = stream.consumer({ replay_policy: 'original', ack_policy: 'none' });
    const inbox = stream.pull(consumer, { batch: 9 });
    stream.turn();
    expect(inbox.texts()).toEqual(['1']);
    stream.advance(99);
    expect(inbox.texts()).toEqual([]);
    stream.advance(1);
    expect(inbox.texts()).toEqual(['2']);
    stream.advance(5000);
    expect(inbox.texts()).toEqual(['3']);
    stream.advance(60_000);
    stream.publish('a', '4');
    stream.turn();
    expect(inbox.texts()).toEqual(['4']);
  });

  test('in replay that come again do not put off the next one, nor what came meanwhile', () => {
    const stream = new ConsumerStream();
    stream.publish('a', '1');
    stream.advance(5000);
    stream.publish('a', '2');
    const consumer = stream.consumer({ replay_policy: 'original', ack_wait: 1000 * 1_000_000 });
    const inbox = stream.pull(consumer, { batch: 99 });
    stream.turn();
    expect(inbox.texts()).toEqual(['1']);
    stream.advance(2500);
    stream.publish('a', '3');
    // Nothing else comes while a message waits for its time, and one that is not yet at its end still has its distance.
    stream.advance(2499);
    expect(inbox.texts()).toEqual([]);
    stream.advance(1);
    expect(inbox.texts()).toEqual(['2', '1']);
    stream.advance(7499);
    expect(inbox.texts()).toEqual([]);
    stream.advance(1);
    expect(inbox.texts()[0]).toBe('3');
  });

  test('of many messages come in slices, all and in order', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ ack_policy: 'none' });
    for (let i = 0; i < 5000; i++) stream.publish('a', `${i}`.padEnd(200));
    const inbox = stream.pull(consumer, { batch: 5000, no_wait: true });
    let slices = 0;
    for (let before = -1; before < inbox.arrivals.length; slices++) {
      before = inbox.arrivals.length;
      stream.turn(1);
    }
    expect(slices).toBeGreaterThan(4);
    expect(inbox.arrivals.map(({ text }) => Number(text))).toEqual(
      Array.from({ length: 5000 }, (_, i) => i),
    );
  });
});

test('what there is no memory to read comes later, and what was read before it at once', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ ack_policy: 'none' });
  for (const text of ['a', 'b']) stream.publish('s', text);
  const { locate } = stream.store;
  stream.store.locate = (seq, place) => {
    if (seq === 2) throw new RangeError('Array buffer allocation failed');
    return locate.call(stream.store, seq, place);
  };
  const inbox = stream.pull(consumer, { batch: 2 });
  expect(() => stream.turn()).toThrow('allocation failed');
  expect(inbox.texts()).toEqual(['a']);
  stream.store.locate = locate;
  stream.advance(1000);
  expect(inbox.texts()).toEqual(['b']);
});
