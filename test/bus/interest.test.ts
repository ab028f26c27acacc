// Watches of interest: whoever came or went, each is told once, and those that it does not concern are not asked.
import { describe, expect, it, vi } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import { WatchTrie } from '../../src/bus/watch-trie.ts';
import { createBus } from '../../src/index.ts';
import { matches } from '../model/matches.ts';
import { CorePeer } from '../support/core-peer.ts';

/** How often interest is asked for while `fn` runs. */
function asked(door: BusInternals, fn: () => void): number {
  const spy = vi.spyOn(door.core, 'hasInterest');
  try {
    fn();
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

describe('a watch of interest', () => {
  it('is told of peers that subscribe, unsubscribe, have had their max, and end', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    const seen: boolean[] = [];
    door.watchInterest('a.b', (hasInterest) => seen.push(hasInterest));
    peer.say('SUB a.b 1\n');
    peer.say('UNSUB 1\n');
    peer.say('SUB *.b 1\nSUB a.> 2\n');
    peer.say('UNSUB 1\n');
    expect(seen).toEqual([true, false, true]);
    peer.say('UNSUB 2\nSUB a.b q 3\nUNSUB 3 1\n');
    expect(seen).toEqual([true, false, true]);
    bus.publish('a.b', 'the last one');
    expect(seen).toEqual([true, false, true, false]);
    peer.say('SUB > 4\n');
    peer.close();
    expect(seen).toEqual([true, false, true, false, true, false]);
  });

  it('of subscribers counts those of the very subject, plain ones or of the group that is asked for', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const peer = new CorePeer(door);
    const seen: [string, boolean][] = [];
    door.watchSubscribers('a.b', (has) => seen.push(['plain', has]));
    door.watchSubscribers('a.b', (has) => seen.push(['group', has]), 'q');
    peer.say('SUB *.b 1\nSUB a.> 2\nSUB *.b q 3\nSUB a.b r 4\n');
    expect([seen, door.hasSubscriber('a.b'), door.hasSubscriber('a.b', 'r')]).toEqual([
      [],
      false,
      true,
    ]);
    peer.say('SUB a.b 5\n');
    peer.say('SUB a.b q 6\n');
    peer.say('UNSUB 5\n');
    bus.subscribe('a.b', () => {});
    peer.close();
    expect(seen).toEqual([
      ['plain', true],
      ['group', true],
      ['plain', false],
      ['plain', true],
      ['group', false],
    ]);
  });

  it('among 10,000 is asked alone when a literal comes or goes', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    for (let i = 0; i < 10_000; i++) door.watchInterest(`deliver.${i}.x`, () => {});
    const seen: boolean[] = [];
    door.watchInterest('deliver.7.x', (hasInterest) => seen.push(hasInterest));
    const peer = new CorePeer(door);
    expect(asked(door, () => peer.say('SUB deliver.7.x 1\n'))).toBe(2);
    expect(asked(door, () => peer.say('SUB deliver.7.y 2\nSUB other 3\nSUB other.* 4\n'))).toBe(0);
    expect(asked(door, () => peer.say('UNSUB 1\nUNSUB 2\nUNSUB 4\n'))).toBe(2);
    expect(asked(door, () => bus.subscribe('deliver.8.*', () => {}))).toBe(1);
    expect(seen).toEqual([true, false]);
  });

  it('is asked once a turn, however many filters come that it is matched by', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    for (let i = 0; i < 100; i++) door.watchInterest(`d.${i}`, () => {});
    const peer = new CorePeer(door);
    let lines = '';
    for (let sid = 0; sid < 2000; sid++) lines += `SUB ${sid % 2 === 0 ? '>' : 'd.*'} ${sid}\n`;
    expect(asked(door, () => peer.say(lines))).toBe(100);
  });

  it('is told when more has changed than is noted', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const seen: string[] = [];
    for (const subject of ['a', 'b']) {
      door.watchInterest(subject, (hasInterest) => seen.push(`${subject} ${hasInterest}`));
    }
    const peer = new CorePeer(door);
    let lines = '';
    for (let i = 0; i < 10_000; i++) lines += `SUB some.other.subject.${i} ${i}\n`;
    peer.say(`${lines}SUB a last\n`);
    expect(seen).toEqual(['a true']);
    peer.close();
    expect(seen).toEqual(['a true', 'a false']);
  });

  it('may end another, and is not told of what another account does', () => {
    const bus = createBus();
    const door = internalsOf(bus);
    const seen: string[] = [];
    const stops: (() => void)[] = [];
    for (const name of ['first', 'second']) {
      const stop = door.watchInterest('a', () => {
        seen.push(name);
        for (const each of stops) each();
      });
      stops.push(stop);
    }
    bus.account('A').subscribe('a', () => {});
    expect(seen).toEqual([]);
    bus.subscribe('a', () => {});
    expect(seen).toEqual(['first']);
    expect(asked(door, () => bus.subscribe('a', () => {}))).toBe(0);
  });

  it('that throws is reported, and the others are told', () => {
    const errors: unknown[] = [];
    const bus = createBus({ onError: (error, { subject }) => errors.push(`${subject}: ${error}`) });
    const door = internalsOf(bus);
    const seen: boolean[] = [];
    door.watchInterest('a', () => {
      throw new Error('fails');
    });
    door.watchInterest('a', (hasInterest) => seen.push(hasInterest));
    bus.subscribe('a', () => {});
    expect(errors).toEqual(['a: Error: fails']);
    expect(seen).toEqual([true]);
  });
});

describe('the trie of watches', () => {
  const subjects = ['a', 'b', 'a.b', 'a.c', 'a.b.c', 'b.b.c', 'a.b.c.d', 'x.b'];
  const filters = [
    ...subjects,
    '*',
    '>',
    'a.*',
    'a.>',
    '*.b',
    '*.*.c',
    '*.>',
    'a.*.>',
    'z',
    'z.>',
    '*.*.*.*.*',
  ];

  it('finds what a filter matches, and nothing else', () => {
    const trie = new WatchTrie<string>();
    for (const subject of subjects) trie.add(subject, subject);
    expect(trie.count).toBe(subjects.length);
    for (const filter of filters) {
      const found = new Set<string>();
      trie.match(filter, found, 1000);
      expect([...found].sort(), filter).toEqual(
        subjects.filter((each) => matches(each, filter)).sort(),
      );
    }
    for (const subject of subjects) trie.delete(subject, subject);
    expect(trie.count).toBe(0);
    const found = new Set<string>();
    expect(trie.match('>', found, 1000)).toBe(1);
    expect(found.size).toBe(0);
  });

  it('visits no more nodes than it is told', () => {
    const trie = new WatchTrie<number>();
    for (let i = 0; i < 1000; i++) trie.add(`a.${i}`, i);
    expect(trie.match('a.7', new Set(), 10)).toBe(1);
    expect(trie.match('b.*', new Set(), 10)).toBe(1);
    expect(trie.match('a.*', new Set(), 10)).toBe(11);
    expect(trie.match('a.*.*', new Set(), 5000)).toBe(1002);
  });
});
