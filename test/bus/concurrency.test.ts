// A handler that runs at most so many times at once: who is called when, what waits, and who waits for it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  connect,
  createBus,
  type Message,
  type Status,
  type SubscribeOptions,
  type Subscription,
} from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

interface Job {
  readonly value: unknown;
  finish(): void;
  fail(error: unknown): void;
}

interface Setup {
  bus: Bus;
  clock: FakeClock;
  sub: Subscription;
  /** Of the handler's calls, in their order. */
  jobs: Job[];
  errors: unknown[];
  called(): unknown[];
}

function setup(concurrency: number, options: SubscribeOptions = {}): Setup {
  const errors: unknown[] = [];
  const clock = new FakeClock();
  const bus = createBus({ clock, onError: (error) => errors.push(error) });
  const jobs: Job[] = [];
  const handler = ({ value }: Message): Promise<void> =>
    new Promise((resolve, reject) => jobs.push({ value, finish: resolve, fail: reject }));
  const sub = bus.subscribe('a', handler, { ...options, concurrency });
  return { bus, clock, sub, jobs, errors, called: () => jobs.map(({ value }) => value) };
}

/** Everything that can happen at once has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function publishAll(bus: Bus, count: number): void {
  for (let i = 0; i < count; i++) bus.publish('a', i);
}

describe('a subscription with a concurrency', () => {
  it('runs its handler so many times at once, in the order of arrival', async () => {
    const { bus, sub, jobs, called } = setup(2);
    publishAll(bus, 5);
    expect(called()).toEqual([0, 1]);
    expect([sub.getReceived(), sub.getProcessed(), sub.getPending()]).toEqual([5, 2, 3]);
    jobs[1]?.finish();
    await settled();
    expect(called()).toEqual([0, 1, 2]);
    jobs[0]?.finish();
    jobs[2]?.fail(new Error('broken'));
    await settled();
    expect(called()).toEqual([0, 1, 2, 3, 4]);
    expect([sub.getProcessed(), sub.getPending()]).toEqual([5, 0]);
  });

  it('lets nobody pass those that wait', async () => {
    const { bus, jobs, called } = setup(1);
    publishAll(bus, 3);
    jobs[0]?.finish();
    bus.publish('a', 3);
    await settled();
    bus.publish('a', 4);
    for (let i = 1; i < 5; i++) {
      jobs[i]?.finish();
      await settled();
    }
    expect(called()).toEqual([0, 1, 2, 3, 4]);
  });

  it('calls a handler that returns no promise at once, however many', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => void seen.push(msg.value), { concurrency: 1 });
    publishAll(bus, 3);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('is not called within its own call, and does not use up the stack', async () => {
    const bus = createBus();
    let depth = 0;
    let most = 0;
    let calls = 0;
    let first = true;
    const sub = bus.subscribe(
      'a',
      () => {
        calls++;
        most = Math.max(most, ++depth);
        // Only the first one takes time: those behind it return at once, one after the other.
        if (!first && calls < 20_000) bus.publish('a');
        depth--;
        if (!first) return undefined;
        first = false;
        return Promise.resolve();
      },
      { concurrency: 1 },
    );
    bus.publish('a');
    bus.publish('a');
    await settled();
    expect([calls, most, sub.getPending()]).toEqual([20_000, 1, 0]);
  });

  it('calls the `then` of what it returns once', async () => {
    const bus = createBus();
    let begun = 0;
    const query = {
      // biome-ignore lint/suspicious/noThenProperty: as query builders have it, that begin when they are awaited
      then: (done: () => void) => {
        begun++;
        done();
      },
    };
    bus.subscribe('a', () => query, { concurrency: 1 });
    publishAll(bus, 3);
    await settled();
    expect(begun).toBe(3);
  });

  it('reports what is thrown and rejected, with the message, and goes on', async () => {
    const contexts: unknown[] = [];
    const bus = createBus({
      onError: (error, { message, sid }) =>
        contexts.push([(error as Error).message, message?.value, sid]),
    });
    const handler = async ({ value }: Message): Promise<void> => {
      throw new Error(`no ${value}`);
    };
    const sub = bus.subscribe('a', handler, { concurrency: 1 });
    const throwing = (msg: Message): never => {
      throw new Error(`never ${msg.value}`);
    };
    bus.subscribe('a', throwing, { concurrency: 1 });
    publishAll(bus, 2);
    await settled();
    expect(contexts).toEqual([
      ['never 0', 0, 2],
      ['never 1', 1, 2],
      ['no 0', 0, sub.getID()],
      ['no 1', 1, sub.getID()],
    ]);
  });

  it('calls each in the context of its publish', async () => {
    const context = new AsyncLocalStorage<string>();
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('a', async () => void seen.push(context.getStore()), { concurrency: 1 });
    for (const name of ['one', 'two', 'three']) context.run(name, () => bus.publish('a'));
    await settled();
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  it('answers requests as ever, and a request for all waits for its turn', async () => {
    const { bus, clock, jobs } = setup(1);
    bus.publish('a', 'first');
    const all = await bus.requestMany('a', 'second', { strategy: 'all', maxWait: 1000 });
    const loop = (async () => {
      for await (const _ of all);
      return 'over';
    })();
    jobs[0]?.finish();
    await settled();
    expect(jobs).toHaveLength(2);
    jobs[1]?.finish();
    expect(await loop).toBe('over');
    expect(clock.timerCount).toBe(0);
  });

  it('calls it as a function of nobody', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const handler = function (this: unknown): void {
      seen.push(this);
    };
    bus.subscribe('a', handler, { concurrency: 1 });
    bus.publish('a');
    expect(seen).toEqual([undefined]);
  });

  it('takes a callback as nats-core has it, and what is handed to it from outside', async () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a', {
      callback: async (_error, msg) => void seen.push(msg.value),
      concurrency: 1,
    });
    publishAll(bus, 2);
    sub.callback(null, { subject: 'a', value: 2 } as unknown as Message);
    expect(seen).toEqual([0]);
    await settled();
    expect(seen).toEqual([0, 1, 2]);
  });

  it('is for a handler, and a whole number', () => {
    const bus = createBus();
    const wrong =
      (options: object): (() => unknown) =>
      () =>
        bus.subscribe('a', () => {}, options);
    for (const concurrency of [0, -1, 1.5, Number.NaN, '2']) {
      expect(wrong({ concurrency })).toThrow(/'concurrency' must be a whole number from 1 on/);
    }
    expect(() => bus.subscribe('a', { concurrency: 1 })).toThrow(/'concurrency' is for a handler/);
    expect(bus.hasInterest('a')).toBe(false);
  });
});

describe('what waits for a handler', () => {
  it('is dropped from the front, and counted', async () => {
    const { bus, sub, jobs, called } = setup(1, { bufferMax: 2, overflow: 'drop-oldest' });
    publishAll(bus, 5);
    expect([sub.getPending(), sub.getDropped()]).toEqual([2, 2]);
    for (let i = 0; i < 3; i++) {
      jobs[i]?.finish();
      await settled();
    }
    expect(called()).toEqual([0, 3, 4]);
  });

  it('is dropped from the back, and told once', async () => {
    const { bus, sub, jobs, called } = setup(1, { bufferMax: 2, overflow: 'drop-newest' });
    const told: Status[] = [];
    void (async () => {
      for await (const status of bus.status()) told.push(status);
    })();
    await settled();
    publishAll(bus, 5);
    await settled();
    expect(told).toEqual([{ type: 'slowConsumer', sub, pending: 2 }]);
    for (let i = 0; i < 3; i++) {
      jobs[i]?.finish();
      await settled();
    }
    expect(called()).toEqual([0, 1, 2]);
  });

  it('is bounded by bytes of peers', () => {
    const { bus, sub } = setup(1, { bufferMaxBytes: 10, overflow: 'drop-newest' });
    const peer = new CorePeer(internalsOf(bus));
    peer.say('PUB a 5\n"123"\nPUB a 5\n"123"\nPUB a 5\n"123"\n');
    expect([sub.getPending(), sub.getDropped()]).toEqual([1, 1]);
  });

  it('ends the subscription when it is too much, and the error is reported', async () => {
    const { bus, sub, jobs, called, errors } = setup(1, { bufferMax: 2 });
    publishAll(bus, 5);
    expect(bus.hasInterest('a')).toBe(false);
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_CAPACITY' })]);
    // What was taken is still handled.
    for (let i = 0; i < 3; i++) {
      expect(sub.isClosed()).toBe(false);
      jobs[i]?.finish();
      await settled();
    }
    expect(called()).toEqual([0, 1, 2]);
    expect(await sub.closed).toBe(errors[0]);
  });

  it('was too much, whoever drains or ends the subscription before it is closed', async () => {
    for (const end of ['drain', 'unsubscribe'] as const) {
      const { bus, sub, jobs, errors } = setup(1, { bufferMax: 1 });
      publishAll(bus, 3);
      await sub[end]();
      for (let i = 0; i < 2; i++) {
        jobs[i]?.finish();
        await settled();
      }
      expect(await sub.closed).toBe(errors[0]);
      expect(errors).toHaveLength(1);
    }
  });

  it('is handled before the end of a connection that drains, but not for ever', async () => {
    for (const isLong of [false, true]) {
      const { bus, clock, jobs, called } = setup(1);
      const connection = await connect({ bus });
      const seen: string[] = [];
      const hold: (() => void)[] = [];
      const callback = (_: unknown, msg: Message): Promise<void> => {
        seen.push(msg.string());
        return new Promise((resolve) => hold.push(resolve));
      };
      connection.subscribe('b', { callback, concurrency: 1 });
      for (const text of ['one', 'two']) connection.publish('b', text);
      const drained = connection.drain();
      await settled();
      expect([seen, connection.isClosed()]).toEqual([['one'], false]);
      if (isLong) clock.advance(30_000);
      else {
        hold[0]?.();
        await settled();
        expect([seen, connection.isClosed()]).toEqual([['one', 'two'], false]);
        hold[1]?.();
      }
      await drained;
      hold[0]?.();
      await settled();
      expect(seen).toEqual(isLong ? ['one'] : ['one', 'two']);
      expect([clock.timerCount, jobs, called()]).toEqual([0, [], []]);
    }
  });

  it('is told of as slow above a number', async () => {
    const { bus, sub, jobs } = setup(1, { slow: 1 });
    const told: Status[] = [];
    void (async () => {
      for await (const status of bus.status()) told.push(status);
    })();
    await settled();
    publishAll(bus, 4);
    await settled();
    expect(told).toEqual([{ type: 'slowConsumer', sub, pending: 2 }]);
    jobs[0]?.finish();
  });

  it.each([
    ['unsubscribe', ({ sub }: Setup) => sub.unsubscribe()],
    ['dispose', ({ sub }: Setup) => sub[Symbol.dispose]()],
    ['close', ({ bus }: Setup) => bus.close()],
  ])('is not handled any more after %s', async (_, end) => {
    const made = setup(1);
    publishAll(made.bus, 3);
    await end(made);
    expect(await made.sub.closed).toBeUndefined();
    made.jobs[0]?.finish();
    await settled();
    expect(made.called()).toEqual([0]);
  });

  it('is still handled after its max, and after the drain of the subscription, and then it is closed', async () => {
    for (const end of ['max', 'drain']) {
      const { bus, sub, jobs, called } = setup(1, end === 'max' ? { max: 3 } : {});
      publishAll(bus, 3);
      if (end === 'drain') await sub.drain();
      publishAll(bus, 3);
      for (let i = 0; i < 3; i++) {
        expect(sub.isClosed()).toBe(false);
        jobs[i]?.finish();
        await settled();
      }
      expect(called()).toEqual([0, 1, 2]);
      expect(sub.isClosed()).toBe(true);
      expect(await sub.closed).toBeUndefined();
    }
  });

  it('is dropped by an unsubscribe after a drain', async () => {
    const { bus, sub, jobs, called } = setup(1);
    publishAll(bus, 3);
    await sub.drain();
    sub.unsubscribe();
    expect(sub.isClosed()).toBe(true);
    jobs[0]?.finish();
    await settled();
    expect(called()).toEqual([0]);
  });

  it('is waited for by the drain of the bus', async () => {
    const { bus, jobs, called } = setup(1);
    publishAll(bus, 2);
    let isOver = false;
    const drained = bus.drain().then(() => {
      isOver = true;
    });
    await settled();
    jobs[0]?.finish();
    await settled();
    expect([called(), isOver]).toEqual([[0, 1], false]);
    jobs[1]?.finish();
    await drained;
  });

  it('is told of by a drain that has waited long enough', async () => {
    const { bus, clock, sub, jobs, called } = setup(1);
    const told: Status[] = [];
    const statuses = (async () => {
      for await (const status of bus.status()) told.push(status);
    })();
    publishAll(bus, 3);
    const drained = bus.drain();
    await settled();
    clock.advance(30_000);
    await drained;
    await statuses;
    expect(told[0]).toEqual({ type: 'slowConsumer', sub, pending: 3 });
    // What has not begun by then does not begin.
    jobs[0]?.finish();
    await settled();
    expect([called(), sub.isClosed()]).toEqual([[0], true]);
  });
});
