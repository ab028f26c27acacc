// Answers written one behind the other, delivered as a batch in parts.
import { expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { BatchRun } from '../../src/core/index.ts';
import { createBus } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

function write(run: BatchRun, to: string, headers: string, payload: string): void {
  const text = Buffer.from(to + headers + payload, 'latin1');
  const at = run.reserve(text.length);
  run.bytes.set(text, at);
  run.end(to.length, headers.length, payload.length);
}

test('entries reach who they are for, with and without headers, and grow the room', () => {
  const door = internalsOf(createBus());
  const peer = new CorePeer(door);
  peer.say('SUB to.* 1\n');
  const run = new BatchRun();
  const large = 'y'.repeat(10_000);
  write(run, 'to.a', '', 'one');
  write(run, 'to.\xff', 'NATS/1.0\r\n\r\n', '');
  write(run, 'nobody', '', 'lost');
  write(run, 'to.c', '', large);
  expect(run.count).toBe(4);
  door.deliverRun(run, 1_000_000);
  expect(run.count).toBe(0);
  expect(peer.heardBytes()).toBe(
    `MSG to.a 1 3\r\none\r\nHMSG to.\xff 1 12 12\r\nNATS/1.0\r\n\r\n\r\nMSG to.c 1 10000\r\n${large}\r\n`,
  );
});

test('a part has as many as its bytes allow, and one at least', () => {
  const door = internalsOf(createBus());
  const peer = new CorePeer(door);
  peer.say('SUB a 1\n');
  const run = new BatchRun();
  for (let i = 0; i < 200; i++) write(run, 'a', '', `${i % 10}`);
  write(run, 'a', '', 'z'.repeat(100));
  const counts: number[] = [];
  while (run.count > 0) {
    const before = run.count;
    door.deliverRun(run, 40);
    counts.push(before - run.count);
  }
  expect(counts[0]).toBe(10);
  expect(counts.at(-1)).toBe(1);
  expect(peer.heardBytes().match(/MSG/g)).toHaveLength(201);
  run.reset(1_000_000);
  write(run, 'a', '', 'again');
  door.deliverRun(run, 1);
  expect(peer.heardBytes()).toBe('MSG a 1 5\r\nagain\r\n');
});

/** What a consumer delivers: it shows another subject than it goes to, and a reply. `to` = '': where the one before goes. */
function deliver(run: BatchRun, to: string, subject: string, reply: string, payload: string): void {
  const text = Buffer.from(to + reply + subject + payload, 'latin1');
  const at = run.reserve(text.length);
  run.bytes.set(text, at);
  run.end(to.length, 0, payload.length, 0, subject.length, reply.length);
}

test('an entry that does not say where it goes follows the one before, in the same part', () => {
  const door = internalsOf(createBus());
  const peer = new CorePeer(door);
  peer.say('SUB to.* 1\n');
  const run = new BatchRun();
  deliver(run, 'to.a', 'one', 'r.1', 'x');
  deliver(run, '', 'two', 'r.2', 'yy');
  deliver(run, '', 'three', '', '');
  deliver(run, 'nobody', 'four', 'r.4', 'lost');
  deliver(run, '', 'five', 'r.5', 'lost, too');
  deliver(run, 'to.b', 'six', 'r.6', 'z');
  const counts: number[] = [];
  while (run.count > 0) {
    const before = run.count;
    door.deliverRun(run, 1);
    counts.push(before - run.count);
  }
  expect(counts).toEqual([3, 2, 1]);
  expect(peer.heardBytes()).toBe(
    'MSG one 1 r.1 1\r\nx\r\nMSG two 1 r.2 2\r\nyy\r\nMSG three 1 0\r\n\r\nMSG six 1 r.6 1\r\nz\r\n',
  );
});

test('of entries that go where others go it is told whom they have reached', () => {
  const door = internalsOf(createBus());
  const peer = new CorePeer(door);
  peer.say('SUB to.* 1\n');
  const run = new BatchRun();
  deliver(run, 'to.a', 's', 'r', '1');
  run.push({ to: Buffer.from('nobody'), payload: Buffer.from('2') });
  deliver(run, 'to.b', 's', 'r', '3');
  deliver(run, '', 's', 'r', '4');
  door.deliverSlice(run);
  expect([0, 1, 2, 3].map((index) => run.reached(index))).toEqual([1, 0, 1, 1]);
  expect(peer.heardBytes()).toBe('MSG s 1 r 1\r\n1\r\nMSG s 1 r 1\r\n3\r\nMSG s 1 r 1\r\n4\r\n');
});
