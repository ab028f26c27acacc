// A thread that reads what a stream sends it as fast as it comes, and tells when the last message is there; pings.ts
// starts it. It is not one of the processes that are measured.

import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { END, READER_SUBJECT, type ReaderEnd } from './pings.ts';

const LAST = `${END}\r\n`;
/** Reads are counted before the next one begins. */
const buffer = Buffer.allocUnsafe(1 << 20);
let bytes = 0;
let tail = '';

function tell(isClosed: boolean): void {
  parentPort?.postMessage({ bytes, isClosed } satisfies ReaderEnd);
}

function onRead(length: number): boolean {
  const before = bytes;
  bytes += length;
  tail = (tail + buffer.toString('latin1', Math.max(0, length - LAST.length), length)).slice(
    -LAST.length,
  );
  // INFO and PONG come first.
  if (before === 0)
    socket.write(`CONNECT {"verbose":false,"headers":true}\r\nSUB ${READER_SUBJECT} 1\r\nPING\r\n`);
  else if (tail.endsWith('PONG\r\n')) parentPort?.postMessage('ready');
  else if (tail === LAST) tell(false);
  return true;
}

const onread = { buffer, callback: onRead };
const socket = connect({ host: '127.0.0.1', port: workerData as number, onread });
socket.on('close', () => tell(true));
socket.on('error', () => {});
