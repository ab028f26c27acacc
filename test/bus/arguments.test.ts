// What is not of its kind is refused at once, by name, and leaves nothing behind.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Bus, connect, createBus } from '../../src/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a program without types
type Untyped = any;

const refusal = (text: string) =>
  expect.objectContaining({
    name: 'InvalidArgumentError',
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining(text),
  });

const handler = (): void => {};

/** Everything that a bus has. */
function state(bus: Bus): unknown {
  return [bus.stats(), bus.accounts(), bus.isClosed(), bus.isDraining()];
}

async function refused(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

const SUBSCRIBE: [string, unknown, string][] = [
  [
    'signal',
    new AbortController(),
    "'signal' must be an AbortSignal, not [object AbortController]",
  ],
  ['signal', { aborted: false, addEventListener: handler }, "'signal' must be an AbortSignal"],
  ['signal', Object.create(AbortSignal.prototype), "'signal' must be an AbortSignal"],
  ['signal', null, "'signal' must be an AbortSignal, not null"],
  ['max', 1.5, "'max' must be a whole number from 0 on, not 1.5"],
  ['max', '3', "'max' must be a whole number from 0 on, not '3'"],
  ['max', -1, "'max' must be"],
  ['max', Number.NaN, "'max' must be"],
  ['timeout', -1, "'timeout' must be milliseconds from 0 on, not -1"],
  ['timeout', Number.NaN, "'timeout' must be"],
  ['timeout', '100', "'timeout' must be"],
  ['queue', 5, "'queue' must be a string, not 5"],
  ['callback', {}, "'callback' must be a function, not [object Object]"],
  ['slow', -1, "'slow' must be"],
  ['bufferMax', -1, "'bufferMax' must be a whole number from 1 on, not -1"],
  ['bufferMax', 0, "'bufferMax' must be"],
  ['bufferMax', 2.5, "'bufferMax' must be"],
  ['overflow', 'block', "'overflow' must be one of drop-oldest, drop-newest, error, not 'block'"],
];

describe('subscribe', () => {
  it.each(SUBSCRIBE.map(([name, , text], row) => [name, text, row] as const))(
    'refuses a wrong %s: %s',
    async (name, text, row) => {
      const value = SUBSCRIBE[row]?.[1];
      const bus = createBus();
      const before = state(bus);
      const options = { [name]: value } as Untyped;
      expect(() => bus.subscribe('a', options)).toThrow(refusal(text));
      if (name !== 'callback')
        expect(() => bus.subscribe('a', handler, options)).toThrow(refusal(text));
      const connection = await connect({ bus });
      expect(() => connection.subscribe('a', options)).toThrow(refusal(text));
      bus.publish('a', 1);
      expect(bus.stats()).toMatchObject({ inMsgs: 0 });
      await expect(bus.request('a')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
      expect(state(createBus())).toEqual(before);
      await bus.close();
      await bus.closed();
    },
  );

  it('refuses a handler that is undefined, or not in its place', async () => {
    const bus = createBus() as Untyped;
    for (const [rest, text] of [
      [[undefined], "'handler' must be a function, not undefined"],
      [[undefined, {}], "'handler' must be a function, not undefined"],
      [[null], "'handler' must be a function, not null"],
      [[{ max: 1 }, handler], "'handler' must be a function, not [object Object]"],
      [['a'], "'options' must be an object, not 'a'"],
      [[handler, 5], "'options' must be an object, not 5"],
      [[handler, handler], "'options' must be an object, not [object Function]"],
    ] as const) {
      expect(() => bus.subscribe('a', ...rest)).toThrow(refusal(text));
    }
    const connection = (await connect({ bus })) as Untyped;
    expect(() => connection.subscribe('a', handler)).toThrow(
      refusal("'options' must be an object"),
    );
    expect(() => connection.subscribe('a', {}, handler)).toThrow(refusal("'handler'"));
    bus.publish('a');
    expect(bus.stats().inMsgs).toBe(0);
  });

  it('takes no options, none that are null, and what has no limit', () => {
    const bus = createBus() as Untyped;
    const subs = [
      bus.subscribe('a'),
      bus.subscribe('a', {}),
      bus.subscribe('a', handler, undefined),
      bus.subscribe('a', handler, null),
      bus.subscribe('a', { bufferMax: Number.POSITIVE_INFINITY, max: 0, timeout: 0, queue: '' }),
      bus.subscribe('a', { max: undefined, signal: undefined }, undefined),
    ];
    bus.publish('a');
    expect(subs.map((sub) => sub.getReceived())).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('leaves nothing behind when its clock throws', async () => {
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      setTimeout: () => {
        throw new Error('no time');
      },
    };
    const bus = createBus({ clock });
    expect(() => bus.subscribe('a', handler, { timeout: 5 })).toThrow('no time');
    bus.publish('a');
    expect(bus.stats().inMsgs).toBe(0);
  });

  it('refuses a count that is none when it is to end later', () => {
    const sub = createBus().subscribe('a') as Untyped;
    for (const max of [1.5, -1, 'x', {}]) {
      expect(() => sub.unsubscribe(max)).toThrow(refusal("'max' must be a whole number"));
    }
    expect(sub.isClosed()).toBe(false);
    sub.unsubscribe(0);
    expect(sub.isClosed()).toBe(true);
  });
});

describe('a signal', () => {
  it('of another realm or another class is taken when it is one', () => {
    // As a library makes one for a platform that has none.
    const state = new WeakMap<object, boolean>();
    class OwnSignal extends EventTarget {
      constructor() {
        super();
        state.set(this, false);
      }
      get aborted(): boolean {
        const isAborted = state.get(this);
        if (isAborted === undefined) throw new TypeError('not a signal');
        return isAborted;
      }
    }
    const bus = createBus();
    const signal = new OwnSignal();
    const sub = bus.subscribe('a', handler, { signal: signal as Untyped });
    state.set(signal, true);
    signal.dispatchEvent(new Event('abort'));
    expect(sub.isClosed()).toBe(true);
    const Own = AbortController;
    const there = runInNewContext('new Own().signal', { Own }) as AbortSignal;
    expect(bus.subscribe('a', handler, { signal: there }).isClosed()).toBe(false);
    class Derived extends AbortSignal {}
    const derived = Object.setPrototypeOf(new AbortController().signal, Derived.prototype);
    expect(bus.subscribe('a', handler, { signal: derived }).isClosed()).toBe(false);
  });
});

const REQUEST: [string, unknown][] = [
  ['timeout', '5'],
  ['timeout', -1],
  ['timeout', Number.NaN],
  ['signal', new AbortController()],
  ['noMux', 'yes'],
  ['reply', 5],
];
const REQUEST_MANY: [string, unknown][] = [
  ['maxWait', '5'],
  ['stall', -1],
  ['jitter', Number.NaN],
  ['maxMessages', 1.5],
  ['signal', {}],
  ['noMux', 1],
  ['strategy', 'toString'],
  ['strategy', 'never'],
  ['bufferMax', 0],
  ['overflow', 'toString'],
];

describe('request', () => {
  it.each([
    ...REQUEST.map((row) => ['request', ...row] as const),
    ...REQUEST_MANY.map((row) => ['requestMany', ...row] as const),
  ])('%s refuses a wrong %s, and asks nobody', async (method, name, value) => {
    const bus = createBus() as Untyped;
    const connection = (await connect({ bus })) as Untyped;
    bus.subscribe('a', (msg: Untyped) => msg.respond('x'));
    for (const from of [bus, connection]) {
      const error = await refused(() => from[method]('a', '', { [name]: value }));
      expect(error).toEqual(refusal(`'${name}'`));
    }
    expect(bus.stats()).toMatchObject({ inMsgs: 0, outMsgs: 0 });
  });

  it('refuses options that are no object', async () => {
    const bus = createBus() as Untyped;
    const connection = (await connect({ bus })) as Untyped;
    for (const from of [bus, connection]) {
      for (const method of ['request', 'requestMany']) {
        const error = await refused(() => from[method]('a', '', 100));
        expect(error).toEqual(refusal("'options' must be an object, not 100"));
      }
      expect(() => from.publish('a', '', 100)).toThrow(refusal("'options'"));
    }
    expect(() => bus.publisher('a').publish('', 'x')).toThrow(refusal("'options'"));
  });
});

describe('createBus and connect', () => {
  it.each([
    ['codec', {}, "'codec' must be an object with encode, decode, not [object Object]"],
    ['codec', { encode: handler }, "'codec'"],
    ['onError', 'log', "'onError' must be a function, not 'log'"],
    ['clock', {}, "'clock' must be an object with now, monotonic, setTimeout"],
    ['maxPayload', -1, "'maxPayload'"],
    ['maxPayload', '1', "'maxPayload'"],
    ['drainTimeoutMs', Number.NaN, "'drainTimeoutMs' must be milliseconds from 0 on, not NaN"],
    ['name', 5, "'name'"],
    ['poolMax', 0.5, "'poolMax'"],
    ['poolMax', 2 ** 32, "'poolMax' must be a whole number from 0 to 4294967295, not 4294967296"],
    ['poolMax', Number.POSITIVE_INFINITY, "'poolMax'"],
  ])('a wrong %s is refused', (name, value, text) => {
    expect(() => createBus({ [name]: value } as Untyped)).toThrow(refusal(text));
  });

  it('refuse options that are no object, and what is no bus', async () => {
    expect(() => createBus(5 as Untyped)).toThrow(refusal("'options' must be an object, not 5"));
    await expect(connect('nats://x' as Untyped)).rejects.toEqual(refusal("'options'"));
    await expect(connect({ bus: {} as Untyped })).rejects.toMatchObject({
      name: 'InvalidOperationError',
    });
  });
});

describe('close', () => {
  it('goes through to its end whatever a subscription does, and reports it', async () => {
    const errors: unknown[] = [];
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      setTimeout: () => ({
        cancel: () => {
          throw new Error('not now');
        },
      }),
    };
    const bus = createBus({ clock, onError: (error) => errors.push(error) });
    const connection = await connect({ bus });
    const subs = [
      bus.subscribe('a', handler, { timeout: 5 }),
      bus.subscribe('b', { timeout: 5 }),
      connection.subscribe('c', { timeout: 5, callback: handler }),
      bus.subscribe('d', handler),
    ];
    await connection.close();
    await bus.close();
    expect(await bus.closed()).toBeUndefined();
    expect(subs.map((sub) => sub.isClosed())).toEqual([true, true, true, true]);
    expect(errors.map(String)).toEqual(['Error: not now', 'Error: not now', 'Error: not now']);
  });
});
