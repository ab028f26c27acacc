// Waiting for one message, and asking who is there.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, type Message } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

function subscriptionsOf(bus: Bus): number {
  return internalsOf(bus).home.subscriptions.size;
}

function reasonOf(promise: Promise<unknown>): Promise<{ code?: string; message?: string }> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error) => error,
  );
}

describe('once', () => {
  it('resolves to the first message, and takes no other', async () => {
    const bus = createBus();
    const first = bus.once<number>('a.*');
    expect(subscriptionsOf(bus)).toBe(1);
    bus.publish('a.b', 1, { reply: 'r' });
    expect(subscriptionsOf(bus)).toBe(0);
    bus.publish('a.c', 2);
    const { subject, value, reply } = await first;
    expect([subject, value, reply]).toEqual(['a.b', 1, 'r']);
  });

  it('resolves to the first that its filter lets pass', async () => {
    const bus = createBus();
    const seen: number[] = [];
    const first = bus.once<number>('a', {
      filter: (msg) => {
        seen.push(msg.value);
        return msg.value > 1;
      },
    });
    for (const value of [1, 2, 3]) bus.publish('a', value);
    expect((await first).value).toBe(2);
    expect(seen).toEqual([1, 2]);
    expect(subscriptionsOf(bus)).toBe(0);
  });

  it('takes one message also where a handler publishes several', async () => {
    const bus = createBus();
    const all: Promise<Message<number>>[] = [];
    bus.subscribe('go', () => {
      all.push(bus.once('a'), bus.once('a'));
      bus.publish('a', 1);
      bus.publish('a', 2);
    });
    bus.publish('go');
    expect((await Promise.all(all)).map(({ value }) => value)).toEqual([1, 1]);
    expect(subscriptionsOf(bus)).toBe(1);
  });

  it('is answered by peers', async () => {
    const bus = createBus();
    const peer = new CorePeer(internalsOf(bus));
    const first = bus.once('a', { filter: (msg) => msg.value === 2 });
    peer.say('PUB a 1\n1\nPUB a 1\n2\n');
    expect((await first).string()).toBe('2');
    expect(subscriptionsOf(bus)).toBe(0);
  });

  it('rejects after its timeout, which what the filter refuses does not end', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const first = bus.once('a', { timeout: 100, filter: () => false });
    clock.advance(99);
    bus.publish('a', 1);
    expect(subscriptionsOf(bus)).toBe(1);
    clock.advance(1);
    expect(subscriptionsOf(bus)).toBe(0);
    const error = await reasonOf(first);
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(error.message).toBe("timeout: no message on 'a' within 100 ms");
  });

  it('gives its timer up when the message comes', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const first = bus.once('a', { timeout: 100 });
    bus.publish('a');
    await first;
    expect(clock.timerCount).toBe(0);
  });

  it.each([false, true])("rejects with its signal's reason, aborted before: %s", async (before) => {
    const bus = createBus();
    const controller = new AbortController();
    const reason = new Error('no more');
    if (before) controller.abort(reason);
    const first = bus.once('a', { signal: controller.signal });
    controller.abort(reason);
    expect(subscriptionsOf(bus)).toBe(0);
    expect(await reasonOf(first)).toBe(reason);
  });

  it('rejects with what its filter throws', async () => {
    const failed: unknown[] = [];
    const bus = createBus({ onError: (error) => failed.push(error) });
    const own = new Error('own');
    const first = bus.once('a', {
      filter: () => {
        throw own;
      },
    });
    bus.publish('a');
    expect(subscriptionsOf(bus)).toBe(0);
    expect(await reasonOf(first)).toBe(own);
    const late = bus.once('a', { filter: (async () => false) as unknown as () => boolean });
    bus.publish('a');
    expect(await reasonOf(late)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(failed).toEqual([]);
  });

  it.each(['close', 'drain'] as const)('rejects when the bus does %s', async (end) => {
    const bus = createBus();
    const first = reasonOf(bus.once('a'));
    await bus[end]();
    expect(await first).toMatchObject({ code: 'ERR_CLOSED_CONNECTION' });
    expect(await reasonOf(bus.once('a'))).toMatchObject({ code: 'ERR_CLOSED_CONNECTION' });
  });

  it('rejects for its arguments, and nothing is left', async () => {
    const bus = createBus();
    const wrong: [string, object][] = [
      ['a..b', {}],
      ['a', { timeout: -1 }],
      ['a', { filter: 7 }],
      ['a', { signal: {} }],
    ];
    for (const [subject, options] of wrong) {
      expect(await reasonOf(bus.once(subject, options))).toMatchObject({
        code: expect.stringMatching(/^ERR_INVALID_(ARGUMENT|SUBJECT)$/),
      });
    }
    expect(subscriptionsOf(bus)).toBe(0);
  });

  it('has the line of its caller in the stack of its error', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    async function whoWaits(): Promise<unknown> {
      return await bus.once('a', { timeout: 1 });
    }
    const error = reasonOf(whoWaits());
    clock.advance(1);
    expect(((await error) as Error).stack).toContain('whoWaits');
  });
});

describe('hasInterest', () => {
  it('says whether somebody here would get it', () => {
    const bus = createBus();
    expect(bus.hasInterest('a.b')).toBe(false);
    const subs = [bus.subscribe('a.*', () => {}), bus.subscribe('>', { queue: 'q' })];
    expect(bus.hasInterest('a.b')).toBe(true);
    subs[0]?.unsubscribe();
    expect(bus.hasInterest('a.b')).toBe(true);
    subs[1]?.unsubscribe();
    expect(bus.hasInterest('a.b')).toBe(false);
  });

  it('says whether a peer would', () => {
    const bus = createBus();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB a.> 1\n');
    expect([bus.hasInterest('a.b'), bus.hasInterest('b')]).toEqual([true, false]);
    peer.say('UNSUB 1\n');
    expect(bus.hasInterest('a.b')).toBe(false);
  });

  it('is of its account, and takes wildcards for what they are in a publish', () => {
    const bus = createBus();
    bus.subscribe('a.b', () => {});
    expect(bus.account('OTHER').hasInterest('a.b')).toBe(false);
    expect(bus.hasInterest('a.*')).toBe(false);
    bus.subscribe('a.*', () => {});
    expect(bus.hasInterest('a.*')).toBe(true);
  });

  it('can be asked inside a handler, about the moment at hand', () => {
    const bus = createBus();
    const said: boolean[] = [];
    const sub = bus.subscribe('a', () => {
      said.push(bus.hasInterest('a'));
      sub.unsubscribe();
      said.push(bus.hasInterest('a'));
    });
    const peer = new CorePeer(internalsOf(bus));
    peer.say('PUB a 0\n\n');
    expect(said).toEqual([true, false]);
  });

  it('judges the subject, and a closed bus', async () => {
    const bus = createBus();
    expect(() => bus.hasInterest('a..b')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_SUBJECT' }),
    );
    expect(() => bus.hasInterest(7 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_SUBJECT' }),
    );
    await bus.close();
    expect(() => bus.hasInterest('a')).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED_CONNECTION' }),
    );
  });
});
