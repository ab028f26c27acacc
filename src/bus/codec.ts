// Values to payloads and back. Strings and bytes of every kind are payloads as they are; everything else goes through
// the bus's codec, JSON unless told otherwise. Kinds are known by what holds across realms, never by instanceof.

import { InvalidPayloadError, kindOf, toError } from '../shared/errors.ts';
import type { Codec } from './types.ts';

/** Not for programs. */
export const EMPTY_PAYLOAD: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Kinds that JSON makes `{}` of, or, where the program has added properties, an object of those alone. */
const LOSSY = /^(Map|Set|Error|Promise|Weak\w+)$/;

/**
 * JSON in UTF-8; an empty payload is `undefined`. Refuses what JSON would lose without a word: a Map, a Set, a
 * promise, an Error, NaN, a Date that is none, and whatever else of the platform becomes `{}` or `null`.
 */
export const jsonCodec: Codec = {
  encode(value: unknown): Uint8Array {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined || isLost(value, text)) {
      throw new TypeError(`JSON has no form for ${kindOf(value)}`);
    }
    return encoder.encode(text);
  },
  decode(data: Uint8Array): unknown {
    return data.length === 0 ? undefined : JSON.parse(decoder.decode(data));
  },
};

function isLost(value: unknown, text: string): boolean {
  if (text === 'null') return value !== null;
  if (typeof value !== 'object' || Array.isArray(value) || 'toJSON' in (value as object))
    return false;
  const kind = kindOf(value);
  return LOSSY.test(kind) || (text === '{}' && kind !== 'Object');
}

/**
 * The payload of a value; bytes are not copied, unless threads share them.
 * Throws InvalidPayloadError, with the codec's own error as cause, when there is none.
 */
export function encodePayload(value: unknown, codec: Codec): Uint8Array {
  // Its own: whoever gets it may give the buffer away.
  if (value === undefined) return new Uint8Array(0);
  if (typeof value === 'string') return encoder.encode(value);
  let encoded: unknown;
  try {
    encoded = bytesOf(value) ?? codec.encode(value);
  } catch (cause) {
    throw new InvalidPayloadError(`the value cannot be encoded: ${toError(cause).message}`, {
      cause,
    });
  }
  const bytes = bytesOf(encoded);
  if (bytes === undefined) {
    throw new InvalidPayloadError('the codec did not make bytes of the value');
  }
  return bytes;
}

/** Throws InvalidPayloadError, with the codec's own error as cause, for bytes that it refuses. */
export function decodePayload(data: Uint8Array, codec: Codec): unknown {
  try {
    return codec.decode(data);
  } catch (cause) {
    throw new InvalidPayloadError(`the payload cannot be decoded: ${toError(cause).message}`, {
      cause,
    });
  }
}

export function payloadText(data: Uint8Array): string {
  return decoder.decode(data);
}

/** Undefined for what is no bytes. Those that threads share are copied. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value)) {
    if (value instanceof Uint8Array) return value;
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  // Most are plain, and have none.
  if (!('byteLength' in value)) return undefined;
  const kind = kindOf(value);
  if (kind === 'SharedArrayBuffer') return new Uint8Array(value as SharedArrayBuffer).slice();
  return kind === 'ArrayBuffer' ? new Uint8Array(value as ArrayBuffer) : undefined;
}
