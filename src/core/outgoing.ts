// What the program hands to the core to be routed.
import {
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_FLAGS,
  PUBLISH_HAS_WAITED,
  PUBLISH_HEADER_LEN,
  PUBLISH_LAST_SID,
  PUBLISH_LOCAL_ONLY,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_STANDS_IN,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
} from '../../assembly/abi.ts';
import type { Views } from './views.ts';

/** The highest sid that the core knows apart from others. */
export const SID_MAX = 0xffffffff;

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
  /** It has waited: whoever of the program came later than that gets nothing of it. */
  readonly lastSid?: number | undefined;
  /** Unless a group has nobody else, and one of it has closed. */
  readonly standsIn?: boolean | undefined;
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

  setBody(ptr: number, length: number, headerLen: number): void {
    const { u32 } = this.#views;
    const at = this.#at;
    u32[at + PUBLISH_BODY_PTR / 4] = ptr;
    u32[at + PUBLISH_BODY_LEN / 4] = length;
    u32[at + PUBLISH_HEADER_LEN / 4] = headerLen;
  }

  setRecipients({ localOnly, lastSid, standsIn }: Outgoing): void {
    const { u32 } = this.#views;
    const at = this.#at;
    let flags = localOnly === true ? PUBLISH_LOCAL_ONLY : 0;
    if (lastSid !== undefined) {
      flags |= standsIn === true ? PUBLISH_HAS_WAITED | PUBLISH_STANDS_IN : PUBLISH_HAS_WAITED;
      u32[at + PUBLISH_LAST_SID / 4] = Math.min(lastSid, SID_MAX);
    }
    u32[at + PUBLISH_FLAGS / 4] = flags;
  }
}
