// Header blocks: nats-core's interface, and the wire form.
import { headers as officialHeaders } from '@nats-io/nats-core';
import { describe, expect, it } from 'vitest';
import { encodeHeaders } from '../../src/bus/headers.ts';
import {
  canonicalMIMEHeaderKey,
  createBus,
  headers,
  Match,
  MessageHeaders,
} from '../../src/index.ts';

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

describe('headers of a message', () => {
  it('are the published object in this process', () => {
    const bus = createBus();
    const h = headers();
    h.set('a', '1');
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.headers));
    bus.publish('a', 'x', { headers: h });
    bus.publish('a', 'x');
    expect(seen[0]).toBe(h);
    expect(seen[1]).toBeUndefined();
  });
});
