// Subjects that no client may publish on, and replies that none may ask for. One place for the rule: the express
// lane and the long way both ask here.
// Source: nats-server 2.15.3, server/client.go, processInboundClientMsg and isReservedReply.

import { OP_NONE, OP_REFUSED_REPLY, OP_REFUSED_SUBJECT } from './abi';
import { Owned } from './ownership';

// "$NRG.", "_GR_.", "$GR.", "_R_." and "$JS." in the order of their bytes.
const NRG: u64 = 0x2e47524e24;
const GR: u64 = 0x2e5f52475f;
const OLD_GR: u64 = 0x2e524724;
const REPLY_R: u64 = 0x2e5f525f;
const JS: u64 = 0x2e534a24;
const FIVE_BYTES: u64 = 0xffffffffff;
const FOUR_BYTES: u64 = 0xffffffff;
/** Subjects and replies that begin with another byte are never reserved. */
export const DOLLAR: u32 = 36;
export const UNDERSCORE: u32 = 95;
const LETTER_I: u8 = 73;

export class Reserved {
  /** The cheap question in front of `refusal`: false for nearly all replies, inboxes ("_I…") among them. */
  @inline
  static mayBeReply(ptr: usize): bool {
    if (!ASC_NO_ASSERT) Owned.assertReadable(ptr, 1, 1);
    const first: u32 = load<u8>(ptr);
    if (first == DOLLAR) return true;
    return first == UNDERSCORE && load<u8>(ptr, 1) != LETTER_I;
  }
}

/**
 * What a publish is refused for. Reads up to 7 bytes beyond the ends.
 *
 * @param replyLen 0 = no reply
 * @returns OP_REFUSED_SUBJECT, OP_REFUSED_REPLY, or OP_NONE: it may be routed
 */
export function refusal(subject: usize, subjectLen: u32, reply: usize, replyLen: u32): u32 {
  if (isReservedSubject(subject, subjectLen)) return OP_REFUSED_SUBJECT;
  return replyLen != 0 && isReservedReply(reply, replyLen) ? OP_REFUSED_REPLY : OP_NONE;
}

function isReservedSubject(ptr: usize, length: u32): bool {
  if (!ASC_NO_ASSERT) Owned.assertReadable(ptr, length, 7);
  const word = load<u64>(ptr);
  if (length >= 5 && (word & FIVE_BYTES) == NRG) return true;
  return isGatewaySubject(word, length);
}

function isReservedReply(ptr: usize, length: u32): bool {
  if (!ASC_NO_ASSERT) Owned.assertReadable(ptr, length, 7);
  const word = load<u64>(ptr);
  if (length >= 4 && (word & FOUR_BYTES) == REPLY_R) return true;
  if (length > 4 && (word & FOUR_BYTES) == JS) return true;
  return isGatewaySubject(word, length);
}

// Of the server's gateways: a prefix with something behind it.
function isGatewaySubject(word: u64, length: u32): bool {
  if (length > 5 && (word & FIVE_BYTES) == GR) return true;
  return length > 4 && (word & FOUR_BYTES) == OLD_GR;
}
