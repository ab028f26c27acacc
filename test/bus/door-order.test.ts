// The internal door where several meet: the order of raw and plain subscriptions, who has closed meanwhile, and words
// that cannot stand on a line.
import { describe, expect, it, vi } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import type { MessageClient } from '../../src/bus/types.ts';
import { takeChanges } from '../../src/core/index.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { ClosedConnectionError } from '../../src/shared/errors.ts';
import { exportsOf } from '../support/core-exports.ts';
import { CorePeer } from '../support/core-peer.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** A publish of a peer, of the program, and of the door. */
const WAYS: readonly (readonly [
  string,
  (bus: Bus, door: BusInternals, subject: string) => void,
])[] = [
  ['a peer', (_, door, subject) => new CorePeer(door).say(`PUB ${subject} 0\n\n`)],
  ['the program', (bus, _, subject) => bus.publish(subject, 'x')],
  [
    'deliverBatch',
    (_, door, subject) => door.deliverBatch([{ to: bytes(subject), payload: bytes('x') }]),
  ],
  ['deliver', (_, door, subject) => door.deliver({ to: subject, payload: bytes('x') })],
];

describe.each(WAYS)('a message of %s', (_, say) => {
  it('comes to raw and plain subscriptions in the order in which they came', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    bus.subscribe('a.b', () => log.push('plain a.b'));
    door.subscribeRaw('a.*', () => log.push('raw a.*'));
    bus.subscribe('>', () => log.push('plain >'));
    say(bus, door, 'a.b');
    expect(log).toEqual(['plain a.b', 'raw a.*', 'plain >']);
  });

  it('keeps that order when one has left', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    const first = bus.subscribe('a', () => log.push('first'));
    bus.subscribe('a', () => log.push('plain'));
    door.subscribeRaw('a', () => log.push('raw'));
    bus.subscribe('a', () => log.push('last'));
    first.unsubscribe();
    say(bus, door, 'a');
    expect(log).toEqual(['plain', 'raw', 'last']);
  });

  it('comes to plain ones as if no raw one were there', () => {
    const orders = [false, true].map((hasRaw) => {
      const bus = createBus();
      const door = internalsOf(bus);
      const log: string[] = [];
      for (const filter of ['>', 'a.b', 'a.*', '*.b', 'a.b']) {
        bus.subscribe(filter, () => log.push(filter));
      }
      if (hasRaw) door.subscribeRaw('a.b', () => {});
      say(bus, door, 'a.b');
      return log;
    });
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[0]).toHaveLength(5);
  });

  it('is not for a raw one that a handler before it has closed', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    bus.subscribe('a', () => {
      log.push('plain');
      raw.close();
    });
    const raw = door.subscribeRaw('a', () => log.push('raw'));
    say(bus, door, 'a');
    expect(log).toEqual(['plain']);
    expect(bus.stats().inMsgs).toBe(1);
  });

  it('is not for a raw one of a bus that a handler before it has closed', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    bus.subscribe('a', () => {
      log.push('plain');
      void bus.close();
    });
    door.subscribeRaw('a', () => log.push('raw'));
    say(bus, door, 'a');
    expect(log).toEqual(['plain']);
  });
});

describe('a raw subscription', () => {
  it.each([1, 40_000])('keeps its place among others for whom %i bytes are meant', (length) => {
    const bus = createBus();
    const door = internalsOf(bus);
    const reader = new CorePeer(door);
    reader.say('SUB a.> 1\nSUB *.b 2\n');
    const log: string[] = [];
    bus.subscribe('>', () => log.push('plain >'));
    door.subscribeRaw('a.b', ({ bodyBytes }) => log.push(`raw ${bodyBytes}`));
    bus.subscribe('a.*', () => log.push('plain a.*'));
    new CorePeer(door).say(`PUB a.b ${length}\n${'x'.repeat(length)}\n`.repeat(2));
    const one = ['plain >', `raw ${length}`, 'plain a.*'];
    expect(log).toEqual([...one, ...one]);
  });

  it('leaves nothing behind: closed by its owner, or with its bus', async () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const [one, two] = [door.subscribeRaw('a', () => {}), door.subscribeRaw('a', () => {})];
    expect(door.engine.raws.get(one.handle)).toBe(one);
    one.close();
    expect(door.engine.raws.get(one.handle)).toBeUndefined();
    await bus.close();
    expect([two.isOpen, door.engine.raws.get(two.handle)]).toEqual([false, undefined]);
    expect(door.core.live().subscriptions).toBe(0);
  });

  it('whose promise rejects is reported', async () => {
    const errors: unknown[] = [];
    const bus = createBus({
      onError: (error, { subject, sid }) => errors.push([String(error), subject, sid]),
    });
    const { sid } = internalsOf(bus).subscribeRaw('a', async () => {
      throw new Error('late');
    });
    bus.publish('a', 'x');
    await vi.waitFor(() => expect(errors).toEqual([['Error: late', 'a', sid]]));
  });

  it.each([10, 100])('copies nothing of %i bytes to where there is no room', (length) => {
    const bus = createBus();
    const ends: number[] = [];
    const target = new Uint8Array(9);
    internalsOf(bus).subscribeRaw('a', (message) => {
      expect(() => message.copyBody(target, 0)).toThrow(RangeError);
      expect(() => message.copySubject(target, 9)).toThrow(RangeError);
      expect(() => message.copySubject(target, -1)).toThrow(RangeError);
      ends.push(message.copySubject(target, 8));
    });
    bus.publish('a', 'x'.repeat(length));
    expect(ends).toEqual([9]);
    expect([...target.subarray(0, 8)].every((byte) => byte === 0)).toBe(true);
  });
});

describe('words of a batch', () => {
  const long = (length: number): Uint8Array => new Uint8Array(length).fill(120);

  it.each([
    ['a subject with a blank', { to: bytes('a b') }],
    ['an empty one', { to: bytes('') }],
    ['one with a line in it', { to: bytes('a\r\nPING\r\n') }],
    ['a reply with a line in it', { to: bytes('a'), reply: bytes('r 9\r\nPING\r\n') }],
    ['a shown subject with a tab', { to: bytes('a'), subject: bytes('a\tb') }],
    ['an empty shown subject', { to: bytes('a'), subject: bytes('') }],
    ['a subject beyond all bounds', { to: Buffer.concat([bytes('a.'), long(70_000)]) }],
    ['a reply beyond all bounds', { to: bytes('a'), reply: long(70_000) }],
  ])('%s reaches nobody, and those beside it do', (_, wrong) => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    peer.say('SUB > 1\n');
    let count = 0;
    bus.subscribe('>', () => count++);
    door.subscribeRaw('>', () => count++);
    const good = { to: bytes('ok'), payload: bytes('x') };
    const outcomes = door.deliverBatch([good, { ...wrong, payload: bytes('y') }, good]);
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([3, 0, 3]);
    expect(peer.heardBytes()).toBe('MSG ok 1 1\r\nx\r\n'.repeat(2));
    expect(count).toBe(4);
  });

  it('do no harm to what comes after a batch that was given up', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const { core, turn } = door;
    exportsOf(core).recordsSetLimit(8);
    let count = 0;
    for (const subject of ['a', 'a', 'b', 'b']) bus.subscribe(subject, () => count++);
    const peer = new CorePeer(door);
    const { onRecords } = turn;
    let left = 3;
    turn.onRecords = (...args) => {
      if (--left === 0) throw new Error('given up');
      onRecords?.(...args);
    };
    const entries = Array.from({ length: 10 }, () => ({ to: bytes('a'), payload: bytes('x') }));
    expect(() => door.deliverBatch(entries)).toThrow('given up');
    turn.onRecords = onRecords;
    count = 0;
    peer.say('PUB b 1\nx\nPUB b 1\nx\n');
    expect(count).toBe(4);
    bus.publish('b', 'x');
    expect(count).toBe(6);
    expect(door.deliverBatch([{ to: bytes('b'), payload: bytes('x') }])[0]?.delivered).toBe(2);
  });
});

it('a message whose reply is no text is answered on its very bytes', () => {
  const bus = createBus();
  const door = internalsOf(bus);
  const peer = new CorePeer(door);
  peer.originOf = () => ({ wantsNoResponders: true }) as MessageClient;
  const answered: boolean[] = [];
  bus.subscribe('c', (msg) => void answered.push(door.noResponders(msg)));
  peer.say('SUB > 1\n');
  peer.sayBytes('PUB c _I.\xff 0\r\n\r\nPUB c _I.\xc3\xa9 0\r\n\r\n');
  expect(answered).toEqual([true, true]);
  const heard = peer.heardBytes();
  expect(heard).toContain('HMSG _I.\xff 1 ');
  expect(heard).toContain('HMSG _I.\xc3\xa9 1 ');
});

it('a watch ends with the side whose it is', () => {
  const door = internalsOf(createBus());
  const [one, two] = [door.account('X'), door.account('X')];
  const seen: [string, boolean][] = [];
  one.watchInterest('w', (hasInterest) => seen.push(['one', hasInterest]));
  const end = two.watchInterest('w', (hasInterest) => seen.push(['two', hasInterest]));
  one.close();
  two.subscribeRaw('w', () => {}).close();
  end();
  expect(seen.filter(([who]) => who === 'one')).toEqual([]);
  expect(seen).toContainEqual(['two', true]);
});

it('nothing is noted for watches whose side is closed, and a closed side has none', () => {
  const door = internalsOf(createBus());
  const [one, two] = [door.account('X'), door.account('X')];
  one.watchInterest('never', () => {});
  one.close();
  two.subscribeRaw('else', () => {});
  const changes: string[] = [];
  takeChanges(door.core, (_account, filter) => changes.push(filter));
  expect(changes).toEqual([]);
  expect(() => one.watchInterest('w', () => {})).toThrow(ClosedConnectionError);
});
