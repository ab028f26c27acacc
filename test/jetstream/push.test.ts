// Consumers that push: to whom, when nobody is there, flow control, heartbeats and rates. The clock is turned by hand.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { type Arrival, ConsumerStream, Inbox } from '../support/consumer-stream.ts';

const MS = 1_000_000;
const KIB = 1024;

/** The first line of a status and what it names. */
function lines({ headers }: Arrival): string[] {
  return headers.split('\r\n').filter((line) => line !== '');
}

describe('a consumer that pushes', () => {
  it('delivers what there is and what comes, and again what is not acknowledged', () => {
    const stream = new ConsumerStream();
    const inbox = new Inbox(stream, 'd');
    stream.publish('a', 'one');
    stream.consumer({ deliver_subject: 'd', ack_wait: 1000 * MS });
    stream.turn();
    stream.publish('a', 'two');
    stream.turn();
    const [one, two] = inbox.take();
    expect([one?.subject, one?.text, two?.text]).toEqual(['a', 'one', 'two']);
    expect(one?.reply).toMatch(/^\$JS\.ACK\.S\.C\.1\.1\.1\.\d+\.0$/);
    stream.ack(one as Arrival);
    stream.advance(1000);
    expect(inbox.take().map(({ reply }) => reply.split('.').slice(4, 7))).toEqual([
      ['2', '2', '3'],
    ]);
  });

  it('waits for somebody who subscribes to that very subject, in its group if it names one', () => {
    const stream = new ConsumerStream();
    stream.publish('a', 'one');
    const plain = stream.consumer({ deliver_subject: 'd.x' });
    const group = stream.consumer({ name: 'G', deliver_subject: 'e', deliver_group: 'q' });
    const wild = new Inbox(stream, '*.x');
    const alone = new Inbox(stream, 'e');
    stream.turn();
    expect([plain, group].map((consumer) => consumer.info().isBound)).toEqual([false, false]);
    expect([...wild.take(), ...alone.take()]).toEqual([]);
    const exact = new Inbox(stream, 'd.x');
    const texts: string[] = [];
    const member = stream.bus.subscribe('e', (message) => void texts.push(message.string()), {
      queue: 'q',
    });
    stream.turn();
    expect([plain, group].map((consumer) => consumer.info().isBound)).toEqual([true, true]);
    expect([exact.texts(), wild.texts(), alone.texts(), texts]).toEqual(Array(4).fill(['one']));
    member.unsubscribe();
    exact.close();
    stream.publish('a', 'two');
    stream.turn();
    expect([plain, group].map((consumer) => consumer.info().isBound)).toEqual([false, false]);
    expect([...wild.take(), ...alone.take()]).toEqual([]);
  });

  it('goes when its threshold has passed without interest, and an ack puts that off', () => {
    const stream = new ConsumerStream();
    const threshold = { deliver_subject: 'd', inactive_threshold: 1000 * MS };
    const inbox = new Inbox(stream, 'd');
    stream.publish('a');
    stream.consumer(threshold);
    stream.turn();
    const [delivery] = inbox.take();
    stream.advance(10_000);
    expect(stream.dropped).toEqual([]);
    inbox.close();
    stream.turn();
    stream.advance(900);
    stream.ack(delivery as Arrival);
    stream.advance(900);
    expect(stream.dropped).toEqual([]);
    stream.advance(300);
    expect(stream.dropped).toEqual(['C']);
    stream.consumer({ ...threshold, name: 'N' });
    stream.advance(1000);
    const again = new Inbox(stream, 'd');
    stream.turn();
    stream.advance(10_000);
    again.close();
    stream.turn();
    expect(stream.dropped).toEqual(['C']);
    stream.advance(1100);
    expect(stream.dropped).toEqual(['C', 'N']);
  });

  it('refuses pulls, also those that an ack brings along', () => {
    const stream = new ConsumerStream();
    const inbox = new Inbox(stream, 'd');
    stream.publish('a');
    const consumer = stream.consumer({ deliver_subject: 'd' });
    const pull = stream.pull(consumer);
    stream.turn();
    const [delivery] = inbox.take();
    const next = stream.inbox();
    stream.ack(delivery as Arrival, '+NXT', next);
    stream.turn();
    expect([pull.texts(), next.texts()]).toEqual(Array(2).fill(['409 Consumer is push based']));
    expect(consumer.info()).toMatchObject({ ackPending: 0, waiting: 0 });
  });

  it('delivers again to another subject what was not acknowledged on the one before', () => {
    const stream = new ConsumerStream();
    const before = new Inbox(stream, 'd');
    stream.publish('a', 'one');
    stream.publish('a', 'two');
    const consumer = stream.consumer({ deliver_subject: 'd' });
    stream.turn();
    stream.ack(before.take()[0] as Arrival);
    before.close();
    const after = new Inbox(stream, 'e');
    wholly(consumer.update({ ...consumer.config, deliver_subject: 'e' }));
    stream.turn();
    expect(after.texts()).toEqual(['two']);
    expect(consumer.info()).toMatchObject({ isBound: true, ackPending: 1 });
  });

  it.each([
    ['none', [], ['none', [0, 0]]],
    ['explicit', ['C 2 1 2'], ['explicit', [0, 1]]],
  ] as const)(
    'acknowledged %s does not come twice when its listener has gone, but by its wait',
    (acks, late, wanted) => {
      const stream = new ConsumerStream();
      const config = { deliver_subject: 'd', ack_policy: acks, ack_wait: 1000 * MS };
      const consumer = stream.consumer(config);
      const inbox = new Inbox(stream, 'd');
      stream.publish('a');
      // The subscription ends behind the last look at it.
      const { deliverBatch } = stream.door;
      stream.door.deliverBatch = (entries) => {
        inbox.close();
        return deliverBatch(entries);
      };
      stream.turn();
      stream.door.deliverBatch = deliverBatch;
      const again = new Inbox(stream, 'd');
      stream.turn();
      const { pending, ackPending } = consumer.info();
      expect([acks, [pending, ackPending]]).toEqual(wanted);
      expect(again.take()).toEqual([]);
      stream.advance(1000);
      const places = again.take().map(({ reply }) => reply.split('.').slice(3, 7).join(' '));
      expect(places).toEqual(late);
    },
  );

  it('goes on when its listener has gone and come again within one turn', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ deliver_subject: 'd', ack_policy: 'none' });
    const inbox = new Inbox(stream, 'd');
    stream.publish('a', 'lost');
    const { deliverBatch } = stream.door;
    stream.door.deliverBatch = (entries) => {
      inbox.close();
      return deliverBatch(entries);
    };
    const again = internalsOf(stream.bus).turn.within(() => {
      stream.turn(1);
      return new Inbox(stream, 'd');
    });
    stream.door.deliverBatch = deliverBatch;
    stream.publish('a', 'found');
    stream.turn();
    expect(consumer.info().isBound).toBe(true);
    expect(again.texts()).toEqual(['found']);
  });
});

describe('flow control', () => {
  const flow = { deliver_subject: 'd', ack_policy: 'none', flow_control: true } as const;

  /** Until nothing comes any more: texts, and how many bytes each run of messages had. */
  function runs(inbox: Inbox): (number | string)[] {
    const shown: (number | string)[] = [];
    let messages = 0;
    for (const { headers, text } of inbox.take()) {
      if (headers === '') messages++;
      else {
        shown.push(messages, headers.slice('NATS/1.0 '.length).trim());
        messages = 0;
      }
      if (headers === '' && text === '') throw new Error('an empty message');
    }
    return [...shown, messages];
  }

  it('asks when half of its window is under way, stops at the whole, and doubles it', () => {
    const stream = new ConsumerStream();
    const inbox = new Inbox(stream, 'd');
    for (let i = 0; i < 1000; i++) stream.publish('a', 'x'.repeat(10 * KIB));
    stream.consumer({ ...flow, idle_heartbeat: 5000 * MS });
    stream.turn(100);
    const asked = inbox.arrivals.find(({ headers }) => headers !== '');
    expect(asked?.reply).toMatch(/^\$JS\.FC\.S\.C\.[0-9A-Za-z]{4}$/);
    // A message and its reply are some 10,285 bytes.
    expect(runs(inbox)).toEqual([102, '100 FlowControl Request', 102]);
    stream.advance(4999);
    expect(inbox.take()).toEqual([]);
    stream.advance(1);
    expect(inbox.take().map(lines)).toEqual([
      [
        'NATS/1.0 100 Idle Heartbeat',
        'Nats-Last-Consumer: 204',
        'Nats-Last-Stream: 204',
        `Nats-Consumer-Stalled: ${asked?.reply}`,
      ],
    ]);
    stream.ack(`${asked?.reply}x`);
    stream.turn(100);
    expect(inbox.take()).toEqual([]);
    stream.ack(asked?.reply ?? '');
    stream.turn(100);
    // 102 were under way behind the question; half of the window is 2 MiB now.
    expect(runs(inbox)).toEqual([102, '100 FlowControl Request', 204]);
  });

  it('takes an answer once, and in both forms of its subject none that was not asked', () => {
    const stream = new ConsumerStream();
    const inbox = new Inbox(stream, 'd');
    for (let i = 0; i < 1000; i++) stream.publish('a', 'x'.repeat(10 * KIB));
    stream.consumer({ ...flow, idle_heartbeat: 5000 * MS });
    stream.turn(100);
    const { reply = '' } = inbox.take().find(({ headers }) => headers !== '') ?? {};
    stream.ack(reply.replace('$JS.FC.', '$JS.FC._.hash.'));
    stream.turn(100);
    expect(inbox.take()).toEqual([]);
    stream.ack(reply);
    stream.ack(reply);
    stream.turn(100);
    expect(runs(inbox)).toEqual([102, '100 FlowControl Request', 204]);
  });
});

describe('idle heartbeats', () => {
  it('come when nothing else does, and only while somebody listens', () => {
    const stream = new ConsumerStream();
    const consumer = stream.consumer({ deliver_subject: 'd', idle_heartbeat: 500 * MS });
    stream.advance(2000);
    const inbox = new Inbox(stream, 'd');
    stream.advance(499);
    expect(inbox.texts()).toEqual([]);
    stream.advance(1);
    expect(inbox.texts()).toEqual(['100 Idle Heartbeat']);
    stream.advance(400);
    stream.publish('a', 'one');
    stream.turn();
    stream.advance(499);
    expect(inbox.texts()).toEqual(['one']);
    stream.advance(1);
    expect(inbox.take().map(lines)).toEqual([
      ['NATS/1.0 100 Idle Heartbeat', 'Nats-Last-Consumer: 1', 'Nats-Last-Stream: 1'],
    ]);
    consumer.close('Consumer Deleted');
    stream.advance(5000);
    expect(inbox.texts()).toEqual([]);
  });
});

describe('a replay', () => {
  it('has no heart that beats while a message waits for its time, but when that has gone', () => {
    const stream = new ConsumerStream();
    const inbox = new Inbox(stream, 'd');
    stream.publish('a', 'one');
    stream.advance(5000);
    stream.publish('a', 'two');
    const config = { deliver_subject: 'd', idle_heartbeat: 500 * MS, ack_policy: 'none' } as const;
    stream.consumer({ ...config, replay_policy: 'original' });
    stream.turn();
    stream.advance(4999);
    expect(inbox.texts()).toEqual(['one']);
    stream.purge();
    stream.advance(1);
    stream.advance(1000);
    expect(inbox.texts()).toContain('100 Idle Heartbeat');
  });
});

describe('a bound of the rate', () => {
  it('lets a burst through, then as many bytes as it says, whatever the size of a message', () => {
    const stream = new ConsumerStream({ max_msg_size: 1000 });
    const inbox = new Inbox(stream, 'd');
    for (let i = 0; i < 40; i++) stream.publish('a', 'x'.repeat(60));
    // With subject and reply a message has 100 bytes or a little more; 8,000 bits a second are one byte a millisecond.
    const consumer = stream.consumer({
      ...{ deliver_subject: 'd', ack_policy: 'none', rate_limit_bps: 8000 },
      idle_heartbeat: 50_000 * MS,
    });
    stream.turn();
    const first = inbox.take().length;
    expect([first, first]).toEqual([9, 9]);
    let arrived = 0;
    for (let i = 0; i < 10; i++) {
      stream.advance(100);
      arrived += inbox.take().length;
    }
    expect(arrived).toBeGreaterThanOrEqual(9);
    expect(arrived).toBeLessThanOrEqual(10);
    wholly(consumer.update({ ...consumer.config, rate_limit_bps: 8_000_000 }));
    stream.turn();
    for (let i = 0; i < 120; i++) stream.advance(1);
    expect(consumer.info().pending).toBe(0);
  });

  it('delivers what is larger than its burst, late', () => {
    const stream = new ConsumerStream({ max_msg_size: 100 });
    const inbox = new Inbox(stream, 'd');
    stream.publish('a', 'x'.repeat(1000));
    stream.consumer({ deliver_subject: 'd', rate_limit_bps: 8000, ack_policy: 'none' });
    stream.turn();
    stream.advance(900);
    expect(inbox.take()).toEqual([]);
    stream.advance(100);
    expect(inbox.take()).toHaveLength(1);
  });

  it('is changed while the last message waits to be delivered again, and that comes all the same', () => {
    const stream = new ConsumerStream({ max_msg_size: 100 });
    const inbox = new Inbox(stream, 'd');
    stream.publish('a', 'x'.repeat(1000));
    const rate = { deliver_subject: 'd', rate_limit_bps: 8000, ack_wait: 500 * MS };
    const consumer = stream.consumer(rate);
    stream.turn();
    stream.advance(1000);
    stream.advance(500);
    expect(inbox.take()).toHaveLength(1);
    stream.advance(100);
    wholly(consumer.update({ ...consumer.config, rate_limit_bps: 16_000 }));
    stream.turn();
    stream.advance(2000);
    expect(inbox.take()).toHaveLength(1);
  });
});
