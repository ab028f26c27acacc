// The door of the core: what the bus and the bridge may use of it. Re-exports only.
export {
  OP_CONNECT,
  OP_ERROR,
  OP_INFO,
  OP_MINUS_ERR,
  OP_NONE,
  OP_PING,
  OP_PONG,
  OP_REFUSED_REPLY,
  OP_REFUSED_SUBJECT,
  OP_SUB,
  OP_UNAUTHENTICATED,
  PARSE_CONTROL_LINE,
  PARSE_PAYLOAD,
  PARSE_SILENT,
  PARSE_UNKNOWN,
  PRESSED_MAX,
  RECORD_BODY_PTR,
  RECORD_DELIVERY,
  RECORD_FLAGS,
  RECORD_LAST,
  RECORD_RAW,
  RECORD_SHARED,
  RECORD_SHARED_END,
  RECORD_SLOW,
  RECORD_TARGET,
  RECORD_TRACE_END,
  RECORD_TRACE_IN,
  RECORD_TRACE_OUT,
  RECORD_TYPE,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  SESSION_PEDANTIC,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SESSION_WANTS_PING,
  SESSION_WANTS_PONG,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_BAD_SUBJECT,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_OP,
  STATUS_SPENT,
  SUBJECT_MAX,
} from '../../assembly/abi.ts';
export type { AccountCounts, AccountHandle } from './accounts.ts';
export {
  type BatchEntry,
  type BatchOutcome,
  type BatchPlace,
  batchOutcomes,
  placeBatch,
} from './batch.ts';
export { BatchRun } from './batch-run.ts';
export { takeChanges, watchChanges } from './changes.ts';
export {
  Core,
  createCore,
} from './core.ts';
export { HandleMap } from './handle-map.ts';
export type { OutboundRegions } from './outbound.ts';
export type { Outgoing } from './outgoing.ts';
export { type Peers, peersOf } from './peers.ts';
export { copyTo, copyWords, RecordView, WORDS_MAX } from './records.ts';
export { RouteView, type SubHandle, type Take } from './route.ts';
export type { SessionSubscription } from './session-state.ts';
export type { SessionHandle, Sessions } from './sessions.ts';
export type { SublistCounts } from './sublist-counts.ts';
export { wholeWasm } from './whole.ts';
