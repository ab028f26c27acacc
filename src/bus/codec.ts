// Values to payloads and back. Strings and bytes are payloads as they are; everything else goes through the
// bus's codec, JSON unless told otherwise. Bytes are known by ArrayBuffer.isView, which holds across realms.

import { InvalidPayloadError, toError } from '../shared/errors.ts';
import type { Codec } from './types.ts';

export const EMPTY_PAYLOAD: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** JSON in UTF-8; an empty payload is `undefined`. */
export const jsonCodec: Codec = {
  encode(value: unknown): Uint8Array {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON has no form for a ${typeof value}`);
    return encoder.encode(text);
  },
  decode(data: Uint8Array): unknown {
    return data.length === 0 ? undefined : JSON.parse(decoder.decode(data));
  },
};

/**
 * The payload of a value; bytes are not copied.
 * Throws InvalidPayloadError, with the codec's own error as cause, when there is none.
 */
export function encodePayload(value: unknown, codec: Codec): Uint8Array {
  if (value === undefined) return EMPTY_PAYLOAD;
  if (typeof value === 'string') return encoder.encode(value);
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  let bytes: unknown;
  try {
    bytes = codec.encode(value);
  } catch (cause) {
    throw new InvalidPayloadError(`the value cannot be encoded: ${toError(cause).message}`, {
      cause,
    });
  }
  if (!ArrayBuffer.isView(bytes)) {
    throw new InvalidPayloadError('the codec did not make bytes of the value');
  }
  return bytesOf(bytes);
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

function bytesOf(view: ArrayBufferView): Uint8Array {
  if (view instanceof Uint8Array) return view;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
