// A publish that waits for the handlers it has reached: for whom, for how long, and who hears of their errors.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { STATUS_NO_MEMORY } from '../../src/core/index.ts';
import { type Bus, CapacityError, createBus, type Status } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

interface Setup {
  bus: Bus;
  clock: FakeClock;
  /** What was reported. */
  errors: unknown[];
}

function setup(): Setup {
  const errors: unknown[] = [];
  const clock = new FakeClock();
  const bus = createBus({ clock, onError: (error) => errors.push(error) });
  return { bus, clock, errors };
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
  fail(error: unknown): void;
}

function gate(): Gate {
  let open!: () => void;
  let fail!: (error: unknown) => void;
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  const note = (): void => {
    isOver = true;
  };
  promise.then(note, note);
  await settled();
  return !isOver;
}

function reasonOf(promise: Promise<unknown>): Promise<AggregateError & { code?: string }> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error) => error,
  );
}

describe('publishSettled', () => {
  it('resolves when all handlers have settled', async () => {
    const { bus } = setup();
    const gates = [gate(), gate()];
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => void seen.push(msg.value));
    bus.subscribe('a.>', () => seen.push('another'));
    bus.subscribe('*', () => gates[0]?.opened);
    bus.subscribe('a', () => gates[1]?.opened, { queue: 'q' });
    const done = bus.publishSettled('a', 1);
    expect(seen).toEqual([1]);
    gates[0]?.open();
    expect(await isPending(done)).toBe(true);
    gates[1]?.open();
    expect(await done).toBeUndefined();
  });

  it('resolves where nobody is, and where handlers return at once', async () => {
    const { bus } = setup();
    await bus.publishSettled('a', 1);
    bus.subscribe('a', () => 'a value');
    await bus.publishSettled('a', 1, { reply: 'r' });
  });

  it('rejects with all that was thrown, which is not reported', async () => {
    const { bus, errors } = setup();
    const told: Status[] = [];
    void (async () => {
      for await (const status of bus.status()) told.push(status);
    })();
    const [one, other] = [new Error('one'), new Error('other')];
    const last = gate();
    bus.subscribe('a', () => {
      throw one;
    });
    bus.subscribe('a', async () => {
      throw other;
    });
    bus.subscribe('a', () => last.opened);
    const failed = reasonOf(bus.publishSettled('a'));
    expect(await isPending(failed)).toBe(true);
    last.open();
    const error = await failed;
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.errors).toEqual([one, other]);
    expect(error.message).toBe("2 of the handlers of 'a' failed: one");
    await settled();
    expect([errors, told]).toEqual([[], []]);
    // The same handlers with a publish that nobody waits for.
    bus.publish('a');
    await settled();
    expect(errors).toEqual([one, other]);
  });

  it('has the line of its caller in the stack of its error', async () => {
    const { bus } = setup();
    bus.subscribe('a', async () => {
      throw new Error('own');
    });
    async function whoWaits(): Promise<void> {
      await bus.publishSettled('a');
    }
    expect((await reasonOf(whoWaits())).stack).toContain('whoWaits');
  });

  it('does not wait for loops and peers, which get it', async () => {
    const { bus } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB a 1\n');
    const loop = bus.subscribe('a');
    await bus.publishSettled('a', { id: 1 });
    expect(peer.heard()).toBe('MSG a 1 8\n{"id":1}\n');
    expect(loop.getPending()).toBe(1);
  });

  it('waits for handlers that the core routes to, beside peers and with a max', async () => {
    const { bus } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB a 1\n');
    const hold = gate();
    bus.subscribe('a', () => hold.opened, { max: 1 });
    const done = bus.publishSettled('a');
    expect(await isPending(done)).toBe(true);
    hold.fail(new Error('own'));
    expect((await reasonOf(done)).errors).toHaveLength(1);
  });

  it('reports that peers cannot be sent it, and resolves', async () => {
    const { bus, errors } = setup();
    new CorePeer(internalsOf(bus)).say('SUB a 1\n');
    await bus.publishSettled('a', new Map());
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_INVALID_PAYLOAD' })]);
  });

  it('rejects when there is no memory for it, at once or in its turn', async () => {
    const { bus, errors } = setup();
    const { core } = internalsOf(bus);
    new CorePeer(internalsOf(bus)).say('SUB a 1\n');
    vi.spyOn(core, 'publish').mockReturnValue(STATUS_NO_MEMORY);
    expect((await reasonOf(bus.publishSettled('a'))).code).toBe('ERR_CAPACITY');
    vi.spyOn(core, 'resolve').mockImplementation(() => {
      throw new CapacityError('a route');
    });
    const failed: unknown[] = [];
    const waiting = (): unknown => bus.publishSettled('b').catch(({ code }) => failed.push(code));
    internalsOf(bus).turn.isDelivering = true;
    const told = waiting();
    internalsOf(bus).turn.isDelivering = false;
    internalsOf(bus).turn.within(() => {});
    await told;
    expect([failed, errors]).toEqual([['ERR_CAPACITY'], []]);
  });

  it('rejects after its timeout; what has failed, and what fails later, is reported', async () => {
    const { bus, clock, errors } = setup();
    const hold = gate();
    const [early, late] = [new Error('early'), new Error('late')];
    bus.subscribe('a', () => hold.opened);
    bus.subscribe('a', () => {
      throw early;
    });
    const failed = reasonOf(bus.publishSettled('a', 1, { timeout: 100 }));
    await settled();
    expect(errors).toEqual([]);
    clock.advance(100);
    const error = await failed;
    expect(error.code).toBe('ERR_TIMEOUT');
    expect(error.message).toBe("timeout: no end of all handlers on 'a' within 100 ms");
    expect(errors).toEqual([early]);
    hold.fail(late);
    await settled();
    expect(errors).toEqual([early, late]);
  });

  it('gives timer and signal up in the end', async () => {
    const { bus, clock } = setup();
    const { signal } = new AbortController();
    await bus.publishSettled('a', 1, { timeout: 100, signal });
    expect(clock.timerCount).toBe(0);
  });

  it("rejects with its signal's reason, and publishes nothing when it was aborted before", async () => {
    const { bus } = setup();
    const seen: unknown[] = [];
    const hold = gate();
    bus.subscribe('a', (msg) => {
      seen.push(msg.value);
      return hold.opened;
    });
    const controller = new AbortController();
    const reason = new Error('no more');
    const failed = reasonOf(bus.publishSettled('a', 1, { signal: controller.signal }));
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(await reasonOf(bus.publishSettled('a', 2, { signal: controller.signal }))).toBe(reason);
    expect(seen).toEqual([1]);
  });

  it('rejects for its arguments, and when the bus has closed', async () => {
    const { bus } = setup();
    const wrong: [string, object][] = [
      ['a..b', {}],
      ['a', { timeout: '1' }],
      ['a', { headers: {} }],
      ['a', { signal: {} }],
    ];
    for (const [subject, options] of wrong) {
      expect((await reasonOf(bus.publishSettled(subject, 1, options))).code).toMatch(
        /^ERR_INVALID/,
      );
    }
    await bus.close();
    expect((await reasonOf(bus.publishSettled('a'))).code).toBe('ERR_CLOSED_CONNECTION');
  });
});

describe('publishSettled inside a handler', () => {
  it('is of its moment, and waits for what it reaches', async () => {
    const { bus } = setup();
    const context = new AsyncLocalStorage<string>();
    const order: unknown[] = [];
    const hold = gate();
    bus.subscribe('b', async () => {
      order.push(`b in ${context.getStore()}`);
      await hold.opened;
      order.push('b is through');
    });
    bus.subscribe('a', async () => {
      await context.run('own', () => bus.publishSettled('b'));
      order.push('a is through');
    });
    const done = bus.publishSettled('a');
    await settled();
    hold.open();
    await done;
    expect(order).toEqual(['b in own', 'b is through', 'a is through']);
  });

  it('of its own subscription of one call at a time ends by its timeout', async () => {
    const { bus, clock, errors } = setup();
    const seen: unknown[] = [];
    const inner: unknown[] = [];
    bus.subscribe(
      'a',
      async ({ value }) => {
        seen.push(value);
        if (value !== 0) return;
        await bus.publishSettled('a', 1, { timeout: 100 }).catch((error) => inner.push(error.code));
      },
      { concurrency: 1 },
    );
    const done = bus.publishSettled('a', 0);
    await settled();
    expect(seen).toEqual([0]);
    clock.advance(100);
    await done;
    await settled();
    expect([seen, inner, errors]).toEqual([[0, 1], ['ERR_TIMEOUT'], []]);
  });

  it('rejects when handlers answer each other for ever', async () => {
    const { bus, errors } = setup();
    const failed: Promise<unknown>[] = [];
    let calls = 0;
    bus.subscribe('a', () => {
      bus.publish('a');
      // Near the end of the circle, when its last messages are dropped.
      if (++calls < 999_990) return;
      failed.push(bus.publishSettled('nobody').then(undefined, ({ code }) => code));
    });
    bus.publish('a');
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_CYCLE' })]);
    const codes = await Promise.all(failed);
    expect(codes.at(-1)).toBe('ERR_CYCLE');
  });
});

describe('messages that wait for a handler', () => {
  it('are waited for until it has settled', async () => {
    const { bus } = setup();
    const holds = [gate(), gate()];
    bus.subscribe('a', ({ value }) => holds[value as number]?.opened, { concurrency: 1 });
    bus.publish('a', 0);
    const done = bus.publishSettled('a', 1);
    holds[0]?.open();
    expect(await isPending(done)).toBe(true);
    holds[1]?.fail(new Error('own'));
    expect((await reasonOf(done)).errors).toEqual([new Error('own')]);
  });

  it('count as settled when they are dropped', async () => {
    const { bus } = setup();
    const hold = gate();
    const options = { concurrency: 1, bufferMax: 1, overflow: 'drop-oldest' } as const;
    bus.subscribe('a', () => hold.opened, options);
    bus.publish('a', 0);
    const oldest = bus.publishSettled('a', 1);
    const newest = bus.publishSettled('a', 2);
    await oldest;
    expect(await isPending(newest)).toBe(true);
    hold.open();
    await newest;
  });

  it('count as settled when their subscription ends', async () => {
    const { bus } = setup();
    const hold = gate();
    const sub = bus.subscribe('a', () => hold.opened, { concurrency: 1 });
    bus.publish('a', 0);
    const done = bus.publishSettled('a', 1);
    sub.unsubscribe();
    await done;
  });
});
