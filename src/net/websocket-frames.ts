// The frames that a server sends, unmasked (RFC 6455, 5.2): their heads, and the small ones whole.
import type { Farewell } from './transport.ts';

export const OPCODE_CONTINUATION = 0;
export const OPCODE_BINARY = 2;
export const OPCODE_CLOSE = 8;
export const OPCODE_PONG = 10;

const FINAL = 0x80;
const COMPRESSED = 0x40;
/** A control frame holds no more. */
const CONTROL_MAX = 125;
const STATUS_BYTES = 2;
const encoder = new TextEncoder();

export interface FrameKind {
  readonly opcode: number;
  /** It is the last of its message. */
  readonly isFinal: boolean;
  /** The message is compressed; said in its first frame alone. */
  readonly isCompressed?: boolean;
}

/** What goes in front of so many bytes. */
export function frameHead(kind: FrameKind, length: number): Uint8Array {
  const first = kind.opcode | (kind.isFinal ? FINAL : 0) | (kind.isCompressed ? COMPRESSED : 0);
  if (length <= CONTROL_MAX) return Uint8Array.of(first, length);
  if (length < 0x10000) return Uint8Array.of(first, 126, length >> 8, length & 0xff);
  const head = new Uint8Array(10);
  head[0] = first;
  head[1] = 127;
  new DataView(head.buffer).setBigUint64(2, BigInt(length));
  return head;
}

/** A frame of at most 125 bytes, whole. */
export function controlFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const head = frameHead({ opcode, isFinal: true }, payload.length);
  const frame = new Uint8Array(head.length + payload.length);
  frame.set(head);
  frame.set(payload, head.length);
  return frame;
}

/** What a close frame holds; of a text that is too long its beginning. */
export function closePayload({ status, text }: Farewell): Uint8Array {
  const payload = new Uint8Array(CONTROL_MAX);
  const { written } = encoder.encodeInto(text, payload.subarray(STATUS_BYTES));
  payload[0] = status >> 8;
  payload[1] = status & 0xff;
  return payload.subarray(0, STATUS_BYTES + written);
}
