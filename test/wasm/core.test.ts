// What the core does where room ends: routes that stop and go on, payloads that are kept once, memory that
// does not grow; and what its choices and hashes are like.

import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { readFrames } from '../model/outgoing.ts';
import { CoreDriver } from './core-driver.ts';

const FLAGS = abi.SESSION_ECHO | abi.SESSION_HEADERS;

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function readers(core: CoreDriver, account: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const session = core.openSession(account, FLAGS);
    core.feed(session, bytes('SUB a.b 1\r\n'));
    return session;
  });
}

describe.each(['debug', 'release'] as const)('a fan-out in the %s build', (build) => {
  it.each([5, 4000, 40_000])(
    'of %i bytes reaches each of 600 readers once through a pool of 1 MiB',
    (size) => {
      const core = new CoreDriver(build, { poolMax: abi.POOL_SLAB_BYTES });
      const account = core.call('accountOpen');
      const sessions = readers(core, account, 600);
      const publisher = core.openSession(account, FLAGS);
      const payload = 'p'.repeat(size);
      core.feed(publisher, bytes(`PUB a.b ${size}\r\n${payload}\r\nPUB a.b 1\r\nx\r\nPING\r\n`));
      expect(core.takeSent(publisher).toString()).toBe('PONG\r\n');
      for (const session of sessions) {
        const frames = readFrames(core.takeSent(session));
        expect(frames.map((frame) => frame.payload)).toEqual([payload, 'x']);
      }
      core.closeAll();
      expect(Object.values(core.liveCounts()).every((count) => count === 0)).toBe(true);
    },
  );

  it('stops when the result region is full and forgets nobody', () => {
    const core = new CoreDriver(build);
    core.call('recordsSetLimit', 8);
    const account = core.call('accountOpen');
    const handles = Array.from({ length: 100 }, () =>
      core.call('subscriptionOpen', account, ...core.scratch('a.*', '')),
    );
    const publisher = core.openSession(account, FLAGS);
    core.feed(publisher, bytes('PUB a.b r 1\r\nx\r\nPUB a.c 1\r\ny\r\n'));
    const delivered = core.takeDelivered();
    expect(delivered.slice(0, 100).map(({ sub }) => sub)).toEqual(handles);
    expect(new Set(delivered.slice(0, 100).map(({ subject }) => subject))).toEqual(
      new Set(['a.b']),
    );
    expect(delivered.slice(100).map(({ sub }) => sub)).toEqual(handles);
  });
});

describe('the core without memory', () => {
  it('answers instead of trapping, and goes on when there is room again', () => {
    const core = new CoreDriver('debug');
    const account = core.call('accountOpen');
    const session = core.openSession(account, FLAGS);
    core.call('memoryForceGrowth', 1, 0);
    let status = 0;
    let count = 0;
    while (status === abi.STATUS_OK && count < 1_000_000) {
      const spans = core.scratch(`a.${count}.*`, '', `${count}`);
      status = core.call('sessionSubscribe', session, ...spans);
      if (status === abi.STATUS_OK) count++;
    }
    expect(status).toBe(abi.STATUS_NO_MEMORY);
    expect(core.call('liveCount', abi.LIVE_SUBSCRIPTIONS)).toBe(count);
    core.call('memoryForceGrowth', 0, 0);
    const spans = core.scratch(`a.${count}.*`, '', `${count}`);
    expect(core.call('sessionSubscribe', session, ...spans)).toBe(abi.STATUS_OK);
    core.takeSent(session);
    core.feed(session, bytes(`PUB a.${count}.x 2\r\nhi\r\n`));
    expect(core.takeSent(session).toString()).toBe(`MSG a.${count}.x ${count} 2\r\nhi\r\n`);
    core.closeAll();
    expect(Object.values(core.liveCounts()).every((left) => left === 0)).toBe(true);
  });
});

describe('a queue group', () => {
  it('shares messages evenly among its members', () => {
    const core = new CoreDriver('release', { seed: [randomInt(2 ** 31), randomInt(2 ** 31)] });
    const account = core.call('accountOpen');
    const handles = ['a.b', 'a.*', '>'].map((filter) =>
      core.call('subscriptionOpen', account, ...core.scratch(filter, 'workers')),
    );
    const publisher = core.openSession(account, FLAGS);
    for (let round = 0; round < 30; round++) {
      core.feed(publisher, bytes('PUB a.b 1\r\nx\r\n'.repeat(100)));
    }
    const delivered = core.takeDelivered();
    expect(delivered.length).toBe(3000);
    for (const handle of handles) {
      const share = delivered.filter(({ sub }) => sub === handle).length;
      // 1,000 is fair; 26 is the standard deviation.
      expect(Math.abs(share - 1000)).toBeLessThan(180);
    }
  });
});

describe('the hash', () => {
  const MASK = (1n << 64n) - 1n;

  // The first two keys of the table that seed 0 makes, as assembly/bytes.ts draws them (splitmix64).
  function keyOfSeedZero(index: bigint): bigint {
    let word = ((index + 1n) * 0x9e3779b97f4a7c15n) & MASK;
    word = ((word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    word = ((word ^ (word >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return word ^ (word >> 31n);
  }

  it('of 100,000 keys that collide under a known seed is spread under a random one', () => {
    // A word whose low half cancels the key's gives the product 0, whatever its high half is.
    const low = Number(-keyOfSeedZero(0n) & 0xffffffffn);
    const keys = Array.from({ length: 100_000 }, (_, index) => {
      const key = Buffer.alloc(8);
      key.writeUInt32LE(low, 0);
      key.writeUInt32LE(0x61616161 + index * 7919, 4);
      return key.toString('latin1');
    });
    const distinct = (core: CoreDriver, bits: bigint): number => {
      const hash = core.exports.hash as unknown as (ptr: number, length: number) => bigint;
      const found = keys.map((key) => {
        const [ptr = 0, length = 0] = core.scratch(key);
        return BigInt.asUintN(64, hash(ptr, length)) & ((1n << bits) - 1n);
      });
      return new Set(found).size;
    };
    expect(distinct(new CoreDriver('test', { seed: [0, 0] }), 64n)).toBe(1);
    const seed = [randomInt(2 ** 31), randomInt(2 ** 31)] as const;
    const core = new CoreDriver('test', { seed });
    expect(distinct(core, 64n)).toBe(100_000);
    // 69,900 of 131,072 slots are expected to be taken.
    expect(distinct(core, 17n)).toBeGreaterThan(60_000);
  });
});
