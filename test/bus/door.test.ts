// The internal door's ways for who stores and replays: batches out, records in, and the ends of turns and loops.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import type { RawMessage } from '../../src/bus/raw.ts';
import type { MessageClient } from '../../src/bus/types.ts';
import { BatchRun } from '../../src/core/index.ts';
import { createBus, type Message } from '../../src/index.ts';
import { exportsOf } from '../support/core-exports.ts';
import { CorePeer } from '../support/core-peer.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const closed = expect.objectContaining({ name: 'ClosedConnectionError' });

/** What a raw message says, copied while it can be. */
function told(message: RawMessage): string[] {
  const { subject, reply, headers, payload } = message;
  return [subject, reply, headers, payload].map((each) => Buffer.from(each).toString('latin1'));
}

describe('a batch', () => {
  it('reaches peers and the program, in order, each shown its own subject', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.say('SUB inbox.* 7\n');
    const heard: unknown[] = [];
    bus.subscribe('inbox.1', (msg) =>
      heard.push([msg.subject, msg.reply, msg.string(), msg.client]),
    );
    const outcomes = door.deliverBatch([
      {
        to: bytes('inbox.1'),
        subject: bytes('orders.new'),
        reply: bytes('ack.1'),
        payload: bytes('one'),
      },
      { to: bytes('inbox.2'), headers: bytes('NATS/1.0\r\nk: v\r\n\r\n'), payload: bytes('two') },
      { to: bytes('nobody'), payload: bytes('three') },
      { to: bytes('inbox.1'), payload: bytes('') },
    ]);
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([2, 1, 0, 2]);
    expect(outcomes.map(({ pressed }) => pressed)).toEqual([0, 0, 0, 0]);
    expect(peer.heard()).toBe(
      'MSG orders.new 7 ack.1 3\none\n' +
        'HMSG inbox.2 7 18 21\nNATS/1.0\nk: v\n\ntwo\n' +
        'MSG inbox.1 7 0\n\n',
    );
    expect(heard).toEqual([
      ['orders.new', 'ack.1', 'one', undefined],
      ['inbox.1', undefined, '', undefined],
    ]);
  });

  it('takes a run of them alike', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.say('SUB inbox.* 7\n');
    const run = new BatchRun();
    const [to, subject, reply] = ['inbox.1', 'orders.new', 'ack.1'].map(bytes);
    run.push({
      to: to!,
      subject,
      reply,
      headers: bytes('NATS/1.0\r\n\r\n'),
      payload: bytes('one'),
    });
    run.push({ to: bytes('nobody'), payload: bytes('two') });
    run.push({ to: to!, payload: bytes('') });
    door.deliverSlice(run);
    expect([0, 1, 2, 3].map((i) => run.reached(i))).toEqual([1, 0, 1, 0]);
    expect(run.pressed(0)).toBe(0);
    expect(peer.heard()).toBe(
      'HMSG orders.new 7 ack.1 12 15\nNATS/1.0\n\none\nMSG inbox.1 7 0\n\n',
    );
    run.reset(0);
    expect(run.reached(0)).toBe(0);
  });

  it('takes subjects and replies as bytes, whatever they are', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.say('SUB _I.* 1\n');
    const outcomes = door.deliverBatch([
      { to: bytes('a..b'), payload: bytes('reaches nobody') },
      { to: bytes('.a'), payload: bytes('') },
      { to: bytes('_I.\xff'), reply: bytes('r..\xfe'), payload: bytes('hi') },
    ]);
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([0, 0, 1]);
    const sent = peer.heardBytes();
    expect(sent).toBe('MSG _I.\xff 1 r..\xfe 2\r\nhi\r\n');
  });

  it('takes views of memory that may change once it has returned', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const slab = bytes('..one..two..');
    const heard: string[] = [];
    bus.subscribe('a', (msg) => heard.push(msg.string()));
    door.deliverBatch([
      { to: bytes('a'), payload: slab.subarray(2, 5) },
      { to: bytes('a'), payload: slab.subarray(7, 10) },
    ]);
    slab.fill(0);
    expect(heard).toEqual(['one', 'two']);
  });

  it.each([8, 9, 17])('goes on where it had to stop, with room for %i records', (records) => {
    const bus = createBus();
    const door = internalsOf(bus);
    exportsOf(door.core).recordsSetLimit(records);
    const heard: string[] = [];
    for (let i = 0; i < 3; i++) bus.subscribe('a.*', (msg) => heard.push(`${i} ${msg.subject}`));
    const raw: string[] = [];
    door.subscribeRaw('a.>', (message) => raw.push(told(message)[0] as string));
    const peer = new CorePeer(door);
    peer.say('SUB a.* 1\n');
    const entries = Array.from({ length: 40 }, (_, i) => ({
      to: bytes(`a.${i}`),
      payload: bytes('x'),
    }));
    const outcomes = door.deliverBatch(entries);
    expect(outcomes.every(({ delivered }) => delivered === 5)).toBe(true);
    const subjects = entries.map((_, i) => `a.${i}`);
    expect(raw).toEqual(subjects);
    for (let i = 0; i < 3; i++) {
      expect(heard.filter((each) => each.startsWith(`${i} `))).toEqual(
        subjects.map((each) => `${i} ${each}`),
      );
    }
    expect(peer.heard()).toBe(subjects.map((each) => `MSG ${each} 1 1\nx\n`).join(''));
  });

  it('larger than any region is laid out apart', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const sizes: number[] = [];
    bus.subscribe('a', (msg) => sizes.push(msg.data.length));
    const entries = [70_000, 10, 2_000_000].map((size) => ({
      to: bytes('a'),
      payload: new Uint8Array(size),
    }));
    expect(door.deliverBatch(entries).map(({ delivered }) => delivered)).toEqual([1, 1, 1]);
    expect(sizes).toEqual([70_000, 10, 2_000_000]);
    expect(door.deliverBatch([])).toEqual([]);
  });

  it('tells which of its entries meet a recipient that is pressed', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door, { pendingMax: 10_000 });
    peer.say('SUB slow 1\n');
    bus.subscribe('quick', () => {});
    const payload = new Uint8Array(4000);
    const [first, second, third] = door.deliverBatch([
      { to: bytes('slow'), payload },
      { to: bytes('slow'), payload },
      { to: bytes('quick'), payload },
    ]);
    expect(first).toEqual({ delivered: 1, pressed: 0 });
    expect(second).toEqual({ delivered: 1, pressed: peer.handle });
    expect(third).toEqual({ delivered: 1, pressed: 0 });
    // What was pressed before has nothing to do with who gets the next one.
    expect(door.deliver({ to: 'quick', payload }).pressed).toBe(0);
  });

  it('gives a message of a group to another member when the chosen one has closed', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const heard: string[] = [];
    const members = Array.from({ length: 2 }, (_, i) =>
      bus.subscribe(
        'to',
        (msg) => {
          heard.push(`${msg.subject} ${msg.string()}`);
          members[1 - i]?.unsubscribe();
        },
        { queue: 'q' },
      ),
    );
    const entries = Array.from({ length: 20 }, (_, i) => ({
      to: bytes('to'),
      subject: bytes(`shown.${i}`),
      payload: bytes(`${i}`),
    }));
    door.deliverBatch(entries);
    expect(heard).toEqual(entries.map((_, i) => `shown.${i} ${i}`));
  });

  it('is not for handlers, nor for a door that is closed', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push((error as Error).name) });
    const door = internalsOf(bus);
    bus.subscribe('a', () => door.deliverBatch([]));
    bus.publish('a');
    expect(errors).toEqual(['InvalidOperationError']);
    await bus.close();
    expect(() => door.deliverBatch([])).toThrow(closed);
    expect(() => door.subscribeRaw('a', () => {})).toThrow(closed);
  });
});

describe('a raw subscription', () => {
  it('is handed what peers and the program publish, byte for byte', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const got: unknown[] = [];
    const peer = new CorePeer(door);
    const client = { cid: 1 } as MessageClient;
    peer.originOf = () => client;
    door.subscribeRaw('s.>', (message) => {
      got.push([...told(message), message.session, message.client]);
    });
    peer.sayBytes('PUB s.\xff a..b 2\r\n\x00\xff\r\n');
    peer.sayBytes('HPUB s.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n');
    bus.publish('s.2', { json: true }, { reply: 'r' });
    expect(got).toEqual([
      ['s.\xff', 'a..b', '', '\x00\xff', peer.handle, client],
      ['s.1', '', 'NATS/1.0\r\n\r\n', 'hi', peer.handle, client],
      ['s.2', 'r', '', '{"json":true}', 0, undefined],
    ]);
    expect(bus.stats()).toMatchObject({ inMsgs: 3, inBytes: 16 });
  });

  it('copies what it is asked to, short or long', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const target = new Uint8Array(2000);
    const ends: number[] = [];
    door.subscribeRaw('s', (message) => {
      let at = message.copySubject(target, 0);
      at = message.copyReply(target, at);
      ends.push(message.copyBody(target, at));
      expect([message.subjectBytes, message.replyBytes, message.headerBytes]).toEqual([1, 2, 0]);
    });
    for (const length of [0, 1, 47, 48, 49, 1000]) {
      bus.publish('s', 'x'.repeat(length), { reply: 're' });
      expect(ends.pop()).toBe(3 + length);
      expect(Buffer.from(target.subarray(0, 3 + length)).toString()).toBe(
        `sre${'x'.repeat(length)}`,
      );
    }
  });

  it('gets its messages between those who subscribed before and after, by reference for them', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const value = { some: 'object' };
    const log: unknown[] = [];
    bus.subscribe('a', (msg) => log.push(msg.value === value));
    door.subscribeRaw('a', (message) => log.push(told(message)[3]));
    bus.subscribe('a', (msg) => log.push(msg.value === value));
    bus.publish('a', value);
    bus.publisher('a').publish(value);
    const one = [true, JSON.stringify(value), true];
    expect(log).toEqual([...one, ...one]);
  });

  it('does not get what has no bytes, while the others do', () => {
    const errors: unknown[] = [];
    const bus = createBus({
      maxPayload: 10,
      onError: (error) => errors.push((error as Error).name),
    });
    const door = internalsOf(bus);
    const heard: unknown[] = [];
    door.subscribeRaw('a', () => expect.unreachable());
    bus.subscribe('a', (msg) => heard.push(msg.value));
    bus.publish('a', 1n);
    bus.publish('a', 'x'.repeat(11));
    expect(heard).toEqual([1n, 'x'.repeat(11)]);
    expect(errors).toEqual(['InvalidPayloadError', 'InvalidPayloadError']);
  });

  it('that throws is reported, and goes on; closed, it gets nothing more', () => {
    const errors: unknown[] = [];
    const bus = createBus({
      onError: (error, { subject, sid }) => errors.push([String(error), subject, sid]),
    });
    const door = internalsOf(bus);
    let count = 0;
    const sub = door.subscribeRaw('a', () => {
      count++;
      throw new Error('fails');
    });
    const peer = new CorePeer(door);
    peer.say('PUB a 0\n\nPUB a 0\n\n');
    expect(errors).toEqual(Array.from({ length: 2 }, () => ['Error: fails', 'a', sub.sid]));
    sub.close();
    sub.close();
    peer.say('PUB a 0\n\n');
    expect(count).toBe(2);
    expect(door.core.live().subscriptions).toBe(0);
  });

  it('may close itself and others while messages are on their way', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const heard: string[] = [];
    const first = door.subscribeRaw('a', () => {
      heard.push('first');
      first.close();
      second.close();
    });
    const second = door.subscribeRaw('a', () => heard.push('second'));
    new CorePeer(door).say('PUB a 0\n\nPUB a 0\n\n');
    expect(heard).toEqual(['first']);
  });

  it('makes somebody interested: a request finds a responder', async () => {
    const bus = createBus();
    const door = internalsOf(bus);
    door.subscribeRaw('svc', (message) => {
      const to = message.reply.slice();
      door.atTurnEnd(() => door.deliverBatch([{ to, payload: bytes('"answer"') }]));
    });
    expect((await bus.request('svc', 1)).value).toBe('answer');
    expect(door.hasInterest('svc')).toBe(true);
  });
});

describe('no responders', () => {
  it('is answered for a raw message on the very bytes of its reply', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.originOf = () => ({ wantsNoResponders: true }) as MessageClient;
    const answered: boolean[] = [];
    door.subscribeRaw('claimed.>', (message) => answered.push(door.noResponders(message)));
    peer.say('SUB _I.* 1\n');
    peer.sayBytes('PUB claimed.x _I.\xff 0\r\n\r\nPUB claimed.y 0\r\n\r\n');
    expect(answered).toEqual([true, false]);
    expect(peer.heardBytes()).toBe(
      'HMSG _I.\xff 1 41 41\r\nNATS/1.0 503\r\nNats-Subject: claimed.x\r\n\r\n\r\n',
    );
  });

  it('is not sent to who did not ask for it', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.originOf = () => ({ wantsNoResponders: false }) as MessageClient;
    door.subscribeRaw('a', (message) => expect(door.noResponders(message)).toBe(false));
    peer.say('SUB r 1\nPUB a r 0\n\n');
    expect(peer.heard()).toBe('');
  });
});

describe('the end of the loop', () => {
  it('comes once for all turns, and after them', async () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    const stored: Message[] = [];
    bus.subscribe('s', (msg) => {
      stored.push(msg);
      if (stored.length === 1) door.atLoopEnd(() => log.push(`commit ${stored.length}`));
    });
    for (let i = 0; i < 3; i++) bus.publish('s', i);
    log.push('published');
    await null;
    expect(log).toEqual(['published', 'commit 3']);
  });

  it('is part of a turn, may ask for another, and an error of one does not harm the others', async () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push(String(error)) });
    const door = internalsOf(bus);
    const log: unknown[] = [];
    door.atLoopEnd(() => {
      log.push(door.turn.isActive);
      door.atLoopEnd(() => log.push('again'));
      throw new Error('disk full');
    });
    door.atLoopEnd(() => log.push('second'));
    await null;
    expect(log).toEqual([true, 'second']);
    // Behind the program's own timers and sockets.
    await null;
    expect(log).toEqual([true, 'second']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([true, 'second', 'again']);
    expect(errors).toEqual(['Error: disk full']);
  });
});
