// The inbox of the core as what sockets read into. It is one for all of them: a read is routed before there is
// another one. Who sends much may fill all of it with one read, everybody else the beginning.
//
//   ┌ narrow, 64 KiB ┐
//   └────────────────┴──────────── wide: the whole inbox, 1 MiB ────────────┘
//
// What a read leaves unfinished has to be kept, so the number of those with the wide view is bounded, and the
// difference is set aside from what all unfinished reads may hold.
import type { Core } from '../core/index.ts';

/** As much as a socket is read at a time elsewhere. */
const NARROW_BYTES = 65_536;
/** The share of the budget of unfinished reads that is set aside. */
const WIDE_SHARE = 1 / 16;

export class Inbox {
  readonly #core: Core;
  /** Most sessions with the wide view. */
  readonly #wideMax: number;
  #wideCount = 0;
  #narrow: Uint8Array = new Uint8Array(0);
  #wide: Uint8Array = new Uint8Array(0);

  /** @param inboundMax bytes that all unfinished reads together may have */
  constructor(core: Core, inboundMax: number) {
    this.#core = core;
    this.#wideMax = Math.floor((inboundMax * WIDE_SHARE) / core.inbox.bytes);
  }

  /** Bytes by which wide reads may exceed narrow ones, all together. */
  get reserve(): number {
    return this.#wideMax * this.#core.inbox.bytes;
  }

  /**
   * The beginning of the inbox, or all of it. The same object until linear memory grows.
   *
   * Node keeps the address. It stays right: V8 reserves the whole address space of a memory and grows it in
   * its place.
   */
  view(isWide: boolean): Uint8Array {
    // Growth detaches views: their length is 0 then.
    if (this.#narrow.length === 0) {
      const { ptr, bytes } = this.#core.inbox;
      this.#narrow = this.#core.view(ptr, NARROW_BYTES);
      this.#wide = this.#core.view(ptr, bytes);
    }
    return isWide ? this.#wide : this.#narrow;
  }

  /**
   * Whether a session that has read so much gets the wide view for its next read.
   *
   * @param isWide it had it for this one
   */
  isWideAfter(length: number, isWide: boolean): boolean {
    const wantsWide = length >= NARROW_BYTES;
    if (wantsWide === isWide) return isWide;
    if (!wantsWide) this.#wideCount -= 1;
    else if (this.#wideCount < this.#wideMax) this.#wideCount += 1;
    else return false;
    return wantsWide;
  }

  /** A session with the wide view has ended. */
  returnWide(): void {
    this.#wideCount -= 1;
  }
}
