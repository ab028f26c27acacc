// What those are told whose answers have waited for a commit that has failed. Each has noted what it claims; so here, where
// it is rare, it is said otherwise.
//
//   a PubAck, or a refusal because of another message ─► 503, 10077, with the system's text
//   the API's, that it has done something             ─► the error of that request, with the system's text
//   a confirmation of an ack                          ─► nothing
//   what shows messages, where some are taken back: the API's ─► 10077; a direct get's ─► status 500; republished ─► nothing
//   all others                                        ─► what was said
// Source: nats-server 2.15.3, server/errors.json, JSStreamStoreFailedF and the like.
import { type ApiError, type Refusal, refusal } from '../errors.ts';
import { type Answer, CLAIMS, type Claim } from '../outbox.ts';
import { bytesText } from './header-block.ts';
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
  ['stream_purge', ['streamPurge', { purged: 0 }]],
  ['stream_msg_delete', ['messageDelete']],
  ['consumer_create', ['consumerCreate']],
  ['consumer_delete', ['storeFailed']],
]);

/** A commit that has failed. */
export interface Failed {
  readonly failure: Error;
  /** Messages that were shown are taken back. */
  readonly isTakenBack: boolean;
}

/** What is said instead; undefined = nothing. */
export function amended(
  { failure, isTakenBack }: Failed,
  claim: Claim,
  answer: Answer,
  pubAck: PubAckWriter,
): Answer | undefined {
  switch (claim) {
    case CLAIMS.stored:
      return { payload: pubAck.refusal(refusal('storeFailed', failure.message)) };
    case CLAIMS.confirmed:
      return undefined;
    case CLAIMS.repeated:
      return isTakenBack ? undefined : answer;
    case CLAIMS.shown:
      return isTakenBack ? statusAnswer(failure) : answer;
    case CLAIMS.answered:
      return apiAnswer(failure, isTakenBack, answer);
    default:
      return answer;
  }
}

function statusAnswer({ message }: Error): Answer {
  const text = message.replace(/[\r\n]+/g, ' ');
  return { headers: encoder.encode(`NATS/1.0 500 ${text}\r\n\r\n`), payload: NOTHING };
}

function apiAnswer(failure: Error, isTakenBack: boolean, answer: Answer): Answer {
  const [, type = '', isError] = ANSWER.exec(bytesText(answer.payload.subarray(0, 100))) ?? [];
  const change = isError === undefined ? CHANGES.get(type) : undefined;
  if (change !== undefined) {
    const [of, always] = change;
    return { payload: errorAnswer(type, refusal(of, failure.message), always) };
  }
  const isMeant = isError === undefined || NOT_FOUND.test(bytesText(answer.payload));
  if (!isTakenBack || !isMeant) return answer;
  return { payload: errorAnswer(type, refusal('storeFailed', failure.message)) };
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
