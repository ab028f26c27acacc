// The outbox: order, commits that take their time, and slices.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import type { BatchEntry, BatchOutcome } from '../../src/core/index.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { StreamOutbox } from '../../src/jetstream/outbox.ts';
import { CapacityError } from '../../src/shared/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let bus: Bus;
let door: BusInternals;
let clock: FakeClock;
let heard: string[];
let errors: string[];

beforeEach(() => {
  clock = new FakeClock();
  errors = [];
  bus = createBus({ clock, onError: (error) => void errors.push((error as Error).message) });
  door = internalsOf(bus);
  heard = [];
  bus.subscribe('to.*', (message) => {
    const { subject, headers } = message;
    heard.push(`${subject} ${message.string()}${headers === undefined ? '' : ` ${headers.code}`}`);
  });
});

const entry = (text: string): BatchEntry => ({ to: bytes('to.a'), payload: bytes(text) });

describe('what is said', () => {
  test('is sent in order, at the end of the turn of the loop, and its bytes may change', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    const payload = bytes('one');
    const outcomes: (readonly BatchOutcome[])[] = [];
    outbox.send({ to: bytes('to.a'), payload });
    outbox.deliver(
      (entries) => void entries.push(entry('two'), { to: bytes('nobody'), payload }),
      (sent) => void outcomes.push(sent),
    );
    outbox.send({ to: bytes('to.b'), headers: bytes('NATS/1.0 404\r\n\r\n'), payload: bytes('') });
    outbox.send({ to: bytes('to.a'), subject: bytes('shown'), payload: bytes('three') });
    payload.fill(0x78);
    expect(heard).toEqual([]);
    await turn();
    expect(heard).toEqual(['to.a one', 'to.a two', 'to.b  404', 'shown three']);
    expect(outcomes).toMatchObject([[{ delivered: 1 }, { delivered: 0 }]]);
  });

  test('waits for its commit, and the next turn’s for the next one', async () => {
    const dones: (() => void)[] = [];
    const outbox = new StreamOutbox(door, clock, (done) => void dones.push(done));
    outbox.send(entry('one'));
    await turn();
    outbox.send(entry('two'));
    await turn();
    expect([dones.length, heard]).toEqual([2, []]);
    dones.shift()?.();
    await turn();
    expect(heard).toEqual(['to.a one']);
    dones.shift()?.();
    await turn();
    expect(heard).toEqual(['to.a one', 'to.a two']);
  });

  test('when a commit is done waits for no other', async () => {
    const dones: (() => void)[] = [];
    const outbox = new StreamOutbox(
      door,
      clock,
      (done) => void dones.push(done),
      () =>
        outbox.deliver(
          (entries) => void entries.push(entry('woken')),
          () => {},
        ),
    );
    outbox.due();
    await turn();
    dones.shift()?.();
    await turn();
    expect([dones.length, heard]).toEqual([0, ['to.a woken']]);
  });

  test('inside a handler is sent behind it', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    door.subscribeRaw('ask', () => outbox.send(entry('answer')));
    bus.publish('ask', '');
    expect(heard).toEqual([]);
    await turn();
    expect(heard).toEqual(['to.a answer']);
  });
});

describe('slices', () => {
  test('of many answers leave room for others between them', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    const large = 'x'.repeat(100_000);
    for (let i = 0; i < 6; i++) outbox.send(entry(large));
    const counts: number[] = [];
    const watch = (): void => {
      counts.push(heard.length);
      if (counts.length < 6) door.atLoopEnd(watch);
    };
    door.atLoopEnd(watch);
    await expect.poll(() => counts.slice(0, 4), { timeout: 10_000 }).toEqual([2, 4, 6, 6]);
  });

  test('end when a millisecond is over', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    const order: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      outbox.deliver(
        (entries) => {
          clock.advance(1);
          entries.push(entry(name));
        },
        () => void order.push(name),
      );
    }
    const seen: number[] = [];
    door.atLoopEnd(() => void seen.push(order.length));
    await expect.poll(() => order, { timeout: 10_000 }).toEqual(['one', 'two', 'three']);
    expect(seen).toEqual([1]);
  });
});

test('what cannot be sent has reached nobody, and what is behind it is sent', async () => {
  const outbox = new StreamOutbox(door, clock, (done) => done());
  const outcomes: (readonly BatchOutcome[])[] = [];
  const deliverBatch = vi.spyOn(door, 'deliverBatch').mockImplementationOnce(() => {
    throw new CapacityError('a batch');
  });
  for (const text of ['one', 'two']) {
    outbox.deliver(
      (entries) => void entries.push(entry(text)),
      (sent) => void outcomes.push(sent),
    );
  }
  outbox.deliver(
    (entries) => {
      entries.push(entry('three'));
      throw new Error('half made');
    },
    (sent) => void outcomes.push(sent),
  );
  await expect.poll(() => outcomes.length, { timeout: 10_000 }).toBe(3);
  deliverBatch.mockRestore();
  expect(heard).toEqual(['to.a two']);
  expect(outcomes.map(([first]) => first?.delivered)).toEqual([0, 1, 0]);
  expect(errors).toEqual(['no room for a batch', 'half made']);
});

describe('the end', () => {
  test('comes behind what was said, and nothing comes behind it', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    outbox.send(entry('last'));
    let isDone = false;
    outbox.finish(() => {
      isDone = true;
    });
    outbox.send(entry('too late'));
    await turn();
    outbox.send(entry('much too late'));
    await turn();
    expect([isDone, heard]).toEqual([true, ['to.a last']]);
  });

  test('of the bus is heard by who waits for an outcome', async () => {
    const outbox = new StreamOutbox(door, clock, (done) => done());
    const outcomes: (readonly BatchOutcome[])[] = [];
    outbox.send(entry('lost'));
    outbox.deliver(
      (entries) => void entries.push(entry('lost')),
      (sent) => void outcomes.push(sent),
    );
    const end = new Promise<void>((resolve) => outbox.finish(resolve));
    await bus.close();
    await end;
    expect(outcomes).toEqual([[{ delivered: 0, pressed: 0 }]]);
  });
});

test('what is said is dropped when too much waits for its commit; what waits for none is sent', async () => {
  const dones: (() => void)[] = [];
  const outbox = new StreamOutbox(door, clock, (done) => void dones.push(done));
  const large = new Uint8Array(65 << 20);
  for (let i = 0; i < 2; i++) {
    expect(outbox.isFull).toBe(false);
    outbox.send({ to: bytes('nobody'), payload: large });
    await turn();
  }
  expect(outbox.isFull).toBe(true);
  outbox.send(entry('dropped'));
  outbox.sendNow(entry('refused'));
  await turn();
  expect(heard).toEqual(['to.a refused']);
  for (const done of dones.splice(0)) done();
  expect(outbox.isFull).toBe(false);
  outbox.send(entry('taken'));
  await turn();
  for (const done of dones) done();
  await turn();
  await turn();
  expect(heard).toEqual(['to.a refused', 'to.a taken']);
});
