// What a message is for those who compare, print and copy objects: its subject, value, reply and headers.
import assert from 'node:assert';
import { inspect, stripVTControlCharacters } from 'node:util';
import { processError } from '@vitest/utils/error';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  createBus,
  headers,
  type Message,
  type PublishOptions,
} from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

interface Setup {
  bus: Bus;
  peer: CorePeer;
  /** The last message that has come. */
  last: () => Message;
  decoded: () => number;
}

function setup(): Setup {
  const kept: Message[] = [];
  let decoded = 0;
  const codec = {
    encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (data: Uint8Array) => {
      decoded++;
      return JSON.parse(new TextDecoder().decode(data));
    },
  };
  const bus = createBus({ codec });
  bus.subscribe('>', (msg) => kept.push(msg));
  const peer = new CorePeer(internalsOf(bus));
  return { bus, peer, last: () => kept.at(-1) as Message, decoded: () => decoded };
}

/** Published here, alone for its subscription or with one more. */
function local(value: unknown, options?: PublishOptions, subject = 'a', more = 0): Message {
  const { bus, last } = setup();
  for (let i = 0; i < more; i++) bus.subscribe('>', () => {});
  bus.publish(subject, value, options);
  return last();
}

/** Published by a peer; a character is a byte. */
function remote(payload: string, { reply = '', block = '', subject = 'a' } = {}): Message {
  const { peer, last } = setup();
  const head = block.replaceAll('\n', '\r\n').length;
  const sizes = head > 0 ? `${head} ${head + payload.length}` : `${payload.length}`;
  const verb = head > 0 ? 'HPUB' : 'PUB';
  const read = `${verb} ${subject} ${reply} ${sizes}\n${block}${payload}\n`;
  peer.sayBytes(read.replaceAll('\n', '\r\n'));
  return last();
}

function block(name: string, value: string): { headers: ReturnType<typeof headers> } {
  const h = headers();
  h.set(name, value);
  return { headers: h };
}

/** Pairs that differ in one thing, by what that is. */
const DIFFERENT: [string, () => [Message, Message]][] = [
  ['value', () => [local({ id: 1 }), local({ id: 2 })]],
  ['value, with several recipients', () => [local(1, {}, 'a', 2), local(2, {}, 'a', 2)]],
  ['subject', () => [local(1, {}, 'a'), local(1, {}, 'b')]],
  ['reply', () => [local(1, { reply: 'r.1' }), local(1, { reply: 'r.2' })]],
  ['reply or none', () => [local(1, { reply: 'r.1' }), local(1)]],
  ['value of a header', () => [local(1, block('k', '1')), local(1, block('k', '2'))]],
  ['name of a header', () => [local(1, block('k', '1')), local(1, block('l', '1'))]],
  ['headers or none', () => [local(1, block('k', '1')), local(1)]],
  ['status', () => [local(1, { headers: headers(404, 'x') }), local(1, { headers: headers() })]],
];

describe('messages are compared by what they hold', () => {
  it.each(DIFFERENT)('and differ by %s', (_, make) => {
    const [one, other] = make();
    expect(() => assert.deepStrictEqual(one, other)).toThrow(assert.AssertionError);
    expect(() => assert.deepEqual(one, other)).toThrow(assert.AssertionError);
    expect(one).not.toEqual(other);
    expect(one).not.toStrictEqual(other);
    // They equal themselves made again.
    const [again] = make();
    assert.deepStrictEqual(again, one);
    expect(again).toEqual(one);
    expect(again).toStrictEqual(one);
  });

  it('however many got them', () => {
    const both = { reply: 'r', ...block('k', '1') };
    assert.deepStrictEqual(local({ id: 1 }, both, 'a', 3), local({ id: 1 }, both));
    assert.deepStrictEqual(local(1, {}, 'a', 1), local(1));
  });

  it('also with what a test writes down', () => {
    expect(local({ id: 1 })).toEqual({ subject: 'a', value: { id: 1 } });
    expect(local({ id: 1 })).not.toEqual({ subject: 'a', value: { id: 2 } });
    for (const message of [local({ id: 1 }), remote('{"id":1}')]) {
      expect(message).toMatchObject({ subject: 'a', value: { id: 1 } });
      expect(message).not.toMatchObject({ value: { id: 2 } });
      expect(message).toEqual(expect.objectContaining({ value: { id: 1 } }));
    }
  });

  it("and a peer's, which nothing is made of before somebody asks, by its bytes", () => {
    const block = 'NATS/1.0\nk: 1\n\n';
    const other = 'NATS/1.0\nk: 2\n\n';
    const makers = [
      () => remote('1'),
      () => remote('2'),
      () => remote(''),
      () => remote('1', { subject: 'b' }),
      () => remote('1', { reply: 'r' }),
      () => remote('1', { block }),
      () => remote('1', { block: other }),
      () => remote('', { block }),
      () => remote('x'.repeat(10_000)),
      () => remote(`${'x'.repeat(9_999)}y`),
      () => local(1),
    ];
    for (const make of makers) {
      const one = make();
      for (const makeOther of makers) {
        if (make === makeOther) continue;
        const different = makeOther();
        expect(() => assert.deepStrictEqual(one, different)).toThrow(/^[+-] /m);
        expect(() => assert.deepEqual(one, different)).toThrow(assert.AssertionError);
        expect(one).not.toEqual(different);
        expect(one).not.toStrictEqual(different);
      }
      const again = make();
      // Also when somebody has looked at one of them.
      expect([inspect(again), again.headers, again.string()]).toHaveLength(3);
      assert.deepStrictEqual(again, one);
      assert.deepEqual(again, one);
      expect(again).toEqual(one);
      expect(again).toStrictEqual(one);
    }
  });

  it("and a peer's that was before among others equals one that was not", () => {
    const { peer, last } = setup();
    peer.say('PUB a 5\nfirst\n');
    peer.say('PUB a 1\n1\n');
    assert.deepStrictEqual(last(), remote('1'));
  });

  it.each(DIFFERENT)('and the difference in %s is printed', (_, make) => {
    const [one, other] = make();
    expect(() => assert.deepStrictEqual(one, other)).toThrow(/^[+-] /m);
    // What the runner does with a failure, before it prints the difference.
    for (const compare of [
      () => expect(one).toEqual(other),
      () => expect(one).toStrictEqual(other),
      () => expect(one).toMatchObject(other),
    ]) {
      const { diff } = processError(thrownBy(compare)) as { diff: string };
      expect(stripVTControlCharacters(diff)).toMatch(/^[+-] {3}/m);
    }
  });

  it('and a copy without what is private can be looked at', () => {
    for (const message of [
      local(1, { reply: 'r', ...block('k', '1') }),
      remote('1', { block: 'NATS/1.0\nk: 1\n\n' }),
    ]) {
      for (const copy of [withoutBrand(message), withDescriptors(message)]) {
        expect(inspect(copy)).toContain("subject: 'a'");
        expect(inspect(copy, { getters: true, customInspect: false })).toContain("subject: 'a'");
        expect(JSON.stringify(copy)).toContain('"subject":"a"');
        expect(copy.reply).toBe(message.reply);
      }
      expect([...(withoutBrand(message.headers as object) as Iterable<unknown>)]).toEqual([
        ['k', ['1']],
      ]);
    }
  });
});

function thrownBy(fn: () => void): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** As vitest copies what it compares before it prints the difference. */
function withoutBrand<T extends object>(value: T): T {
  return Object.assign(Object.create(Object.getPrototypeOf(value)), value);
}

function withDescriptors<T extends object>(value: T): T {
  return Object.create(Object.getPrototypeOf(value), Object.getOwnPropertyDescriptors(value));
}

describe('a message is printed', () => {
  it('as what it holds', () => {
    expect(inspect(local({ id: 1 }))).toBe("Message { subject: 'a', value: { id: 1 } }");
    expect(inspect(remote('{"id":1}'))).toBe("Message { subject: 'a', value: { id: 1 } }");
    expect(inspect(local(1, { reply: 'r', ...block('k', 'v') }), { breakLength: 200 })).toBe(
      "Message { subject: 'a', value: 1, reply: 'r', headers: { k: [ 'v' ] } }",
    );
    expect(inspect({ deep: { deeper: { deepest: local(1) } } })).toContain('Message [Object]');
  });

  it('and becomes JSON', () => {
    const message = local({ id: 1 }, { reply: 'r', ...block('k', 'v') });
    expect(JSON.parse(JSON.stringify(message))).toEqual({
      subject: 'a',
      value: { id: 1 },
      reply: 'r',
      headers: { k: ['v'] },
    });
    expect(JSON.stringify(remote('[1]'))).toBe('{"subject":"a","value":[1]}');
    expect(JSON.stringify(local(undefined))).toBe('{"subject":"a"}');
    expect(JSON.stringify(headers(503, 'Nobody'))).toBe('{":status":["503 Nobody"]}');
  });

  it('also where a peer sent what the codec refuses', () => {
    const message = remote('plain text');
    expect(() => message.value).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PAYLOAD' }));
    expect(inspect(message)).toBe("Message { subject: 'a', data: 'plain text' }");
    expect(JSON.stringify(message)).toBe('{"subject":"a","data":"plain text"}');
    const bytes = remote('\xff\xfe');
    expect(inspect(bytes)).toContain("subject: 'a'");
    expect(JSON.stringify(bytes)).toContain('"subject":"a"');
    const evil = remote('1', { block: 'NATS/1.0 9999999 \u0000\n: x\na b: c\n\n' });
    expect(inspect(evil)).toContain('a b');
    expect(JSON.stringify(evil)).toContain('"a b":["c"]');
  });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a message is copied', () => {
  const sent = { reply: 'r', ...block('k', 'v') };

  it.each([
    ['alone', local({ id: 1 }, sent)],
    ['with others', local({ id: 1 }, sent, 'a', 2)],
  ])('by structuredClone, %s', (_, message) => {
    const headersOf = { entries: new Map([['k', ['v']]]) };
    const copy = { subject: 'a', value: { id: 1 }, reply: 'r', headers: headersOf };
    expect(structuredClone(message)).toMatchObject(copy);
    expect({ ...message }).toEqual({ ...copy, headers: message.headers });
  });

  it("by structuredClone, with the bytes when it is a peer's", () => {
    const block = 'NATS/1.0\nk: v\n\n';
    const message = remote('{"id":1}', { reply: 'r', block });
    const copy = structuredClone(message);
    expect(copy).toEqual({
      subject: 'a',
      reply: 'r',
      data: bytes('{"id":1}'),
      headerBlock: bytes('NATS/1.0\r\nk: v\r\n\r\n'),
    });
    expect(JSON.parse(Buffer.from(copy.data).toString())).toEqual({ id: 1 });
    expect(structuredClone(remote('1'))).toEqual({ subject: 'a', data: bytes('1') });
  });

  it("property by property, which publishes what a peer's holds", () => {
    const { bus, peer, last } = setup();
    peer.sayBytes('HPUB a r 18 26\r\nNATS/1.0\r\nk: v\r\n\r\n{"id":1}\r\n');
    const message = last();
    for (const copy of [withoutBrand(message), withDescriptors(message)]) {
      expect(inspect(copy)).toContain('{"id":1}');
      expect(JSON.parse(JSON.stringify(copy))).toEqual({
        subject: 'a',
        data: '{"id":1}',
        reply: 'r',
        headers: { k: ['v'] },
      });
      bus.publishMessage(copy);
      expect(last().string()).toBe('{"id":1}');
      expect(last().headers?.get('k')).toBe('v');
    }
  });
});

describe("a peer's message", () => {
  it('is decoded when its value is asked for, and once for all', () => {
    const { bus, peer, last, decoded } = setup();
    const others: Message[] = [];
    bus.subscribe('a', (msg) => others.push(msg));
    peer.say('PUB a r 8\n{"id":1}\n');
    const message = last();
    expect([message.subject, message.reply, message.string()]).toEqual(['a', 'r', '{"id":1}']);
    expect(Object.keys(message)).toEqual(['subject', 'reply', 'data', 'headerBlock']);
    expect(decoded()).toBe(0);
    expect(message.value).toEqual({ id: 1 });
    expect(others[0]?.value).toBe(message.value);
    expect(decoded()).toBe(1);
  });

  it('has the same headers each time', () => {
    const message = remote('', { block: 'NATS/1.0\nk: 1\n\n' });
    expect(message.headers).toBe(message.headers);
    message.headers?.set('k', '2');
    expect(message.headers?.get('k')).toBe('2');
    expect(remote('').headers).toBeUndefined();
  });

  it('has headers of its own for each subscription', () => {
    const { bus, peer, last } = setup();
    const others: Message[] = [];
    bus.subscribe('a', (msg) => others.push(msg));
    peer.say('HPUB a 18 18\nNATS/1.0\nk: 1\n\n\n');
    last().headers?.set('k', '2');
    expect(others[0]?.headers?.get('k')).toBe('1');
  });
});
