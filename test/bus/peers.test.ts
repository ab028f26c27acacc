// The program and peers on the same subjects.
import { describe, expect, it } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  type BusOptions,
  createBus,
  headers,
  type Message,
  type MessageClient,
  type MsgHdrs,
  type Subscription,
} from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

interface Setup {
  bus: Bus;
  door: BusInternals;
  peer: CorePeer;
}

function setup(options?: BusOptions): Setup {
  const bus = createBus(options);
  const door = internalsOf(bus);
  return { bus, door, peer: new CorePeer(door) };
}

describe('what the program publishes', () => {
  it('reaches peers as bytes, and its own subscriptions by reference', () => {
    const { bus, peer } = setup();
    peer.say('SUB a.* 1\n');
    const value = { x: 1 };
    const seen: unknown[] = [];
    bus.subscribe('a.b', (msg) => seen.push(msg.value));
    const h = headers();
    h.set('k', 'v');
    bus.publish('a.b', value);
    bus.publish('a.b', 'text', { reply: 'r.1' });
    bus.publish('a.b', new Uint8Array([65]), { headers: h });
    bus.publish('a.c');
    expect(seen[0]).toBe(value);
    expect(seen).toHaveLength(3);
    expect(peer.heard()).toBe(
      'MSG a.b 1 7\n{"x":1}\nMSG a.b 1 r.1 4\ntext\nHMSG a.b 1 18 19\nNATS/1.0\nk: v\n\nA\nMSG a.c 1 0\n\n',
    );
    expect(bus.stats()).toMatchObject({ outMsgs: 4, outBytes: 7 + 4 + 19 });
  });

  it('reaches its own subscriptions when it cannot be encoded, and the failure goes to onError', () => {
    const errors: [string, string][] = [];
    const { bus, peer } = setup({
      maxPayload: 16,
      onError: (error, { subject, sid }) => {
        errors.push([`${(error as Error).name} ${sid}`, subject]);
      },
    });
    peer.say('SUB > 1\n');
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.value));
    const loop: unknown[] = [];
    loop.push(loop);
    const values = [loop, 1n, 'x'.repeat(17)];
    for (const value of values) bus.publish('a', value);
    bus.publish('a', 'ok', { headers: foreign([['k', ['v', 'v\r\nEvil: 1']]]) });
    expect(seen).toEqual([...values, 'ok']);
    expect(errors).toEqual([
      ['InvalidPayloadError 0', 'a'],
      ['InvalidPayloadError 0', 'a'],
      ['InvalidPayloadError 0', 'a'],
      ['InvalidArgumentError 0', 'a'],
    ]);
    expect(peer.heard()).toBe('');
  });

  it('keeps the order in which its subscriptions subscribed when a peer is among them', () => {
    const { bus, peer } = setup();
    peer.say('SUB a 1\n');
    const seen: number[] = [];
    ['a', '>', 'a', '*'].forEach((filter, i) => {
      bus.subscribe(filter, () => seen.push(i));
    });
    bus.publish('a');
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('of nested handlers reaches peers in order, after the message at hand', () => {
    const { bus, peer } = setup();
    peer.say('SUB > 1\n');
    bus.subscribe('a', () => bus.publish('b', '1'));
    bus.subscribe('a', () => bus.publish('c', '2'));
    bus.publish('a', '0');
    expect(peer.heard()).toBe('MSG a 1 1\n0\nMSG b 1 1\n1\nMSG c 1 1\n2\n');
  });

  it('is whole for peers when handlers subscribe while there are more records than fit', () => {
    const { bus, peer } = setup();
    let count = 0;
    const more: Subscription[] = [];
    for (let i = 0; i < 12_000; i++) {
      bus.subscribe('many', () => {
        if (++count % 1000 === 0) more.push(bus.subscribe(`other.${count}.${'x'.repeat(100)}`));
      });
    }
    peer.say('SUB many 1\nSUB many 2\n');
    bus.publish('many', 'the payload itself', { reply: 'reply.to.me' });
    expect(count).toBe(12_000);
    expect(peer.heard().split('\n').slice(0, 4)).toEqual([
      expect.stringMatching(/^MSG many [12] reply\.to\.me 18$/),
      'the payload itself',
      expect.stringMatching(/^MSG many [12] reply\.to\.me 18$/),
      'the payload itself',
    ]);
  });
});

describe('what a peer publishes', () => {
  it('is decoded on first use', () => {
    const { bus, peer } = setup();
    const kept: Message[] = [];
    bus.subscribe('a.>', (msg) => kept.push(msg));
    peer.say(
      'PUB a.b r.1 7\n{"x":1}\nHPUB a.c 17 19\nNATS/1.0\nk:v\n\n[]\nPUB a.d 3\nfoo\nPUB a.e 0\n\n',
    );
    expect(kept.map((msg) => [msg.subject, msg.reply, msg.string()])).toEqual([
      ['a.b', 'r.1', '{"x":1}'],
      ['a.c', undefined, '[]'],
      ['a.d', undefined, 'foo'],
      ['a.e', undefined, ''],
    ]);
    expect(kept[0]?.value).toEqual({ x: 1 });
    expect(kept[0]?.value).toBe(kept[0]?.value);
    expect(kept[1]?.headers?.get('k')).toBe('v');
    expect(kept[0]?.headers).toBeUndefined();
    expect(() => kept[2]?.value).toThrow(expect.objectContaining({ name: 'InvalidPayloadError' }));
    expect(kept[3]?.value).toBeUndefined();
    expect(bus.stats()).toMatchObject({ inMsgs: 4, inBytes: 7 + 19 + 3 });
  });

  it('may be kept for as long as one likes, small or large', () => {
    const { bus, peer } = setup();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    const payloads = Array.from({ length: 400 }, (_, i) => `${i} `.repeat(1 + ((i * 37) % 4000)));
    for (const payload of payloads) peer.say(`PUB a ${payload.length}\n${payload}\n`);
    peer.say(`PUB b 100000\n${'z'.repeat(100_000)}\n`);
    expect(kept.map((msg) => msg.string())).toEqual(payloads);
  });

  it('shares one content among all subscriptions', () => {
    const { bus, peer } = setup();
    const kept: Message[] = [];
    for (let i = 0; i < 3; i++) bus.subscribe('a', (msg) => kept.push(msg));
    peer.say('PUB a 2\n{}\n');
    expect(new Set(kept.map((msg) => msg.value)).size).toBe(1);
    expect(new Set(kept.map((msg) => msg.data)).size).toBe(1);
    expect(kept.map((msg) => msg.sid)).toEqual([1, 2, 3]);
  });

  it('with subjects that are no ASCII is what it was', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    bus.subscribe('grüße.*', (msg) => seen.push(msg.subject));
    bus.subscribe('grüße', (msg) => seen.push(msg.subject));
    peer.say('PUB grüße.ä 0\n\nPUB grüße 0\n\n');
    expect(seen).toEqual(['grüße.ä', 'grüße']);
  });

  it('tells who published', () => {
    const { bus, peer } = setup();
    const client = { cid: 7, kind: 'CLIENT', account: '$G' } as MessageClient;
    peer.originOf = (session) => (session === peer.handle ? client : undefined);
    const seen: unknown[] = [];
    bus.subscribe('a', (msg) => seen.push(msg.client));
    peer.say('PUB a 0\n\n');
    bus.publish('a');
    expect(seen).toEqual([client, undefined]);
  });

  it('is dropped for a subscription that an earlier message of the read has closed', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    const sub = bus.subscribe('a', (msg) => {
      seen.push(msg.string());
      sub.unsubscribe();
      bus.subscribe('b', () => seen.push('stranger'));
    });
    peer.say('PUB a 1\n1\nPUB a 1\n2\nPUB a 1\n3\n');
    expect(seen).toEqual(['1']);
  });

  it('goes to another member when the pick of a queue group has closed meanwhile', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    const members: Subscription[] = [];
    for (let i = 0; i < 4; i++) {
      const member = bus.subscribe(
        'a',
        (msg) => {
          seen.push(msg.string());
          if (members.length > 1) {
            members.splice(members.indexOf(member), 1);
            member.unsubscribe();
          }
        },
        { queue: 'q' },
      );
      members.push(member);
    }
    const sent = Array.from({ length: 20 }, (_, i) => `${i}`);
    peer.say(sent.map((text) => `PUB a ${text.length}\n${text}\n`).join(''));
    expect(seen).toEqual(sent);
  });

  it('ends a subscription at its max within one read', () => {
    const { bus, peer } = setup();
    const seen: string[] = [];
    const sub = bus.subscribe('a', (msg) => seen.push(msg.string()), { max: 2 });
    peer.say('PUB a 1\n1\nPUB a 1\n2\nPUB a 1\n3\n');
    expect(seen).toEqual(['1', '2']);
    expect([sub.isClosed(), sub.getReceived()]).toEqual([true, 2]);
  });

  it('is answered after the whole read, in order', () => {
    const { bus, peer } = setup();
    bus.subscribe('ask', (msg) => msg.respond(`re ${msg.string()}`));
    peer.say('SUB in 1\nPUB ask in 1\n1\nPUB ask in 1\n2\n');
    expect(peer.heard()).toBe('MSG in 1 4\nre 1\nMSG in 1 4\nre 2\n');
  });
});

describe('queue groups and requests', () => {
  it('span the program and peers', () => {
    const { bus, peer } = setup();
    let mine = 0;
    bus.subscribe('work', () => mine++, { queue: 'q' });
    peer.say('SUB work q 1\n');
    for (let i = 0; i < 1000; i++) bus.publish('work', 'x');
    const theirs = peer.heard().split('MSG work').length - 1;
    expect(mine + theirs).toBe(1000);
    expect(Math.abs(mine - 500)).toBeLessThan(120);
  });

  it('a peer answers the program, and the program a peer', async () => {
    const { bus, peer } = setup();
    peer.say('SUB svc 1\n');
    const answer = bus.request('svc', { q: 1 });
    const [, reply] = /^MSG svc 1 (\S+) 7\n/.exec(peer.heard()) ?? [];
    peer.say(`PUB ${reply} 4\n"ok"\n`);
    expect((await answer).value).toBe('ok');
  });

  it('know that nobody is there once the peer has gone', async () => {
    const { bus, peer } = setup();
    peer.say('SUB svc 1\n');
    peer.close();
    await expect(bus.request('svc')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
    const other = new CorePeer(internalsOf(bus));
    other.say('SUB in 1\nPUB nobody in 0\n\n');
    expect(other.heard()).toContain('NATS/1.0 503');
    bus.subscribe('nobody', () => {});
    other.say('PUB nobody in 0\n\n');
    expect(other.heard()).toBe('');
  });
});

describe('the internal door towards peers', () => {
  it('delivers by one subject on the sid of another', () => {
    const { door, peer } = setup();
    peer.say('SUB inbox.7 9\n');
    const payload = new TextEncoder().encode('stored');
    const outcome = door.deliver({ to: 'inbox.7', subject: 'orders.new', reply: 'ack', payload });
    expect(outcome).toEqual({ delivered: 1, pressed: 0 });
    expect(peer.heard()).toBe('MSG orders.new 9 ack 6\nstored\n');
  });

  it('tells pressure when a recipient is above half of its limit', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door, { pendingMax: 10_000 });
    peer.say('SUB a 1\n');
    const payload = new Uint8Array(1000);
    const pressures = Array.from({ length: 8 }, () => door.deliver({ to: 'a', payload }).pressed);
    expect(pressures[0]).toBe(0);
    expect(pressures.at(-1)).toBe(peer.handle);
    peer.heard();
    expect(door.deliver({ to: 'a', payload }).pressed).toBe(0);
  });

  it('answers a peer as if nobody had been interested, if the peer wants that', () => {
    const { bus, door, peer } = setup();
    const client = { cid: 1, wantsNoResponders: true } as MessageClient;
    peer.originOf = () => client;
    bus.subscribe('claimed', (msg) => door.noResponders(msg));
    peer.say('SUB in 1\nPUB claimed in 0\n\n');
    expect(peer.heard()).toBe('HMSG in 1 39 39\nNATS/1.0 503\nNats-Subject: claimed\n\n\n');
    Object.assign(client, { wantsNoResponders: false });
    peer.say('PUB claimed in 0\n\n');
    expect(peer.heard()).toBe('');
  });

  it('sees the interest of peers', () => {
    const { door, peer } = setup();
    const seen: boolean[] = [];
    door.watchInterest('a.b', (hasInterest) => seen.push(hasInterest));
    peer.say('SUB a.* q 1\n');
    expect(seen).toEqual([true]);
    expect([door.hasInterest('a.b', 'q'), door.hasInterest('a.b', 'x')]).toEqual([true, false]);
    peer.say('UNSUB 1\n');
    expect(seen).toEqual([true, false]);
  });

  it('leaves nothing alive after everything is closed', async () => {
    const { bus, door, peer } = setup();
    bus.subscribe('a.>', () => {}, { queue: 'q' });
    bus.subscribe('b', () => {}, { max: 3 });
    peer.say('SUB a.b 1\nPUB a.b 1\nx\n');
    await bus.request('a.b', 'x', { timeout: 1 }).catch(() => {});
    peer.close();
    await bus.close();
    const { subscriptions, sessions, nodes, groups } = door.core.live();
    // The roots of the two accounts stay.
    expect({ subscriptions, sessions, nodes, groups }).toEqual({
      subscriptions: 0,
      sessions: 0,
      nodes: 2,
      groups: 0,
    });
  });
});

/** A block of another library, whose text nobody has checked. */
function foreign(entries: [string, string[]][]): MsgHdrs {
  const block = { code: 0, description: '', [Symbol.iterator]: () => entries[Symbol.iterator]() };
  return block as unknown as MsgHdrs;
}
