// Header blocks: nats-core's interface, and the wire form.
import { headers as officialHeaders } from '@nats-io/nats-core';
import { describe, expect, it, vi } from 'vitest';
import { encodeHeaders } from '../../src/bus/headers.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  canonicalMIMEHeaderKey,
  connect,
  createBus,
  headers,
  Match,
  type Message,
  MessageHeaders,
  type MsgHdrs,
} from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (block: string): Uint8Array => new TextEncoder().encode(block);

describe('a header block', () => {
  it('sets, appends, gets, lists and deletes values', () => {
    const h = headers();
    h.set('A', '1');
    h.append('A', ' 2 ');
    h.append('b', '3');
    expect(h.get('A')).toBe('1');
    expect(h.last('A')).toBe('2');
    expect(h.values('A')).toEqual(['1', '2']);
    expect(h.keys()).toEqual(['A', 'b']);
    expect([...h]).toEqual([
      ['A', ['1', '2']],
      ['b', ['3']],
    ]);
    h.set('A', '4');
    expect(h.values('A')).toEqual(['4']);
    h.delete('A');
    expect([h.has('A'), h.get('A'), h.last('A'), h.values('A')]).toEqual([false, '', '', []]);
    expect(h.size()).toBe(1);
    expect(h.toRecord()).toEqual({ b: ['3'] });
    expect(MessageHeaders.fromRecord({ a: 'x', b: ['y', 'z'] }).values('b')).toEqual(['y', 'z']);
  });

  it('compares names exactly, canonically, or without regard to case', () => {
    const h = headers();
    h.append('content-type', 'x', Match.CanonicalMIME);
    expect(h.keys()).toEqual(['Content-Type']);
    expect(h.has('content-type')).toBe(false);
    expect(h.get('content-type', Match.CanonicalMIME)).toBe('x');
    expect(h.get('CONTENT-TYPE', Match.IgnoreCase)).toBe('x');
    h.append('CONTENT-type', 'y', Match.IgnoreCase);
    expect(h.values('Content-Type')).toEqual(['x', 'y']);
    expect(canonicalMIMEHeaderKey('nats-msg-id')).toBe('Nats-Msg-Id');
  });

  it.each(['', 'a b', 'a:b', 'a\r', 'ä', '\0'])('refuses the name %j', (name) => {
    expect(() => headers().set(name, 'x')).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError' }),
    );
  });

  it.each(['a\r\nb', '\n', '\r', 'x\0', '\ud800'])('refuses the value %j', (value) => {
    const refusal = expect.objectContaining({ name: 'InvalidArgumentError' });
    const h = headers();
    h.set('a', 'kept');
    expect(() => h.set('a', value)).toThrow(refusal);
    expect(() => h.append('a', value)).toThrow(refusal);
    expect(h.get('a')).toBe('kept');
    expect(() => headers(503, value)).toThrow(refusal);
  });

  it('wants both code and description', () => {
    expect(() => headers(503)).toThrow("'description' is required");
    expect(() => headers(0, 'x')).toThrow("'code' is required");
    const h = headers(503, 'No Responders');
    expect([h.code, h.description, h.status, h.hasError]).toEqual([
      503,
      'No Responders',
      '503 No Responders',
      true,
    ]);
  });
});

describe('the wire form', () => {
  it('is that of nats-core', () => {
    for (const make of [headers, officialHeaders]) {
      const h = make();
      h.append('Nats-Msg-Id', '1');
      h.append('X', 'grüße');
      h.append('X', '2');
      expect(text(encodeHeaders(h))).toBe('NATS/1.0\r\nNats-Msg-Id: 1\r\nX: grüße\r\nX: 2\r\n\r\n');
      expect(text(encodeHeaders(make(404, 'No Messages')))).toBe(
        'NATS/1.0 404 No Messages\r\n\r\n',
      );
      expect(encodeHeaders(make())).toHaveLength(0);
    }
  });

  it('is read as it comes', () => {
    const h = MessageHeaders.decode(
      bytes(
        'NATS/1.0 503\r\nNats-Subject: a.b\r\nk:v\r\nk:  w  \r\nno colon\r\n:x\r\na b: c:d\r\n\r\n',
      ),
    );
    expect([h.code, h.description, h.status, h.hasError]).toEqual([503, '', '503', true]);
    expect(h.toRecord()).toEqual({ 'Nats-Subject': ['a.b'], k: ['v', 'w'], 'a b': ['c:d'] });
    expect(MessageHeaders.decode(bytes('NATS/1.0 100 Idle Heartbeat\r\n\r\n')).description).toBe(
      'Idle Heartbeat',
    );
    for (const odd of ['', 'NATS/1.0', 'NATS/1.0 x\r\n', '\r\n\r\n', 'NATS/1.0\r\n']) {
      expect(MessageHeaders.decode(bytes(odd)).code).toBe(0);
    }
  });

  it('read and written again is the same', () => {
    const h = headers(408, 'Request Timeout');
    h.append('A', 'ä');
    h.append('B', '');
    const again = MessageHeaders.decode(h.encode());
    expect(text(again.encode())).toBe(text(h.encode()));
  });

  it('of what a peer sent is checked before it is sent on', () => {
    const h = MessageHeaders.decode(bytes('NATS/1.0\r\nbad name: x\r\n\r\n'));
    expect(() => encodeHeaders(h)).toThrow("'header' name 'bad name'");
  });

  it('of a foreign object is checked', () => {
    const evil = Object.assign(officialHeaders(), {});
    evil.append('a', 'ok');
    evil.values('a');
    for (const [, values] of evil) values.push('x\r\nInjected: 1');
    expect(() => encodeHeaders(evil)).toThrow('values cannot contain');
  });
});

/** Made by another library, and with nothing of ours. */
const MAKERS: [string, (name: string, value: string) => MsgHdrs][] = [
  ['headers()', (name, value) => MessageHeaders.fromRecord({ [name]: value })],
  [
    "nats-core's headers()",
    (name, value) => {
      const h = officialHeaders();
      h.append(name, value);
      return h;
    },
  ],
];

describe.each(MAKERS)('what is sent with %s', (_, make) => {
  function setup() {
    const bus = createBus();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    bus.subscribe('a', (msg) => kept.push(msg));
    const peer = new CorePeer(internalsOf(bus));
    return { bus, kept, peer };
  }

  it('is what was set then, whatever is done to the block later', async () => {
    const { bus, kept } = setup();
    const loop = bus.subscribe('a', { max: 3 });
    const h = make('k', '1');
    bus.publish('a', '', { headers: h });
    h.set('k', '2');
    bus.publish('a', '', { headers: h });
    h.append('k', '3');
    h.append('l', '4');
    bus.publish('a', '', { headers: h });
    h.delete('k');
    h.delete('l');
    const expected = [{ k: ['1'] }, { k: ['2'] }, { k: ['2', '3'], l: ['4'] }];
    const seen: unknown[] = [];
    for await (const msg of loop) seen.push(recordOf(msg));
    expect(seen).toEqual(expected);
    expect(kept.map(recordOf)).toEqual(expected.flatMap((each) => [each, each]));
    expect(h.keys()).toEqual([]);
  });

  it('is so inside a handler, where it waits', () => {
    const { bus, kept } = setup();
    bus.subscribe('start', () => {
      const h = make('k', '1');
      bus.publish('a', '', { headers: h });
      h.set('k', '2');
    });
    bus.publish('start');
    expect(kept.map(recordOf)).toEqual([{ k: ['1'] }, { k: ['1'] }]);
  });

  it("is each recipient's own: what one changes no other sees, nor the publisher, nor a peer", () => {
    const { bus, kept, peer } = setup();
    const h = make('k', '1');
    bus.subscribe('a', (msg) => {
      msg.headers?.set('k', 'changed');
      for (const [, values] of msg.headers ?? []) values.push('pushed');
      kept.push(msg);
    });
    bus.publish('a', '', { headers: h });
    expect(kept.map((msg) => msg.headers?.values('k'))).toEqual([['1'], ['1'], ['changed']]);
    expect(h.values('k')).toEqual(['1']);
    peer.say('SUB a 1\n');
    bus.publish('a', 'x', { headers: h });
    expect(peer.heard()).toBe('HMSG a 1 18 19\nNATS/1.0\nk: 1\n\nx\n');
  });

  it('is passed on by who received it, and may be changed before', () => {
    const { bus, kept } = setup();
    bus.subscribe('first', (msg) => {
      bus.publish('a', '', { headers: msg.headers as MsgHdrs });
      msg.headers?.append('k', '2');
      bus.publish('a', '', { headers: msg.headers as MsgHdrs });
      bus.publishMessage(Object.assign(msg, { subject: 'a' }));
    });
    bus.publish('first', '', { headers: make('k', '1') });
    const changed = { k: ['1', '2'] };
    const expected = [{ k: ['1'] }, { k: ['1'] }, changed, changed, changed, changed];
    expect(kept.map(recordOf)).toEqual(expected);
  });

  it('holds for requests, answers, publishers and connections', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const asked: Message[] = [];
    const h = make('k', '1');
    bus.subscribe('svc', (msg) => {
      asked.push(msg);
      msg.respond('', { headers: h });
      h.set('k', 'answered');
    });
    const ways = [
      () => bus.request('svc', '', { headers: h }),
      () => connection.request('svc', '', { headers: h }),
    ];
    for (const ask of ways) {
      h.set('k', '1');
      const { headers: answered } = await ask();
      expect([asked.at(-1)?.headers?.get('k'), answered?.get('k')]).toEqual(['1', '1']);
    }
    const seen: Message[] = [];
    bus.subscribe('a', (msg) => seen.push(msg));
    h.set('k', '1');
    bus.publisher('a').publish('', { headers: h });
    connection.publish('a', '', { headers: h });
    h.set('k', '2');
    expect(seen.map((msg) => msg.headers?.get('k'))).toEqual(['1', '1']);
  });
});

describe('headers of a peer', () => {
  it("are each recipient's own", () => {
    const bus = createBus();
    const kept: Message[] = [];
    for (let i = 0; i < 2; i++) bus.subscribe('a', (msg) => kept.push(msg));
    new CorePeer(internalsOf(bus)).say('HPUB a 17 17\nNATS/1.0\nk:1\n\n\n');
    kept[0]?.headers?.set('k', '2');
    expect(kept.map((msg) => msg.headers?.get('k'))).toEqual(['2', '1']);
  });

  it('with many values of one name have one list of them, which is not copied for each', () => {
    const set = vi.spyOn(Map.prototype, 'set');
    const h = MessageHeaders.decode(bytes(`NATS/1.0\r\n${'k:v\r\n'.repeat(200_000)}\r\n`));
    const lists = set.mock.calls.filter(([name]) => name === 'k');
    set.mockRestore();
    expect(lists).toHaveLength(1);
    expect(h.values('k')).toHaveLength(200_000);
  });
});

describe('what is no header block', () => {
  it.each<[string, unknown, string]>([
    ['a plain object', { k: 'v' }, '[object Object]'],
    ['a Map', new Map([['k', ['v']]]), '[object Map]'],
    ['Headers of fetch', new Headers({ k: 'v' }), '[object Headers]'],
    ['an array', [['k', ['v']]], '[object Array]'],
    ['a text', 'k: v', "'k: v'"],
    ['null', null, 'null'],
  ])('is refused: %s', async (_, block, kind) => {
    const bus = createBus();
    const connection = await connect({ bus });
    bus.subscribe('a', (msg) => msg.respond());
    const options = { headers: block as MsgHdrs };
    const refusal = expect.objectContaining({
      name: 'InvalidArgumentError',
      message: `'headers' must be made by headers(), not ${kind}`,
    });
    expect(() => bus.publish('a', 1, options)).toThrow(refusal);
    expect(() => bus.publisher('a').publish(1, options)).toThrow(refusal);
    expect(() => connection.publish('a', '', options)).toThrow(refusal);
    await expect(bus.request('a', 1, options)).rejects.toEqual(refusal);
    await expect(connection.request('a', '', options)).rejects.toEqual(refusal);
    await expect(bus.requestMany('a', 1, options)).rejects.toEqual(refusal);
  });
});

function recordOf({ headers: block }: Message): Record<string, string[]> {
  return Object.fromEntries(block ?? []);
}

describe('a block that goes through a connection', () => {
  it('is sent each time as it is then', async () => {
    const bus = createBus();
    const seen: string[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.headers?.get('k') ?? ''));
    const connection = await connect({ bus });
    const h = headers();
    for (const value of ['1', '2', '3']) {
      h.set('k', value);
      connection.publish('a', '', { headers: h });
      connection.publish('a', '', { headers: h });
    }
    expect(seen).toEqual(['1', '1', '2', '2', '3', '3']);
    await bus.close();
  });
});
