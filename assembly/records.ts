// Records of the result region: what one call has to tell JS. They are drained before the next fresh call.

import {
  RECORD_BODY_LEN,
  RECORD_BODY_PTR,
  RECORD_BYTES,
  RECORD_DELIVERY,
  RECORD_FLAGS,
  RECORD_HEADER_LEN,
  RECORD_ORIGIN,
  RECORD_RAW,
  RECORD_REPLY_LEN,
  RECORD_REPLY_PTR,
  RECORD_SUBJECT_LEN,
  RECORD_SUBJECT_PTR,
  RECORD_TARGET,
  RECORD_TYPE,
  RESULT_BYTES,
  SUB_RAW,
} from './abi';
import { Budget, RECORD_UNITS } from './budget';
import { resultPtr } from './memory';
import { OWNER_RESULT, Owned } from './ownership';

if (RECORD_RAW != SUB_RAW) ERROR('A delivery is flagged as its subscription is');

/** Most that one step may append; a step begins only when that many fit. */
const STEP_RECORDS: u32 = 8;

export let recordCount: u32 = 0;
let limit: u32 = RESULT_BYTES / RECORD_BYTES;

/** Forgets the records: they have been drained. */
export function recordsReset(): void {
  recordCount = 0;
}

/** Test hook: as if the region held that many records (at least STEP_RECORDS). */
export function recordsLimit(records: u32): void {
  limit = min<u32>(max<u32>(records, STEP_RECORDS), RESULT_BYTES / RECORD_BYTES);
}

/** Whether one more step may append its records. */
export function recordsHaveRoom(): bool {
  return recordCount + STEP_RECORDS <= limit;
}

/** Whether the step at hand may still tell of a line that the core sends: two records. */
export function recordsHaveSpare(): bool {
  return recordCount + 2 <= limit;
}

class Result {
  /** Sets a field (RECORD_*) of a record that has been appended. */
  @inline
  static set(record: usize, field: u32, value: u32): void {
    if (!ASC_NO_ASSERT) assert(record - resultPtr < <usize>recordCount * RECORD_BYTES);
    Owned.write<u32>(record + field, value, OWNER_RESULT);
  }
}

/** Appends a record of zeros but for its type and target; the caller fills in the rest. */
export function recordAppend(type: u32, target: u32): usize {
  assert((recordCount + 1) * <u32>RECORD_BYTES <= <u32>RESULT_BYTES);
  const ptr = resultPtr + <usize>recordCount * RECORD_BYTES;
  recordCount++;
  Budget.charge(RECORD_UNITS);
  Owned.clear(ptr, RECORD_BYTES, OWNER_RESULT);
  Result.set(ptr, RECORD_TYPE, type);
  Result.set(ptr, RECORD_TARGET, target);
  return ptr;
}

/** Appends a record that shows a span as its body. */
export function recordBody(type: u32, target: u32, ptr: usize, length: u32): usize {
  const record = recordAppend(type, target);
  recordSetBody(record, ptr, length);
  return record;
}

/** Appends a record that shows a span as its subject. */
export function recordLine(type: u32, target: u32, ptr: usize, length: u32): usize {
  const record = recordAppend(type, target);
  Result.set(record, RECORD_SUBJECT_PTR, <u32>ptr);
  Result.set(record, RECORD_SUBJECT_LEN, length);
  return record;
}

/** Adds a body to a record. */
export function recordSetBody(record: usize, ptr: usize, length: u32): void {
  Result.set(record, RECORD_BODY_PTR, <u32>ptr);
  Result.set(record, RECORD_BODY_LEN, length);
}

/** Appends a delivery: every field is written, so nothing is cleared (a fill costs more than all of them). */
export function recordDelivery(
  target: u32,
  origin: u32,
  flags: u32,
  subjectPtr: usize,
  subjectLen: u32,
  replyPtr: usize,
  replyLen: u32,
  bodyPtr: usize,
  bodyLen: u32,
  headerLen: u32,
): void {
  assert((recordCount + 1) * <u32>RECORD_BYTES <= <u32>RESULT_BYTES);
  const record = resultPtr + <usize>recordCount * RECORD_BYTES;
  recordCount++;
  Budget.charge(RECORD_UNITS);
  Result.set(record, RECORD_TYPE, RECORD_DELIVERY);
  Result.set(record, RECORD_TARGET, target);
  Result.set(record, RECORD_SUBJECT_PTR, <u32>subjectPtr);
  Result.set(record, RECORD_SUBJECT_LEN, subjectLen);
  Result.set(record, RECORD_REPLY_PTR, <u32>replyPtr);
  Result.set(record, RECORD_REPLY_LEN, replyLen);
  Result.set(record, RECORD_BODY_PTR, <u32>bodyPtr);
  Result.set(record, RECORD_BODY_LEN, bodyLen);
  Result.set(record, RECORD_HEADER_LEN, headerLen);
  Result.set(record, RECORD_ORIGIN, origin);
  Result.set(record, RECORD_FLAGS, flags);
}

/** Sets what the flags of a record say. */
export function recordSetFlags(record: usize, flags: u32): void {
  Result.set(record, RECORD_FLAGS, flags);
}
