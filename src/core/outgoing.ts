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
import type { Views } from './views.ts';

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

/** The publish record of a core (layout: abi.ts, PUBLISH_*): subject, reply and body differ from message to message. */
export class PublishRecord {
  readonly ptr: number;
  readonly #views: Views;
  readonly #at: number;

  /** `toPtr` and `replyPtr`: where those texts always lie. */
  constructor(views: Views, ptr: number, toPtr: number, replyPtr: number) {
    this.ptr = ptr;
    this.#views = views;
    this.#at = ptr >>> 2;
    views.u32[(ptr + PUBLISH_TO_PTR) >>> 2] = toPtr;
    views.u32[(ptr + PUBLISH_REPLY_PTR) >>> 2] = replyPtr;
  }

  setSubjects(toLen: number, subjectPtr: number, subjectLen: number, replyLen: number): void {
    const { u32 } = this.#views;
    const at = this.#at;
    u32[at + PUBLISH_TO_LEN / 4] = toLen;
    u32[at + PUBLISH_SUBJECT_PTR / 4] = subjectPtr;
    u32[at + PUBLISH_SUBJECT_LEN / 4] = subjectLen;
    u32[at + PUBLISH_REPLY_LEN / 4] = replyLen;
  }

  setBody(ptr: number, length: number, headerLen: number, isLocalOnly: boolean): void {
    const { u32 } = this.#views;
    const at = this.#at;
    u32[at + PUBLISH_BODY_PTR / 4] = ptr;
    u32[at + PUBLISH_BODY_LEN / 4] = length;
    u32[at + PUBLISH_HEADER_LEN / 4] = headerLen;
    u32[at + PUBLISH_FLAGS / 4] = isLocalOnly ? PUBLISH_LOCAL_ONLY : 0;
  }
}
