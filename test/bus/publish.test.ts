// Publishing in one process: synchronous, in order, isolated, by reference.
import { describe, expect, it, vi } from 'vitest';
import { createBus, type Message } from '../../src/index.ts';

describe('publishing outside of a handler', () => {
  it('has delivered when publish returns', () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('orders.*', (msg) => seen.push(msg.subject));
    bus.publish('orders.new');
    expect(seen).toEqual(['orders.new']);
  });

  it('calls subscribers in the order in which they subscribed, whatever their filter', () => {
    const bus = createBus();
    const seen: number[] = [];
    const filters = ['a.>', 'a.b', '>', '*.b', 'a.b', '*.*', 'a.*'];
    filters.forEach((filter, i) => {
      bus.subscribe(filter, () => seen.push(i));
    });
    for (let round = 0; round < 3; round++) {
      seen.length = 0;
      bus.publish('a.b');
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
    }
  });

  it('matches one token with * and one or more with >', () => {
    const bus = createBus();
    const seen: string[] = [];
    for (const filter of ['a.*', 'a.>', '*.b.*', 'a'])
      bus.subscribe(filter, () => seen.push(filter));
    bus.publish('a');
    bus.publish('a.b');
    bus.publish('a.b.c');
    expect(seen).toEqual(['a', 'a.*', 'a.>', 'a.>', '*.b.*']);
  });

  it('takes wildcards in a published subject for tokens like any other', () => {
    const bus = createBus();
    const seen: string[] = [];
    for (const filter of ['a.*', 'a.b', 'a.>']) bus.subscribe(filter, () => seen.push(filter));
    bus.publish('a.*');
    bus.publish('a.>');
    expect(seen).toEqual(['a.*', 'a.>', 'a.*', 'a.>']);
  });

  it('reaches nobody after everybody has left', () => {
    const bus = createBus();
    const seen: unknown[] = [];
    const sub = bus.subscribe('a', (msg) => seen.push(msg.value));
    for (let i = 0; i < 3; i++) bus.publish('a', i);
    sub.unsubscribe();
    bus.publish('a', 'late');
    bus.subscribe('a', (msg) => seen.push(msg.value));
    bus.publish('a', 'again');
    expect(seen).toEqual([0, 1, 2, 'again']);
  });

  it('keeps finding its way with more subjects than the route map holds', () => {
    const bus = createBus();
    let count = 0;
    bus.subscribe('s.*', () => count++);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20_000; i++) bus.publish(`s.${i}`);
    }
    expect(count).toBe(60_000);
  });
});

describe('publishing inside a handler', () => {
  it('is delivered after the message at hand has reached all its subscribers', () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('a', () => {
      bus.publish('b', 1);
      bus.publish('b', 2);
      seen.push('first a');
    });
    bus.subscribe('b', (msg) => seen.push(`b${msg.value}`));
    bus.subscribe('a', () => seen.push('second a'));
    bus.publish('a');
    expect(seen).toEqual(['first a', 'second a', 'b1', 'b2']);
  });

  it('keeps one order for every subscriber, however deep', () => {
    const bus = createBus();
    const first: number[] = [];
    const second: number[] = [];
    bus.subscribe('n', (msg: Message<number>) => {
      first.push(msg.value);
      if (msg.value < 5) {
        bus.publish('n', msg.value + 1);
        bus.publish('n', msg.value + 10);
      }
    });
    bus.subscribe('n', (msg: Message<number>) => second.push(msg.value));
    bus.publish('n', 1);
    expect(first).toEqual([1, 2, 11, 3, 12, 4, 13, 5, 14]);
    expect(second).toEqual(first);
  });

  it('does not grow the stack', () => {
    const bus = createBus();
    let count = 0;
    bus.subscribe('loop', () => {
      if (++count < 200_000) bus.publish('loop');
    });
    bus.publish('loop');
    expect(count).toBe(200_000);
  });

  it('refuses a bad subject at the call', () => {
    const bus = createBus();
    const thrown: unknown[] = [];
    bus.subscribe('a', () => {
      try {
        bus.publish('bad..subject');
      } catch (error) {
        thrown.push((error as Error).name);
      }
    });
    bus.publish('a');
    expect(thrown).toEqual(['InvalidSubjectError']);
  });

  it('sees its own answer only in its turn, also after an await', async () => {
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('a', async () => {
      await null;
      bus.publish('b', 'later');
      seen.push('after');
    });
    bus.subscribe('b', (msg) => seen.push(msg.value));
    bus.publish('a');
    await vi.waitUntil(() => seen.length === 2);
    expect(seen).toEqual(['later', 'after']);
  });
});

describe('cycles', () => {
  it('are cut after a million nested messages, by an error that names the subjects', () => {
    const errors: Error[] = [];
    const bus = createBus({ onError: (error) => errors.push(error as Error) });
    let count = 0;
    const ping = bus.subscribe('ping', () => {
      count++;
      bus.publish('pong');
    });
    bus.subscribe('pong', () => {
      count++;
      bus.publish('ping');
    });
    bus.publish('ping');
    expect(count).toBeGreaterThanOrEqual(1_000_000);
    expect(count).toBeLessThan(1_000_100);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ name: 'CycleError', code: 'ERR_CYCLE' });
    expect((errors[0] as Error & { subjects: string[] }).subjects.sort()).toEqual(['ping', 'pong']);

    ping.unsubscribe();
    const seen: unknown[] = [];
    bus.subscribe('next', (msg) => seen.push(msg.value));
    bus.publish('next', 'lives on');
    expect(seen).toEqual(['lives on']);
  });
});

describe('values', () => {
  it('are the published objects themselves', () => {
    const bus = createBus();
    const order = { id: 1, lines: [1n] };
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.value));
    bus.subscribe('>', (msg) => seen.push(msg.value));
    bus.publish('a', order);
    expect(seen[0]).toBe(order);
    expect(seen[1]).toBe(order);
  });

  it('become bytes once, on first use, shared by all subscriptions', () => {
    let encoded = 0;
    const codec = {
      encode: (value: unknown) => {
        encoded++;
        return new TextEncoder().encode(JSON.stringify(value));
      },
      decode: (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data)),
    };
    const bus = createBus({ codec });
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    bus.subscribe('a', (msg) => kept.push(msg));
    bus.publish('a', { x: 1 });
    expect(encoded).toBe(0);
    expect(kept[0]?.string()).toBe('{"x":1}');
    expect(kept[1]?.json()).toEqual({ x: 1 });
    expect(kept[0]?.data).toBe(kept[1]?.data);
    expect(encoded).toBe(1);
  });

  it('that are strings or bytes stay as they are', () => {
    const bus = createBus();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    const bytes = new Uint8Array([1, 2, 3]);
    bus.publish('a', 'grüße');
    bus.publish('a', bytes);
    bus.publish('a');
    bus.publish('a', new Uint16Array([0x4141]));
    expect(kept[0]?.value).toBe('grüße');
    expect(kept[0]?.string()).toBe('grüße');
    expect(kept[0]?.data).toEqual(new TextEncoder().encode('grüße'));
    expect(kept[1]?.data).toBe(bytes);
    expect(kept[2]?.value).toBeUndefined();
    expect(kept[2]?.data).toHaveLength(0);
    expect(kept[3]?.string()).toBe('AA');
  });

  it('that cannot be encoded still reach subscribers, and fail where bytes are asked for', () => {
    const bus = createBus();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    for (const value of [loop, 1n, () => {}, Symbol('s')]) {
      bus.publish('a', value);
      expect(kept.at(-1)?.value).toBe(value);
      expect(() => kept.at(-1)?.data).toThrow(
        expect.objectContaining({ name: 'InvalidPayloadError', code: 'ERR_INVALID_PAYLOAD' }),
      );
    }
  });
});

describe('text from the program', () => {
  const bad = ['', '.', 'a.', '.a', 'a..b', 'a b', 'a\tb', 'a\r', 'a\n', 'a\0b', 'a.\ud800'];

  it.each(bad)('refuses %j as subject and filter', (text) => {
    const bus = createBus();
    const refusal = expect.objectContaining({ name: 'InvalidSubjectError' });
    bus.subscribe('a', () => {});
    expect(() => bus.publish(text)).toThrow(refusal);
    expect(() => bus.subscribe(text, () => {})).toThrow(refusal);
  });

  it.each(['a b', 'a\tb', 'a\r', 'a\n', 'a.\ud800'])('refuses %j as reply', (text) => {
    const bus = createBus();
    const refusal = expect.objectContaining({ name: 'InvalidSubjectError' });
    bus.subscribe('a', () => {});
    expect(() => bus.publish('a', 1, { reply: text })).toThrow(refusal);
  });

  it.each(['.', 'a.', '.a', 'a..b', 'a\0b'])('takes %j as reply, as a peer may', (text) => {
    const bus = createBus();
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.reply, msg.respond('x')));
    bus.publish('a', 1, { reply: text });
    expect(seen).toEqual([text, true]);
  });

  it('judges inside a handler as outside', () => {
    const bus = createBus();
    const verdicts = (): boolean[] =>
      [...bad, 'a\fb', 'ä.ö', 'a.*.>'].map((text) => {
        try {
          bus.publish(text);
          return true;
        } catch {
          return false;
        }
      });
    let inside: boolean[] = [];
    bus.subscribe('ask', () => {
      inside = verdicts();
    });
    bus.publish('ask');
    expect(inside).toEqual(verdicts());
    expect(inside.slice(-3)).toEqual([true, true, true]);
  });

  it('refuses what is too long, and what is no text', () => {
    const bus = createBus();
    const refusal = expect.objectContaining({ name: 'InvalidSubjectError' });
    const long = 'ä'.repeat(2049);
    expect(() => bus.publish(long)).toThrow(refusal);
    expect(() => bus.publish('a', 1, { reply: long })).toThrow(refusal);
    expect(() => bus.subscribe(long)).toThrow(refusal);
    bus.publish('ä'.repeat(2048), 1, { reply: 'ä'.repeat(2048) });
    for (const none of [undefined, null, 7, {}]) {
      expect(() => bus.publish(none as unknown as string)).toThrow(refusal);
      expect(() => bus.subscribe(none as unknown as string)).toThrow(refusal);
    }
  });

  it.each(['a.>.b', '>.a'])('refuses %j as filter', (filter) => {
    expect(() => createBus().subscribe(filter)).toThrow(
      expect.objectContaining({ name: 'InvalidSubjectError' }),
    );
  });

  it.each(['q q', 'q\r\n', 'q\0', '\udc00'])('refuses %j as queue', (queue) => {
    expect(() => createBus().subscribe('a', { queue })).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError' }),
    );
  });

  it.each(['grüße.*', 'a.b*', '$SYS.x', 'a'.repeat(300)])('takes %j as filter', (filter) => {
    const bus = createBus();
    let count = 0;
    bus.subscribe(filter, () => count++);
    bus.publish(filter);
    expect(count).toBe(1);
  });
});
