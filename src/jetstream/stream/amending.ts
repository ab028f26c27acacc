// What those are told whose answers have waited for a commit that has failed. Answers are written before it, straight into
// bytes; so here, where it is rare, it is read from the bytes what each of them has claimed.
//
//   PubAck                            ─► 503, 10077, with the system's text
//   the API's, that it has done it    ─► the error of that request, with the system's text
//   a confirmation of an ack          ─► nothing
//   a message that is not to be shown ─► nothing
//   all others                        ─► what was said
// Source: nats-server 2.15.3, server/errors.json, JSStreamStoreFailedF and the like.
import { type ApiError, type Refusal, refusal } from '../errors.ts';
import { bytesText, headerOf } from './header-block.ts';
import type { PubAckWriter } from './pub-ack.ts';

const encoder = new TextEncoder();
const ANSWER = /^\{"type":"io\.nats\.jetstream\.api\.v1\.(\w+)_response",(?!"error":)/;
/** Answers of the API that claim a change, and what they have beside the error. */
const CHANGES: ReadonlyMap<string, readonly [Refusal, object?]> = new Map<
  string,
  readonly [Refusal, object?]
>([
  ['stream_create', ['streamCreate']],
  ['stream_update', ['streamUpdate']],
  ['stream_purge', ['streamPurge', { purged: 0 }]],
  ['stream_msg_delete', ['messageDelete']],
  ['consumer_create', ['consumerCreate']],
  ['consumer_delete', ['storeFailed']],
]);

/**
 * What is said instead; undefined = nothing.
 *
 * @param visibleSeq the last sequence that may be shown
 */
export function amended(
  failure: Error,
  headers: Uint8Array,
  payload: Uint8Array,
  pubAck: PubAckWriter,
  visibleSeq: number,
): Uint8Array | undefined {
  if (headers.length > 0) {
    return Number(headerOf(headers, 'Nats-Sequence')) > visibleSeq ? undefined : payload;
  }
  if (payload.length === 0) return undefined;
  if (pubAck.isAck(payload)) return pubAck.refusal(refusal('storeFailed', failure.message));
  const type = ANSWER.exec(bytesText(payload.subarray(0, 100)))?.[1];
  const [of, always] = CHANGES.get(type ?? '') ?? [];
  return of === undefined ? payload : errorAnswer(type ?? '', refusal(of, failure.message), always);
}

function errorAnswer(
  type: string,
  { code, errCode, description }: ApiError,
  always?: object,
): Uint8Array {
  const error = { code, err_code: errCode, description };
  const answer = { type: `io.nats.jetstream.api.v1.${type}_response`, error, ...always };
  return encoder.encode(JSON.stringify(answer));
}
