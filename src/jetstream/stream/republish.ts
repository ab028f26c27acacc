// What a stream has stored, published again on another subject, with headers that say where it lies: a reader who watches
// these needs no consumer, and sees by the last sequence of its subject whether it has missed one.
// Source: nats-server 2.15.3, server/stream.go, processJetStreamMsg; server/client.go, isReservedDestination; ADR-28.
import { rfc3339Nano } from '../../shared/time.ts';
import { CLAIMS, type Outbox } from '../outbox.ts';
import type { Incoming } from '../store/store.ts';
import { hasWildcard, isValidSubject } from '../subjects.ts';
import { bytesText, textBytes } from './header-block.ts';
import type { Transforms } from './transforms.ts';

/** A message that has been stored. */
export interface Republished {
  readonly stream: string;
  readonly message: Incoming;
  readonly subject: Uint8Array;
  readonly seq: number;
  readonly timeMs: number;
  /** Of the message before it on its subject; 0 = there was none. */
  readonly lastSeq: number;
}

const RESERVED =
  /^(?:_R_\.|_GR_\.|\$GR\.|\$JS\.(?:API|ACK|FC|SNAPSHOT|EVENT)(?:\.|$)|\$JS\.[^.]*\.API(?:\.|$))/;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** @returns the subject on which it should be published, when it cannot be: it is none, or one of the server's own */
export function republish(
  outbox: Outbox,
  { subjects, headersOnly }: NonNullable<Transforms['republish']>,
  stored: Republished,
): string | undefined {
  const subject = bytesText(stored.subject);
  const to = subjects.apply(subject);
  if (to === undefined || to === '') return undefined;
  if (!isValidSubject(to) || hasWildcard(to) || RESERVED.test(to)) return to;
  const { message } = stored;
  const body = new Uint8Array(message.bodyBytes);
  message.copyBody(body, 0);
  const payload = body.subarray(message.headerBytes);
  const lines = [
    `Nats-Stream: ${bytesText(encoder.encode(stored.stream))}`,
    `Nats-Subject: ${subject}`,
    `Nats-Sequence: ${stored.seq}`,
    `Nats-Time-Stamp: ${rfc3339Nano(stored.timeMs)}`,
    `Nats-Last-Sequence: ${stored.lastSeq}`,
  ];
  if (headersOnly) lines.push(`Nats-Msg-Size: ${payload.length}`);
  const own = textBytes(`${lines.join('\r\n')}\r\n\r\n`);
  const before = body.subarray(0, message.headerBytes);
  const headers = joined(before.length === 0 ? VERSION : before.subarray(0, -2), own);
  outbox.send(
    { to: textBytes(to), headers, payload: headersOnly ? NOTHING : payload },
    CLAIMS.repeated,
  );
  return undefined;
}

const VERSION: Uint8Array = encoder.encode('NATS/1.0\r\n');

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
