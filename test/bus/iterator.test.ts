// Subscriptions as async iterators: order, the bounded buffer and its policies.
import { describe, expect, it } from 'vitest';
import {
  createBus,
  type Message,
  type OverflowPolicy,
  type Subscription,
} from '../../src/index.ts';

async function take(sub: AsyncIterable<{ value: unknown }>, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const msg of sub) {
    seen.push(msg.value);
    if (seen.length === count) break;
  }
  return seen;
}

function overflowing(overflow?: OverflowPolicy): Subscription {
  const bus = createBus();
  const sub = bus.subscribe('a', { bufferMax: 3, ...(overflow !== undefined && { overflow }) });
  for (let i = 0; i < 5; i++) bus.publish('a', i);
  return sub;
}

describe('an iterator', () => {
  it('yields messages in order, buffered or awaited', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    bus.publish('a', 1);
    const taken = take(sub, 4);
    bus.publish('a', 2);
    await null;
    bus.publish('a', 3);
    bus.publish('a', 4);
    expect(await taken).toEqual([1, 2, 3, 4]);
  });

  it('unsubscribes when its loop is left', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    bus.publish('a', 1);
    await take(sub, 1);
    expect(sub.isClosed()).toBe(true);
    expect(await sub.closed).toBeUndefined();
    await expect(bus.request('a')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
  });

  it('ends after what is buffered when it is unsubscribed or has its max', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    const limited = bus.subscribe('a', { max: 2 });
    const all = Promise.all([take(sub, 99), take(limited, 99)]);
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    sub.unsubscribe();
    bus.publish('a', 'late');
    expect(await all).toEqual([
      [0, 1, 2],
      [0, 1],
    ]);
    expect(limited.getReceived()).toBe(2);
  });

  it('ends after what is buffered when its signal is aborted', async () => {
    const bus = createBus();
    const controller = new AbortController();
    const sub = bus.subscribe('a', { signal: controller.signal });
    const taken = take(sub, 99);
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    controller.abort();
    bus.publish('a', 'late');
    expect(await taken).toEqual([0, 1, 2]);
    expect(await sub.closed).toBeUndefined();
  });

  it('counts what is received, pending and processed', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    const loop = sub[Symbol.asyncIterator]();
    await loop.next();
    expect([sub.getReceived(), sub.getPending(), sub.getProcessed()]).toEqual([3, 2, 1]);
  });

  it('has one loop, and none beside a handler', () => {
    const bus = createBus();
    const refusal = expect.objectContaining({ name: 'InvalidOperationError' });
    const sub = bus.subscribe('a');
    sub[Symbol.asyncIterator]();
    expect(() => sub[Symbol.asyncIterator]()).toThrow(refusal);
    expect(() => bus.subscribe('a', () => {})[Symbol.asyncIterator]()).toThrow(refusal);
  });

  it('has what an async generator has', async () => {
    const bus = createBus();
    const open = (): { sub: Subscription; loop: AsyncGenerator<Message, unknown> } => {
      const sub = bus.subscribe('a');
      bus.publish('a', 1);
      bus.publish('a', 2);
      return { sub, loop: sub[Symbol.asyncIterator]() as AsyncGenerator<Message, unknown> };
    };
    const first = open();
    expect(first.loop[Symbol.asyncIterator]()).toBe(first.loop);
    expect(await take(first.loop, 1)).toEqual([1]);
    expect(first.sub.isClosed()).toBe(true);
    const second = open();
    expect(await second.loop.return(Promise.resolve('mine'))).toEqual({
      value: 'mine',
      done: true,
    });
    expect(await second.loop.next()).toEqual({ value: undefined, done: true });
    expect(second.sub.isClosed()).toBe(true);
    const third = open();
    await expect(third.loop.throw(new Error('mine'))).rejects.toThrow('mine');
    expect(await third.loop.next()).toEqual({ value: undefined, done: true });
    expect(third.sub.isClosed()).toBe(true);
    async function* through(): AsyncGenerator<unknown> {
      yield* open().loop;
    }
    expect((await through().next()).value).toMatchObject({ value: 1 });
  });

  it('can be stopped, and tells its end, as that of nats-core', async () => {
    type Stoppable = { stop(error?: Error): void; iterClosed: Promise<void | Error> };
    const bus = createBus();
    const sub = bus.subscribe('a') as Subscription & Stoppable;
    const other = bus.subscribe('a') as Subscription & Stoppable;
    bus.publish('a', 1);
    const all = take(sub, 9);
    const failed = take(other, 9);
    sub.stop();
    other.stop(new Error('enough'));
    expect(await all).toEqual([1]);
    await expect(failed).rejects.toThrow('enough');
    expect(await sub.iterClosed).toBeUndefined();
    expect(await other.iterClosed).toEqual(new Error('enough'));
    bus.subscribe('svc', (msg) => msg.respond(1));
    const many = (await bus.requestMany('svc', '', { maxWait: 5000 })) as AsyncIterable<Message> &
      Stoppable & { getPending(): number; getProcessed(): number; getReceived(): number };
    expect([many.getPending(), many.getProcessed(), many.getReceived()]).toEqual([1, 0, 1]);
    many.stop();
    expect(await take(many, 9)).toEqual([1]);
    expect(await many.iterClosed).toBeUndefined();
  });

  it('throws TimeoutError when nothing comes in time', async () => {
    const bus = createBus();
    await expect(take(bus.subscribe('a', { timeout: 1 }), 1)).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});

describe('a full buffer', () => {
  it('ends the subscription with an error by default, after what was buffered', async () => {
    const sub = overflowing();
    expect(await sub.closed).toMatchObject({ code: 'ERR_CAPACITY' });
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const msg of sub) seen.push(msg.value);
    })();
    await expect(loop).rejects.toMatchObject({ code: 'ERR_CAPACITY' });
    expect(seen).toEqual([0, 1, 2]);
    expect(sub.getDropped()).toBe(1);
  });

  it('loses the oldest under drop-oldest', async () => {
    const sub = overflowing('drop-oldest');
    expect(sub.getDropped()).toBe(2);
    expect(await take(sub, 3)).toEqual([2, 3, 4]);
  });

  it('loses the newest under drop-newest', async () => {
    const sub = overflowing('drop-newest');
    expect(sub.getDropped()).toBe(2);
    expect(await take(sub, 3)).toEqual([0, 1, 2]);
  });

  it('is told by status() once per overflow', async () => {
    const bus = createBus();
    const status = bus.status()[Symbol.asyncIterator]();
    const sub = bus.subscribe('a', { bufferMax: 2, overflow: 'drop-newest' });
    for (let i = 0; i < 5; i++) bus.publish('a', i);
    expect((await status.next()).value).toMatchObject({ type: 'slowConsumer', sub, pending: 2 });
    const loop = sub[Symbol.asyncIterator]();
    await loop.next();
    bus.publish('a', 5);
    bus.publish('a', 6);
    expect((await status.next()).value).toMatchObject({ type: 'slowConsumer', pending: 2 });
    await bus.close();
    expect((await status.next()).value).toEqual({ type: 'close' });
    expect((await status.next()).done).toBe(true);
  });

  it('is not needed for a warning: `slow` sets a lower mark', async () => {
    const bus = createBus();
    const status = bus.status()[Symbol.asyncIterator]();
    const sub = bus.subscribe('a', { slow: 1 });
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    expect((await status.next()).value).toMatchObject({ type: 'slowConsumer', sub, pending: 2 });
    expect(sub.isClosed()).toBe(false);
  });

  it('of a long drop-oldest run does not grow', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a', { bufferMax: 10, overflow: 'drop-oldest' });
    for (let i = 0; i < 50_000; i++) bus.publish('a', i);
    expect(sub.getPending()).toBe(10);
    expect(await take(sub, 10)).toEqual(Array.from({ length: 10 }, (_, i) => 49_990 + i));
  });

  it.each([{ bufferMax: 0 }, { overflow: 'block' as OverflowPolicy }])(
    '%j is refused',
    (options) => {
      expect(() => createBus().subscribe('a', options)).toThrow(
        expect.objectContaining({ name: 'InvalidArgumentError' }),
      );
    },
  );
});
