// A bus whose subjects have types, judged by the compiler (`npm run types`).
import type * as nats from '@nats-io/nats-core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { FilterOf, RpcSubjectOf, SubjectOf } from '../../src/bus/subject-map.ts';
import {
  type Bus,
  createBus,
  type Message,
  type Publisher,
  type Rpc,
  type Subscription,
  type TypedBus,
} from '../../src/index.ts';

interface Order {
  id: string;
  total: number;
}
interface User {
  name: string;
}
interface Refund {
  refund: number;
}

interface Subjects {
  'orders.*.created': Order;
  'orders.*.refunded': Refund;
  'orders.test.created': 'test order';
  'users.get': { request: { id: string }; reply: User };
  'users.*.rename': Rpc<string, boolean>;
  'logs.>': string;
  tick: undefined;
  'cache.cleared': number | undefined;
  'shapes.request': { request: number; reply: string; other: boolean };
  'anything.*': unknown;
}

/** The compiler is asked; nothing runs. */
function never(_check: () => void): void {}

function typed(): TypedBus<Subjects> {
  return createBus<Subjects>();
}

describe('publish on a typed bus', () => {
  it('takes what the key says, found through wildcards', () => {
    const bus = typed();
    const seen: unknown[] = [];
    bus.untyped.subscribe('>', (msg) => seen.push(msg.value));
    bus.publish('orders.eu.created', { id: '1', total: 2 });
    bus.publish('logs.app', 'a');
    bus.publish('logs.app.deep', 'b', { reply: 'x' });
    bus.publish('users.get', { id: '1' });
    bus.publish('users.7.rename', 'Ada');
    bus.publish('tick');
    bus.publish('cache.cleared');
    bus.publish('cache.cleared', 1);
    bus.publish('shapes.request', { request: 1, reply: '', other: true });
    bus.publish('anything.x', new Date());
    bus.publish('anything.x');
    expect(seen).toHaveLength(11);
  });

  it('takes a template for a subject', () => {
    never(() => {
      const region = 'eu' as string;
      typed().publish(`orders.${region}.created`, { id: '1', total: 2 });
      typed().publish(`logs.${region}`, 'a');
      typed().publish(`logs.x-${region}.y`, 'a');
      // @ts-expect-error: not what is published there
      typed().publish(`orders.${region}.created`, 'a');
      // @ts-expect-error: not in the map
      typed().publish(`orders.${region}.deleted`, 'a');
    });
  });

  it('refuses other values', () => {
    never(() => {
      const bus = typed();
      // @ts-expect-error: an Order
      bus.publish('orders.eu.created', { id: '1' });
      // @ts-expect-error: an Order
      bus.publish('orders.eu.created');
      // @ts-expect-error: a string
      bus.publish('logs.a.b', 1);
      // @ts-expect-error: what is requested, not the pair
      bus.publish('users.get', { request: { id: '' }, reply: { name: '' } });
      // @ts-expect-error: nothing
      bus.publish('tick', 1);
    });
  });

  it('refuses subjects that the map does not have', () => {
    never(() => {
      const bus = typed();
      // @ts-expect-error: unknown
      bus.publish('nope', 1);
      // @ts-expect-error: `*` is one token
      bus.publish('orders.eu.west.created', { id: '1', total: 2 });
      // @ts-expect-error: one token is missing
      bus.publish('orders.created', { id: '1', total: 2 });
      // @ts-expect-error: `>` is at least one token
      bus.publish('logs', 'a');
      // @ts-expect-error: it goes on
      bus.publish('users.get.more', { id: '' });
      // @ts-expect-error: a filter is no subject
      bus.publish('orders.*.created', { id: '1', total: 2 });
      // @ts-expect-error: any string may be unknown
      bus.publish('users.get' as string, { id: '1' });
    });
  });

  it('refuses the filters among the keys: nobody would get that', () => {
    never(() => {
      const bus = typed();
      // @ts-expect-error: `*` would be a token like any other
      bus.publish('orders.*.refunded', { refund: 1 });
      // @ts-expect-error: so would `>`
      bus.publish('logs.>', 'a');
      // @ts-expect-error: and what looks like it
      bus.publish('anything.*', 1);
      // @ts-expect-error: no publisher either
      bus.publisher('logs.>');
      // @ts-expect-error: nor a request
      void bus.request('users.*.rename', 'Ada');
      // @ts-expect-error: nor one for many
      void bus.requestMany('users.*.rename', 'Ada');
      const either = 'tick' as 'tick' | 'orders.*.refunded';
      // @ts-expect-error: nor one that may be one
      bus.publisher(either);
      // @ts-expect-error: a map of filters alone has no subject to name
      createBus<{ 'a.*': number }>().publish('a.*', 1);
      createBus<{ 'a.*': number }>().publish('a.b', 1);
    });
  });

  it('names, for a subject that it does not have, the keys that are subjects', () => {
    type Keys = 'orders.test.created' | 'users.get' | 'tick' | 'cache.cleared' | 'shapes.request';
    expectTypeOf<SubjectOf<Subjects, 'user.get'>>().toEqualTypeOf<Keys>();
    expectTypeOf<SubjectOf<Subjects, 'logs.>'>>().toEqualTypeOf<Keys>();
    expectTypeOf<SubjectOf<Subjects, ''>>().toEqualTypeOf<Keys>();
    expectTypeOf<RpcSubjectOf<Subjects, 'user.get'>>().toEqualTypeOf<'users.get'>();
    expectTypeOf<RpcSubjectOf<Subjects, 'users.*.rename'>>().toEqualTypeOf<'users.get'>();
    expectTypeOf<FilterOf<Subjects, 'nope'>>().toEqualTypeOf<keyof Subjects>();
  });

  it('has publishers with the type of their subject', () => {
    const bus = typed();
    const orders = bus.publisher('orders.eu.created');
    expectTypeOf(orders).toEqualTypeOf<Publisher<Order>>();
    expectTypeOf(bus.publisher('users.7.rename')).toEqualTypeOf<Publisher<string>>();
    orders.publish({ id: '1', total: 2 });
    // @ts-expect-error: unknown
    never(() => bus.publisher('nope'));
  });
});

describe('subscribe on a typed bus', () => {
  it('gives what the key says, for subjects, keys and other filters', () => {
    const bus = typed();
    bus.subscribe('orders.eu.created', ({ value }) => expectTypeOf(value).toEqualTypeOf<Order>());
    bus.subscribe('users.get', ({ value }) => expectTypeOf(value).toEqualTypeOf<{ id: string }>());
    bus.subscribe('logs.>', ({ value }) => expectTypeOf(value).toEqualTypeOf<string>());
    bus.subscribe('logs.*.x', ({ value }) => expectTypeOf(value).toEqualTypeOf<string>());
    bus.subscribe('users.*', ({ value }) => expectTypeOf(value).toEqualTypeOf<{ id: string }>());
    bus.subscribe('tick', ({ value }) => expectTypeOf(value).toEqualTypeOf<undefined>());
    bus.subscribe('*', ({ value }) => expectTypeOf(value).toEqualTypeOf<undefined>());
    bus.subscribe('anything.x', ({ value }) => expectTypeOf(value).toEqualTypeOf<unknown>());
    expect(bus.isClosed()).toBe(false);
  });

  it('gives any of the types where keys overlap', () => {
    const bus = typed();
    bus.subscribe('orders.test.created', ({ value }) =>
      expectTypeOf(value).toEqualTypeOf<'test order'>(),
    );
    bus.subscribe('orders.*.created', ({ value }) =>
      expectTypeOf(value).toEqualTypeOf<Order | 'test order'>(),
    );
    bus.subscribe('orders.eu.*', ({ value }) =>
      expectTypeOf(value).toEqualTypeOf<Order | Refund>(),
    );
    bus.subscribe('orders.>', ({ value }) =>
      expectTypeOf(value).toEqualTypeOf<Order | Refund | 'test order'>(),
    );
    bus.subscribe('*.*.created', ({ value }) =>
      expectTypeOf(value).toEqualTypeOf<Order | 'test order' | string>(),
    );
    bus.subscribe('>', ({ value }) => expectTypeOf(value).toEqualTypeOf<unknown>());
    expect(bus.isClosed()).toBe(false);
  });

  it('types loops, callbacks and options as well', async () => {
    const bus = typed();
    const sub = bus.subscribe('orders.*.refunded', { max: 1 });
    expectTypeOf(sub).toEqualTypeOf<Subscription<Refund, unknown>>();
    bus.subscribe('orders.eu.refunded', {
      queue: 'q',
      callback: (_error, msg) => expectTypeOf(msg.value).toEqualTypeOf<Refund>(),
    });
    bus.publish('orders.eu.refunded', { refund: 1 });
    for await (const msg of sub) expectTypeOf(msg.value).toEqualTypeOf<Refund>();
    expect(sub.isClosed()).toBe(true);
  });

  it('refuses filters that meet nothing in the map', () => {
    never(() => {
      const bus = typed();
      // @ts-expect-error: unknown
      bus.subscribe('nope', () => {});
      // @ts-expect-error: no key has that many tokens
      bus.subscribe('orders.*.*.*', () => {});
      // @ts-expect-error: nothing below
      bus.subscribe('orders.eu.created.>', () => {});
      // @ts-expect-error: any string may be unknown
      bus.subscribe('logs' as string, () => {});
      // @ts-expect-error: the handler takes something else
      bus.subscribe('logs.a', (msg: Message<number>) => msg);
    });
  });
});

describe('requests on a typed bus', () => {
  it('type the request, the answer and what a handler may answer', async () => {
    const bus = typed();
    bus.subscribe('users.get', (msg) => {
      expectTypeOf(msg.respond).parameter(0).toEqualTypeOf<User | undefined>();
      msg.respond({ name: `user ${msg.value.id}` });
      // @ts-expect-error: a User
      never(() => msg.respond('Ada'));
    });
    bus.subscribe('users.*.rename', (msg) => void msg.respond(msg.value === 'Ada'));
    const user = await bus.request('users.get', { id: '7' }, { timeout: 500 });
    expectTypeOf(user).toEqualTypeOf<Message<User>>();
    expect(user.value.name).toBe('user 7');
    const renamed = await bus.request('users.7.rename', 'Ada');
    expectTypeOf(renamed.value).toEqualTypeOf<boolean>();
    expect(renamed.value).toBe(true);
    for await (const msg of await bus.requestMany('users.get', { id: '1' }, { strategy: 'all' })) {
      expectTypeOf(msg.value).toEqualTypeOf<User>();
      expect(msg.value.name).toBe('user 1');
    }
  });

  it('are for subjects that have a reply', () => {
    never(() => {
      const bus = typed();
      // @ts-expect-error: nobody answers there
      void bus.request('orders.eu.created', { id: '1', total: 2 });
      // @ts-expect-error: a value that only looks like a pair
      void bus.request('shapes.request', { request: 1, reply: '', other: true });
      // @ts-expect-error: the request is missing
      void bus.request('users.get');
      // @ts-expect-error: another request
      void bus.requestMany('users.get', { name: '1' });
      // @ts-expect-error: unknown
      void bus.requestMany('nope');
    });
  });
});

describe('a typed bus', () => {
  it('is a bus for everybody else', () => {
    const bus = typed();
    expectTypeOf(bus.untyped).toEqualTypeOf<Bus>();
    expect(bus.untyped).toBe(bus);
    const connection: nats.NatsConnection = bus.untyped;
    expect(connection.isClosed()).toBe(false);
    expectTypeOf(bus.close).returns.toEqualTypeOf<Promise<void>>();
  });

  it('has accounts with maps of their own, or none', () => {
    const bus = typed();
    const orders = bus.account<{ 'a.b': number }>('ORDERS');
    expectTypeOf(orders).toEqualTypeOf<TypedBus<{ 'a.b': number }>>();
    expectTypeOf(bus.account('OTHER')).toEqualTypeOf<Bus>();
    const seen: number[] = [];
    orders.subscribe('a.*', (msg) => seen.push(msg.value));
    orders.publish('a.b', 7);
    expect(seen).toEqual([7]);
  });

  it('is for a class what that class needs, and nothing else', async () => {
    class Users {
      readonly #bus: TypedBus<Pick<Subjects, 'users.get'>>;
      constructor(bus: TypedBus<Pick<Subjects, 'users.get'>>) {
        this.#bus = bus;
      }
      async nameOf(id: string): Promise<string> {
        return (await this.#bus.request('users.get', { id })).value.name;
      }
    }
    const bus = typed();
    bus.subscribe('users.get', (msg) => msg.respond({ name: `user ${msg.value.id}` }));
    expect(await new Users(bus).nameOf('7')).toBe('user 7');
    never(() => {
      // @ts-expect-error: it has no such subject
      new Users(createBus<{ tick: undefined }>());
      // @ts-expect-error: another request
      new Users(createBus<{ 'users.get': Rpc<string, User> }>());
      // @ts-expect-error: another reply
      new Users(createBus<{ 'users.get': Rpc<{ id: string }, string> }>());
      // @ts-expect-error: what it might publish there is more than others take
      const wider: TypedBus<{ tick: undefined | number }> = bus;
      // @ts-expect-error: it asks for more than there is
      const all: TypedBus<Subjects> = createBus<Pick<Subjects, 'tick'>>();
      return [wider, all];
    });
  });

  it('is what a map asks for, and nothing else', () => {
    expectTypeOf(createBus()).toEqualTypeOf<Bus>();
    expectTypeOf(createBus({ name: 'x' })).toEqualTypeOf<Bus>();
    expectTypeOf<ReturnType<typeof createBus>>().toEqualTypeOf<Bus>();
    expectTypeOf(createBus<Subjects>({ name: 'x' })).toEqualTypeOf<TypedBus<Subjects>>();
    type Loose = { [subject: string]: number };
    never(() => {
      // @ts-expect-error: not an option
      createBus<Subjects>({ nme: 'x' });
      // @ts-expect-error: not an option
      createBus({ nme: 'x' });
      createBus<{ 'a.b': number }>().publish('a.b', 1);
      createBus<Loose>().untyped.publish('a.b', 1);
    });
  });
});
