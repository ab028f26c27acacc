// Whoever does a slice of work at each end of the loop's turn does one a turn, whatever else ends turns meanwhile.
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge } from '../support/bridge.ts';

it('calls what asks for the next end once a turn, though what was put off is written by an end of its own', async () => {
  let isHeld = false;
  let waiting: (() => void)[] = [];
  const defer = (fn: () => void): void => {
    if (isHeld) waiting.push(fn);
    else setImmediate(fn);
  };
  await using server = createTestBridge({ defer });
  const door = internalsOf(server.bus);
  const peer = await server.greeted();
  await peer.send('SUB in 1\r\n');
  await peer.ping();
  isHeld = true;
  let runs = 0;
  const again = (): void => {
    runs++;
    if (isHeld) door.atLoopEnd(again);
  };
  door.atLoopEnd(again);
  const each: number[] = [];
  for (let i = 0; i < 5; i++) {
    door.deliver({ to: 'in', payload: new Uint8Array(1) });
    const before = runs;
    const due = waiting;
    waiting = [];
    for (const fn of due) fn();
    each.push(runs - before);
  }
  expect(each).toEqual([1, 1, 1, 1, 1]);
  isHeld = false;
  for (const fn of waiting) fn();
});
