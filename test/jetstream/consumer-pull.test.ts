// What pulls get, in which order, and how they end; every status line as clients compare it.
import { describe, expect, test } from 'vitest';
import { ConsumerStream } from '../support/consumer-stream.ts';

describe('pulls', () => {
  test('a pull gets what there is and, later, what comes, up to its batch', () => {
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

  test('a delivery shows its subject, and names itself in its reply', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer();
    stream.publish('a.b', 'x', 'NATS/1.0\r\nk: v\r\n\r\n');
    stream.publish('a.c', 'y');
    const inbox = stream.pull(consumer, '2');
    stream.turn();
    const time = `${stream.clock.now()}000000`;
    expect(inbox.take()).toEqual([
      {
        subject: 'a.b',
        reply: `$JS.ACK.S.C.1.1.1.${time}.1`,
        text: 'x',
        headers: 'NATS/1.0\r\nk: v\r\n\r\n',
      },
      { subject: 'a.c', reply: `$JS.ACK.S.C.1.2.2.${time}.0`, text: 'y', headers: '' },
    ]);
  });
});
