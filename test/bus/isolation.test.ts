// What a handler does wrong harms nobody: errors, rejections, subscribing and unsubscribing on the way.
import { describe, expect, it } from 'vitest';
import { createBus, type ErrorContext, type Subscription } from '../../src/index.ts';
import { uncaughtDuring } from '../support/uncaught.ts';

interface Report {
  error: unknown;
  context: ErrorContext;
}

describe('errors of handlers', () => {
  it('go to onError with subject and sid, and the others get the message', () => {
    const reports: Report[] = [];
    const seen: string[] = [];
    const bus = createBus({ onError: (error, context) => reports.push({ error, context }) });
    bus.subscribe('a.*', () => seen.push('before'));
    const failing = bus.subscribe('a.*', () => {
      throw new Error('broken');
    });
    bus.subscribe('a.*', () => seen.push('after'));
    bus.publish('a.x', 7);
    expect(seen).toEqual(['before', 'after']);
    expect(reports).toHaveLength(1);
    expect(reports[0]?.error).toMatchObject({ message: 'broken' });
    expect(reports[0]?.context).toMatchObject({ subject: 'a.x', sid: failing.getID() });
    expect(reports[0]?.context.message?.value).toBe(7);
  });

  it('leave the bus as it was when the program has used up the stack', () => {
    for (let offset = 0; offset < 100; offset++) {
      const bus = createBus({ onError: () => {} });
      bus.subscribe('a', () => bus.publish('b'));
      bus.subscribe('b', () => {});
      const recurse = (): void => {
        bus.publish('a');
        recurse();
      };
      // Each time the stack ends at another place: so many frames of this are more than those of a publish.
      const descend = (depth: number): void => (depth > 0 ? descend(depth - 1) : recurse());
      expect(() => descend(offset)).toThrow(RangeError);
      let count = 0;
      bus.subscribe('after', () => count++);
      bus.publish('after');
      expect(count).toBe(1);
    }
  });

  it('leave the bus as it was whatever is thrown', () => {
    const trapped = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      },
    );
    const thrown = [Object.create(null), Symbol('odd'), trapped, undefined];
    const reports: unknown[] = [];
    const bus = createBus({ onError: (error) => reports.push(error) });
    let count = 0;
    bus.subscribe('a', () => {
      throw thrown[count++];
    });
    for (const _ of thrown) bus.publish('a');
    expect(count).toBe(thrown.length);
    expect(reports.every((error, index) => error === thrown[index])).toBe(true);
    expect(reports).toHaveLength(thrown.length);
  });

  it('go there when a promise rejects, or a thenable', async () => {
    const reports: Report[] = [];
    const bus = createBus({ onError: (error, context) => reports.push({ error, context }) });
    bus.subscribe('a', async () => {
      throw new Error('async');
    });
    bus.subscribe('a', {
      callback: () => Promise.reject(new Error('callback')),
    });
    bus.publish('a');
    expect(reports).toEqual([]);
    await new Promise(setImmediate);
    expect(reports.map(({ error }) => (error as Error).message)).toEqual(['async', 'callback']);
    expect(reports.map(({ context }) => context.sid)).toEqual([1, 2]);
  });

  it('are told by status(), too', async () => {
    const bus = createBus({ onError: () => {} });
    const status = bus.status()[Symbol.asyncIterator]();
    bus.subscribe('a', () => {
      throw new Error('told');
    });
    bus.publish('a');
    const { value } = await status.next();
    expect(value).toMatchObject({ type: 'error', error: { message: 'told' } });
  });

  it('without onError are uncaught errors of the process', async () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('a', () => {
      throw new Error('thrown');
    });
    bus.subscribe('a', async () => {
      throw new Error('rejected');
    });
    bus.subscribe('a', () => seen.push('third'));
    const uncaught = await uncaughtDuring(() => {
      bus.publish('a');
      seen.push('published');
    });
    expect(seen).toEqual(['third', 'published']);
    expect(uncaught).toEqual(['thrown', 'rejected']);
  });

  it('of onError itself are uncaught errors, too', async () => {
    const seen: unknown[] = [];
    const bus = createBus({
      onError: () => {
        throw new Error('of onError');
      },
    });
    bus.subscribe('a', () => {
      throw new Error('of the handler');
    });
    bus.subscribe('a', (msg) => seen.push(msg.value));
    expect(await uncaughtDuring(() => bus.publish('a', 1))).toEqual(['of onError']);
    expect(seen).toEqual([1]);
  });
});

describe('subscribing and unsubscribing inside handlers', () => {
  it('a subscription closed by an earlier handler of the message gets it no more', () => {
    const bus = createBus();
    const seen: string[] = [];
    let second: Subscription | undefined;
    bus.subscribe('a', () => second?.unsubscribe());
    second = bus.subscribe('a', () => seen.push('second'));
    bus.subscribe('a', () => seen.push('third'));
    bus.publish('a');
    expect(seen).toEqual(['third']);
    expect(second.isClosed()).toBe(true);
    expect(second.getReceived()).toBe(0);
  });

  it('a handler may unsubscribe itself', () => {
    const bus = createBus();
    let count = 0;
    const sub = bus.subscribe('a', () => {
      count++;
      sub.unsubscribe();
    });
    bus.publish('a');
    bus.publish('a');
    expect(count).toBe(1);
    expect(sub.getReceived()).toBe(1);
  });

  it('a subscription made by a handler begins with the next message', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    let isFirst = true;
    bus.subscribe('a', () => {
      if (isFirst) bus.subscribe('a', (msg) => seen.push(msg.value));
      isFirst = false;
    });
    bus.publish('a', 1);
    bus.publish('a', 2);
    expect(seen).toEqual([2]);
  });

  it('one that takes the place of a closed one does not get its message', () => {
    const bus = createBus();
    const seen: string[] = [];
    let victim: Subscription | undefined;
    bus.subscribe('a', () => {
      victim?.unsubscribe();
      bus.subscribe('other', () => seen.push('stranger'));
    });
    victim = bus.subscribe('a', () => seen.push('victim'), { max: 100 });
    bus.publish('a');
    expect(seen).toEqual([]);
  });

  it('a queue group whose pick was closed gives the message to another member', () => {
    const bus = createBus();
    const members: Subscription[] = [];
    const seen: number[] = [];
    bus.subscribe('a', () => {
      for (const member of members.slice(1)) member.unsubscribe();
    });
    for (let i = 0; i < 8; i++) {
      members.push(bus.subscribe('a', () => seen.push(i), { queue: 'q' }));
    }
    bus.publish('a');
    expect(seen).toEqual([0]);
  });

  it('a queue group of one whose member was replaced gives it to the new one', () => {
    for (const options of [{ queue: 'q' }, { queue: 'q', max: 50 }]) {
      const bus = createBus();
      const seen: string[] = [];
      let member: Subscription | undefined;
      bus.subscribe('a', () => {
        member?.unsubscribe();
        bus.subscribe('a', () => seen.push('new'), { queue: 'q' });
      });
      member = bus.subscribe('a', () => seen.push('old'), options);
      bus.publish('a');
      expect(seen).toEqual(['new']);
    }
  });

  it('is not taken for nobody when the replacement answers a request', async () => {
    const bus = createBus();
    let isFirst = true;
    bus.subscribe('other', () => {});
    const watcher = bus.subscribe('svc', () => {
      if (!isFirst) return;
      isFirst = false;
      member.unsubscribe();
      bus.subscribe('svc', (msg) => msg.respond('new'), { queue: 'q' });
    });
    const member = bus.subscribe('svc', (msg) => msg.respond('old'), { queue: 'q' });
    expect((await bus.request('svc')).value).toBe('new');
    watcher.unsubscribe();
  });

  it('random changes on the way never reach a stranger, and everybody who stays gets each message', () => {
    const bus = createBus();
    let seed = 42;
    const below = (n: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed % n;
    };
    const filters = ['a', 'b', '*', '>'];
    const subs = new Set<Subscription>();
    let strangers = 0;
    const add = (): void => {
      const filter = filters[below(4)] as string;
      const options = below(3) === 0 ? { max: 1 + below(4) } : {};
      const sub = bus.subscribe(
        filter,
        (msg) => {
          if (
            sub.isClosed() ||
            (filter.length === 1 && /[ab]/.test(filter) && msg.subject !== filter)
          ) {
            strangers++;
          }
          if (below(3) === 0) add();
          if (below(3) === 0) {
            const victim = [...subs][below(subs.size)];
            victim?.unsubscribe();
            if (victim !== undefined) subs.delete(victim);
          }
        },
        options,
      );
      if (subs.size < 50) subs.add(sub);
      else sub.unsubscribe();
    };
    for (let i = 0; i < 10; i++) add();
    let kept = 0;
    bus.subscribe('>', () => kept++);
    for (let i = 0; i < 2000; i++) bus.publish(below(2) === 0 ? 'a' : 'b');
    expect(strangers).toBe(0);
    expect(kept).toBe(2000);
  });
});
