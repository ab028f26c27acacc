// The twin as a router of the micro bench. There is one a process.

import {
  TWIN_BYTES,
  TWIN_INBOX,
  twinAllocate,
  twinIngest,
  twinInit,
  twinLookup,
  twinMatch,
  twinOpen,
  twinParse,
  twinRelease,
  twinTake,
} from '../twin/twin.ts';
import { layOut, type Placed, type Router, SESSIONS } from './router.ts';

export class TwinRouter implements Router {
  readonly name = 'JS twin';
  readonly isOurs = false;
  readonly #sessions: readonly number[];
  #readBytes = 0;
  #placed: Placed = layOut([]);
  #placedPtr = 0;

  constructor() {
    const [seed = 1, pick = 1] = crypto.getRandomValues(new Uint32Array(2));
    twinInit(seed, pick);
    this.#sessions = Array.from({ length: SESSIONS }, () => twinOpen(true));
  }

  say(session: number, text: string): void {
    TWIN_BYTES.set(Buffer.from(text, 'latin1'), TWIN_INBOX);
    const consumed = twinIngest(this.#sessions[session]!, TWIN_INBOX, text.length);
    if (consumed !== text.length) throw new Error(`the twin took ${consumed} of ${text.length}`);
  }

  load(bytes: Uint8Array): void {
    TWIN_BYTES.set(bytes, TWIN_INBOX);
    this.#readBytes = bytes.length;
  }

  route(): number {
    const consumed = twinIngest(this.#sessions[0]!, TWIN_INBOX, this.#readBytes);
    if (consumed !== this.#readBytes) throw new Error(`the twin took ${consumed} bytes`);
    let sent = 0;
    for (let take = twinTake(); take !== undefined; take = twinTake()) {
      for (const { ptr, length } of take.segments) {
        sent += TWIN_BYTES.subarray(ptr, ptr + length).length;
      }
      twinRelease(take);
    }
    return sent;
  }

  parse(): number {
    return twinParse(TWIN_INBOX, this.#readBytes);
  }

  place(subjects: readonly string[]): void {
    this.#placed = layOut(subjects);
    const { bytes } = this.#placed;
    this.#placedPtr = twinAllocate(bytes.length + 64);
    TWIN_BYTES.set(bytes, this.#placedPtr);
  }

  match(start: number, end: number): number {
    const { offsets, lengths } = this.#placed;
    const placedPtr = this.#placedPtr;
    let count = 0;
    for (let index = start; index < end; index += 1) {
      if (twinMatch(placedPtr + offsets[index]!, lengths[index]!) !== 0) count += 1;
    }
    return count;
  }

  lookUp(start: number, end: number): number {
    const { offsets, lengths } = this.#placed;
    const placedPtr = this.#placedPtr;
    let count = 0;
    for (let index = start; index < end; index += 1) {
      if (twinLookup(placedPtr + offsets[index]!, lengths[index]!) !== 0) count += 1;
    }
    return count;
  }
}
