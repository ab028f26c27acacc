// A handler whose result is the answer. What it throws is an answer, too: an empty payload with the two headers by which
// NATS's micro services say that they have failed.

import { InvalidPayloadError, ServiceError, toError } from '../shared/errors.ts';
import { encodePayload } from './codec.ts';
import { isPromise } from './handler-result.ts';
import { MessageHeaders } from './headers.ts';
import type { ProgramSide } from './program-side.ts';
import type { Message, MessageHandler, Responder } from './types.ts';

// ADR-32, and nats.js's ServiceErrorHeader and ServiceErrorCodeHeader.
const ERROR_HEADER = 'Nats-Service-Error';
const CODE_HEADER = 'Nats-Service-Error-Code';
/** As micro: the service's own fault, and the fault of what it was sent. */
const INTERNAL = 500;
const BAD_REQUEST = 400;
/** Characters of a text that travel: a block has to fit into a peer's max_payload. */
const TEXT_MAX = 1024;

/** The handler of a subscription that answers what `respond` returns or resolves to. */
export function responding(side: ProgramSide, respond: Responder): MessageHandler {
  return (message) => {
    let value: unknown;
    try {
      value = message.value;
    } catch (error) {
      fail(message, error, BAD_REQUEST);
      return undefined;
    }
    let result: unknown;
    try {
      result = respond(value, message);
    } catch (error) {
      fail(message, error);
      return undefined;
    }
    if (!isPromise(result)) {
      answer(side, message, result);
      return undefined;
    }
    return Promise.resolve(result).then(
      (settled) => answer(side, message, settled),
      (error: unknown) => fail(message, error),
    );
  };
}

function answer(side: ProgramSide, message: Message, result: unknown): void {
  if (message.client === undefined) {
    message.respond(result);
    return;
  }
  let payload: Uint8Array;
  try {
    payload = payloadFor(side, result);
  } catch (error) {
    fail(message, error);
    return;
  }
  message.respond(payload);
}

/** Bytes that a peer can be sent. Throws InvalidPayloadError. */
function payloadFor({ codec, engine }: ProgramSide, result: unknown): Uint8Array {
  const payload = encodePayload(result, codec);
  if (payload.length <= engine.maxPayload) return payload;
  throw new InvalidPayloadError(
    `answer of ${payload.length} bytes exceeds max_payload ${engine.maxPayload}`,
  );
}

/** Throws the error where there is nobody to tell it to. */
function fail(message: Message, error: unknown, code: number = codeOf(error)): void {
  const headers = new MessageHeaders();
  headers.set(ERROR_HEADER, textOf(error));
  headers.set(CODE_HEADER, `${code}`);
  if (!message.respond(undefined, { headers })) throw error;
}

function codeOf(error: unknown): number {
  // Of another copy of the package, too.
  const code = (error as Partial<ServiceError> | null | undefined)?.serviceCode;
  return Number.isInteger(code) ? (code as number) : INTERNAL;
}

/** What a header can hold of it. */
function textOf(error: unknown): string {
  const { message, name } = toError(error);
  const text = `${message}`.slice(0, TEXT_MAX).replace(/[\r\n\0]+|[\ud800-\udfff]/gu, ' ');
  return text.trim() || `${name}`;
}

/** The error that an answer is, made here; undefined for any other answer. */
export function serviceErrorOf({ headers }: Message): ServiceError | undefined {
  const code = headers?.get(CODE_HEADER) ?? '';
  if (code === '') return undefined;
  const text = headers?.get(ERROR_HEADER) ?? '';
  // As nats.js reads them.
  return new ServiceError(Number.parseInt(code, 10) || BAD_REQUEST, text || code);
}
