// Requests of the API for single messages.
// Source: nats-server 2.15.3, server/jetstream_api.go, jsMsgGetRequest and jsMsgDeleteRequest.
import { textOf } from '../../shared/byte-text.ts';
import { toError } from '../../shared/errors.ts';
import { refusal } from '../errors.ts';
import { BOOL, INT64, type Int, readObject, type Shape, STRING, UINT64 } from '../json-reader.ts';
import type { Store, StoredMessage } from '../store/store.ts';
import { readTime, timeMs, timeText } from '../wire-time.ts';
import type { Work } from '../work.ts';
import { type Answer, type ApiRequest, isEmptyBody, readBody, streamOf } from './request.ts';

/** Bytes that are made text at once; three of them are four characters. */
const BASE64_CHUNK = 3 * 8192;
const TIME: Shape = { is: 'text', read: readTime, nullable: true };

const GET_FIELDS = {
  seq: UINT64,
  last_by_subj: STRING,
  next_by_subj: STRING,
  batch: INT64,
  max_bytes: INT64,
  start_time: TIME,
  multi_last: { is: 'list', of: STRING },
  up_to_seq: UINT64,
  up_to_time: TIME,
  no_hdr: BOOL,
} as const;

interface GetAsked {
  readonly seq: Int;
  readonly last_by_subj: string;
  readonly next_by_subj: string;
  readonly batch: Int;
  readonly max_bytes: Int;
  readonly start_time: string;
  readonly no_hdr: boolean;
}

export function* getMessage(request: ApiRequest): Work<Answer> {
  if (isEmptyBody(request)) throw refusal('badRequest');
  const asked = readBody(request, (text, isStrict) =>
    readObject<GetAsked>(text, GET_FIELDS, isStrict),
  );
  if ((asked.batch ?? 0) > 0 || (asked.max_bytes ?? 0) > 0 || !isOneQuestion(asked)) {
    throw refusal('badRequest');
  }
  const stream = streamOf(request, request.names[0]);
  const message: StoredMessage = {
    seq: 0,
    timeMs: 0,
    subjectId: 0,
    subject: new Uint8Array(0),
    headers: undefined,
    payload: new Uint8Array(0),
  };
  const seq = yield* seqOf(stream.store, asked);
  if (seq === 0 || !read(stream.store, seq, message)) throw refusal('noMessageFound');
  const { headers, payload } = message;
  return {
    fields: {
      message: {
        subject: textOf(message.subject),
        seq: message.seq,
        hdrs: asked.no_hdr || headers === undefined ? undefined : base64(headers),
        data: payload.length === 0 ? undefined : base64(payload),
        time: timeText(message.timeMs),
      },
    },
    stream,
    isQuiet: true,
  };
}

/** Throws ApiError: it is there, and cannot be read now. */
function read(store: Store, seq: number, into: StoredMessage): boolean {
  try {
    return store.read(seq, into);
  } catch (error) {
    throw refusal('storeFailed', toError(error).message);
  }
}

/** By sequence, by time or the last of a subject; the next of a subject goes with the first two. */
function isOneQuestion({
  seq,
  last_by_subj,
  next_by_subj,
  start_time,
}: Partial<GetAsked>): boolean {
  const isFrom = Boolean(seq) || start_time !== undefined;
  if (seq && start_time !== undefined) return false;
  if (last_by_subj) return !isFrom && !next_by_subj;
  return isFrom || Boolean(next_by_subj);
}

/** The message that is asked for; 0 = none. */
function* seqOf(store: Store, asked: Partial<GetAsked>): Work<number> {
  const { start_time, last_by_subj, next_by_subj } = asked;
  const isTimed = start_time !== undefined;
  const seq = isTimed ? store.seqAtTime(timeMs(start_time)) : Number(asked.seq ?? 0);
  if (isTimed && seq === 0) return 0;
  if (next_by_subj) return yield* store.findNext([next_by_subj], seq);
  if (seq > 0) return seq;
  return yield* store.findLast([last_by_subj ?? '']);
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += BASE64_CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + BASE64_CHUNK)));
  }
  return text;
}

const DELETE_FIELDS = { seq: UINT64, no_erase: BOOL };

export function deleteMessage(request: ApiRequest): Answer {
  if (isEmptyBody(request)) throw refusal('badRequest');
  const { seq = 0 } = readBody(request, (text, isStrict) =>
    readObject<{ readonly seq: Int }>(text, DELETE_FIELDS, isStrict),
  );
  const stream = streamOf(request, request.names[0]);
  const { config, store } = stream;
  if (config.sealed) throw refusal('streamSealed');
  if (config.deny_delete) throw refusal('messageDelete', 'message delete not permitted');
  if (config.storage === 'file') {
    if (seq === 0) throw refusal('messageDelete', 'no message found');
    if (seq > store.state.lastSeq) throw refusal('messageDelete', 'stream store EOF');
  }
  if (!stream.removeMessage(Number(seq))) throw refusal('sequenceNotFound', seq);
  return { fields: { success: true }, stream };
}
