// Whether a request asks for an API of a higher level than there is.
// Source: nats-server 2.15.3, server/jetstream_api.go, errorOnRequiredApiLevel.
import { API_LEVEL } from '../../shared/version.ts';
import { headerOf } from '../stream/header-block.ts';

export const LEVEL_HEADER = 'Nats-Required-Api-Level';
const INTEGER = /^[-+]?\d+$/;

/** @param headers a header block, a view */
export function asksForLevel(headers: Uint8Array): boolean {
  const asked = headerOf(headers, LEVEL_HEADER);
  return asked !== '' && (!INTEGER.test(asked) || Number(asked) > API_LEVEL);
}
