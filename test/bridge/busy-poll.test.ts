// The loop is kept awake for whoever asks again as soon as he is answered, and for nobody else.
import { beforeEach, expect, it } from 'vitest';
import { BusyPoll } from '../../src/bridge/pacing/busy-poll.ts';
import { createTestBridge } from '../support/bridge.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';

const QUESTION = 40;

let clock: FakeClock;
let deferred: (() => void)[];
let poll: BusyPoll;

beforeEach(() => {
  clock = new FakeClock();
  deferred = [];
  peer = 1;
  poll = new BusyPoll(clock, (fn) => deferred.push(fn));
});

let peer: number;

function read(bytes = QUESTION, isAnswered = false): void {
  poll.read(peer, bytes, clock.monotonic(), isAnswered);
}

/** The loop turns, after so many milliseconds. */
function turn(milliseconds = 0.01): void {
  clock.advance(milliseconds);
  for (const fn of deferred.splice(0)) fn();
}

/** Questions one by one of two peers in turn, so many milliseconds apart. */
function ask(times: number, apart = 0.1): void {
  for (let i = 0; i < times; i++) {
    clock.advance(apart);
    peer = 3 - peer;
    read();
    turn(0);
  }
}

/** The next turn of the loop would not sleep. */
function isAwake(): boolean {
  return deferred.length > 0;
}

it('questions that follow each other keep the loop awake', () => {
  ask(9);
  expect(isAwake()).toBe(false);
  ask(1);
  expect(isAwake()).toBe(true);
  for (let i = 0; i < 15; i++) turn();
  expect(isAwake()).toBe(true);
});

it('when none follows it sleeps after 0.2 ms, and has to be convinced anew', () => {
  ask(10);
  for (let i = 0; i < 20; i++) turn();
  expect(isAwake()).toBe(false);
  ask(1, 1);
  ask(7);
  expect(isAwake()).toBe(false);
  ask(1);
  expect(isAwake()).toBe(true);
});

it('questions further apart never do', () => {
  ask(100, 0.25);
  expect(isAwake()).toBe(false);
});

it('nor do several in one turn of the loop', () => {
  for (let i = 0; i < 100; i++) {
    read();
    read();
    turn();
  }
  expect(isAwake()).toBe(false);
  ask(10);
  expect(isAwake()).toBe(true);
  read();
  read();
  turn();
  expect(isAwake()).toBe(false);
});

it('nor do more than two peers', () => {
  for (let i = 0; i < 100; i++) {
    peer = 1 + (i % 3);
    read();
    turn(0.05);
  }
  expect(isAwake()).toBe(false);
});

it('nor does a larger read, which is no question', () => {
  ask(10);
  read(1024);
  turn();
  expect(isAwake()).toBe(false);
  ask(7);
  expect(isAwake()).toBe(false);
});

/** Reads of one peer with many questions each, which was answered or not. */
function askMany(bytes: number, isAnswered: boolean): void {
  for (let i = 0; i < 10; i++) {
    clock.advance(0.1);
    read(bytes, isAnswered);
    turn(0);
  }
}

it('many questions at a time do so, of one peer that is answered each time', () => {
  askMany(16_383, true);
  expect(isAwake()).toBe(true);
  peer = 2;
  read(16_383, true);
  turn();
  expect(isAwake()).toBe(false);
});

it.each([
  ['they are not answered', 1024, false],
  ['they are very many', 16_384, true],
])('nor do they when %s', (_, bytes, isAnswered) => {
  askMany(bytes, isAnswered);
  expect(isAwake()).toBe(false);
});

it('on a clock that stands still it sleeps after 1,000 turns', () => {
  ask(10);
  for (let i = 0; i < 998; i++) turn(0);
  expect(isAwake()).toBe(true);
  turn(0);
  expect(isAwake()).toBe(false);
});

it.each([
  [true, 1, true],
  [true, 200, true],
  [false, 1, false],
])(
  'the bridge does so where there is a processor to spare (%s), for %i at a time',
  async (hasSpareProcessor, times, isKept) => {
    await using server = createTestBridge({ hasSpareProcessor, defer: (fn) => deferred.push(fn) });
    const socket = new FakeSocket();
    server.attach(socket);
    socket.arrive('CONNECT {"verbose":false}\r\n');
    for (let i = 0; i < 20; i++) {
      socket.arrive('PING\r\n'.repeat(times));
      turn(0);
    }
    // What else was put off is done.
    turn(0);
    expect(isAwake()).toBe(isKept);
  },
);
