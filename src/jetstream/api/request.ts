// One request of the API, and what answers it.
import type { MessageClient } from '../../bus/types.ts';
import { API_LEVEL } from '../../shared/version.ts';
import { refusal } from '../errors.ts';
import { readObject, type Fields as Shapes } from '../json-reader.ts';
import { JsonError } from '../json-scanner.ts';
import type { Work } from '../work.ts';
import type { ApiAccount, ApiStream } from './account-door.ts';

/** What was asked, copied from the message. */
export interface ApiRequest {
  readonly account: ApiAccount;
  readonly subject: string;
  /** The tokens of the subject behind the words of its kind: names, and of a create the tokens of a filter. */
  readonly names: readonly string[];
  readonly body: string;
  /** The level that the asker needs, as its header says; undefined = it does not say. */
  readonly level: string | undefined;
  /** No bytes: nobody waits for the answer. */
  readonly reply: Uint8Array;
  readonly client: MessageClient | undefined;
}

/** The members of an answer behind its type, in their order. Those that are undefined are left out. */
export type Fields = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly fields: Fields;
  /** The stream that it shows: it is sent when what that has stored is durable. */
  readonly stream?: ApiStream | undefined;
  /** It is not counted, and nobody is told of it. */
  readonly isQuiet?: boolean;
}

/** @returns undefined = there is no answer; work = the answer comes at its end. Throws ApiError, in its pieces, too. */
export type Handler = (request: ApiRequest) => Answer | Work<Answer> | undefined;

/**
 * Throws ApiError when the asker needs a higher level than we have.
 * Source: nats-server 2.15.3, server/jetstream_versioning.go, errorOnRequiredApiLevel.
 */
export function checkLevel({ level }: ApiRequest): void {
  if (level === undefined || level === '') return;
  if (!/^[+-]?\d+$/.test(level) || Number(level) > API_LEVEL) throw refusal('apiLevel');
}

/** Reads a body; `read` is told whether unknown keys are refused. Throws ApiError. */
export function readBody<T>(
  { account, body }: ApiRequest,
  read: (text: string, isStrict: boolean) => T,
): T {
  try {
    return read(body, account.isStrict);
  } catch (error) {
    if (error instanceof JsonError) throw refusal('invalidJson', error.message);
    throw error;
  }
}

/** The same of a body that may be left out, or be anything that is no object or array. */
export function readOptionalBody<T>(
  request: ApiRequest,
  read: (text: string, isStrict: boolean) => T,
): T | undefined {
  return /^[ \t\r\n]*[{[]/.test(request.body) ? readBody(request, read) : undefined;
}

/** The same of an object of known fields. Without a body nothing of it is there. */
export function readOptionalFields<T>(request: ApiRequest, shapes: Shapes): Partial<T> {
  const read = (text: string, isStrict: boolean): Partial<T> =>
    readObject<T>(text, shapes, isStrict);
  return readOptionalBody(request, read) ?? {};
}

/** Whether nothing is asked for: no body, or an object without members. */
export function isEmptyBody({ body }: ApiRequest): boolean {
  return /^(?:[ \t\r\n]*\{[ \t\r\n]*\}[ \t\r\n]*)?$/.test(body);
}

/** Throws ApiError when the request has a body. */
export function checkEmpty(request: ApiRequest): void {
  if (!isEmptyBody(request)) throw refusal('notEmptyRequest');
}

/** Throws ApiError. */
export function streamOf({ account }: ApiRequest, name = ''): ApiStream {
  const stream = account.streams.get(name);
  if (stream === undefined) throw refusal('streamNotFound');
  return stream;
}
