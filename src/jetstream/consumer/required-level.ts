// Whether a request asks for an API of a higher level than there is.
// Source: nats-server 2.15.3, server/jetstream_api.go, errorOnRequiredApiLevel.
import { API_LEVEL } from '../../shared/version.ts';

const decoder = new TextDecoder();
/** Keys of headers are matched as they are written. */
const LEVEL = /\r\nNats-Required-Api-Level:[ \t]*([^\r]*?)[ \t]*\r\n/;
const INTEGER = /^[-+]?\d+$/;

/** @param headers a header block, a view */
export function asksForLevel(headers: Uint8Array): boolean {
  const asked = LEVEL.exec(decoder.decode(headers))?.[1] ?? '';
  return asked !== '' && (!INTEGER.test(asked) || Number(asked) > API_LEVEL);
}
