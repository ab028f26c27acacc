// Flush, drain, close and what a bus tells about itself.
import { describe, expect, it } from 'vitest';
import { createBus, type Message } from '../../src/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('flush and rtt', () => {
  it('resolve outside and inside of handlers', async () => {
    const bus = createBus();
    const seen: string[] = [];
    await bus.flush();
    expect(await bus.rtt()).toBeGreaterThanOrEqual(0);
    const done = new Promise<void>((resolve) => {
      bus.subscribe('a', () => {
        bus.publish('b');
        void bus.flush().then(() => {
          seen.push('flushed');
          resolve();
        });
      });
    });
    bus.subscribe('b', () => seen.push('b'));
    bus.publish('a');
    await done;
    expect(seen).toEqual(['b', 'flushed']);
  });
});

describe('drain', () => {
  it('lets loops take what is buffered, and publish, before the bus closes', async () => {
    const bus = createBus();
    const answers: unknown[] = [];
    const sub = bus.subscribe('work');
    bus.subscribe('done', (msg) => answers.push(msg.value));
    const published: unknown[] = [];
    const loop = (async () => {
      for await (const msg of sub) {
        await null;
        bus.publish('anything');
        published.push(msg.value);
      }
    })();
    for (let i = 0; i < 3; i++) bus.publish('work', i);
    const drained = bus.drain();
    expect(bus.isDraining()).toBe(true);
    expect(bus.isClosed()).toBe(false);
    const refusal = expect.objectContaining({ name: 'DrainingConnectionError' });
    expect(() => bus.subscribe('x')).toThrow(refusal);
    await expect(bus.request('x')).rejects.toEqual(refusal);
    await expect(bus.drain()).rejects.toEqual(refusal);
    await drained;
    await loop;
    expect(published).toEqual([0, 1, 2]);
    expect(bus.isClosed()).toBe(true);
    expect(await bus.closed()).toBeUndefined();
  });

  it('lets answers to requests under way come in', async () => {
    const bus = createBus();
    const asked: Message[] = [];
    bus.subscribe('svc', (msg) => asked.push(msg));
    const loop = bus.subscribe('work')[Symbol.asyncIterator]();
    await Promise.all([loop.next(), bus.publish('work', 1)]);
    bus.publish('work', 2);
    const answer = bus.request('svc');
    await null;
    const drained = bus.drain();
    asked[0]?.respond('in time');
    expect((await answer).value).toBe('in time');
    await loop.next();
    await loop.return?.();
    await drained;
  });

  it('does not wait for ever', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock, drainTimeoutMs: 500 });
    const loop = bus.subscribe('a')[Symbol.asyncIterator]();
    bus.publish('a', 1);
    bus.publish('a', 2);
    await loop.next();
    const drained = bus.drain();
    clock.advance(500);
    await drained;
    expect(bus.isClosed()).toBe(true);
    expect((await loop.next()).value).toMatchObject({ value: 2 });
    expect((await loop.next()).done).toBe(true);
  });

  it('is what `await using` does, once', async () => {
    const bus = createBus();
    await bus[Symbol.asyncDispose]();
    expect(bus.isClosed()).toBe(true);
    await bus[Symbol.asyncDispose]();
  });
});

describe('close', () => {
  it('ends subscriptions, loops and requests; nothing works afterwards', async () => {
    const bus = createBus();
    const refusal = expect.objectContaining({ name: 'ClosedConnectionError' });
    const seen: unknown[] = [];
    const kept: Message[] = [];
    const handler = bus.subscribe('a', (msg) => {
      seen.push(msg.value);
      kept.push(msg);
    });
    const loop = (async () => {
      for await (const _ of bus.subscribe('b')) seen.push('never');
    })();
    const request = bus.request('a', 1);
    await bus.close();
    await expect(request).rejects.toMatchObject({ name: 'RequestError', cause: refusal });
    await expect(handler.drain()).rejects.toEqual(refusal);
    await loop;
    expect(handler.isClosed()).toBe(true);
    expect(seen).toEqual([1]);
    expect(() => bus.publish('a')).toThrow(refusal);
    expect(() => bus.subscribe('a')).toThrow(refusal);
    expect(kept[0]?.respond('late')).toBe(false);
    await expect(bus.request('a')).rejects.toEqual(refusal);
    await expect(bus.flush()).rejects.toEqual(refusal);
    await expect(bus.drain()).rejects.toEqual(refusal);
    await bus.close();
  });

  it('is what `using` does', () => {
    const bus = createBus();
    const sub = bus.subscribe('a', () => {});
    bus[Symbol.dispose]();
    expect([bus.isClosed(), sub.isClosed()]).toEqual([true, true]);
    bus[Symbol.dispose]();
  });

  it('inside a handler keeps the message from the others', () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('a', () => void bus.close());
    bus.subscribe('a', () => seen.push('second'));
    bus.publish('a');
    expect(seen).toEqual([]);
    expect(bus.isClosed()).toBe(true);
  });
});

describe('a bus', () => {
  it('counts messages', () => {
    const bus = createBus();
    bus.subscribe('a', () => {});
    bus.subscribe('a', () => {});
    bus.publish('a', 'x');
    bus.publish('nobody', 'x');
    expect(bus.stats()).toEqual({ inBytes: 0, inMsgs: 2, outBytes: 0, outMsgs: 2 });
  });

  it('describes itself', async () => {
    const bus = createBus({ name: 'shop', maxPayload: 64 });
    expect(bus.info).toMatchObject({ server_name: 'shop', max_payload: 64, headers: true });
    expect(bus.getServer()).toBe('');
    expect(bus.getServers()).toEqual([]);
    bus.setServers(['x']);
    expect(bus.getServers()).toEqual([]);
    await bus.reconnect();
  });

  it('publishes a message again, and answers one, by reference', () => {
    const bus = createBus();
    const value = { big: 1n };
    const seen: unknown[] = [];
    bus.subscribe('copy', (msg) => seen.push(msg.value));
    bus.subscribe('back', (msg) => seen.push(msg.value));
    bus.subscribe('a', (msg) => {
      bus.publishMessage({ ...plain(msg), subject: 'copy' });
      expect(bus.respondMessage(msg)).toBe(true);
    });
    bus.publish('a', value, { reply: 'back' });
    expect(seen[1]).toBe(value);
    expect(seen[0]).toEqual(new TextEncoder().encode('bytes'));
  });

  it('publishes what stands in a copy of a message', () => {
    const bus = createBus();
    const value = { big: 1n };
    const seen: unknown[] = [];
    bus.subscribe('copy', (msg) => seen.push(msg.value));
    bus.subscribe('a', (msg) => {
      bus.publishMessage({ ...msg, subject: 'copy' });
      bus.publishMessage({ ...msg, subject: 'copy', data: new Uint8Array([1]) });
    });
    bus.publish('a', value);
    expect(seen).toEqual([value, new Uint8Array([1])]);
    expect(seen[0]).toBe(value);
  });
});

/** As another library would make it. */
function plain(msg: Message): Parameters<ReturnType<typeof createBus>['publishMessage']>[0] {
  return {
    subject: msg.subject,
    sid: msg.sid,
    data: new TextEncoder().encode('bytes'),
    respond: () => false,
    json: <T>() => ({}) as T,
    string: () => '',
  };
}
