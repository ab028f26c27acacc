// What pulls, and who listens to a deliver subject, are told beside messages: status lines, as clients compare them, byte for byte.
// Source: nats-server 2.15.3, server/consumer.go; ADR-13.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A header block that is a status alone. */
export function status(line: string): Uint8Array {
  return encoder.encode(`NATS/1.0 ${line}\r\n\r\n`);
}

/** The same with what a pull has not been given: messages, and bytes if it has named some. */
export function statusWithRest(line: string, messages: number, bytes: number): Uint8Array {
  return encoder.encode(
    `NATS/1.0 ${line}\r\nNats-Pending-Messages: ${messages}\r\nNats-Pending-Bytes: ${bytes}\r\n\r\n`,
  );
}

/** @param stalledOn where a client has not answered yet that it is through with what came before */
export function idleHeartbeat(
  lastConsumerSeq: number,
  lastStreamSeq: number,
  stalledOn?: Uint8Array,
): Uint8Array {
  const stalled =
    stalledOn === undefined ? '' : `Nats-Consumer-Stalled: ${decoder.decode(stalledOn)}\r\n`;
  return encoder.encode(
    `NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: ${lastConsumerSeq}\r\nNats-Last-Stream: ${lastStreamSeq}\r\n${stalled}\r\n`,
  );
}

/** The header block of a delivery without its payload: what is stored, and how long the payload is. */
export function headersOnly(headers: Uint8Array | undefined, payloadBytes: number): Uint8Array {
  const line = encoder.encode(`Nats-Msg-Size: ${payloadBytes}\r\n\r\n`);
  const start = headers === undefined ? FIRST_LINE : headers.subarray(0, headers.length - 2);
  const block = new Uint8Array(start.length + line.length);
  block.set(start);
  block.set(line, start.length);
  return block;
}

const FIRST_LINE: Uint8Array = encoder.encode('NATS/1.0\r\n');

export const NO_MESSAGES: Uint8Array = status('404 No Messages');
export const REQUESTS_PENDING: Uint8Array = status('408 Requests Pending');
export const EXCEEDED_MAX_WAITING: Uint8Array = status('409 Exceeded MaxWaiting');
export const REQUIRED_API_LEVEL: Uint8Array = status('412 Required Api Level');
export const PUSH_BASED: Uint8Array = status('409 Consumer is push based');
export const FLOW_CONTROL: Uint8Array = status('100 FlowControl Request');
export const REQUEST_TIMEOUT = '408 Request Timeout';
export const BATCH_COMPLETED = '409 Batch Completed';
export const EXCEEDS_MAX_BYTES = '409 Message Size Exceeds MaxBytes';
