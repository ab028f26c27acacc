// The end of subscriptions, connections and buses in order: who is waited for, until when, and who is not.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  connect,
  createBus,
  headers,
  type Message,
  type Status,
  type Subscription,
  syncIterator,
} from '../../src/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A promise and the end of it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Whether it has settled once everything that can happen at once has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

async function statusOf(bus: Bus): Promise<Status[]> {
  const all: Status[] = [];
  for await (const status of bus.status()) all.push(status);
  return all;
}

describe('the drain of a subscription', () => {
  it('inside the loop over it does not wait for that loop, which gets its rest', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    const seen: unknown[] = [];
    for await (const msg of sub) {
      seen.push(msg.value);
      if (msg.value === 0) await sub.drain();
      bus.publish('a', 'late');
    }
    expect(seen).toEqual([0, 1, 2]);
    expect(sub.isClosed()).toBe(true);
  });

  it('leaves what is buffered to a loop that begins later', async () => {
    const bus = createBus();
    const sub = bus.subscribe('a');
    bus.publish('a', 1);
    await sub.drain();
    const seen: unknown[] = [];
    for await (const msg of sub) seen.push(msg.value);
    expect(seen).toEqual([1]);
  });
});

describe('the drain of a connection', () => {
  it('inside a loop ends at once, and the loop gets its rest', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const connection = await connect({ bus });
    const sub = connection.subscribe('a');
    for (const text of ['0', '1', '2']) bus.publish('a', text, { reply: 'nobody' });
    const seen: string[] = [];
    for await (const msg of sub) {
      seen.push(msg.string());
      if (seen.length === 1) await connection.drain();
      expect(msg.respond('late')).toBe(false);
    }
    expect(seen).toEqual(['0', '1', '2']);
    expect([connection.isClosed(), clock.timerCount]).toEqual([true, 0]);
  });
});

describe('the drain of a bus', () => {
  it('waits for a loop until its last body is through', async () => {
    const bus = createBus();
    const body = gate();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a');
    const loop = (async () => {
      for await (const msg of sub) {
        if (msg.value === 2) await body.opened;
        seen.push(msg.value);
      }
    })();
    bus.publish('a', 1);
    bus.publish('a', 2);
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    expect(seen).toEqual([1]);
    body.open();
    await drained;
    expect(seen).toEqual([1, 2]);
    await loop;
  });

  it.each<[string, (bus: Bus, sub: Subscription) => void]>([
    ['whose max has come', (_, sub) => sub.unsubscribe(1)],
    ['that has unsubscribed itself', (_, sub) => sub.unsubscribe()],
    ['that is drained', (_, sub) => void sub.drain()],
  ])('waits for the last message of a loop %s', async (_, end) => {
    const bus = createBus();
    const body = gate();
    const sub = bus.subscribe('a');
    const loop = (async () => {
      for await (const _msg of sub) {
        end(bus, sub);
        await body.opened;
      }
    })();
    bus.publish('a', 1);
    await null;
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    body.open();
    await Promise.all([drained, loop]);
  });

  it('waits for the last message of a loop that its max has ended', async () => {
    const bus = createBus();
    const body = gate();
    const sub = bus.subscribe('a', { max: 1 });
    const loop = (async () => {
      for await (const _msg of sub) await body.opened;
    })();
    bus.publish('a', 1);
    expect(sub.isClosed()).toBe(true);
    await null;
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    body.open();
    await Promise.all([drained, loop]);
  });

  it('waits for a loop over what is left of a subscription that had ended before', async () => {
    const bus = createBus();
    const body = gate();
    const sub = bus.subscribe('a');
    bus.publish('a', 1);
    sub.unsubscribe();
    const loop = (async () => {
      for await (const _msg of sub) await body.opened;
    })();
    await null;
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    body.open();
    await Promise.all([drained, loop]);
  });

  it.each<[string, (sub: Subscription) => void]>([
    ['', () => {}],
    [' whose subscription has unsubscribed itself', (sub) => sub.unsubscribe()],
    [' whose subscription has had its max', (sub) => sub.unsubscribe(1)],
  ])('waits for an asynchronous handler%s', async (_, end) => {
    const bus = createBus();
    const work = gate();
    let isDone = false;
    const sub: Subscription = bus.subscribe('a', async () => {
      end(sub);
      await work.opened;
      isDone = true;
    });
    bus.publish('a');
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    work.open();
    await drained;
    expect(isDone).toBe(true);
  });

  it('waits for a handler that answers a request for all, and for one that fails', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push(error) });
    const work = gate();
    bus.subscribe('svc', async (msg) => {
      await work.opened;
      msg.respond('in time');
      throw new Error('afterwards');
    });
    const all = await bus.requestMany('svc', '', { strategy: 'all' });
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    work.open();
    await drained;
    const seen: unknown[] = [];
    for await (const msg of all) seen.push(msg.value);
    expect(seen).toEqual(['in time']);
    expect(errors.map(String)).toEqual(['Error: afterwards']);
  });

  it('tells whom it has left behind, and ends after its time', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock, drainTimeoutMs: 500 });
    const told = statusOf(bus);
    const stuck = gate();
    const slow = bus.subscribe('a', () => stuck.opened);
    const behind = bus.subscribe('a');
    const loop = (async () => {
      for await (const _msg of behind) await stuck.opened;
    })();
    bus.subscribe('a', () => {});
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    await null;
    const drained = bus.drain();
    clock.advance(499);
    expect(await isSettled(drained)).toBe(false);
    clock.advance(1);
    await drained;
    expect(await told).toEqual([
      { type: 'slowConsumer', sub: slow, pending: 3 },
      { type: 'slowConsumer', sub: behind, pending: 2 },
      { type: 'close' },
    ]);
    stuck.open();
    await loop;
    expect(clock.timerCount).toBe(0);
  });

  it('inside a loop waits for that loop until its time is over', async () => {
    const bus = createBus({ drainTimeoutMs: 20 });
    bus.subscribe('b', () => {});
    const sub = bus.subscribe('a');
    for (let i = 0; i < 2; i++) bus.publish('a', i);
    const told = statusOf(bus);
    const seen: unknown[] = [];
    for await (const msg of sub) {
      if (msg.value === 0) await bus.drain();
      seen.push(msg.value);
    }
    expect(seen).toEqual([0, 1]);
    expect((await told)[0]).toMatchObject({ type: 'slowConsumer', sub });
  });

  it('ends at once when the bus is closed meanwhile', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    bus.subscribe('a', () => new Promise(() => {}));
    bus.publish('a');
    const drained = bus.drain();
    await bus.close();
    await drained;
    expect(clock.timerCount).toBe(0);
  });

  it('does not wait for inboxes, of its own requests or of connections', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const connection = await connect({ bus });
    bus.subscribe('svc', () => {});
    const requests = Promise.allSettled([
      bus.request('svc', '', { noMux: true }),
      connection.request('svc'),
      connection.request('svc', '', { noMux: true }),
    ]);
    await null;
    await bus.drain();
    expect(bus.isClosed()).toBe(true);
    const names = (await requests).map((each) => each.status === 'rejected' && each.reason.name);
    expect(names).toEqual(['RequestError', 'RequestError', 'RequestError']);
    expect(clock.timerCount).toBe(0);
  });

  it('lets the answers to requests come, of whatever inbox', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const answer = gate();
    bus.subscribe('svc', async (msg) => {
      await answer.opened;
      msg.respond('x');
    });
    const requests = [
      bus.request('svc'),
      bus.request('svc', '', { noMux: true }),
      connection.request('svc'),
    ];
    const drained = bus.drain();
    answer.open();
    expect((await Promise.all(requests)).map((msg) => msg.string())).toEqual(['x', 'x', 'x']);
    await drained;
  });

  it('does not wait for a loop that nobody has begun, nor for one that has been left', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const subs = [bus.subscribe('a'), bus.subscribe('a'), bus.subscribe('a')];
    for (let i = 0; i < 2; i++) bus.publish('a', i);
    for await (const _msg of subs[1] as Subscription) break;
    const loop = (subs[2] as Subscription)[Symbol.asyncIterator]();
    await loop.next();
    await loop.return?.();
    await bus.drain();
    expect(bus.isClosed()).toBe(true);
  });

  it('waits for a promise of any library, and for one that settles twice only once', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push(error) });
    const odd = {
      // biome-ignore lint/suspicious/noThenProperty: as another library has it
      then(done: () => void, fail: (error: unknown) => void) {
        done();
        done();
        fail(new Error('no more'));
        throw new Error('nor this');
      },
    };
    bus.subscribe('a', () => odd);
    bus.publish('a');
    const work = gate();
    bus.subscribe('b', () => work.opened);
    bus.publish('b');
    const drained = bus.drain();
    expect(await isSettled(drained)).toBe(false);
    work.open();
    await drained;
    expect(errors).toEqual([]);
  });
});

describe('what is at work', () => {
  it('is not remembered when nobody holds its loop or promise any more', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const bus = createBus();
    const { underWay } = internalsOf(bus).home;
    const leave = async (): Promise<void> => {
      const sub = bus.subscribe('a');
      const loop = sub[Symbol.asyncIterator]();
      bus.publish('a', 1);
      await loop.next();
      sub.unsubscribe();
      const never = bus.subscribe('b', () => new Promise(() => {}));
      bus.publish('b');
      never.unsubscribe();
    };
    for (let i = 0; i < 200; i++) await leave();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(underWay.all().length).toBeLessThan(5);
    await leave();
    expect(underWay.all().length).toBeGreaterThan(0);
  });
});

describe('a late answer', () => {
  it('is false, and harms nobody, once the bus has closed or been drained', async () => {
    for (const end of ['close', 'drain'] as const) {
      const bus = createBus();
      const kept: Message[] = [];
      bus.subscribe('a', (msg) => kept.push(msg));
      bus.subscribe('b', () => {});
      bus.publish('a', 1, { reply: 'b' });
      const message = kept[0] as Message;
      expect(message.respond('in time')).toBe(true);
      await bus[end]();
      expect([message.respond('late'), bus.respondMessage(message)]).toEqual([false, false]);
      const options = { headers: headers() };
      expect(message.respond({ any: 'thing' }, options)).toBe(false);
    }
  });

  it('is false once its connection has closed, although the bus is open', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const seen: unknown[] = [];
    bus.subscribe('b', (msg) => seen.push(msg.string()));
    bus.subscribe('svc', (msg) => bus.publish(msg.reply ?? '', 'x', { reply: 'b' }));
    const sub = syncIterator(connection.subscribe('a'));
    bus.publish('a', 'x', { reply: 'b' });
    const message = (await sub.next()) as Message;
    const answer = await connection.request('svc');
    const own = await connection.request('svc', '', { noMux: true });
    expect([message, answer, own].map((each) => each.respond('in time'))).toEqual([
      true,
      true,
      true,
    ]);
    await connection.close();
    expect([message, answer, own].map((each) => each.respond('late'))).toEqual([
      false,
      false,
      false,
    ]);
    expect(connection.respondMessage(message)).toBe(false);
    expect(seen).toEqual(['in time', 'in time', 'in time']);
  });
});
