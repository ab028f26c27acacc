// Memory that grows at calls into the core detaches every view: nobody may notice, not the program and not a peer.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { BusInternals } from '../../src/bus/internals.ts';
import type { WasmExports } from '../../src/core/instance.ts';
import { wholeOf } from '../../src/core/whole.ts';
import { type Program, playProgram, program, programWithMax } from './bus-program.ts';
import { check, takeTime } from './check.ts';

takeTime();

type AnyFunction = (...args: number[]) => unknown;

/** From here on memory grows by a page before and after every `period`th call of an export. */
function growAtCalls(door: BusInternals, period: number): void {
  const { memory, ...functions } = wholeOf(door.core.exports);
  let calls = 0;
  const growing = Object.entries(functions).map(([name, fn]) => {
    const call = (...args: number[]): unknown => {
      const grows = ++calls % period === 0;
      if (grows) memory.grow(1);
      const answer = (fn as AnyFunction)(...args);
      if (grows) memory.grow(1);
      return answer;
    };
    return [name, call] as const;
  });
  door.core.exports = { memory, ...Object.fromEntries(growing) } as unknown as WasmExports;
}

function growthIsUnseen(whole: Program, period: number): boolean {
  const still = playProgram(whole);
  const growing = playProgram(whole, (door) => growAtCalls(door, period));
  return JSON.stringify(still) === JSON.stringify(growing);
}

// 1: the views are never whole when a call returns. Above: kept views are good at one time and not at another.
const period = fc.constantFrom(1, 1, 2, 3, 7);

describe('a bus whose memory grows at calls into the core', () => {
  it('delivers the same messages in the same order, and sends peers the same bytes', () => {
    const programs = fc.oneof(program, programWithMax);
    check(40, fc.property(programs, period, growthIsUnseen));
  });
});
