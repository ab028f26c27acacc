// A stream of bytes as binary messages: one, or several for a peer that takes no long frames. Views stay as they are
// between the heads, but few bytes are copied behind theirs: one piece costs a socket less than two.
import { frameHead, OPCODE_BINARY, OPCODE_CONTINUATION } from './websocket-frames.ts';

export interface FrameLimits {
  /** Bytes of one frame, 0: as many as there are. */
  readonly frameMax: number;
  /** A compressed message may be in several frames. */
  readonly fragmentsCompressed: boolean;
}

const COPIED_MOST = 4096;

/** Messages whose payloads are the views, one after the other. */
export function frames(views: readonly Uint8Array[], { frameMax }: FrameLimits): Uint8Array[] {
  const all = views.reduce((sum, view) => sum + view.length, 0);
  const kind = { opcode: OPCODE_BINARY, isFinal: true };
  if (frameMax === 0 || all <= frameMax) return message(frameHead(kind, all), views, all);
  const pieces: Uint8Array[] = [];
  let left = all;
  let room = 0;
  for (const view of views) {
    for (let at = 0; at < view.length; ) {
      if (room === 0) {
        room = Math.min(left, frameMax);
        pieces.push(frameHead(kind, room));
      }
      const piece = view.subarray(at, at + room);
      pieces.push(piece);
      at += piece.length;
      room -= piece.length;
      left -= piece.length;
    }
  }
  return pieces;
}

/** One message that is compressed already. */
export function compressedFrames(bytes: Uint8Array, limits: FrameLimits): Uint8Array[] {
  const most = limits.fragmentsCompressed && limits.frameMax > 0 ? limits.frameMax : bytes.length;
  const pieces: Uint8Array[] = [];
  let at = 0;
  do {
    const piece = bytes.subarray(at, at + most);
    const isFirst = at === 0;
    at += piece.length;
    const kind = {
      opcode: isFirst ? OPCODE_BINARY : OPCODE_CONTINUATION,
      isFinal: at === bytes.length,
      isCompressed: isFirst,
    };
    pieces.push(frameHead(kind, piece.length), piece);
  } while (at < bytes.length);
  return pieces;
}

function message(head: Uint8Array, views: readonly Uint8Array[], bytes: number): Uint8Array[] {
  if (bytes > COPIED_MOST) return [head, ...views];
  const copy = new Uint8Array(head.length + bytes);
  copy.set(head);
  let at = head.length;
  for (const view of views) {
    copy.set(view, at);
    at += view.length;
  }
  return [copy];
}
