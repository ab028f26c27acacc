// What a program asks a bus for beside publish and subscribe, with and without a map of subjects, judged by the compiler.
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  createBus,
  type Message,
  type OnceOptions,
  type Responder,
  type ResponderOptions,
  type Rpc,
  type Subscription,
  type TypedBus,
} from '../../src/index.ts';

interface User {
  name: string;
}

interface Subjects {
  'orders.*.created': { total: number };
  'users.get': Rpc<{ id: string }, User>;
  'users.*.rename': Rpc<string, boolean>;
  'logs.>': string;
  tick: undefined;
}

/** The compiler is asked; nothing runs. */
function never(_check: () => void): void {}

function typed(): TypedBus<Subjects> {
  return createBus<Subjects>();
}

describe('on a typed bus', () => {
  it('once resolves to what is published, and its filter sees that', async () => {
    const bus = typed();
    const first = bus.once('orders.eu.*', {
      filter: ({ value }) => {
        expectTypeOf(value).toEqualTypeOf<{ total: number }>();
        return value.total > 1;
      },
    });
    expectTypeOf(first).toEqualTypeOf<Promise<Message<{ total: number }, unknown>>>();
    bus.publish('orders.eu.created', { total: 2 });
    expect((await first).value.total).toBe(2);
    never(() => {
      // @ts-expect-error: unknown
      void bus.once('nope');
      // @ts-expect-error: not an option
      void bus.once('tick', { max: 1 });
      // @ts-expect-error: a promise is no answer
      void bus.once('tick', { filter: async () => true });
    });
  });

  it('hasInterest and publishSettled are for subjects of the map, with their values', async () => {
    const bus = typed();
    expect(bus.hasInterest('logs.app')).toBe(false);
    expectTypeOf(bus.publishSettled('tick')).toEqualTypeOf<Promise<void>>();
    await bus.publishSettled('logs.app', 'text', { timeout: 1000 });
    never(() => {
      // @ts-expect-error: unknown
      bus.hasInterest('nope');
      // @ts-expect-error: nobody publishes there
      bus.hasInterest('logs.>');
      // @ts-expect-error: another value
      void bus.publishSettled('logs.app', 7);
      // @ts-expect-error: it is missing
      void bus.publishSettled('logs.app');
      // @ts-expect-error: nobody would get it
      void bus.publishSettled('orders.*.created', { total: 1 });
    });
  });

  it('a responder answers what the map says, at once or later', async () => {
    const bus = typed();
    const sub = bus.responder('users.get', ({ id }, msg) => {
      expectTypeOf(id).toEqualTypeOf<string>();
      expectTypeOf(msg).toEqualTypeOf<Message<{ id: string }, User>>();
      return { name: `user ${id}` };
    });
    expectTypeOf(sub).toEqualTypeOf<Subscription<{ id: string }, User>>();
    bus.responder('users.*.rename', async (name) => name !== '', { queue: 'q', concurrency: 2 });
    expect((await bus.request('users.get', { id: '7' })).value.name).toBe('user 7');
    expect((await bus.request('users.7.rename', 'Ada')).value).toBe(true);
    never(() => {
      // @ts-expect-error: a User
      bus.responder('users.get', () => 'Ada');
      // @ts-expect-error: a boolean, also when it comes later
      bus.responder('users.7.rename', async () => 'Ada');
      // @ts-expect-error: nobody asks there
      bus.responder('logs.app', () => 'x');
      // @ts-expect-error: unknown
      bus.responder('nope', () => 'x');
      // @ts-expect-error: it has no callback
      bus.responder('users.get', () => ({ name: '' }), { callback: () => {} });
    });
  });

  it('a handler may have a concurrency', () => {
    const bus = typed();
    bus.subscribe('orders.>', async ({ value }) => void value.total, { concurrency: 4 });
    expect(bus.hasInterest('orders.eu.created')).toBe(true);
  });
});

describe('on a bus without a map', () => {
  it('the caller says what there is', async () => {
    const bus = createBus();
    bus.responder<number, string>('a', (value) => `${value + 1}`);
    bus.responder('b', (value) => expectTypeOf(value).toEqualTypeOf<unknown>());
    expect((await bus.request<string>('a', 1)).value).toBe('2');
    const first = bus.once<number>('c', { filter: ({ value }) => value > 0 });
    expectTypeOf(first).toEqualTypeOf<Promise<Message<number>>>();
    bus.publish('c', 1);
    expect((await first).value).toBe(1);
    never(() => {
      // @ts-expect-error: a string
      bus.responder<number, string>('a', (value) => value);
    });
  });

  it('its options and functions have names', () => {
    expectTypeOf<OnceOptions<number>>().toHaveProperty('filter');
    expectTypeOf<ResponderOptions>().toHaveProperty('concurrency');
    expectTypeOf<ResponderOptions>().not.toHaveProperty('callback');
    const respond: Responder<number, string> = async (value) => `${value}`;
    expect(respond).toBeTypeOf('function');
  });
});
