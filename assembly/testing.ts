// The entry of the test build: everything that ships, and beside it the inner functions that tests call.

import { tableLongestRun } from './hash-table';
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
  parse,
} from './parser';

/** Longest run of full slots among the literal subjects: what the worst search for one costs. */
export function literalsLongestRun(): u32 {
  return tableLongestRun(literalTable());
}
