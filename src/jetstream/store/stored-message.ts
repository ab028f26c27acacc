// Room for a message that is read from a store, and views of one that was found.
import type { MessagePlace, StoredMessage } from './store.ts';

const NOTHING = new Uint8Array(0);
const NO_DATA = new DataView(NOTHING.buffer);

/** To be handed to `Store.read` again and again. */
export function emptyMessage(): StoredMessage {
  return {
    seq: 0,
    timeMs: 0,
    subjectId: -1,
    subject: NOTHING,
    headers: undefined,
    payload: NOTHING,
  };
}

/** The same for `Store.locate`. */
export function emptyPlace(): MessagePlace {
  return {
    seq: 0,
    timeMs: 0,
    subjectId: -1,
    subject: NOTHING,
    subjectData: NO_DATA,
    subjectAt: 0,
    subjectBytes: 0,
    body: NOTHING,
    bodyData: NO_DATA,
    bodyAt: 0,
    headerBytes: 0,
    bodyBytes: 0,
  };
}

/** A view of its header block; undefined = it has none. */
export function headersAt({ body, bodyAt, headerBytes }: MessagePlace): Uint8Array | undefined {
  return headerBytes === 0 ? undefined : body.subarray(bodyAt, bodyAt + headerBytes);
}

/** Views of all of it. */
export function readAt(place: MessagePlace, into: StoredMessage): void {
  const { subject, subjectAt, subjectBytes, body, bodyAt, headerBytes, bodyBytes } = place;
  into.seq = place.seq;
  into.timeMs = place.timeMs;
  into.subjectId = place.subjectId;
  into.subject = subject.subarray(subjectAt, subjectAt + subjectBytes);
  into.headers = headersAt(place);
  const isEmpty = bodyBytes === headerBytes;
  into.payload = isEmpty ? NOTHING : body.subarray(bodyAt + headerBytes, bodyAt + bodyBytes);
}

/** Of a message that is lost: what is known. */
export function noteLost(place: MessagePlace, into: StoredMessage): void {
  readAt({ ...place, headerBytes: 0, bodyBytes: 0 }, into);
}
