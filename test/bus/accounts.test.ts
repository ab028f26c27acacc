// Accounts as a program uses them: one engine, a bus for each, and nothing seen from one in another.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, type Message, type Status } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

const closed = expect.objectContaining({ name: 'ClosedConnectionError' });

/** Turns of the microtask queue: what promises have to say has been said. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}

function live(bus: Bus): { accounts: number; nodes: number; subscriptions: number } {
  return internalsOf(bus).core.live();
}

describe('the bus of an account', () => {
  it('is the same each time, from whichever bus it is asked for', () => {
    const bus = createBus();
    const a = bus.account('A');
    expect(a).not.toBe(bus);
    expect(bus.account('A')).toBe(a);
    expect(a.account('A')).toBe(a);
    expect(a.account('$G')).toBe(bus);
    expect(a.account('B')).toBe(bus.account('B'));
    expect(bus.accounts()).toEqual(['$G', '$SYS', 'A', 'B']);
  });

  it('has subjects of its own', () => {
    const bus = createBus();
    const heard: string[] = [];
    for (const name of ['$G', '$SYS', 'A', 'B']) {
      bus.account(name).subscribe('>', (msg) => heard.push(`${name} ${msg.string()}`));
    }
    bus.account('A').publish('x', 'one');
    bus.publish('x', 'two');
    bus.account('B').publisher('x').publish('three');
    expect(heard).toEqual(['A one', '$G two', 'B three']);
  });

  it('has requests of its own, and nobody to answer where nobody is in it', async () => {
    const bus = createBus();
    const [a, b] = [bus.account('A'), bus.account('B')];
    a.subscribe('svc', (msg) => msg.respond('from A'));
    expect((await a.request('svc')).value).toBe('from A');
    await expect(b.request('svc')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
  });

  it('answers a request for all by itself, also where another account uses the same reply', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const asked = new Map<string, Message>();
    const answers = ['A', 'B'].map(async (name) => {
      const account = bus.account(name);
      account.subscribe('svc', (msg) => {
        asked.set(name, msg);
        return new Promise(() => {});
      });
      const options = { strategy: 'all', noMux: true, reply: 'the.reply' } as const;
      const all: string[] = [];
      for await (const msg of await account.requestMany('svc', name, options)) {
        all.push(msg.string());
      }
      return all;
    });
    await settled();
    const tallies = ['A', 'B'].map(
      (name) => internalsOf(bus.account(name)).home.account.tallies.size,
    );
    expect(tallies).toEqual([1, 1]);
    asked.get('A')?.respond('only A');
    expect(await answers[0]).toEqual(['only A']);
    expect(internalsOf(bus.account('B')).home.account.tallies.size).toBe(1);
    asked.get('B')?.respond('only B');
    expect(await answers[1]).toEqual(['only B']);
  });

  it('counts for itself', () => {
    const bus = createBus();
    const [a, b] = [bus.account('A'), bus.account('B')];
    a.subscribe('x', () => {});
    a.subscribe('x', () => {});
    a.publish('x', 1);
    a.publish('y', 1);
    b.publish('x', 1);
    expect(a.stats()).toEqual({ inBytes: 0, outBytes: 0, inMsgs: 2, outMsgs: 2 });
    expect(b.stats()).toEqual({ inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 1 });
    expect(bus.stats()).toEqual({ inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 });
    expect(b.subscribe('z').getID()).toBe(1);
  });

  it('tells its own status, and onError which account it was', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error, context) => errors.push([String(error), context]) });
    const [a, b] = [bus.account('A'), bus.account('B')];
    const told: [string, Status][] = [];
    const loops = [bus, a, b].map(async (each, index) => {
      for await (const status of each.status())
        told.push([['$G', 'A', 'B'][index] as string, status]);
    });
    a.subscribe('x', () => {
      throw new Error('fails');
    });
    a.publish('x', 1);
    expect(errors).toEqual([
      ['Error: fails', expect.objectContaining({ account: 'A', subject: 'x', sid: 1 })],
    ]);
    await bus.close();
    await Promise.all(loops);
    expect(told.filter(([, { type }]) => type === 'error').map(([name]) => name)).toEqual(['A']);
    expect(told.filter(([, { type }]) => type === 'close')).toHaveLength(3);
  });

  it('refuses a name that no account can have', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    for (const name of ['', 'a b', 'a\r\nb', '\ud800', 'x'.repeat(5000), 7 as unknown as string]) {
      expect(() => bus.account(name)).toThrow(
        expect.objectContaining({ name: 'InvalidArgumentError' }),
      );
      expect(() => door.account(name)).toThrow(
        expect.objectContaining({ name: 'InvalidArgumentError' }),
      );
    }
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
  });
});

describe('closing', () => {
  it('ends one account alone and gives its memory back', async () => {
    const bus = createBus();
    const before = live(bus);
    const a = bus.account('A');
    const publisher = a.publisher('x');
    const sub = a.subscribe('x.*', () => {});
    bus.subscribe('x', () => {});
    const answer = a.request('svc', 1, { noMux: true });
    await expect(answer).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
    publisher.publish(1);
    await a.close();
    expect([a.isClosed(), sub.isClosed(), bus.isClosed()]).toEqual([true, true, false]);
    expect(await a.closed()).toBeUndefined();
    expect(() => a.publish('x', 1)).toThrow(closed);
    expect(() => a.publish('y', 1, { reply: 'r' })).toThrow(closed);
    expect(() => publisher.publish(1)).toThrow(closed);
    expect(() => a.publisher('x')).toThrow(closed);
    expect(() => a.subscribe('x')).toThrow(closed);
    expect(() => a.account('B')).toThrow(closed);
    await expect(a.request('x')).rejects.toThrow(closed);
    await expect(a.flush()).rejects.toThrow(closed);
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    expect(live(bus)).toMatchObject({ accounts: before.accounts, nodes: before.nodes + 1 });
    await a.close();
  });

  it('and asking again makes a new one, which those of the old one cannot reach', async () => {
    const bus = createBus();
    const old = bus.account('A');
    const publisher = old.publisher('x');
    await old.close();
    const fresh = bus.account('A');
    expect(fresh).not.toBe(old);
    fresh.subscribe('x', () => expect.unreachable());
    expect(() => publisher.publish(1)).toThrow(closed);
    expect(() => old.publish('x', 1)).toThrow(closed);
    expect([fresh.isClosed(), bus.account('A')]).toEqual([false, fresh]);
    await old.close();
    expect(fresh.isClosed()).toBe(false);
  });

  it('inside of a handler gives the memory back when what was published before is on its way', () => {
    const bus = createBus();
    const a = bus.account('A');
    const peer = new CorePeer(internalsOf(a));
    peer.say('SUB y 1\n');
    const heard: string[] = [];
    a.subscribe('x', () => {
      a.publish('y', 'in time');
      void a.close();
      expect(() => a.publish('y', 'too late')).toThrow(closed);
      heard.push('first');
    });
    a.subscribe('x', () => expect.unreachable());
    bus.subscribe('x', () => heard.push('of another account'));
    a.publish('x', 1);
    expect(peer.heard()).toBe('MSG y 1 7\nin time\n');
    peer.close();
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    bus.publish('x', 1);
    expect(heard).toEqual(['first', 'of another account']);
  });

  it('leaves nothing that could be delivered by its door, also while peers keep the account', async () => {
    const bus = createBus();
    const a = bus.account('A');
    const door = internalsOf(a);
    const peer = new CorePeer(door);
    peer.say('SUB x 1\n');
    const message = { to: 'x', payload: new Uint8Array(1) };
    expect(door.deliver(message).delivered).toBe(1);
    await a.close();
    expect(() => door.deliver(message)).toThrow(closed);
    peer.close();
    expect(() => door.deliver(message)).toThrow(closed);
    expect(door.hasInterest('x')).toBe(false);
  });

  it('of a bus that has something waiting keeps it from whoever comes afterwards', () => {
    const bus = createBus();
    const old = bus.account('A');
    const publisher = old.publisher('x');
    const got: unknown[] = [];
    old.subscribe('go', () => {
      old.publish('y', 'waiting');
      void old.close();
      bus.account('A').subscribe('x', (msg) => got.push(msg.value));
    });
    old.publish('go');
    expect(() => old.publish('x', 'too late')).toThrow(closed);
    expect(() => publisher.publish('too late')).toThrow(closed);
    expect(got).toEqual([]);
  });

  it('of a bus that has something waiting is told as what it is when nobody is left', () => {
    const bus = createBus();
    const a = bus.account('A');
    a.subscribe('go', () => {
      a.publish('y', 'waiting');
      void a.close();
    });
    a.publish('go');
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    expect(() => a.publish('x')).toThrow(closed);
  });

  it('is counted where the message arrives', () => {
    const bus = createBus();
    const old = bus.account('A');
    const { home } = internalsOf(bus).account('A');
    const got: unknown[] = [];
    for (let i = 0; i < 2; i++) home.subscribe('y', (msg) => got.push(msg.value), {});
    old.subscribe('go', () => {
      old.publish('y', 'waiting');
      void old.close();
    });
    old.publish('go');
    expect(got).toEqual(['waiting', 'waiting']);
    expect(home.stats).toMatchObject({ inMsgs: 2, outMsgs: 0 });
    expect(old.stats()).toMatchObject({ inMsgs: 1, outMsgs: 2 });
  });

  it('512 times leaves no door that leads to another account', async () => {
    const bus = createBus();
    const old = internalsOf(bus.account('A'));
    for (let i = 0; i < 512; i++) await bus.account('A').close();
    const other = bus.account('Z');
    other.subscribe('x', () => expect.unreachable());
    expect(old.hasInterest('x')).toBe(false);
    expect(() => old.deliver({ to: 'x', payload: new Uint8Array(1) })).toThrow(closed);
  });

  it('keeps an account in which peers are, for whoever asks for it again', async () => {
    const bus = createBus();
    const a = bus.account('A');
    const peer = new CorePeer(internalsOf(a));
    peer.say('SUB x 1\n');
    await a.close();
    expect(bus.accounts()).toContain('A');
    const again = bus.account('A');
    again.publish('x', 'hi');
    expect(peer.heard()).toBe('MSG x 1 2\nhi\n');
    expect(() => a.publish('x', 'hi')).toThrow(closed);
    await again.close();
    peer.close();
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
  });

  it('the bus of $G closes all', async () => {
    const bus = createBus();
    const [a, b] = [bus.account('A'), bus.account('B')];
    const loop = a.subscribe('x')[Symbol.asyncIterator]();
    const waiting = b.request('svc', 1, { timeout: 60_000 });
    b.subscribe('svc', () => {});
    const failed = expect(waiting).rejects.toThrow();
    await bus.close();
    await failed;
    expect([a.isClosed(), b.isClosed(), bus.isClosed()]).toEqual([true, true, true]);
    expect(await loop.next()).toMatchObject({ done: true });
    expect(() => bus.account('A')).toThrow(closed);
    expect(live(bus).subscriptions).toBe(0);
  });

  it('a drain of $G lets loops of all accounts take what is buffered', async () => {
    const bus = createBus();
    const a = bus.account('A');
    const got: unknown[] = [];
    const sub = a.subscribe('x');
    const loop = (async () => {
      for await (const msg of sub) {
        await null;
        got.push(msg.value);
      }
    })();
    for (let i = 0; i < 3; i++) a.publish('x', i);
    const drained = bus.drain();
    expect([bus.isDraining(), a.isDraining(), a.isClosed()]).toEqual([true, true, false]);
    expect(() => bus.account('B')).toThrow(
      expect.objectContaining({ name: 'DrainingConnectionError' }),
    );
    await drained;
    await loop;
    expect(got).toEqual([0, 1, 2]);
    expect([a.isClosed(), bus.isClosed()]).toEqual([true, true]);
  });

  it('a drain of $G lets its loops publish in other accounts until the end', async () => {
    const bus = createBus();
    const a = bus.account('A');
    const peer = new CorePeer(internalsOf(a));
    peer.say('SUB y 1\n');
    const sub = bus.subscribe('x');
    const loop = (async () => {
      for await (const msg of sub) {
        await null;
        a.publish('y', `${msg.value}`);
      }
    })();
    for (let i = 0; i < 5; i++) bus.publish('x', i);
    await bus.drain();
    await loop;
    const sent = [0, 1, 2, 3, 4].map((i) => `MSG y 1 1\n${i}\n`);
    expect(peer.heard()).toBe(sent.join(''));
  });

  it('a drain of one account leaves the others alone', async () => {
    const bus = createBus();
    const a = bus.account('A');
    await a.drain();
    expect([a.isClosed(), bus.isClosed(), bus.isDraining()]).toEqual([true, false, false]);
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
  });

  it('$SYS stays when its bus has closed', async () => {
    const bus = createBus();
    const system = bus.account('$SYS');
    await system.close();
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    const again = bus.account('$SYS');
    expect(again).not.toBe(system);
    const heard: string[] = [];
    again.subscribe('x', (msg) => heard.push(msg.string()));
    again.publish('x', 'hi');
    expect(heard).toEqual(['hi']);
  });

  it('of $G closes what stands on the bus in other accounts, and nothing begins anew', async () => {
    const bus = createBus();
    const service = internalsOf(bus).account('A');
    service.home.subscribe('x', () => {}, {});
    await bus.close();
    expect(service.home.isClosed).toBe(true);
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    expect(live(bus)).toMatchObject({ accounts: 2, subscriptions: 0 });
    for (const name of ['$G', 'A']) {
      expect(() => internalsOf(bus).account(name)).toThrow(closed);
    }
    expect(() => internalsOf(bus).home.subscribe('x', () => {}, {})).toThrow(closed);
  });

  it('of a bus leaves services in its account alone, and they keep it', async () => {
    const bus = createBus();
    const service = internalsOf(bus).account('A');
    const heard: string[] = [];
    service.home.subscribe('x', (msg) => heard.push(msg.string()), {});
    const a = bus.account('A');
    a.publish('x', 'one');
    await a.close();
    expect(bus.accounts()).toContain('A');
    bus.account('A').publish('x', 'two');
    expect(heard).toEqual(['one', 'two']);
    await bus.account('A').close();
    service.close();
    expect(bus.accounts()).toEqual(['$G', '$SYS']);
    expect(() => service.home.publish('x')).toThrow(closed);
  });

  it('is seen as such by what runs at the end of its turn', async () => {
    const bus = createBus();
    const a = bus.account('A');
    a.subscribe('x', () => {});
    const seen: unknown[] = [];
    const watch = internalsOf(bus).account('A');
    watch.watchInterest('x', () => {
      try {
        seen.push(a.isClosed(), bus.account('A') === a);
      } catch (error) {
        seen.push((error as Error).name);
      }
    });
    seen.length = 0;
    await a.close();
    expect(seen).toEqual([true, false]);
    seen.length = 0;
    internalsOf(bus).turn.within(() => {
      internalsOf(bus).atTurnEnd(() => {
        try {
          seen.push(bus.account('A'));
        } catch (error) {
          seen.push((error as Error).name);
        }
      });
      void bus.close();
    });
    expect(seen).toEqual(['ClosedConnectionError']);
  });

  it('a circle of one account stops that account alone, and is told there', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error, { account }) => errors.push([error, account]) });
    const [a, b] = [bus.account('A'), bus.account('B')];
    const told: string[] = [];
    for (const [name, each] of Object.entries({ G: bus, A: a, B: b })) {
      void (async () => {
        for await (const { type } of each.status()) told.push(`${name} ${type}`);
      })();
    }
    const heard: unknown[] = [];
    b.subscribe('tell', (msg) => heard.push(msg.value));
    let rounds = 0;
    a.subscribe('loop', () => {
      a.publish('loop');
      if (++rounds === 999_999) b.publish('tell', 'still here');
    });
    a.publish('loop');
    await settled();
    expect(heard).toEqual(['still here']);
    expect(errors).toEqual([[expect.objectContaining({ name: 'CycleError' }), 'A']]);
    expect(told).toEqual(['A error']);
    a.publish('other');
    expect(rounds).toBeGreaterThanOrEqual(999_999);
  });

  it('a watch of interest ends with its account', async () => {
    const bus = createBus();
    const a = bus.account('A');
    const seen: boolean[] = [];
    internalsOf(a).watchInterest('x', (hasInterest) => seen.push(hasInterest));
    a.subscribe('x', () => {});
    await a.close();
    expect(seen).toEqual([true]);
    bus.account('B').subscribe('x', () => {});
    expect(seen).toEqual([true]);
  });
});
