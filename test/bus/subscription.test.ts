// The life of a subscription: max, drain, signal, timeout, queue groups, callbacks.
import { describe, expect, it } from 'vitest';
import { createBus, type Message } from '../../src/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('max', () => {
  it('ends a subscription after so many messages', async () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a', (msg) => seen.push(msg.value), { max: 2 });
    for (let i = 0; i < 4; i++) bus.publish('a', i);
    expect(seen).toEqual([0, 1]);
    expect(sub.isClosed()).toBe(true);
    expect(sub.getReceived()).toBe(2);
    expect(sub.getMax()).toBe(2);
    expect(await sub.closed).toBeUndefined();
  });

  it('counts from the beginning when it is set later', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a', (msg) => seen.push(msg.value));
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    sub.unsubscribe(5);
    for (let i = 3; i < 9; i++) bus.publish('a', i);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(sub.getReceived()).toBe(5);
  });

  it('already reached ends it at once', () => {
    const bus = createBus();
    const sub = bus.subscribe('a', () => {});
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    sub.unsubscribe(2);
    expect(sub.isClosed()).toBe(true);
    expect(sub.getReceived()).toBe(3);
  });

  it('holds for nested publishes and beside others', () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('a', () => seen.push('plain'));
    bus.subscribe(
      'a',
      () => {
        seen.push('limited');
        bus.publish('a');
      },
      { max: 3 },
    );
    bus.publish('a');
    expect(seen.filter((name) => name === 'limited')).toHaveLength(3);
    expect(seen.filter((name) => name === 'plain')).toHaveLength(4);
  });

  it("of a member sends the rest of a queue group's work to the others", () => {
    const bus = createBus();
    const counts = [0, 0];
    bus.subscribe('a', () => counts[0]!++, { queue: 'q', max: 5 });
    bus.subscribe('a', () => counts[1]!++, { queue: 'q' });
    for (let i = 0; i < 200; i++) bus.publish('a');
    expect(counts).toEqual([5, 195]);
  });
});

describe('queue groups', () => {
  it('give each message to one member, evenly', () => {
    const bus = createBus();
    const counts = [0, 0, 0, 0];
    counts.forEach((_, i) => {
      bus.subscribe(i % 2 === 0 ? 'work.*' : 'work.>', () => counts[i]!++, { queue: 'q' });
    });
    for (let i = 0; i < 8000; i++) bus.publish('work.x');
    expect(counts.reduce((a, b) => a + b)).toBe(8000);
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(300);
  });

  it('and plain subscriptions both get it, each group once', () => {
    const bus = createBus();
    const seen: string[] = [];
    for (const queue of ['q1', 'q1', 'q2', undefined]) {
      bus.subscribe('a', () => seen.push(queue ?? 'plain'), queue === undefined ? {} : { queue });
    }
    bus.publish('a');
    expect(seen.sort()).toEqual(['plain', 'q1', 'q2']);
  });
});

describe('callbacks', () => {
  it('get (null, message)', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('a', { callback: (error, msg) => seen.push([error, msg.subject, msg.value]) });
    bus.publish('a', 1);
    expect(seen).toEqual([[null, 'a', 1]]);
  });

  it('get a TimeoutError when nothing comes in time', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const seen: unknown[] = [];
    const options = { timeout: 50, callback: (error: Error | null) => seen.push(error?.name) };
    const idle = bus.subscribe('idle', options);
    const busy = bus.subscribe('busy', options);
    bus.publish('busy');
    clock.advance(50);
    expect(seen).toEqual([undefined, 'TimeoutError']);
    expect(idle.isClosed()).toBe(true);
    expect(await idle.closed).toMatchObject({ name: 'TimeoutError' });
    expect(busy.isClosed()).toBe(false);
    expect(clock.timerCount).toBe(0);
  });

  it('and a handler exclude each other', () => {
    const bus = createBus();
    expect(() => bus.subscribe('a', () => {}, { callback: () => {} })).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError' }),
    );
  });
});

describe('the end of a subscription', () => {
  it('comes with its signal', async () => {
    const bus = createBus();
    const controller = new AbortController();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a', (msg) => seen.push(msg.value), { signal: controller.signal });
    bus.publish('a', 1);
    controller.abort();
    bus.publish('a', 2);
    expect(seen).toEqual([1]);
    expect(sub.isClosed()).toBe(true);
    const late = bus.subscribe('a', () => seen.push('late'), { signal: controller.signal });
    bus.publish('a', 3);
    expect(late.isClosed()).toBe(true);
    expect(seen).toEqual([1]);
    await sub.closed;
  });

  it('comes with `using` and `await using`', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a', () => {});
    sub[Symbol.dispose]();
    expect(sub.isClosed()).toBe(true);
    const other = bus.subscribe('a', () => {});
    await other[Symbol.asyncDispose]();
    expect(other.isClosed()).toBe(true);
    await other[Symbol.asyncDispose]();
  });

  it('comes after what is buffered when it is drained', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const msg of sub) seen.push(msg.value);
    })();
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    const drained = sub.drain();
    expect(sub.isDraining()).toBe(true);
    bus.publish('a', 'late');
    await drained;
    await loop;
    expect(seen).toEqual([0, 1, 2]);
    expect(sub.isClosed()).toBe(true);
    await expect(sub.drain()).rejects.toMatchObject({ name: 'InvalidOperationError' });
  });

  it('tells its subject, number and counts', () => {
    const bus = createBus();
    const sub = bus.subscribe('a.>', () => {});
    const other = bus.subscribe('b', () => {});
    bus.publish('a.x');
    expect(sub.getSubject()).toBe('a.>');
    expect(other.getID()).toBe(sub.getID() + 1);
    expect([sub.getReceived(), sub.getProcessed(), sub.getPending()]).toEqual([1, 1, 0]);
  });
});

describe('each subscription', () => {
  it('sees its own sid in the message, also later', async () => {
    const bus = createBus();
    const kept: Message[] = [];
    const subs = [1, 2, 3].map(() => bus.subscribe('a', (msg) => kept.push(msg)));
    bus.publish('a');
    await null;
    expect(kept.map((msg) => msg.sid)).toEqual(subs.map((sub) => sub.getID()));
  });
});
