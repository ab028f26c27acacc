// What a peer names, a reply or a subject, need be no text that the program could say. Whatever it is, nothing is thrown
// into the program for it, and it is answered byte for byte.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, connect, createBus, headers, type Message } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

interface Setup {
  bus: Bus;
  peer: CorePeer;
  errors: unknown[];
}

function setup(): Setup {
  const errors: unknown[] = [];
  const bus = createBus({ onError: (error) => errors.push(error) });
  const peer = new CorePeer(internalsOf(bus));
  return { bus, peer, errors };
}

const EMPTY_TOKENS = ['a..b', '.a', 'a.', '.', '..'];
const STRANGE = [
  '_I.\0',
  '\0',
  '_I.\xff\xfe',
  '_I.\xc3',
  '_I.\xed\xa0\x80',
  '_I.\xef\xbf\xbd',
  '*',
  'a.>',
];

describe('a responder', () => {
  it.each(EMPTY_TOKENS)('answers %j, which has an empty token: it reaches nobody', (reply) => {
    const { bus, peer, errors } = setup();
    const answers: boolean[] = [];
    bus.subscribe('stock.get', (msg) => answers.push(msg.respond({ count: 3 })));
    peer.say('SUB > 1\n');
    peer.sayBytes(`PUB stock.get ${reply} 3\r\ntea\r\n`);
    expect(peer.heardBytes()).toBe(`MSG stock.get 1 ${reply} 3\r\ntea\r\n`);
    expect([answers, errors]).toEqual([[true], []]);
  });

  it.each(STRANGE)('answers %j byte for byte', (reply) => {
    const { bus, peer, errors } = setup();
    const h = headers();
    h.set('k', 'v');
    bus.subscribe('stock.get', (msg) => msg.respond({ count: 3 }, { reply: 'more', headers: h }));
    peer.say('SUB > 1\n');
    peer.sayBytes(`PUB stock.get ${reply} 3\r\ntea\r\n`);
    expect(peer.heardBytes()).toBe(
      `MSG stock.get 1 ${reply} 3\r\ntea\r\n` +
        `HMSG ${reply} 1 more 18 29\r\nNATS/1.0\r\nk: v\r\n\r\n{"count":3}\r\n`,
    );
    expect(errors).toEqual([]);
    expect(bus.stats()).toMatchObject({ outMsgs: 1, outBytes: 29 });
  });

  it('answers later, outside of its handler, as well', () => {
    const { bus, peer } = setup();
    const kept: Message[] = [];
    bus.subscribe('ask', (msg) => kept.push(msg));
    peer.say('SUB _I.> 1\n');
    peer.sayBytes('PUB ask _I.\xff 0\r\n\r\nPUB ask _I.a\0 0\r\n\r\nPUB ask _I..a 0\r\n\r\n');
    for (const msg of kept) expect(msg.respond('x')).toBe(true);
    expect(peer.heardBytes()).toBe('MSG _I.\xff 1 1\r\nx\r\nMSG _I.a\0 1 1\r\nx\r\n');
  });

  it('reaches subscriptions of the program, in the order of the other publishes', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    bus.subscribe('_I.>', (msg) => seen.push(`${msg.subject} ${msg.string()}`));
    bus.subscribe('ask', (msg) => {
      bus.publish('_I.x', '1');
      msg.respond('2');
      bus.publish('_I.x', '3');
    });
    peer.sayBytes('PUB ask _I.\xff 0\r\n\r\n');
    expect(seen).toEqual(['_I.x 1', '_I.\ufffd 2', '_I.x 3']);
  });

  it('that cannot encode its answer is told so by onError, and nobody gets it', () => {
    const { bus, peer, errors } = setup();
    bus.subscribe('ask', (msg) => msg.respond(1n));
    peer.say('SUB _I.> 1\n');
    peer.sayBytes('PUB ask _I.\xff 0\r\n\r\n');
    expect(peer.heardBytes()).toBe('');
    expect(errors).toMatchObject([{ name: 'InvalidPayloadError' }]);
  });

  it('passes a request on with the reply that it came with', () => {
    const { bus, peer, errors } = setup();
    bus.subscribe('front', (msg) => bus.publish('back', msg.data, { reply: msg.reply as string }));
    bus.subscribe('back', (msg) => msg.respond('done'));
    peer.say('SUB _I.> 1\n');
    for (const reply of ['_I..a', '_I.', '_I.\0']) {
      peer.sayBytes(`PUB front ${reply} 0\r\n\r\n`);
    }
    expect(peer.heardBytes()).toBe('MSG _I.\0 1 4\r\ndone\r\n');
    expect(errors).toEqual([]);
  });

  it('still hears of its own mistakes', () => {
    const { bus, peer, errors } = setup();
    bus.subscribe('ask', (msg) => msg.respond('x', { reply: 'a b' }));
    peer.sayBytes('PUB ask _I.\xff 0\r\n\r\nPUB ask _I.a 0\r\n\r\n');
    expect(errors).toMatchObject([
      { name: 'InvalidSubjectError' },
      { name: 'InvalidSubjectError' },
    ]);
  });
});

describe('what a peer has named', () => {
  it('is published again, and answered, by the methods that take a message', async () => {
    const { bus, peer, errors } = setup();
    const connection = await connect({ bus });
    for (const way of [bus, connection]) {
      const subscription = bus.subscribe('in.>', (msg) => {
        subscription.unsubscribe();
        way.publishMessage({ ...plain(msg), subject: 'out.x' });
        way.publishMessage(msg);
        way.respondMessage(msg);
      });
      peer.say('SUB in.* 1\nSUB _I.* 2\nSUB out.x 3\n');
      peer.sayBytes('PUB in.\xff _I.\0\xff 1\r\nx\r\n');
      const heard = peer.heardBytes();
      expect(heard.match(/MSG in\.\xff 1 _I\.\0\xff 1\r\nx\r\n/g)).toHaveLength(2);
      expect(heard).toContain('MSG _I.\0\xff 2 _I.');
      peer.say('UNSUB 1\nUNSUB 2\nUNSUB 3\n');
    }
    expect(errors).toEqual([]);
    await connection.close();
  });

  it('with a NUL finds another member when the pick of a queue group has closed', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    const members = Array.from({ length: 2 }, (_, i) =>
      bus.subscribe(
        '*',
        (msg) => {
          seen.push(msg.string());
          members[1 - i]?.unsubscribe();
        },
        { queue: 'q' },
      ),
    );
    const subjects = Array.from({ length: 12 }, (_, i) => i);
    peer.sayBytes(subjects.map((i) => `PUB \0${i} 1\r\nx\r\n`).join(''));
    expect(seen).toHaveLength(12);
  });

  it('is answered to those who had subscribed at the answer', () => {
    const { bus, peer } = setup();
    const heard: string[] = [];
    bus.subscribe('svc', (msg) => {
      msg.respond('x');
      bus.subscribe('>', ({ subject }) => void heard.push(subject));
    });
    for (const reply of ['r.a', 'r.\xff', 'r..b']) peer.sayBytes(`PUB svc ${reply} 0\r\n\r\n`);
    // The second and the third request, and their answers, reach those of the requests before.
    expect(heard).toEqual(['svc', 'r.\ufffd', 'svc', 'svc']);
  });

  it('is no reason to take text of the program that cannot stand on a line', () => {
    const { bus } = setup();
    const message = { subject: 'a b', reply: 'c d', data: new Uint8Array(), sid: 0 };
    const refusal = expect.objectContaining({ name: 'InvalidSubjectError' });
    expect(() => bus.publishMessage(message as never)).toThrow(refusal);
    expect(() => bus.respondMessage(message as never)).toThrow(refusal);
  });
});

function plain({ subject, reply, data, sid }: Message): Parameters<Bus['publishMessage']>[0] {
  const respond = (): boolean => false;
  const rest = { respond, json: () => undefined as never, string: () => '' };
  return { subject, data, sid, ...(reply === undefined ? {} : { reply }), ...rest };
}
