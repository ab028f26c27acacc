// The inbox of the core as what sockets read into. It is one for all of them: a read is routed before there is
// another one. A read gets as much of its beginning as the session's size of reads says (read-size.ts).
//
//   ┌ 256 B … 64 KiB ┐
//   └────────────────┴────────────── the whole inbox, 1 MiB ──────────────┘
import type { Core } from '../../core/index.ts';

export class Inbox {
  readonly #core: Core;
  readonly #sizes: readonly number[];
  /** One for each size. */
  #views: Uint8Array[] = [];

  /** @param sizes of reads, the largest no more than the inbox has */
  constructor(core: Core, sizes: readonly number[]) {
    this.#core = core;
    this.#sizes = sizes;
  }

  /**
   * The beginning of the inbox, as long as the size at `step`. The same object until linear memory grows.
   *
   * Node keeps the address. It stays right where `Core.growsInPlace` says so; elsewhere nobody reads into it.
   */
  view(step: number): Uint8Array {
    const view = this.#views[step];
    // Growth detaches views: their length is 0 then.
    if (view !== undefined && view.length > 0) return view;
    const { ptr } = this.#core.inbox;
    this.#views = this.#sizes.map((bytes) => this.#core.view(ptr, bytes));
    return this.#views[step] as Uint8Array;
  }
}
