// One signal for many subscriptions and requests.
import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { connect, createBus } from '../../src/index.ts';

describe('a signal', () => {
  it('has one listener, however many end with it, and none when all have ended', async () => {
    const bus = createBus();
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    const connection = await connect({ bus });
    bus.subscribe('svc', () => {});
    const subs = [
      ...Array.from({ length: 20 }, () => bus.subscribe('a', () => {}, { signal })),
      bus.account('A').subscribe('a', { signal }),
      connection.subscribe('a', { signal }),
    ];
    const requests = Array.from({ length: 20 }, () => bus.request('svc', '', { signal }));
    await null;
    expect(listeners()).toBe(1);
    const settled = Promise.allSettled(requests);
    for (const sub of subs) sub.unsubscribe();
    expect(listeners()).toBe(1);
    await bus.close();
    await settled;
    expect(listeners()).toBe(0);
  });

  it('ends all of them in the order in which they came, and requests with its reason', async () => {
    const bus = createBus();
    const controller = new AbortController();
    const { signal } = controller;
    const ended: string[] = [];
    bus.subscribe('svc', () => {});
    const names = ['a', 'b', 'c'];
    const subs = names.map((name) => bus.subscribe(name, { signal }));
    const loops = subs.map(async (sub) => {
      for await (const _ of sub) throw new Error('nothing was published');
      ended.push(sub.getSubject());
    });
    const request = bus.request('svc', '', { signal });
    const many = await bus.requestMany('svc', '', { signal, maxWait: 5000 });
    controller.abort(new Error('enough'));
    await expect(request).rejects.toThrow('enough');
    await expect(many[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
    await Promise.all(loops);
    expect(ended).toEqual(names);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(bus.subscribe('late', () => {}, { signal }).isClosed()).toBe(true);
    await expect(bus.request('svc', '', { signal })).rejects.toThrow('enough');
  });

  it('has one listener of many buses, and ends each as if it were alone', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const buses = Array.from({ length: 12 }, () => createBus());
    const subs = buses.map((bus) => bus.subscribe('a', () => {}, { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    subs[0]?.unsubscribe();
    await buses[1]?.close();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(subs.every((sub) => sub.isClosed())).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    for (const bus of buses) await bus.close();
  });

  it('has none of a request that fails before it is sent', () => {
    const bus = createBus();
    const { signal } = new AbortController();
    const options = { noMux: true, reply: 'a b', signal };
    void bus.request('a', '', options).catch(() => {});
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('is asked for a listener once, however many come and go and end with it', () => {
    const bus = createBus();
    const controller = new AbortController();
    const { signal } = controller;
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const subs = Array.from({ length: 20_000 }, (_, i) =>
      bus.subscribe(`s.${i}`, () => {}, { signal }),
    );
    for (let i = 0; i < subs.length; i += 2) subs[i]?.unsubscribe();
    controller.abort();
    expect(subs.every((sub) => sub.isClosed())).toBe(true);
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
  });
});
