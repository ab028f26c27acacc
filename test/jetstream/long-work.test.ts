// Long work in pieces: what it answers is as of one moment, and others pass meanwhile.
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { BusInternals } from '../../src/bus/internals.ts';
import { headers } from '../../src/index.ts';
import { Ahead } from '../../src/jetstream/consumer/ahead.ts';
import { ConsumerIndex } from '../../src/jetstream/consumer/consumer-index.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { Eviction } from '../../src/jetstream/stream/eviction.ts';
import { purgeStore } from '../../src/jetstream/stream/purge.ts';
import { Retention } from '../../src/jetstream/stream/retention.ts';
import type { StreamRules } from '../../src/jetstream/stream/rules.ts';
import { inBackground, sorted, type Work, wholly } from '../../src/jetstream/work.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { closed, newDirectory, openStore, removeDirectories } from '../support/file-stores.ts';
import { JetStreamBus } from '../support/jetstream.ts';
import { incoming } from '../support/stored.ts';

function filled(count: number, subjectOf: (i: number) => string): Store {
  const store = createMemoryStore({ storage: 'memory' });
  for (let i = 0; i < count; i++) store.append(incoming(subjectOf(i)), i + 1);
  return store;
}

/** Does the work, and something else between its pieces. Answers in how many pieces. */
function apart<T>(work: Work<T>, between: (piece: number) => void): [T, number] {
  for (let piece = 1; ; piece++) {
    const step = work.next();
    if (step.done) return [step.value, piece];
    between(piece);
  }
}

test('subjects are counted as they were when they were asked for', () => {
  const store = filled(12_000, (i) => `a.n${i % 6000}.${i % 2}`);
  const before = [...store.subjectsMatching('a.*.1')].map((one) => [one.subject, one.messages]);
  const [counts, pieces] = apart(store.countSubjects('a.*.1'), (piece) => {
    // Some grow, some go, some shrink and some come, on both sides of what has been read.
    for (const n of [piece * 7, 5990 - piece, 3001]) {
      store.append(incoming(`a.n${n | 1}.1`), 20_000 + piece);
      store.append(incoming(`a.new${n}.1`), 20_000 + piece);
      store.remove(n | 1);
      store.remove((n | 1) + 1);
      store.remove((n | 1) + 6001);
    }
  });
  expect(pieces).toBeGreaterThan(5);
  expect([...counts].sort()).toEqual(before.sort());
  expect(wholly(store.countSubjects('a.n1.1'))).toHaveLength(1);
});

test('a store that is emptied while its subjects are counted tells what it had', () => {
  const store = filled(6000, (i) => `a.${i}`);
  const [counts] = apart(store.countSubjects('>'), (piece) => void (piece === 2 && store.clear()));
  expect(counts).toHaveLength(6000);
  expect(wholly(store.countSubjects('>'))).toEqual([]);
});

test.each([
  ['of some subjects', { filter: 'a.*' }, 1500],
  ['of some, but the last', { filter: 'a.*', keep: 100 }, 1400],
  ['below a sequence', { seq: 2001 }, 2000],
  ['of all but the last', { keep: 600 }, 2400],
])('a purge %s spares what is stored meanwhile', (_, request, purged) => {
  const store = filled(3000, (i) => `${'ab'[i % 2]}.${i}`);
  const index = new ConsumerIndex(store, new Ahead());
  const { filter, seq, keep } = { filter: undefined, seq: undefined, keep: undefined, ...request };
  const asked = { filter, seq, keep };
  let stored = 0;
  const [count, pieces] = apart(index.purge(asked, purgeStore(store, asked)), () => {
    store.append(incoming('a.new'), 5000);
    stored++;
  });
  expect(count).toBe(purged);
  expect(pieces).toBeGreaterThan(4);
  expect(store.state.messages).toBe(3000 - purged + stored);
  expect(store.countOf(store.findSubject(Buffer.from('a.new')))).toBe(stored);
});

test('a purge of a part is told in pieces, and acks and messages pass between them', () => {
  const stream = new ConsumerStream();
  const wide = stream.consumer({ max_ack_pending: -1 });
  const narrow = stream.consumer({ name: 'N', filter_subject: 'b' });
  for (let i = 0; i < 5000; i++) stream.publish(i % 5 === 0 ? 'b' : 'a');
  stream.pull(wide, { batch: 5000, no_wait: true });
  stream.turn(20);
  expect(wide.info()).toMatchObject({ ackPending: 5000 });
  const request = { filter: 'b', seq: undefined, keep: undefined };
  const work = stream.index.purge(request, purgeStore(stream.store, request));
  // Between the pieces something makes room and may come back until that is written.
  const { has, write } = stream.store;
  let doubtful = 0;
  stream.store.has = (seq) => seq !== doubtful && has.call(stream.store, seq);
  stream.store.write = () => {
    doubtful = 0;
    return write.call(stream.store);
  };
  let stored = 0;
  while (work.next().done !== true) {
    doubtful = 4997;
    // Those that are gone have gone, and who has waited for their acks is told.
    if (stream.store.state.messages - stored > 4000) continue;
    stream.ack(`$JS.ACK.S.C.1.${stored * 5 + 2}.${stored * 5 + 2}.0.0`);
    stream.publish('b', 'new');
    stored++;
  }
  expect(stored).toBeGreaterThan(3);
  expect(wide.info()).toMatchObject({ ackPending: 4000 - stored, pending: stored });
  expect(narrow.info()).toMatchObject({ pending: stored });
  const inbox = stream.pull(narrow, { batch: 100, no_wait: true });
  stream.turn();
  expect(inbox.texts().filter((text) => text === 'new')).toHaveLength(stored);
});

test('a purge of what little lies below a sequence passes over very many subjects in pieces', () => {
  const store = filled(20_000, (i) => `a.${i}`);
  const asked = { filter: 'a.*', seq: 3, keep: undefined };
  const [count, pieces] = apart(purgeStore(store, asked), () => {});
  const [, found] = apart(store.findSubjects('a.*'), () => {});
  expect([count, pieces - found]).toEqual([2, 4]);
});

test.each([
  ['of each subject', { max_msgs_per_subject: 1 }, 1500],
  ['of all', { max_msgs: 100 }, 100],
])('an update to fewer messages %s answers when they have gone', async (_, limits, left) => {
  await using js = await JetStreamBus.open();
  await js.stream('S', ['a.*'], { max_msgs_per_subject: 1000 });
  const store = js.bus.publish.bind(js.bus);
  for (let i = 0; i < 6000; i++) store(`a.${i % 1500}`, '');
  const body = { name: 'S', subjects: ['a.*'], storage: 'memory', ...limits };
  const asked = js.api<{ state: { messages: number } }>('STREAM.UPDATE.S', body);
  for (let i = 0; i < 300; i++) store(`a.${i}`, '');
  const { state } = await asked;
  expect(state.messages).toBe(left);
  for (let i = 0; i < 1500; i++) store(`a.${i}`, '');
  expect(await js.state('S')).toMatchObject({ messages: left });
});

test('who publishes while a stream is made narrower waits for a piece of it at most', () => {
  const store = filled(5000, () => 'a');
  const wide = { maxMsgs: 5000, maxBytes: 1e9, maxMsgsPerSubject: 5000, discardsNew: false };
  const eviction = new Eviction(store, wide as StreamRules);
  const narrow = { ...wide, maxMsgs: 10, maxMsgsPerSubject: 10 } as StreamRules;
  const [, pieces] = apart(eviction.update(narrow), (piece) => {
    const before = store.state.messages;
    eviction.stored(store.append(incoming('a'), 6000 + piece));
    expect(before - store.state.messages).toBeLessThan(600);
  });
  expect(pieces).toBeGreaterThan(4);
  expect(store.state.messages).toBe(10);
});

test('what is asked for behind a long answer waits for it, and others do not', async () => {
  await using js = await JetStreamBus.open();
  await js.stream('S', ['a.>']);
  for (let i = 0; i < 70_000; i++) js.bus.publish(`a.${i}`, '');
  const order: string[] = [];
  const tell = (what: string) => (): void => void order.push(what);
  const asked = [
    js.api('STREAM.INFO.S', { subjects_filter: 'a.>' }).then(tell('subjects')),
    js.api('STREAM.NAMES').then(tell('names')),
    js.publish('a.new').then(tell('stored')),
  ];
  await Promise.all(asked);
  expect(order).toEqual(['stored', 'subjects', 'names']);
});

test('deleted details are of one moment', async () => {
  await using js = await JetStreamBus.open();
  await js.stream('S', ['a']);
  for (let i = 0; i < 6000; i++) js.bus.publish('a', '');
  for (let seq = 2; seq < 6000; seq += 2) await js.api('STREAM.MSG.DELETE.S', { seq });
  const [{ state }] = await Promise.all([
    js.api<{ state: { deleted: number[]; num_deleted: number } }>('STREAM.INFO.S', {
      deleted_details: true,
    }),
    js.api('STREAM.MSG.DELETE.S', { seq: 3 }),
  ]);
  expect(state.num_deleted).toBe(2999);
  expect(state.deleted).toEqual(Array.from({ length: 2999 }, (_, i) => 2 * i + 2));
});

test('sorting in pieces is sorting', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 5000, size: 'max' });
  fc.assert(
    fc.property(numbers, (some) => {
      const pairs = some.map((key, at) => ({ key, at }));
      const byKey = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      const ours = wholly(sorted(pairs, byKey));
      const theirs = [...pairs].sort(byKey);
      return ours.every((pair, at) => pair === theirs[at]) && ours.length === theirs.length;
    }),
    { numRuns: 30 },
  );
});

test('a sweep is done in slices, and whoever asks for one meanwhile gets all of one', () => {
  const store = filled(5000, () => 'a');
  const ends: (() => void)[] = [];
  const door = { atLoopEnd: (fn: () => void) => void ends.push(fn) } as unknown as BusInternals;
  let needed = 3000;
  const followers = { needs: (seq: number) => seq <= needed } as unknown as ConsumerIndex;
  let looks = 0;
  const clock = { ...new FakeClock(), monotonic: () => looks++ } as unknown as FakeClock;
  const retention = new Retention(store, followers, door, clock);
  retention.relaxed('interest');
  let slices = 0;
  for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
    end();
    slices++;
    // Consumers come and go, and in the end those are not needed either that have been looked at.
    if (slices < 60) retention.relaxed('interest');
    if (slices === 50) needed = 1000;
  }
  expect(slices).toBeGreaterThan(80);
  expect(store.state).toMatchObject({ messages: 1000, lastSeq: 5000 });
});

test('a sweep goes on behind a message that cannot go', () => {
  const store = filled(3, () => 'a');
  const { remove } = store;
  store.remove = (seq) => {
    if (seq === 1) throw new Error('it stays');
    return remove.call(store, seq);
  };
  const ends: (() => void)[] = [];
  const door = { atLoopEnd: (fn: () => void) => void ends.push(fn) } as unknown as BusInternals;
  const followers = { needs: () => false } as unknown as ConsumerIndex;
  const retention = new Retention(store, followers, door, new FakeClock());
  retention.relaxed('interest');
  expect(ends.shift()).toThrow('it stays');
  ends.shift()?.();
  expect(store.state).toMatchObject({ messages: 1, firstSeq: 1 });
});

/** Each look at the clock is a millisecond later than the last: slices are short. */
function ticking({ clock }: JetStreamBus): void {
  const { monotonic } = clock;
  let looks = 0;
  clock.monotonic = () => monotonic.call(clock) + looks++;
}

test('requests by the name of a domain wait for those before them, too', async () => {
  await using js = await JetStreamBus.open({ domain: 'hub' });
  await js.stream('S', ['a.*']);
  for (let i = 0; i < 3000; i++) js.bus.publish(`a.${i}`, '');
  await js.settle();
  ticking(js);
  const purged = js.api('STREAM.PURGE.S', { filter: 'a.*' });
  const { string } = await js.ask('$JS.hub.API.STREAM.DELETE.S');
  expect(JSON.parse(string)).toMatchObject({ success: true });
  expect(await purged).toMatchObject({ success: true, purged: 3000 });
  expect(await js.api('INFO')).toMatchObject({ memory: 0, streams: 0 });
});

test('who still waits when all ends is not told that there is no stream', async () => {
  await using js = await JetStreamBus.open();
  await js.stream('S', ['a.*']);
  const answers = js.inbox('answers');
  ticking(js);
  js.bus.subscribe('ask', () => {
    for (let i = 0; i < 100; i++) {
      js.bus.publish('$JS.API.STREAM.INFO.S', '', { reply: 'answers' });
    }
  });
  js.bus.publish('ask', '');
  await js.jetstream.close();
  expect(answers.length).toBeLessThan(100);
  expect(answers.filter(({ text }) => text.includes('"error"'))).toEqual([]);
});

test('a consumer of very many subjects is made in pieces, and counts what is stored meanwhile', async () => {
  await using js = await JetStreamBus.open();
  await js.stream('S', ['a.>']);
  for (let i = 0; i < 20_000; i++) js.bus.publish(`a.${i}.x`, '');
  await js.settle();
  ticking(js);
  const create = (name: string, filter_subject: string): Promise<{ num_pending: number }> =>
    js.api(`CONSUMER.CREATE.S.${name}`, { stream_name: 'S', config: { name, filter_subject } });
  const order: string[] = [];
  const asked = create('wide', 'a.*.*').then(({ num_pending }) => {
    order.push('made');
    return num_pending;
  });
  const stored = js.publish('a.new.x').then(() => order.push('stored'));
  const [pending] = await Promise.all([asked, stored]);
  expect([pending, order]).toEqual([20_001, ['stored', 'made']]);
  // Others are counted in pieces, too.
  expect(await create('wide', 'a.*.x')).toMatchObject({ num_pending: 20_001 });
});

describe('a roll-up', () => {
  test.each([
    ['all', 'a.1', { messages: 1, num_subjects: 1 }],
    ['sub', 'a.0', { messages: 2, num_subjects: 2 }],
  ])('of very many, %s, is whole before anybody hears of it', async (rollup, subject, state) => {
    await using js = await JetStreamBus.open();
    await js.stream('S', ['a.*'], { allow_rollup_hdrs: true, max_msgs_per_subject: -1 });
    js.bus.publish('a.1', '');
    for (let i = 0; i < 20_000; i++) js.bus.publish('a.0', '');
    ticking(js);
    await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config: { name: 'C' } });
    await js.settle();
    const order: string[] = [];
    const asks = headers();
    asks.set('Nats-Rollup', rollup);
    const others = js.bus.request('echo', '').catch(() => order.push('others'));
    const info = js.api<{ state: object }>('STREAM.INFO.S');
    let turns = 0;
    const turn = (): void => {
      turns++;
      if (order.length < 3) setImmediate(turn);
    };
    turn();
    const rolled = js.bus.request(subject, '', { headers: asks }).then(() => order.push('rolled'));
    const second = js.publish(subject).then(() => order.push('second'));
    await Promise.all([others, rolled, second]);
    expect(order).toEqual(['others', 'rolled', 'second']);
    expect((await info).state).toBeDefined();
    expect(turns).toBeGreaterThan(10);
    expect(await js.state('S')).toMatchObject({ ...state, messages: state.messages + 1 });
    const { num_pending } = await js.api<{ num_pending: number }>('CONSUMER.INFO.S.C');
    expect(num_pending).toBe(state.messages + 1);
  });

  test('that is under way ends with its stream', async () => {
    await using js = await JetStreamBus.open();
    await js.stream('S', ['a'], { allow_rollup_hdrs: true });
    for (let i = 0; i < 20_000; i++) js.bus.publish('a', '');
    await js.settle();
    const asks = headers();
    asks.set('Nats-Rollup', 'all');
    js.bus.publish('a', '', { headers: asks });
    await js.jetstream.close();
    expect(js.errors).toEqual([]);
  });
});

describe('what is done beside everything else', () => {
  afterAll(removeDirectories);

  /** Each of its pieces is longer than a slice. */
  function* slow(name: string, told: string[]): Work<void> {
    for (let piece = 1; piece <= 2; piece++) {
      const end = systemClock.monotonic() + 3;
      while (systemClock.monotonic() < end);
      told.push(name + piece);
      yield;
    }
  }

  function* failing(): Work<void> {
    yield;
    throw new Error('no more');
  }

  test('has one slice of a turn of the loop, however much there is of it', async () => {
    const told: string[] = [];
    for (const name of ['a', 'b', 'c']) inBackground(slow(name, told));
    expect(told).toEqual(['a1']);
    await expect.poll(() => told).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
  });

  test('is done to its end when some of it throws, and that is not hidden', async () => {
    const told: string[] = [];
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const thrown = new Promise((resolve) => process.once('unhandledRejection', resolve));
    try {
      inBackground(slow('a', told));
      inBackground(failing());
      for (const name of ['b', 'c']) inBackground(slow(name, told));
      expect(await thrown).toEqual(new Error('no more'));
      await expect.poll(() => told).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
    } finally {
      for (const each of others) process.on('unhandledRejection', each);
    }
  });

  test('is the tree of a store from disk, whose subjects are found all the same', async () => {
    const dir = newDirectory();
    const { store } = openStore({ dir });
    for (let i = 0; i < 20; i++) store.append(incoming(`a.${i}`), i + 1);
    await closed(store);
    const told: string[] = [];
    inBackground(slow('a', told));
    const again = openStore({ dir }).store;
    const counted = (): [number, number] => {
      const [counts, pieces] = apart(again.countSubjects('a.*'), () => {});
      return [counts.length, pieces];
    };
    expect(counted()).toEqual([20, 2]);
    await expect.poll(counted).toEqual([20, 1]);
    await closed(again);
  });
});
