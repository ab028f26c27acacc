// What waits in the buffer of a slow loop is bounded in bytes as well: those that peers have sent.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type BufferOptions, type Bus, createBus, type Subscription } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MIB = 1024 * 1024;
const SLAB_BYTES = 65_536;

interface Setup {
  readonly bus: Bus;
  readonly peer: CorePeer;
  readonly sub: Subscription;
}

function setup(options: BufferOptions = {}): Setup {
  const bus = createBus();
  return { bus, peer: new CorePeer(internalsOf(bus)), sub: bus.subscribe('a', options) };
}

/** Publishes messages whose payload is a number and blanks: `bytes` with the subject. */
function send(peer: CorePeer, bytes: number, ...numbers: number[]): void {
  for (const number of numbers) {
    peer.say(`PUB a ${bytes - 1}\n${`${number}`.padEnd(bytes - 1)}\n`);
  }
}

async function numbersOf(sub: Subscription): Promise<number[]> {
  const numbers: number[] = [];
  sub.unsubscribe();
  for await (const message of sub) numbers.push(Number(message.string()));
  return numbers;
}

describe('the buffer of a loop', () => {
  it('holds 64 MiB of what a peer has sent, and ends above that', async () => {
    const { peer, sub } = setup();
    for (let count = 0; count < 128; count++) send(peer, MIB / 2, count);
    expect([sub.getPending(), sub.isClosed()]).toEqual([128, false]);
    send(peer, 3, 64);
    expect([sub.getPending(), sub.getDropped()]).toEqual([128, 1]);
    expect(await sub.closed).toMatchObject({ code: 'ERR_CAPACITY' });
  });

  it('counts headers, subject and reply, too', () => {
    const { peer, sub } = setup({ bufferMaxBytes: 40, overflow: 'drop-newest' });
    peer.say('HPUB a bcd 18 20\nNATS/1.0\nk: v\n\nxy\n');
    expect(sub.getPending()).toBe(1);
    send(peer, 17, 1);
    expect([sub.getPending(), sub.getDropped()]).toEqual([1, 1]);
    send(peer, 16, 1);
    expect([sub.getPending(), sub.getDropped()]).toEqual([2, 1]);
  });

  it('counts nothing of what the program publishes', () => {
    const { bus, sub } = setup({ bufferMaxBytes: 1 });
    bus.publish('a', 'x'.repeat(MIB));
    bus.publish('a', new Uint8Array(MIB), { reply: 'b' });
    expect([sub.getPending(), sub.isClosed()]).toEqual([2, false]);
  });

  it('has room again for what has been taken', async () => {
    const { peer, sub } = setup({ bufferMaxBytes: 100 });
    const loop = sub[Symbol.asyncIterator]();
    for (let round = 0; round < 10; round++) {
      send(peer, 50, 1, 2);
      expect(Number((await loop.next()).value.string())).toBe(1);
      expect(Number((await loop.next()).value.string())).toBe(2);
    }
    expect([sub.getDropped(), sub.isClosed()]).toEqual([0, false]);
  });

  it('loses as many of the oldest as one needs under drop-oldest, and what can never fit alone', async () => {
    const { peer, sub } = setup({ bufferMaxBytes: 100, overflow: 'drop-oldest' });
    send(peer, 25, 1, 2, 3, 4);
    send(peer, 50, 5);
    expect([sub.getPending(), sub.getDropped()]).toEqual([3, 2]);
    send(peer, 101, 6);
    expect([sub.getPending(), sub.getDropped()]).toEqual([3, 3]);
    expect(await numbersOf(sub)).toEqual([3, 4, 5]);
  });

  it('loses the newest under drop-newest, and smaller ones still come', async () => {
    const { peer, sub } = setup({ bufferMaxBytes: 100, overflow: 'drop-newest' });
    send(peer, 60, 1, 2);
    send(peer, 40, 3);
    expect(sub.getDropped()).toBe(1);
    expect(await numbersOf(sub)).toEqual([1, 3]);
  });

  it('is bounded for the answers to a request for many, too', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB q 1\n');
    const bounds = { bufferMaxBytes: 200, overflow: 'drop-newest' } as const;
    const answers = await bus.requestMany('q', '', bounds);
    const reply = peer.heard().split(' ')[3];
    for (let count = 0; count < 5; count++) peer.say(`PUB ${reply} 60\n${' '.repeat(60)}\n`);
    clock.advance(1000);
    let taken = 0;
    for await (const { data } of answers) taken += data.length;
    expect(taken).toBe(120);
  });

  it('keeps no more than 1,024 slabs alive for small messages among many others', async () => {
    const { bus, peer, sub } = setup();
    const others = `PUB b 8000\n${'x'.repeat(8000)}\n`.repeat(9);
    let seen = 0;
    bus.subscribe('b', () => {
      seen++;
    });
    for (let count = 0; count < 1030; count++) {
      peer.say(others);
      send(peer, 16, count);
    }
    expect([sub.getPending(), seen]).toEqual([1030, 9270]);
    const loop = sub[Symbol.asyncIterator]();
    const sizes: number[] = [];
    for (let count = 0; count < 1030; count++) {
      const { value: message } = await loop.next();
      expect(Number(message.string())).toBe(count);
      sizes.push(message.data.buffer.byteLength);
    }
    expect(sizes.slice(0, 1024)).toEqual(Array(1024).fill(SLAB_BYTES));
    expect(sizes.slice(1024)).toEqual(Array(6).fill(15));
    // With nothing in the buffer they are as many again.
    send(peer, 16, 1, 2);
    expect((await loop.next()).value.data.buffer.byteLength).toBe(SLAB_BYTES);
  });

  it.each([0, Number.NaN])('of %s bytes is refused', (bufferMaxBytes) => {
    expect(() => createBus().subscribe('a', { bufferMaxBytes })).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError' }),
    );
  });
});
