// What those are told whose answers have waited for a commit that has failed. Each has noted what it claims; so here, where
// it is rare, it is said otherwise.
//
//   a PubAck, or a refusal because of another message ─► 503, 10077, with the system's text
//   the API's, that it has done something             ─► the error of that request, with the system's text
//   a confirmation of an ack                          ─► nothing
//   what shows messages, where some are taken back: the API's ─► 10077; a direct get's ─► status 500; republished ─► nothing
//   all others                                        ─► what was said
// Source: nats-server 2.15.3, server/errors.json, JSStreamStoreFailedF and the like; server/jetstream_api.go, which of them.
import { type ApiError, type Refusal, refusal } from '../errors.ts';
import { type Answer, CLAIMS, type Claim } from '../outbox.ts';
import { bytesText, storageStatus } from './header-block.ts';
import type { PubAckWriter } from './pub-ack.ts';

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const ANSWER = /^\{"type":"io\.nats\.jetstream\.api\.v1\.(\w+)_response","?(error":)?/;
/** That there is no such message: it may have made room for one that is taken back. */
const NOT_FOUND = /"err_code":(?:10037|10043)\b/;
/** Answers of the API that claim a change, and what they have beside the error. */
const CHANGES: ReadonlyMap<string, readonly [Refusal, object?]> = new Map<
  string,
  readonly [Refusal, object?]
>([
  ['stream_create', ['streamCreate']],
  ['stream_update', ['streamUpdate']],
  ['stream_purge', ['streamGeneral', { purged: 0 }]],
  ['stream_msg_delete', ['messageDelete']],
  ['consumer_create', ['consumerCreate']],
  ['consumer_delete', ['streamGeneral']],
]);

/** A commit that has failed: what of it. */
export interface Failed {
  /** Messages, or the configuration of a new stream. */
  readonly ofStream: Error | undefined;
  /** The same, or what was removed. */
  readonly unsaid: Error | undefined;
  /** What consumers have done. */
  readonly ofConsumers: Error | undefined;
  /** Why messages that may have been shown are taken back. */
  readonly takenBack: Error | undefined;
}

/** What is said instead; undefined = nothing. */
export function amended(
  failed: Failed,
  claim: Claim,
  answer: Answer,
  pubAck: PubAckWriter,
): Answer | undefined {
  const { ofStream, takenBack } = failed;
  if (claim === CLAIMS.answered) return apiAnswer(failed, answer);
  // With the ack something may have been removed.
  if (claim === CLAIMS.confirmed) return undefined;
  if (claim === CLAIMS.shown) return takenBack === undefined ? answer : statusAnswer(takenBack);
  if (ofStream === undefined) return answer;
  if (claim === CLAIMS.repeated) return takenBack === undefined ? answer : undefined;
  return { payload: pubAck.refusal(refusal('storeFailed', ofStream.message)) };
}

function statusAnswer(failure: Error): Answer {
  const status = storageStatus(failure);
  return { headers: encoder.encode(`NATS/1.0 ${status}\r\n\r\n`), payload: NOTHING };
}

function apiAnswer({ unsaid, ofConsumers, takenBack }: Failed, answer: Answer): Answer {
  const [, type = '', isError] = ANSWER.exec(bytesText(answer.payload.subarray(0, 100))) ?? [];
  const change = isError === undefined ? CHANGES.get(type) : undefined;
  const failure = type.startsWith('consumer_') ? ofConsumers : unsaid;
  if (change !== undefined) {
    if (failure === undefined) return answer;
    const [of, always] = change;
    return { payload: errorAnswer(type, refusal(of, failure.message), always) };
  }
  const isMeant = isError === undefined || NOT_FOUND.test(bytesText(answer.payload));
  if (takenBack === undefined || !isMeant) return answer;
  return { payload: errorAnswer(type, refusal('storeFailed', takenBack.message)) };
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
