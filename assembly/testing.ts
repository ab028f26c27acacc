// The entry of the test build: everything that ships, and beside it the inner functions that tests call.

import { tableLongestRun } from './hash-table';
import { opNext, parse as parseOne } from './parser';
import { literalTable } from './sublist';

export { hash } from './bytes';
export * from './index';
export {
  opArgsLen,
  opArgsPtr,
  opBodyLen,
  opBodyPtr,
  opCanonical,
  opError,
  opHeaderLen,
  opLineLen,
  opLinePtr,
  opMax,
  opNeed,
  opNext,
  opReplyLen,
  opReplyPtr,
  opSidLen,
  opSidPtr,
  opSizesLen,
  opSizesPtr,
  opState,
  opSubjectLen,
  opSubjectPtr,
  opVerb,
} from './parser';

/** Longest run of full slots among the literal subjects: what the worst search for one costs. */
export function literalsLongestRun(): u32 {
  return tableLongestRun(literalTable());
}

/** `parse` of parser.ts with all of its parameters. */
export function parse(
  state: u32,
  ptr: usize,
  end: usize,
  controlLineMax: u32,
  payloadMax: u32,
  takesHeaders: bool,
): i32 {
  return parseOne(state, ptr, end, controlLineMax, payloadMax, takesHeaders);
}

/** Parses all whole ops between two addresses and answers how many: what the benches measure of the parser alone. */
export function parseAll(ptr: usize, end: usize): u32 {
  let count: u32 = 0;
  while (ptr < end && parseOne(0, ptr, end, 4096, 1048576) != 0) {
    ptr = opNext;
    count++;
  }
  return count;
}
