// Readers of a session's record: its traffic and its subscriptions.
import {
  SESSION_IN_BYTES,
  SESSION_IN_MSGS,
  SESSION_OUT_BYTES,
  SESSION_OUT_MSGS,
  SESSION_SUBS_HEAD,
  SUB_CLOSED,
  SUB_DELIVERED,
  SUB_FLAGS,
  SUB_HANDLE,
  SUB_MAX,
  SUB_SESSION,
  SUB_SESSION_NEXT,
  SUB_SID,
  SUB_SID_LEN,
} from '../../assembly/abi.ts';
import type { ProgramExports } from './instance.ts';
import { readText } from './records.ts';
import type { SubHandle } from './route.ts';
import type { Views } from './views.ts';

/** Counts of messages and payload bytes. */
export interface Traffic {
  readonly inMsgs: number;
  readonly inBytes: number;
  readonly outMsgs: number;
  readonly outBytes: number;
}

/** One subscription of a session. */
export interface SessionSubscription {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly sid: string;
  readonly delivered: number;
  /** Deliveries after which it ends; 0 = none. */
  readonly max: number;
}

const SID_INLINE_MAX = 16;

/** Messages and payload bytes of the session whose record lies at `ptr`. */
export function readTraffic(views: Views, ptr: number): Traffic {
  const number = (offset: number): number => views.f64[(ptr + offset) >>> 3] as number;
  return {
    inMsgs: number(SESSION_IN_MSGS),
    inBytes: number(SESSION_IN_BYTES),
    outMsgs: number(SESSION_OUT_MSGS),
    outBytes: number(SESSION_OUT_BYTES),
  };
}

/**
 * Subscriptions of the session whose record lies at `ptr`, the newest first.
 *
 * @param most so many of them
 * @param before handles of the part before, from which it goes on, or empty: from the beginning. It goes on behind the
 *   last of them that there still is; without any, there is nothing more
 * @param handles gets those of the ones that are answered
 */
export function readSubscriptions(
  exports: ProgramExports,
  views: Views,
  ptr: number,
  most: number,
  before: readonly SubHandle[],
  handles: SubHandle[],
): SessionSubscription[] {
  const list: SessionSubscription[] = [];
  let sub = before.length === 0 ? views.word(ptr + SESSION_SUBS_HEAD) : 0;
  for (let at = before.length - 1; at >= 0; at--) {
    const known = exports.subscriptionPtr(before[at] as SubHandle) >>> 0;
    if (known === 0 || views.word(known + SUB_SESSION) !== ptr) continue;
    if ((views.word(known + SUB_FLAGS) & SUB_CLOSED) !== 0) continue;
    sub = views.word(known + SUB_SESSION_NEXT);
    break;
  }
  for (; sub !== 0 && list.length < most; ) {
    handles.push(views.word(sub + SUB_HANDLE));
    const sidLength = views.word(sub + SUB_SID_LEN);
    const sidPtr = sidLength > SID_INLINE_MAX ? views.word(sub + SUB_SID) : sub + SUB_SID;
    const length = exports.subscriptionFilter(sub);
    const queueLength = exports.subscriptionQueueLen(sub);
    list.push({
      subject: readText(views, (exports.subscriptionFilterEnd() >>> 0) - length, length),
      queue:
        queueLength === 0
          ? undefined
          : readText(views, exports.subscriptionQueuePtr(sub) >>> 0, queueLength),
      sid: readText(views, sidPtr, sidLength),
      delivered: views.word(sub + SUB_DELIVERED),
      max: views.word(sub + SUB_MAX),
    });
    sub = views.word(sub + SUB_SESSION_NEXT);
  }
  return list;
}
