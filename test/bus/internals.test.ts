// The internal door, used as a service that stands on the bus would use it.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createBus, headers, type Message } from '../../src/index.ts';
import { quietNetwork } from '../support/core-peer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('deliver', () => {
  it('routes by one subject and shows another', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const kept: Message[] = [];
    bus.subscribe('inbox.1', (msg) => kept.push(msg));
    bus.subscribe('orders.new', () => expect.unreachable());
    const h = headers();
    h.set('Nats-Stream', 'ORDERS');
    const outcome = door.deliver({
      to: 'inbox.1',
      subject: 'orders.new',
      reply: 'ack.1',
      headers: h,
      payload: bytes('{"id":1}'),
    });
    expect(outcome).toEqual({ delivered: 1, pressed: 0 });
    const msg = kept[0] as Message;
    expect(msg.subject).toBe('orders.new');
    expect(msg.reply).toBe('ack.1');
    expect(msg.headers?.get('Nats-Stream')).toBe('ORDERS');
    expect(msg.value).toEqual({ id: 1 });
    expect(msg.string()).toBe('{"id":1}');
    expect(msg.client).toBeUndefined();
    expect(door.deliver({ to: 'nobody', payload: bytes('') }).delivered).toBe(0);
  });

  it('takes headers as a block, and shows the subject it went to by default', () => {
    const bus = createBus();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg), { max: 2 });
    internalsOf(bus).deliver({
      to: 'a',
      headers: bytes('NATS/1.0\r\nk: v\r\n\r\n'),
      payload: bytes(''),
    });
    expect(kept[0]?.subject).toBe('a');
    expect(kept[0]?.headers?.get('k')).toBe('v');
    expect(kept[0]?.data).toHaveLength(0);
  });

  it('shows bytes that the codec refuses, and fails only at value', () => {
    const bus = createBus();
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    internalsOf(bus).deliver({ to: 'a', payload: bytes('no json') });
    expect(kept[0]?.string()).toBe('no json');
    expect(() => kept[0]?.value).toThrow(expect.objectContaining({ name: 'InvalidPayloadError' }));
  });

  it('is not for handlers', () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push(error) });
    bus.subscribe('a', () => internalsOf(bus).deliver({ to: 'b', payload: bytes('') }));
    bus.publish('a');
    expect(errors).toEqual([expect.objectContaining({ name: 'InvalidOperationError' })]);
  });
});

describe('interest', () => {
  it('is known for subjects and for queue groups', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    bus.subscribe('a.*', () => {});
    bus.subscribe('b', () => {}, { queue: 'q' });
    expect([door.hasInterest('a.x'), door.hasInterest('a'), door.hasInterest('b')]).toEqual([
      true,
      false,
      true,
    ]);
    expect([door.hasInterest('b', 'q'), door.hasInterest('b', 'other')]).toEqual([true, false]);
  });

  it('is watched at the ends of turns', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const seen: boolean[] = [];
    const stop = door.watchInterest('a.b', (hasInterest) => seen.push(hasInterest));
    const inGroup: boolean[] = [];
    door.watchInterest('a.b', (hasInterest) => inGroup.push(hasInterest), 'q');
    const first = bus.subscribe('a.*', () => {});
    const second = bus.subscribe('>', () => {});
    first.unsubscribe();
    expect(seen).toEqual([true]);
    second.unsubscribe();
    expect(seen).toEqual([true, false]);
    door.turn.within(() => bus.subscribe('a.b', () => {}).unsubscribe());
    expect(seen).toEqual([true, false]);
    bus.subscribe('a.b', () => {}, { queue: 'q' });
    expect(seen).toEqual([true, false, true]);
    expect(inGroup).toEqual([true]);
    stop();
    bus.subscribe('a.b', () => {});
    expect(seen).toHaveLength(3);
  });
});

describe('a service on the door', () => {
  it('answers as if nobody had been interested', async () => {
    const bus = createBus();
    const door = internalsOf(bus);
    bus.subscribe('claimed.>', (msg) => {
      expect(door.noResponders(msg)).toBe(true);
    });
    await expect(bus.request('claimed.x')).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
      cause: { subject: 'claimed.x' },
    });
    bus.subscribe('plain', (msg) => expect(door.noResponders(msg)).toBe(false));
    bus.publish('plain');
  });

  it('stores in handlers, acknowledges at the end of the turn and delivers after it', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const log: string[] = [];
    const stored: Message[] = [];
    let isFlushing = false;
    bus.subscribe('stream.>', (msg) => {
      stored.push(msg);
      log.push(`store ${msg.subject}`);
      if (isFlushing) return;
      isFlushing = true;
      door.atTurnEnd(() => {
        isFlushing = false;
        log.push(`fsync ${stored.length}`);
        for (const { reply } of stored) bus.publish(reply as string, 'ack');
        door.deliver({ to: 'consumer', subject: stored[0]!.subject, payload: stored[0]!.data });
      });
    });
    bus.subscribe('acks.*', (msg) => log.push(`got ${msg.subject}`));
    bus.subscribe('consumer', (msg) => log.push(`consumed ${msg.subject}`));
    door.turn.attach(quietNetwork({ turnEnded: () => void log.push('sessions write') }));
    door.turn.within(() => {
      bus.publish('stream.1', 'x', { reply: 'acks.1' });
      bus.publish('stream.2', 'y', { reply: 'acks.2' });
      log.push('read done');
    });
    expect(log).toEqual([
      'store stream.1',
      'store stream.2',
      'read done',
      'fsync 2',
      'got acks.1',
      'got acks.2',
      'consumed stream.1',
      'sessions write',
    ]);
  });

  it('has its turn end also when nothing else goes on', () => {
    const bus = createBus();
    const log: string[] = [];
    internalsOf(bus).atTurnEnd(() => log.push('end'));
    expect(log).toEqual(['end']);
  });

  it('has a failing atTurnEnd function reported and the others called', () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error) => errors.push((error as Error).message) });
    const door = internalsOf(bus);
    const log: string[] = [];
    door.turn.within(() => {
      door.atTurnEnd(() => {
        throw new Error('disk full');
      });
      door.atTurnEnd(() => log.push('second'));
    });
    expect(errors).toEqual(['disk full']);
    expect(log).toEqual(['second']);
  });

  it('opens for each account', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const system = door.account('$SYS');
    bus.subscribe('>', () => expect.unreachable());
    expect([door.hasInterest('a'), system.hasInterest('a')]).toEqual([true, false]);
    const seen: unknown[] = [];
    system.watchInterest('a', (hasInterest) => seen.push(hasInterest));
    bus.account('$SYS').subscribe('a', (msg) => seen.push(msg.string()));
    system.deliver({ to: 'a', payload: bytes('for the system') });
    expect(seen).toEqual([true, 'for the system']);
    expect(() => internalsOf({})).toThrow(
      expect.objectContaining({ name: 'InvalidOperationError' }),
    );
  });
});
