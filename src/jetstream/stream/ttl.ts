// How long a message asks to live: whole seconds, a duration from one second on, or for ever.
// Source: nats-server 2.15.3, server/stream.go, parseMessageTTL.
import { parseDuration } from '../../shared/go-duration.ts';

const SECOND = 1_000_000_000n;
export const FOR_EVER: number = -1;

/** Seconds; FOR_EVER, 0 = it asks for nothing, undefined = it is no such time. */
export function ttlSeconds(text: string): number | undefined {
  if (text === '') return 0;
  if (text.toLowerCase() === 'never') return FOR_EVER;
  try {
    const nanos = parseDuration(text);
    return nanos < SECOND ? undefined : Number(nanos / SECOND);
  } catch {
    return /^[0-9]+$/.test(text) ? Number(text) : undefined;
  }
}
