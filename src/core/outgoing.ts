// What the program hands to the core to be routed.
import {
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_FLAGS,
  PUBLISH_HEADER_LEN,
  PUBLISH_LOCAL_ONLY,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
} from '../../assembly/abi.ts';

/** A message of the program. */
export interface Outgoing {
  /** The subject it is routed by. */
  readonly to: string;
  /** The subject that recipients see; `to` unless given. */
  readonly subject?: string | undefined;
  readonly reply?: string | undefined;
  /** A whole NATS/1.0 block. */
  readonly headers?: Uint8Array | undefined;
  readonly payload: Uint8Array;
  /** Deliver to the program's own subscriptions alone. */
  readonly localOnly?: boolean | undefined;
}

/** Writes a publish record (layout: abi.ts, PUBLISH_*) at a word of memory. */
export function writePublish(
  u32: Uint32Array,
  at: number,
  toPtr: number,
  toLen: number,
  subjectPtr: number,
  subjectLen: number,
  replyPtr: number,
  replyLen: number,
  bodyPtr: number,
  bodyLen: number,
  headerLen: number,
  isLocalOnly: boolean,
): void {
  u32[at + (PUBLISH_TO_PTR >>> 2)] = toPtr;
  u32[at + (PUBLISH_TO_LEN >>> 2)] = toLen;
  u32[at + (PUBLISH_SUBJECT_PTR >>> 2)] = subjectPtr;
  u32[at + (PUBLISH_SUBJECT_LEN >>> 2)] = subjectLen;
  u32[at + (PUBLISH_REPLY_PTR >>> 2)] = replyPtr;
  u32[at + (PUBLISH_REPLY_LEN >>> 2)] = replyLen;
  u32[at + (PUBLISH_BODY_PTR >>> 2)] = bodyPtr;
  u32[at + (PUBLISH_BODY_LEN >>> 2)] = bodyLen;
  u32[at + (PUBLISH_HEADER_LEN >>> 2)] = headerLen;
  u32[at + (PUBLISH_FLAGS >>> 2)] = isLocalOnly ? PUBLISH_LOCAL_ONLY : 0;
}
