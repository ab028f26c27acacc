// How long a message waits for its ack before it is delivered again: ack wait, backoff, and changes of both.
import { expect, test } from 'vitest';
import { wholly } from '../../src/jetstream/work.ts';
import type { Inbox } from '../support/consumer-stream.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';

const SECOND = 1_000_000_000;

/** The replies of what arrives, from the count of deliveries to the consumer sequence. */
function places(inbox: Inbox): string[] {
  return inbox
    .take()
    .map(({ reply }) => reply.split('.').slice(4, 7).join('.'))
    .filter((place) => place !== '');
}

test('waits longer each time as backoff says, and NAK and WPI count by it', () => {
  const stream = new ConsumerStream();
  const backoff = [SECOND, 3 * SECOND, 9 * SECOND];
  const consumer = stream.consumer({ ack_wait: SECOND, backoff });
  stream.publish('a');
  const inbox = stream.pull(consumer, { batch: 9 });
  stream.turn();
  const at = (ms: number): string[] => {
    stream.advance(ms);
    return places(inbox);
  };
  expect(places(inbox)).toEqual(['1.1.1']);
  expect([at(999), at(1)]).toEqual([[], ['2.1.2']]);
  expect([at(2999), at(1)]).toEqual([[], ['3.1.3']]);
  expect([at(8999), at(1)]).toEqual([[], ['4.1.4']]);
  expect([at(8999), at(1)]).toEqual([[], ['5.1.5']]);
  stream.ack('$JS.ACK.S.C.5.1.5.0.0', '+WPI');
  expect([at(8999), at(1)]).toEqual([[], ['6.1.6']]);
});

test('waits as long as the first time where backoff has a zero, and for ever where it begins so', () => {
  const stream = new ConsumerStream();
  const some = stream.consumer({ ack_wait: SECOND, backoff: [SECOND, 0, 2 * SECOND] });
  const none = stream.consumer({ name: 'N', ack_wait: 0, backoff: [0, SECOND] });
  stream.publish('a');
  const [inbox, other] = [some, none].map((consumer) => stream.pull(consumer, { batch: 9 }));
  const at = (ms: number): string[] => {
    stream.advance(ms);
    return places(inbox as Inbox);
  };
  expect([at(0), at(1000)]).toEqual([['1.1.1'], ['2.1.2']]);
  expect([at(999), at(1)]).toEqual([[], ['3.1.3']]);
  expect([at(1999), at(1)]).toEqual([[], ['4.1.4']]);
  expect(places(other as Inbox)).toEqual(['1.1.1']);
  // The wait begins with the change, and pulls end in time.
  const pull = stream.pull(none, { expires: 3 * SECOND });
  wholly(none.update({ ...none.config, ack_wait: SECOND, backoff: [SECOND, SECOND] }));
  stream.advance(999);
  expect(places(other as Inbox)).toEqual([]);
  stream.advance(1);
  expect(places(other as Inbox)).toEqual(['2.1.2']);
  wholly(none.update({ ...none.config, ack_wait: 0, backoff: [0] }));
  stream.advance(2000);
  expect(pull.texts()).toEqual(['408 Request Timeout']);
});

test('by other waits follows a change of the configuration', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ ack_wait: 100 * SECOND });
  stream.publish('a');
  const inbox = stream.pull(consumer, { batch: 9 });
  stream.turn();
  expect(places(inbox)).toEqual(['1.1.1']);
  stream.advance(1000);
  wholly(consumer.update({ ...consumer.config, ack_wait: 2 * SECOND }));
  stream.advance(999);
  expect(places(inbox)).toEqual([]);
  stream.advance(1);
  expect(places(inbox)).toEqual(['2.1.2']);
});

test('begins anew by a WPI, also where a NAK had put it off for longer', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ ack_wait: SECOND });
  stream.publish('a');
  const inbox = stream.pull(consumer, { batch: 9 });
  stream.turn();
  stream.ack('$JS.ACK.S.C.1.1.1.0.0', '-NAK 1h');
  stream.advance(1000);
  stream.ack('$JS.ACK.S.C.1.1.1.0.0', '+WPI');
  stream.advance(999);
  expect(places(inbox)).toEqual(['1.1.1']);
  stream.advance(1);
  expect(places(inbox)).toEqual(['2.1.2']);
});

test('whoever is put off while it waits to be delivered again comes behind those that were not', () => {
  const stream = new ConsumerStream();
  const consumer = stream.consumer({ ack_wait: SECOND });
  for (let i = 0; i < 3; i++) stream.publish('a');
  const first = stream.pull(consumer, { batch: 3 });
  stream.turn();
  expect(places(first)).toEqual(['1.1.1', '1.2.2', '1.3.3']);
  stream.advance(1000);
  for (let i = 0; i < 2; i++) {
    stream.ack('$JS.ACK.S.C.1.1.1.0.0', '-NAK 100ms');
    stream.advance(100);
  }
  const again = stream.pull(consumer, { batch: 3 });
  stream.turn();
  expect(places(again)).toEqual(['2.2.4', '2.3.5', '2.1.6']);
});
