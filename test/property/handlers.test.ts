// Handlers that subscribe, unsubscribe and publish while messages are on their way: nobody gets what was routed
// before its time or after it, and nobody is forgotten.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type Program, playProgram, program, programWithMax } from './bus-program.ts';
import { check, takeTime } from './check.ts';

takeTime();

function followsTheModel(whole: Program): boolean {
  const { faults } = playProgram(whole);
  if (faults.length > 0) console.log(faults.join('\n'));
  return faults.length === 0;
}

describe('a bus whose handlers change it', () => {
  it('delivers each message to those who were there and have stayed, and to nobody else', () => {
    check(300, fc.property(program, followsTheModel));
  });

  it('gives nobody more than its max, and a group one of them while any has room', () => {
    check(150, fc.property(programWithMax, followsTheModel));
  });
});
