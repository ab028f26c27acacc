// Publishers: the route is kept, and whatever changes is seen all the same.
import { describe, expect, it } from 'vitest';
import {
  ClosedConnectionError,
  createBus,
  headers,
  InvalidSubjectError,
  type Message,
} from '../../src/index.ts';

describe('a publisher', () => {
  it('delivers the value itself before publish returns, as the bus does', () => {
    const bus = createBus();
    const seen: Message[] = [];
    const sub = bus.subscribe('orders.*', (msg) => seen.push(msg));
    const orders = bus.publisher<{ id: number }>('orders.new');
    const value = { id: 7 };
    for (let i = 0; i < 3; i++) orders.publish(value);
    expect(orders.subject).toBe('orders.new');
    expect(seen.map((msg) => [msg.subject, msg.sid, msg.value])).toEqual(
      Array.from({ length: 3 }, () => ['orders.new', sub.getID(), value]),
    );
    expect(seen[2]?.value).toBe(value);
    expect(seen[2]?.data).toBe(seen[2]?.data);
    expect(seen[2]?.json()).toEqual(value);
    expect(seen[2]?.reply).toBeUndefined();
    expect(seen[2]?.headers).toBeUndefined();
    expect(sub.getReceived()).toBe(3);
    expect(bus.stats()).toMatchObject({ inMsgs: 3, outMsgs: 3 });
  });

  it('takes reply and headers', () => {
    const bus = createBus();
    const seen: Message[] = [];
    bus.subscribe('a', (msg) => {
      seen.push(msg);
      msg.respond('pong');
    });
    const answers: unknown[] = [];
    bus.subscribe('back', (msg) => answers.push(msg.value));
    const block = headers();
    block.set('k', 'v');
    const publisher = bus.publisher('a');
    publisher.publish('first');
    publisher.publish('ping', { reply: 'back', headers: block });
    expect(seen.map((msg) => msg.headers?.get('k'))).toEqual([undefined, 'v']);
    expect(answers).toEqual(['pong']);
  });

  it('sees subscriptions that come and go between publishes', () => {
    const bus = createBus();
    const seen: string[] = [];
    const publisher = bus.publisher('a.b');
    publisher.publish(0);
    const first = bus.subscribe('a.b', (msg) => seen.push(`first ${msg.value}`));
    publisher.publish(1);
    publisher.publish(2);
    bus.subscribe('a.>', (msg) => seen.push(`second ${msg.value}`));
    publisher.publish(3);
    first.unsubscribe();
    publisher.publish(4);
    bus.subscribe('*.b', { queue: 'q', callback: (_, msg) => seen.push(`queue ${msg.value}`) });
    publisher.publish(5);
    expect(seen).toEqual([
      'first 1',
      'first 2',
      'first 3',
      'second 3',
      'second 4',
      'second 5',
      'queue 5',
    ]);
  });

  it('waits in a handler until the message at hand has reached all', () => {
    const bus = createBus();
    const seen: string[] = [];
    const second = bus.publisher('second');
    bus.subscribe('second', () => seen.push('second'));
    second.publish();
    seen.length = 0;
    bus.subscribe('first', () => {
      second.publish();
      bus.publisher('second').publish();
      seen.push('first, one');
    });
    bus.subscribe('first', () => seen.push('first, two'));
    bus.publish('first');
    expect(seen).toEqual(['first, one', 'first, two', 'second', 'second']);
  });

  it('is not harmed by a handler that throws or rejects', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error, { sid }) => errors.push([sid, String(error)]) });
    let count = 0;
    const sub = bus.subscribe('a', async () => {
      count++;
      throw new Error(`no ${count}`);
    });
    const publisher = bus.publisher('a');
    for (let i = 0; i < 2; i++) publisher.publish();
    await new Promise((resolve) => setImmediate(resolve));
    sub.unsubscribe();
    const other = bus.subscribe('a', () => {
      throw new Error('at once');
    });
    for (let i = 0; i < 2; i++) publisher.publish();
    expect(errors).toEqual([
      [sub.getID(), 'Error: no 1'],
      [sub.getID(), 'Error: no 2'],
      [other.getID(), 'Error: at once'],
      [other.getID(), 'Error: at once'],
    ]);
  });

  it('keeps max, timeout and buffers of its subscribers', async () => {
    const bus = createBus();
    const publisher = bus.publisher('a');
    const seen: unknown[] = [];
    const loop = bus.subscribe('a');
    for (let i = 0; i < 3; i++) publisher.publish(i);
    loop.unsubscribe();
    for await (const msg of loop) seen.push(msg.value);
    const timed = bus.subscribe('a', (msg) => seen.push(msg.value), { timeout: 60_000 });
    for (let i = 3; i < 6; i++) publisher.publish(i);
    timed.unsubscribe();
    bus.subscribe('a', (msg) => seen.push(msg.value), { max: 2 });
    for (let i = 6; i < 10; i++) publisher.publish(i);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(timed.getReceived()).toBe(3);
  });

  it('finds its way when memory has grown under it', () => {
    const bus = createBus();
    let count = 0;
    bus.subscribe('a', () => count++);
    const publisher = bus.publisher('a');
    for (let i = 0; i < 3; i++) publisher.publish();
    const others = Array.from({ length: 20_000 }, (_, i) => bus.subscribe(`many.${i}`, () => {}));
    for (const other of others) other.unsubscribe();
    for (let i = 0; i < 3; i++) publisher.publish();
    expect(count).toBe(6);
  });

  it('publishes no more once it has been disposed of', () => {
    const bus = createBus();
    let count = 0;
    bus.subscribe('a', () => count++);
    const publisher = bus.publisher('a');
    for (let i = 0; i < 3; i++) publisher.publish();
    publisher[Symbol.dispose]();
    expect(() => publisher.publish()).toThrow(
      expect.objectContaining({ name: 'InvalidOperationError' }),
    );
    bus.publisher('a').publish();
    expect(count).toBe(4);
  });

  it('counts what it delivers in the subscription, also after that has closed, and up to a max set later', () => {
    const bus = createBus();
    const publisher = bus.publisher('a');
    const sub = bus.subscribe('a', () => {});
    for (let i = 0; i < 5; i++) publisher.publish(i);
    sub.unsubscribe(7);
    expect(sub.getReceived()).toBe(5);
    for (let i = 0; i < 5; i++) publisher.publish(i);
    expect(sub.isClosed()).toBe(true);
    expect(sub.getReceived()).toBe(7);
  });

  it('sees a max that a handler before sets for the message at hand', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const publisher = bus.publisher('a');
    bus.subscribe('a', () => second.unsubscribe(3));
    const second = bus.subscribe('a', (msg) => seen.push(msg.value));
    for (let i = 0; i < 6; i++) publisher.publish(i);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('refuses to publish on a bus that closed without ever having had a subscription', async () => {
    const bus = createBus();
    const publisher = bus.publisher('a');
    for (let i = 0; i < 3; i++) publisher.publish(i);
    await bus.close();
    expect(() => publisher.publish()).toThrow(ClosedConnectionError);
    expect(() => bus.publish('a')).toThrow(ClosedConnectionError);
  });

  it('refuses a bad subject when it is made, and everything once the bus has closed', async () => {
    const bus = createBus();
    for (const bad of ['', 'a..b', 'a b', '.a']) {
      expect(() => bus.publisher(bad)).toThrow(InvalidSubjectError);
    }
    bus.subscribe('a', () => {});
    const publisher = bus.publisher('a');
    for (let i = 0; i < 3; i++) publisher.publish();
    await bus.close();
    expect(() => publisher.publish()).toThrow(ClosedConnectionError);
    expect(() => bus.publisher('a')).toThrow(ClosedConnectionError);
  });

  it('stays disposed of when its own handler does it', () => {
    const bus = createBus();
    const publisher = bus.publisher('a');
    let count = 0;
    bus.subscribe('a', () => {
      count++;
      publisher[Symbol.dispose]();
    });
    publisher.publish(1);
    expect(() => publisher.publish(2)).toThrow('disposed of');
    expect(count).toBe(1);
  });
});
