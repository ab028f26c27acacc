// Messages for stores, made of texts, and what a store has kept, as texts again.
import { deepEqual, ok } from 'node:assert/strict';
import type { Incoming, Store, StoredMessage } from '../../src/jetstream/store/store.ts';
import { emptyPlace } from '../../src/jetstream/store/stored-message.ts';

const NOTHING = new Uint8Array(0);
const LOOKED_AT = 4096;

/** A message as a raw one of the bus is. */
export function incoming(subject: string, payload = '', headers?: string): Incoming {
  const name = Buffer.from(subject);
  const body = Buffer.from((headers ?? '') + payload);
  return {
    subjectBytes: name.length,
    headerBytes: Buffer.byteLength(headers ?? ''),
    bodyBytes: body.length,
    copySubject: (target, at) => at + name.copy(target, at),
    copyBody: (target, at) => at + body.copy(target, at),
  };
}

/** For `read`. */
export function blank(): StoredMessage {
  const views = { subject: NOTHING, headers: undefined, payload: NOTHING };
  return { seq: 0, timeMs: 0, subjectId: -1, ...views };
}

/** Where it lies, arrays and views of it say the same. */
function checkPlace(
  store: Store,
  { seq, subject, headers = NOTHING, payload }: StoredMessage,
): void {
  const place = emptyPlace();
  ok(store.locate(seq, place));
  const { subjectData, subjectAt, subjectBytes, bodyData, bodyAt, headerBytes, bodyBytes } = place;
  deepEqual(headerBytes, headers.length);
  deepEqual(bodyBytes, headers.length + payload.length);
  if (bodyBytes > LOOKED_AT) return;
  deepEqual(bytesOf(subjectData, subjectAt, subjectBytes), [...subject]);
  deepEqual(bytesOf(bodyData, bodyAt, bodyBytes), [...headers, ...payload]);
}

function bytesOf(data: DataView, at: number, length: number): number[] {
  return Array.from({ length }, (_, i) => data.getUint8(at + i));
}

/** Bytes of UTF-8. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

export interface StoredTexts {
  readonly seq: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly headers: string | undefined;
  readonly payload: string;
}

/** undefined: there is no such message. */
export function readTexts(store: Store, seq: number): StoredTexts | undefined {
  const into = blank();
  if (!store.read(seq, into)) return undefined;
  const { timeMs, subject, headers, payload } = into;
  checkPlace(store, into);
  return {
    seq: into.seq,
    timeMs,
    subject: text(subject),
    headers: headers === undefined ? undefined : text(headers),
    payload: text(payload),
  };
}
