// A small service on the internal door, as whoever keeps messages will be one: it stores what comes on `keep.>`,
// acknowledges once a turn of the loop, and replays everything to who asks on `replay`, in slices, for as long as the
// reader keeps up, and again when it has caught up. `claimed.>` it claims and does not serve.

import type { BusInternals } from '../../src/bus/internals.ts';
import type { RawMessage } from '../../src/bus/raw.ts';
import type { BatchEntry } from '../../src/core/index.ts';

const SLAB_BYTES = 1 << 22;
const SLICE_BYTES = 1 << 18;
const encoder = new TextEncoder();

/** Where a stored message lies: its subject, and behind that its body. */
interface Stored {
  readonly slab: Uint8Array;
  readonly start: number;
  readonly bodyStart: number;
  readonly headerBytes: number;
  readonly end: number;
}

/** A replay under way. */
interface Cursor {
  readonly to: Uint8Array;
  next: number;
}

export class ReplayService {
  readonly #door: BusInternals;
  readonly #stored: Stored[] = [];
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;
  #acks: { readonly to: Uint8Array; readonly count: number }[] = [];
  readonly #cursors: Cursor[] = [];
  /** Whether anybody listens on `live`. */
  hasListener = false;
  /** How often a replay had to wait for its reader. */
  waits = 0;
  /** How often acknowledgements were sent. */
  commits = 0;

  constructor(door: BusInternals) {
    this.#door = door;
    door.subscribeRaw('keep.>', (message) => this.#keep(message));
    door.subscribeRaw('replay', (message) => this.#replay(message));
    door.subscribeRaw('claimed.>', (message) => void door.noResponders(message));
    door.watchInterest('live', (hasInterest) => {
      this.hasListener = hasInterest;
    });
  }

  get count(): number {
    return this.#stored.length;
  }

  #keep(message: RawMessage): void {
    const bytes = message.subjectBytes + message.bodyBytes;
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
      this.#used = 0;
    }
    const start = this.#used;
    const bodyStart = message.copySubject(this.#slab, start);
    this.#used = message.copyBody(this.#slab, bodyStart);
    const { headerBytes } = message;
    this.#stored.push({ slab: this.#slab, start, bodyStart, headerBytes, end: this.#used });
    if (message.replyBytes === 0) return;
    if (this.#acks.length === 0) this.#door.atLoopEnd(() => this.#commit());
    this.#acks.push({ to: message.reply.slice(), count: this.#stored.length });
  }

  #commit(): void {
    const acks = this.#acks;
    this.#acks = [];
    this.commits++;
    this.#door.deliverBatch(
      acks.map(({ to, count }) => ({ to, payload: encoder.encode(`${count}`) })),
    );
  }

  #replay(message: RawMessage): void {
    const cursor = { to: message.reply.slice(), next: 0 };
    this.#cursors.push(cursor);
    this.#door.atTurnEnd(() => this.#goOn(cursor));
  }

  /** One slice; the next one when the loop has turned, or when the reader has caught up. */
  #goOn(cursor: Cursor): void {
    const entries: BatchEntry[] = [];
    for (let bytes = 0; bytes < SLICE_BYTES && cursor.next < this.#stored.length; cursor.next++) {
      const { slab, start, bodyStart, headerBytes, end } = this.#stored[cursor.next] as Stored;
      const payloadStart = bodyStart + headerBytes;
      entries.push({
        to: cursor.to,
        subject: slab.subarray(start, bodyStart),
        headers: headerBytes === 0 ? undefined : slab.subarray(bodyStart, payloadStart),
        payload: slab.subarray(payloadStart, end),
      });
      bytes += end - start;
    }
    if (entries.length === 0) return;
    const last = this.#door.deliverBatch(entries).at(-1);
    if (last === undefined || last.delivered === 0) return; // The reader has gone.
    if (last.pressed !== 0) {
      this.waits++;
      this.#door.whenDrained(last.pressed, () => this.#goOn(cursor));
    } else {
      this.#door.atLoopEnd(() => this.#goOn(cursor));
    }
  }
}
