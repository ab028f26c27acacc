// What becomes bytes, and what has none: for peers, and for whoever asks for `data`.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Codec, createBus, jsonCodec, type Message } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

/** Publishes to a peer and to this process. */
function publish(
  value: unknown,
  codec?: Codec,
): { heard: string; errors: unknown[]; message: Message } {
  const errors: unknown[] = [];
  const kept: Message[] = [];
  const bus = createBus({ onError: (error) => errors.push(error), ...(codec && { codec }) });
  bus.subscribe('a', (msg) => kept.push(msg));
  const peer = new CorePeer(internalsOf(bus));
  peer.say('SUB a 1\n');
  bus.publish('a', value);
  return { heard: peer.heard(), errors, message: kept[0] as Message };
}

/** The letters A, B and C as bytes of each kind. */
function letters(): [string, unknown][] {
  const bytes = new TextEncoder().encode('ABC');
  const shared = new SharedArrayBuffer(3);
  new Uint8Array(shared).set(bytes);
  return [
    ['a Uint8Array', bytes],
    ['a Buffer', Buffer.from(bytes)],
    ['a DataView', new DataView(bytes.buffer)],
    ['an ArrayBuffer', bytes.buffer],
    ['a SharedArrayBuffer', shared],
    ['a view of shared memory', new Uint8Array(shared)],
    ['an ArrayBuffer of another realm', runInNewContext('new Uint8Array([65, 66, 67]).buffer')],
    ['a Uint8Array of another realm', runInNewContext('new Uint8Array([65, 66, 67])')],
    ['a part of a buffer', new Uint8Array(new TextEncoder().encode('xABCx').buffer, 1, 3)],
  ];
}

describe('bytes of every kind are bytes', () => {
  it.each(letters())('%s', (_, value) => {
    const { heard, errors, message } = publish(value);
    expect(heard).toBe('MSG a 1 3\nABC\n');
    expect(errors).toEqual([]);
    expect(message.value).toBe(value);
    expect(message.string()).toBe('ABC');
    expect([...message.data]).toEqual([65, 66, 67]);
  });

  it('and those of a SharedArrayBuffer are a copy', () => {
    const shared = new SharedArrayBuffer(1);
    const { message } = publish(shared);
    const { data } = message;
    new Uint8Array(shared)[0] = 1;
    expect([...data]).toEqual([0]);
  });

  it('and none of them are an empty payload', async () => {
    for (const none of [new ArrayBuffer(0), new SharedArrayBuffer(0), new Uint8Array(0)]) {
      const bus = createBus();
      bus.subscribe('q', (msg) => {
        msg.respond(1);
        msg.respond(none);
        msg.respond(2);
      });
      const seen: unknown[] = [];
      for await (const msg of await bus.requestMany('q', '', { strategy: 'sentinel' })) {
        seen.push(msg.value);
      }
      expect(seen).toEqual([1, none]);
    }
  });

  it('also when a codec makes an ArrayBuffer', () => {
    const codec = { ...jsonCodec, encode: () => new Uint8Array([65]).buffer as never };
    expect(publish({}, codec).heard).toBe('MSG a 1 1\nA\n');
  });
});

class Registry extends Map<string, number> {
  name = 'x';
}

const LOST: [string, unknown][] = [
  ['a Map', new Map([['a', 1]])],
  ['a Map with properties of its own', new Registry([['a', 1]])],
  ['a Map of another realm', runInNewContext('new Map([[1, 2]])')],
  ['a Set', new Set([1])],
  ['a WeakMap', new WeakMap()],
  ['a Blob', new Blob(['a'])],
  ['a promise', Promise.resolve(1)],
  ['an Error', new Error('lost')],
  ['an Error with a code', Object.assign(new Error('lost'), { code: 'E' })],
  ['a RegExp', /a/],
  ['URLSearchParams', new URLSearchParams('a=1')],
  ['Headers', new Headers({ a: '1' })],
  ['a stream', new ReadableStream()],
  ['an iterator', [1][Symbol.iterator]()],
  ['a boxed symbol', Object(Symbol('s'))],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a Date that is none', new Date(Number.NaN)],
  ['a function', () => {}],
  ['a symbol', Symbol('s')],
  ['a bigint', 1n],
];

describe('what JSON would lose without a word', () => {
  it.each(LOST)('%s is refused for peers, and reaches this process', (_, value) => {
    const { heard, errors, message } = publish(value);
    expect(heard).toBe('');
    expect(errors).toEqual([
      expect.objectContaining({ name: 'InvalidPayloadError', code: 'ERR_INVALID_PAYLOAD' }),
    ]);
    expect(message.value).toBe(value);
    expect(() => message.data).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PAYLOAD' }));
  });

  it('says what it is', () => {
    expect(() => jsonCodec.encode(new Map())).toThrow('JSON has no form for Map');
    expect(() => jsonCodec.encode(Number.NaN)).toThrow('JSON has no form for Number');
    expect(() => jsonCodec.encode(undefined)).toThrow('JSON has no form for Undefined');
  });

  it('a buffer that is gone has no bytes', () => {
    const buffer = new ArrayBuffer(3);
    structuredClone(buffer, { transfer: [buffer] });
    expect(publish(buffer).errors).toEqual([
      expect.objectContaining({ code: 'ERR_INVALID_PAYLOAD' }),
    ]);
  });

  it('is for a codec of the program to judge', () => {
    const codec: Codec = {
      encode: (value) => new TextEncoder().encode(`${[...(value as Map<string, number>)]}`),
      decode: () => undefined,
    };
    expect(publish(new Map([['a', 1]]), codec).heard).toBe('MSG a 1 3\na,1\n');
  });
});

it('an empty payload is its own: its buffer can be given away', () => {
  const errors: unknown[] = [];
  const bus = createBus({ onError: (error) => errors.push(error) });
  const peer = new CorePeer(internalsOf(bus));
  peer.say('SUB b 1\n');
  bus.subscribe(
    'a',
    ({ data }) => void structuredClone(data, { transfer: [data.buffer as ArrayBuffer] }),
  );
  for (let i = 0; i < 2; i++) {
    peer.say('PUB a 0\n\nHPUB a 12 12\nNATS/1.0\n\n\n');
    bus.publish('a');
    bus.publish('b');
  }
  expect(errors).toEqual([]);
  expect(peer.heard()).toBe('MSG b 1 0\n\n'.repeat(2));
});

class Empty {}
class Money {
  readonly #cents = 5;
  toJSON(): object {
    return { cents: this.#cents };
  }
}
class Nothing {
  toJSON(): object {
    return {};
  }
}
class Lookup extends Map<string, number> {
  toJSON(): object {
    return Object.fromEntries(this);
  }
}

describe('what JSON has a form for', () => {
  it.each<[string, unknown, string]>([
    ['an empty object', {}, '{}'],
    ['an object without a prototype', Object.create(null), '{}'],
    ['an object of another realm', runInNewContext('({})'), '{}'],
    ['an object of a class without fields', new Empty(), '{}'],
    ['what makes its own', new Money(), '{"cents":5}'],
    ['what makes an empty one', new Nothing(), '{}'],
    ['a Map that makes its own', new Lookup([['a', 1]]), '{"a":1}'],
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['null', null, 'null'],
    ['an empty array', [], '[]'],
    ['a boxed number', Object(7), '7'],
  ])('%s reaches peers', (_, value, text) => {
    const { heard, errors } = publish(value);
    expect(errors).toEqual([]);
    expect(heard).toBe(`MSG a 1 ${text.length}\n${text}\n`);
  });
});
