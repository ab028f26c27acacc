// A publish from inside a handler waits, and is still of its moment: the asynchronous context of then, and the
// subscriptions of then.
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, type Message } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

/** A bus whose handler of `go` does what the test wants. */
function busWith(inside: (bus: Bus) => void, heard = ''): { bus: Bus; peer: CorePeer } {
  const bus = createBus();
  const peer = new CorePeer(internalsOf(bus));
  if (heard !== '') peer.say(`SUB ${heard} 1\n`);
  bus.subscribe('go', () => inside(bus));
  return { bus, peer };
}

describe('the context of a publish inside a handler', () => {
  const als = new AsyncLocalStorage<string>();

  it('is that of the publisher, for each way to publish', () => {
    const seen: string[] = [];
    const bus = createBus();
    const publisher = bus.publisher('inner');
    const note = (msg: Message): unknown => seen.push(`${msg.value} ${als.getStore()}`);
    bus.subscribe('inner', note);
    bus.subscribe('outer', (msg) => {
      als.run('A', () => bus.publish('inner', 'publish'));
      als.run('B', () => publisher.publish('publisher'));
      als.run('C', () => msg.respond('respond'));
      als.run('D', () => bus.publishMessage({ ...msg, subject: 'inner', data: msg.data }));
      bus.publish('inner', 'here');
      expect(als.getStore()).toBe('root');
    });
    als.run('root', () => bus.publish('outer', '', { reply: 'inner' }));
    expect(seen).toEqual(['publish A', 'publisher B', 'respond C', ' D', 'here root']);
    expect(als.getStore()).toBeUndefined();
  });

  it('is that of a request, and reaches through what its handlers publish', async () => {
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('deep', () => seen.push(als.getStore()));
    bus.subscribe('svc', async (msg) => {
      bus.publish('deep');
      await null;
      msg.respond(als.getStore());
    });
    let answer: Promise<Message> | undefined;
    bus.subscribe('go', () => {
      answer = als.run('A', () => bus.request('svc'));
    });
    als.run('root', () => bus.publish('go'));
    expect((await answer)?.value).toBe('A');
    expect(seen).toEqual(['A']);
  });

  it('is that of the publisher in what a failing handler reports', () => {
    const seen: unknown[] = [];
    const bus = createBus({ onError: () => seen.push(als.getStore()) });
    bus.subscribe('inner', () => {
      throw new Error('no');
    });
    bus.subscribe('go', () => als.run('A', () => bus.publish('inner')));
    als.run('root', () => bus.publish('go'));
    expect(seen).toEqual(['A']);
  });

  it('leaves no asynchronous id alive', async () => {
    const alive = new Set<number>();
    const hook = createHook({
      init: (id, type) => void (type === 'GanglionPublish' && alive.add(id)),
      destroy: (id) => void alive.delete(id),
    });
    const { bus } = busWith((own) => {
      for (let i = 0; i < 5; i++) own.publish('inner');
    });
    hook.enable();
    try {
      bus.publish('go');
      expect(alive.size).toBe(5);
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(alive.size).toBe(0);
    } finally {
      hook.disable();
    }
  });
});

describe.each(['', 'x', '>'])('a publish inside a handler, with a peer at "%s",', (heard) => {
  it('does not reach who subscribes after it, and does who came before', () => {
    const seen: string[] = [];
    const { bus, peer } = busWith((own) => {
      own.publish('x', 1);
      own.subscribe('x', (msg) => seen.push(`plain ${msg.value}`));
      own.subscribe('x', (msg) => seen.push(`group ${msg.value}`), { queue: 'q' });
      own.subscribe('*', (msg) => seen.push(`max ${msg.value}`), { max: 1 });
      own.publish('x', 2);
    }, heard);
    bus.publish('go');
    expect(seen.sort()).toEqual(['group 2', 'max 2', 'plain 2']);
    if (heard === 'x') expect(peer.heard()).toBe('MSG x 1 1\n1\nMSG x 1 1\n2\n');
    bus.publish('x', 3);
    expect(seen.slice(3).sort()).toEqual(['group 3', 'plain 3']);
  });

  it('reaches a member that was there, and not one who has joined its group since', () => {
    const seen: string[] = [];
    const { bus } = busWith((own) => {
      for (let i = 0; i < 20; i++) own.publish('x', i);
      for (let i = 0; i < 20; i++) own.subscribe('x', () => seen.push('late'), { queue: 'q' });
    }, heard);
    bus.subscribe('x', () => seen.push('old'), { queue: 'q' });
    bus.publish('go');
    expect(seen).toEqual(Array.from({ length: 20 }, () => 'old'));
  });

  it('reaches the member that replaces a closed one of its group', () => {
    const seen: string[] = [];
    const { bus } = busWith((own) => {
      own.publish('x');
      old.unsubscribe();
      own.subscribe('x', () => seen.push('late'), { queue: 'q' });
    }, heard);
    const old = bus.subscribe('*', () => seen.push('old'), { queue: 'q' });
    bus.publish('go');
    expect(seen).toEqual(['late']);
  });

  it('does not reach a member that replaces one who had gone before', () => {
    const seen: string[] = [];
    const { bus } = busWith((own) => {
      own.publish('other');
      old.unsubscribe();
      own.publish('x');
      own.subscribe('x', () => seen.push('late'), { queue: 'q' });
    }, heard);
    const old = bus.subscribe('x', () => seen.push('old'), { queue: 'q' });
    bus.publish('go');
    expect(seen).toEqual([]);
  });

  it('does not call who has unsubscribed since', () => {
    const seen: string[] = [];
    const { bus } = busWith((own) => {
      own.publish('x');
      sub.unsubscribe();
    }, heard);
    const sub = bus.subscribe('x', () => seen.push('x'));
    bus.publish('go');
    expect(seen).toEqual([]);
  });

  it('finds nobody when its responder comes after the request', async () => {
    let answer: Promise<unknown> = Promise.resolve();
    const { bus } = busWith(
      (own) => {
        answer = own.request('svc', '', { timeout: 50 }).catch((error: Error) => error);
        own.subscribe('svc', (msg) => msg.respond('late'));
      },
      heard.replace('x', 'svc'),
    );
    bus.publish('go');
    expect(await answer).toMatchObject({ name: heard === '' ? 'RequestError' : 'TimeoutError' });
  });
});

describe('a group with a peer', () => {
  it('loses nothing to those who come after the publish', () => {
    const seen: unknown[] = [];
    const { bus, peer } = busWith((own) => {
      for (let i = 0; i < 50; i++) own.publish('x', i);
      for (let i = 0; i < 50; i++) own.subscribe('x', () => seen.push(i), { queue: 'q' });
    });
    peer.say('SUB x q 1\n');
    bus.publish('go');
    expect(seen).toEqual([]);
    expect(peer.heard().match(/MSG x 1/g)).toHaveLength(50);
  });
});

describe('a fan-out that stops and goes on', () => {
  it('is narrowed to its end, and lets a member stand in', () => {
    const seen = { old: 0, late: 0, standIn: 0 };
    const { bus } = busWith((own) => {
      own.publish('x');
      member.unsubscribe();
      for (let i = 0; i < 100; i++) own.subscribe('x', () => seen.late++);
      for (let i = 0; i < 100; i++) own.subscribe('x', () => seen.standIn++, { queue: 'q' });
    }, 'x');
    const member = bus.subscribe('x', () => {}, { queue: 'q' });
    // More records than the result region has room for.
    for (let i = 0; i < 12_000; i++) bus.subscribe('x', () => seen.old++);
    bus.publish('go');
    expect(seen).toEqual({ old: 12_000, late: 0, standIn: 1 });
    bus.publish('x');
    expect(seen).toEqual({ old: 24_000, late: 100, standIn: 2 });
  });
});

describe('a drain inside a handler', () => {
  it.each(['', 'x'])('lets what waits pass first, with a peer at "%s"', async (heard) => {
    const seen: string[] = [];
    let drained: Promise<unknown> = Promise.resolve();
    const { bus } = busWith((own) => {
      own.publish('x', 1);
      drained = Promise.all([sub.drain(), own.drain()]);
      own.publish('x', 2);
    }, heard);
    const sub = bus.subscribe('x', (msg) => seen.push(`sub ${msg.value}`));
    bus.subscribe('x', (msg) => seen.push(`bus ${msg.value}`));
    bus.publish('go');
    await drained;
    expect(seen).toEqual(['sub 1', 'bus 1']);
    expect([sub.isClosed(), bus.isClosed()]).toEqual([true, true]);
  });

  it('lets the message at hand reach who is drained', async () => {
    const seen: string[] = [];
    let drained: Promise<void> | undefined;
    const { bus } = busWith(() => {
      drained ??= other.drain();
    });
    const other = bus.subscribe('go', () => seen.push('other'));
    bus.publish('go');
    bus.publish('go');
    await drained;
    expect(seen).toEqual(['other']);
  });
});
