// The bus in the place of @nats-io/nats-core's connection, judged by the compiler (`npm run types`).
import type * as nats from '@nats-io/nats-core';
import type { connect as natsConnect } from '@nats-io/transport-node';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type Bus,
  type Connection,
  type connect,
  createBus,
  type Empty,
  type errors,
  type Message,
  type MsgHdrs,
  type nuid,
  type Publisher,
  type RequestManyOptions,
  type RequestOptions,
  type ServerInfo,
  type Stats,
  type Status,
  type Subscription,
} from '../../src/index.ts';

describe('a Bus', () => {
  it('is assignable to NatsConnection', () => {
    expectTypeOf<Bus>().toExtend<nats.NatsConnection>();
    expectTypeOf<nats.NatsConnection>().not.toBeAny();
    expectTypeOf<Exclude<keyof nats.NatsConnection, keyof Bus>>().toBeNever();
    expectTypeOf<Exclude<keyof nats.Subscription, keyof Subscription>>().toBeNever();
    expectTypeOf<Exclude<keyof nats.Msg, keyof Message>>().toBeNever();
    expectTypeOf<Exclude<keyof nats.MsgHdrs, keyof MsgHdrs>>().toBeNever();
    const connection: nats.NatsConnection = createBus();
    expect(connection.isClosed()).toBe(false);
  });

  it('has publishers whose payload has a type', () => {
    expectTypeOf(createBus().publisher<number>('a')).toEqualTypeOf<Publisher<number>>();
    expectTypeOf<Parameters<Publisher<number>['publish']>[0]>().toEqualTypeOf<number | undefined>();
  });

  it('has the methods with the return types of nats-core', () => {
    type Returns<K extends keyof nats.NatsConnection & keyof Bus> = nats.NatsConnection[K] extends (
      ...args: never[]
    ) => infer R
      ? R
      : never;
    expectTypeOf<ReturnType<Bus['publish']>>().toEqualTypeOf<Returns<'publish'>>();
    expectTypeOf<ReturnType<Bus['subscribe']>>().toExtend<Returns<'subscribe'>>();
    expectTypeOf<ReturnType<Bus['request']>>().toExtend<Returns<'request'>>();
    expectTypeOf<ReturnType<Bus['requestMany']>>().toExtend<Returns<'requestMany'>>();
    expectTypeOf<ReturnType<Bus['flush']>>().toEqualTypeOf<Returns<'flush'>>();
    expectTypeOf<ReturnType<Bus['drain']>>().toEqualTypeOf<Returns<'drain'>>();
    expectTypeOf<ReturnType<Bus['close']>>().toEqualTypeOf<Returns<'close'>>();
    expectTypeOf<ReturnType<Bus['closed']>>().toEqualTypeOf<Returns<'closed'>>();
    expectTypeOf<ReturnType<Bus['isClosed']>>().toEqualTypeOf<Returns<'isClosed'>>();
    expectTypeOf<ReturnType<Bus['isDraining']>>().toEqualTypeOf<Returns<'isDraining'>>();
    expectTypeOf<ReturnType<Bus['status']>>().toExtend<Returns<'status'>>();
    expectTypeOf<ReturnType<Bus['stats']>>().toEqualTypeOf<Returns<'stats'>>();
    expectTypeOf<ReturnType<Bus['rtt']>>().toEqualTypeOf<Returns<'rtt'>>();
    expectTypeOf<ReturnType<Bus['getServer']>>().toEqualTypeOf<Returns<'getServer'>>();
    expectTypeOf<ReturnType<Bus['respondMessage']>>().toEqualTypeOf<Returns<'respondMessage'>>();
  });

  it('takes the options of nats-core', () => {
    expectTypeOf<nats.RequestOptions>().toExtend<RequestOptions>();
    expectTypeOf<Partial<nats.RequestManyOptions>>().toExtend<RequestManyOptions>();
    expectTypeOf<nats.SubscriptionOptions>().toExtend<
      NonNullable<Parameters<nats.NatsConnection['subscribe']>[1]>
    >();
    expectTypeOf<Bus['subscribe']>().toBeCallableWith('a', {
      callback: (_error: Error | null, _message: nats.Msg): void => {},
    });
  });
});

describe('a Connection', () => {
  it('is a NatsConnection in every member, and its `connect` the one of the client', () => {
    expectTypeOf<Connection>().toExtend<nats.NatsConnection>();
    expectTypeOf<Exclude<keyof nats.NatsConnection, keyof Connection>>().toBeNever();
    expectTypeOf<typeof connect>().toExtend<typeof natsConnect>();
    expectTypeOf<Parameters<Connection['publish']>[1]>().toEqualTypeOf<nats.Payload | undefined>();
    expectTypeOf<nats.PublishOptions>().toExtend<
      NonNullable<Parameters<Connection['publish']>[2]>
    >();
  });

  it('has beside it what programs import with it', () => {
    expectTypeOf<typeof Empty>().toExtend<typeof nats.Empty>();
    expectTypeOf<typeof nuid>().toExtend<{ next: typeof nats.nuid.next }>();
    expectTypeOf<Exclude<keyof typeof errors, keyof typeof nats.errors>>().toBeNever();
    expectTypeOf<typeof import('../../src/index.ts').syncIterator>().toExtend<
      typeof nats.syncIterator
    >();
    expectTypeOf<typeof import('../../src/index.ts').createInbox>().toExtend<
      typeof nats.createInbox
    >();
  });
});

describe('what a bus hands out', () => {
  it('is what nats-core hands out', () => {
    expectTypeOf<Message>().toExtend<nats.Msg>();
    expectTypeOf<Subscription>().toExtend<nats.Subscription>();
    expectTypeOf<Status>().toExtend<nats.Status>();
    expectTypeOf<ServerInfo>().toExtend<nats.ServerInfo>();
    expectTypeOf<Stats>().toEqualTypeOf<nats.Stats>();
    expectTypeOf<MsgHdrs>().toExtend<nats.MsgHdrs>();
    expectTypeOf<nats.MsgHdrs>().toExtend<MsgHdrs>();
    expectTypeOf<typeof import('../../src/index.ts').headers>().toExtend<
      (code?: number, description?: string) => nats.MsgHdrs
    >();
  });

  it('has the value besides, unknown unless the program says what it is', () => {
    const bus = createBus();
    bus.subscribe('a', (message) => {
      expectTypeOf(message.value).toEqualTypeOf<unknown>();
    });
    bus.subscribe<{ id: number }>('a', (message) => {
      expectTypeOf(message.value).toEqualTypeOf<{ id: number }>();
    });
    bus.subscribe('a', (message: Message<string>) => {
      expectTypeOf(message.value).toEqualTypeOf<string>();
    });
    expectTypeOf(bus.subscribe<number>('a')).toEqualTypeOf<Subscription<number>>();
    const answer = (): Promise<Message<Date>> => bus.request<Date>('a');
    expectTypeOf(answer).returns.resolves.toHaveProperty('value').toEqualTypeOf<Date>();
    expect(bus.isClosed()).toBe(false);
  });
});
