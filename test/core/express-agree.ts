// What the tests of the express lane say to it, and that it does as the long way does.

import { expect } from 'vitest';
import { type Play, type PlayPeer, play, type Step } from '../wasm/express-stage.ts';

/** The same from all builds with the lane as from the test build without it. */
export function agree(one: Play): void {
  const expected = play('test', false, one);
  expect(play('debug', true, one)).toEqual(expected);
  expect(play('release', true, one)).toEqual(expected);
}

export const read = (peer: number, ...chunks: string[]): Step => ({ kind: 'read', peer, chunks });
export const flags = (bits: number): PlayPeer => ({ flags: bits });
export const says = (text: string, more: PlayPeer = {}): PlayPeer => ({ ...more, says: text });

/** `count` messages of a subject, in one text. */
export function pubs(count: number, subject = 'a.b', size = 3): string {
  return `PUB ${subject} ${size}\r\n${'p'.repeat(size)}\r\n`.repeat(count);
}

/** The same with a header block of 12 bytes. */
export function hpubs(count: number, subject = 'a.b', size = 3): string {
  const body = `NATS/1.0\r\n\r\n${'p'.repeat(size)}`;
  return `HPUB ${subject} 12 ${12 + size}\r\n${body}\r\n`.repeat(count);
}
